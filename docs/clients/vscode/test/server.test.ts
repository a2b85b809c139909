// The settings of the extension against a real server: `foretype` must be in PATH; FORETYPE_MODEL names a bundle.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import * as lsp from "vscode-languageserver-protocol/node";
import { languages, serverCommand, serverSettings, type Settings } from "../src/settings";

const URI = "file:///letter.md";
const manifest = JSON.parse(readFileSync(join(__dirname, "..", "..", "package.json"), "utf8"));
const DEFAULTS = Object.fromEntries(
  Object.entries(manifest.contributes.configuration.properties).map(([name, property]) => [
    name.replace("foretype.", ""),
    (property as { default: unknown }).default,
  ]),
) as unknown as Settings;
const servers: ChildProcess[] = [];
after(() => servers.forEach((server) => server.kill()));

interface Editor {
  connection: lsp.ProtocolConnection;
  server: ChildProcess;
  warnings: string[];
}

/** An editor with one Markdown document, whose server was started as the extension starts it. */
async function editor(text: string, changed: Partial<Settings> = {}): Promise<Editor> {
  const settings = { ...DEFAULTS, model: process.env["FORETYPE_MODEL"] ?? "", ...changed };
  const { command, args } = serverCommand(settings);
  const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  servers.push(server);
  const connection = lsp.createProtocolConnection(server.stdout, server.stdin);
  const warnings: string[] = [];
  connection.onNotification(lsp.ShowMessageNotification.type, ({ message }) => {
    warnings.push(message);
  });
  connection.listen();
  const { capabilities } = await connection.sendRequest(lsp.InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions: serverSettings(settings),
  });
  assert.ok(capabilities.inlineCompletionProvider, "the server offers ghost text");
  await connection.sendNotification(lsp.InitializedNotification.type, {});
  const textDocument = { uri: URI, languageId: "markdown", version: 1, text };
  await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument });
  return { connection, server, warnings };
}

function end(text: string): lsp.TextDocumentPositionParams {
  return { textDocument: { uri: URI }, position: { line: 0, character: text.length } };
}

async function ghosts({ connection }: Editor, text: string): Promise<lsp.InlineCompletionItem[]> {
  const context = { triggerKind: lsp.InlineCompletionTriggerKind.Automatic };
  const found = await connection.sendRequest(lsp.InlineCompletionRequest.type, { ...end(text), context });
  return Array.isArray(found) ? found : (found?.items ?? []);
}

async function words({ connection }: Editor, text: string): Promise<string[]> {
  const found = await connection.sendRequest(lsp.CompletionRequest.type, end(text));
  return (Array.isArray(found) ? found : (found?.items ?? [])).map((item) => item.label);
}

test("with the default settings there are words and ghost text that continues what is typed", async () => {
  const text = "I love th";
  const writing = await editor(text);
  const offered = await words(writing, text);
  assert.ok(offered.length > 1 && offered.length <= DEFAULTS.words);
  const [ghost] = await ghosts(writing, text);
  assert.ok(ghost?.range, "ghost text says what it replaces");
  assert.ok(String(ghost.insertText).startsWith("th"));
  assert.equal(ghost.range.end.character - ghost.range.start.character, "th".length);
  assert.deepEqual(writing.warnings, [], "the server knows every setting");
  await writing.connection.sendRequest(lsp.ShutdownRequest.type);
  await writing.connection.sendNotification(lsp.ExitNotification.type);
  assert.equal((await once(writing.server, "exit"))[0], 0);
});

test("changed settings reach the server", async () => {
  const text = "I love th";
  const writing = await editor(text, { words: 1, ghost: false });
  assert.equal((await words(writing, text)).length, 1);
  assert.deepEqual(await ghosts(writing, text), []);
});

test("documents of source code are sent only if comments or strings are wanted", () => {
  assert.ok(!languages(DEFAULTS).includes("python"));
  assert.ok(languages({ ...DEFAULTS, comments: true }).includes("python"));
});

test("learning is off by default", () => {
  assert.equal(serverSettings(DEFAULTS)["learn"], false);
});
