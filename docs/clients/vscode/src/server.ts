// The server process and its client: started when a document of prose is open, started again after a change of settings.

import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import { languages, serverCommand, serverSettings, type Settings } from "./settings";

/** What the status bar shows. */
export type Status = { kind: "off" | "waiting" | "starting" | "on" } | { kind: "failed"; reason: string };

const STATUS: Record<State, Status> = {
  [State.Starting]: { kind: "starting" },
  [State.Running]: { kind: "on" },
  [State.Stopped]: { kind: "failed", reason: "The server has ended." },
  [State.StartFailed]: { kind: "failed", reason: "The server does not start." },
};

export class Server {
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();

  /** log: where the server's messages go. show: called whenever the status changes. */
  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly show: (status: Status) => void,
  ) {}

  /** Start with these settings, or start again. One start or stop waits for the end of the other. */
  restart(settings: Settings): Promise<void> {
    return this.next(async () => {
      await this.stopClient();
      await this.startClient(settings);
    });
  }

  /** Start if a document of prose is open and the server does not run yet. */
  open(settings: Settings): Promise<void> {
    return this.next(async () => {
      if (this.client === undefined) {
        await this.startClient(settings);
      }
    });
  }

  stop(): Promise<void> {
    return this.next(() => this.stopClient());
  }

  private next(step: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(step, step);
    return this.turn;
  }

  private async startClient(settings: Settings): Promise<void> {
    try {
      if (!settings.enabled) {
        this.show({ kind: "off" });
        return;
      }
      const selector = languages(settings).map((language) => ({ language }));
      if (!vscode.workspace.textDocuments.some((document) => vscode.languages.match(selector, document) > 0)) {
        this.show({ kind: "waiting" });
        return;
      }
      this.client = this.newClient(settings, selector);
      await this.client.start();
    } catch (error) {
      this.show({ kind: "failed", reason: message(error) });
    }
  }

  private newClient(settings: Settings, documentSelector: { language: string }[]): LanguageClient {
    const client = new LanguageClient("foretype", "Foretype", serverCommand(settings), {
      documentSelector,
      initializationOptions: serverSettings(settings),
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false, // do not try again
      middleware: {
        // Ghost text offers the next word; a list that opens after each space would hide it.
        provideCompletionItem: (document, position, context, token, next) =>
          context.triggerKind === vscode.CompletionTriggerKind.TriggerCharacter
            ? undefined
            : next(document, position, context, token),
      },
    });
    client.onDidChangeState(({ newState }) => {
      if (this.client === client) {
        this.show(STATUS[newState]);
      }
    });
    return client;
  }

  private async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.log.info(`The server did not end properly: ${message(error)}`);
    }
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
