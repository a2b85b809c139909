// What the user has set, as the command that starts the server and the settings that it is sent.

/** The settings of package.json, without their prefix `foretype.`. */
export interface Settings {
  readonly enabled: boolean;
  readonly command: string;
  readonly model: string;
  readonly words: number;
  readonly threshold: number;
  readonly nextWord: boolean;
  readonly ghost: boolean;
  readonly phrases: boolean;
  readonly languages: readonly string[];
  readonly comments: boolean;
  readonly strings: boolean;
  readonly corrections: boolean;
  readonly personal: boolean;
  readonly learn: boolean;
  readonly profile: string;
}

/** Languages in whose comments and strings the server offers words. */
const CODE = [
  "python",
  "javascript",
  "javascriptreact",
  "typescript",
  "typescriptreact",
  "c",
  "cpp",
  "rust",
  "go",
  "shellscript",
];

/** The languages of the documents that are sent to the server; no others leave the editor. */
export function languages(settings: Settings): string[] {
  return [...settings.languages, ...(settings.comments || settings.strings ? CODE : [])];
}

/** The command that starts the server, and its arguments. */
export function serverCommand(settings: Settings): { command: string; args: string[] } {
  return {
    command: settings.command.trim() || "foretype",
    args: ["lsp", ...(settings.model ? ["--bundle", settings.model] : [])],
  };
}

/** The settings under the names that the server gives them; see docs/editors.md. */
export function serverSettings(settings: Settings): Record<string, unknown> {
  return {
    words: settings.words,
    threshold: settings.threshold,
    next_word: settings.nextWord,
    ghost: settings.ghost,
    phrases: settings.phrases,
    languages: settings.languages.map((language) => language.toLowerCase()),
    comments: settings.comments,
    strings: settings.strings,
    corrections: settings.corrections,
    personal: settings.personal,
    learn: settings.learn,
    profile: settings.profile,
  };
}
