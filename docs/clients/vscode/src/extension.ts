// The extension: settings, commands and the item in the status bar. The words come from `foretype lsp`.

import * as vscode from "vscode";
import { Server, type Status } from "./server";
import type { Settings } from "./settings";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("Foretype", { log: true });
  const item = vscode.window.createStatusBarItem("foretype", vscode.StatusBarAlignment.Right);
  item.name = "Foretype";
  const started = new Server(log, (status) => show(item, status));
  server = started;
  context.subscriptions.push(
    log,
    item,
    vscode.commands.registerCommand("foretype.toggle", () =>
      configuration().update("enabled", !settings().enabled, vscode.ConfigurationTarget.Global),
    ),
    vscode.commands.registerCommand("foretype.restart", () => started.restart(settings())),
    vscode.commands.registerCommand("foretype.showLog", () => log.show()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("foretype")) {
        void started.restart(settings());
      }
    }),
    vscode.workspace.onDidOpenTextDocument(() => void started.open(settings())),
  );
  item.show();
  await started.open(settings());
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

function configuration(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration("foretype");
}

function settings(): Settings {
  return configuration() as unknown as Settings; // package.json gives each a type and a default
}

function show(item: vscode.StatusBarItem, status: Status): void {
  const [icon, text] = {
    off: ["circle-slash", "Off. Click to switch on."],
    waiting: ["edit", "Starts when you open a document of prose. Click to switch off."],
    starting: ["loading~spin", "Starting."],
    on: ["edit", "On. Click to switch off."],
    failed: ["warning", status.kind === "failed" ? status.reason : ""],
  }[status.kind] as [string, string];
  item.text = `$(${icon}) Foretype`;
  item.tooltip = text;
  item.command = status.kind === "failed" ? "foretype.showLog" : "foretype.toggle";
  item.backgroundColor =
    status.kind === "failed" ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
}
