"""The commands `pad`, `demo`, `suggest`, `eval`, `generate` and `info`, which do not need torch."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from foretype.runtime.errors import ForetypeError
from foretype.runtime.text.reading import MOST_BYTES

if TYPE_CHECKING:
    from foretype.runtime import Model, Suggestions
    from foretype.runtime.engines.loading import EngineName
    from foretype.runtime.mixture import Models
    from foretype.runtime.personal.store import Store


def model_names(start: str) -> list[str]:
    """The names of models that start with `start`, for completion in the shell."""
    from foretype.runtime.files.finding import BUNDLES, installed_names

    return [name for name in (*BUNDLES, *installed_names()) if name.startswith(start)]


_BUNDLE_HELP = "Folder of a bundle, or the name of a model that `foretype models` lists."
BundleOption = Annotated[
    Path | None, typer.Option("--model", "--bundle", help=_BUNDLE_HELP, autocompletion=model_names)
]
ModelsOption = Annotated[
    Path | None,
    typer.Option("--model", "--bundle", help=f"{_BUNDLE_HELP} Join several with +: en+de.", autocompletion=model_names),
]
EngineOption = Annotated[str, typer.Option("--engine", help="Choose the engine: auto, blend, neural or ngram.")]
ProviderOption = Annotated[
    str, typer.Option("--provider", help="Run on cpu, cuda, auto, or another provider of ONNX Runtime.")
]
ProfileOption = Annotated[str, typer.Option("--profile", help="Use the personal store with this name of your choice.")]
PersonalOption = Annotated[bool, typer.Option("--personal/--no-personal", help="Use your personal store.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def chosen(bundle: Path | None) -> Path | None:
    """The bundle in `--bundle`, or the user's default model; None for the default of `load`."""
    from foretype.runtime.files.installed import default_folder

    return bundle or default_folder()


def load_model(bundle: Path | None, engine: str, provider: str = "cpu") -> Model:
    """Load a model. If it falls back to another engine, print the notice on standard error."""
    from foretype.runtime import load
    from foretype.runtime.engines.loading import ENGINES

    if engine not in ENGINES:
        raise typer.BadParameter(f"{engine!r}; choose from {', '.join(ENGINES)}", param_hint="--engine")
    model = load(chosen(bundle), engine=engine, provider=provider)  # type: ignore[arg-type]
    if model.notice:
        print(f"foretype: {model.notice}", file=sys.stderr)
    return model


def load_several(bundle: Path | None, engine: str, provider: str = "cpu") -> Model | Models:
    """Load a model, or several joined with +. Like `load_model` otherwise."""
    if bundle is None or "+" not in str(bundle):
        return load_model(bundle, engine, provider)
    from foretype.runtime.mixture import load_models

    models = load_models(bundle, engine=engine, provider=provider)
    if models.notice:
        print(f"foretype: {models.notice}", file=sys.stderr)
    return models


def _existing_store(profile: str) -> Store | None:
    """The store of `profile`; None if it does not exist, so that a query does not create it."""
    from foretype.runtime.personal.settings import store_path
    from foretype.runtime.personal.store import Store

    path = store_path(profile)
    return Store(path) if path.exists() else None


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _check_text(text: str) -> None:
    """Raise ForetypeError if the bytes of `text` were not UTF-8. Python keeps such bytes as lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ForetypeError(f"the text is not UTF-8 (at character {error.start})") from error


def _version(asked: bool) -> None:
    if asked:
        print(f"foretype {version('foretype')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Predicts what you type next. `foretype [FILE]` opens the typing pad."""


def pad(
    file: Annotated[
        list[str] | None,
        typer.Argument(help="File to edit, new or not; +N FILE or FILE:N starts on line N; - edits standard input."),
    ] = None,
    bundle: ModelsOption = None,
    engine: EngineOption = "auto",
    profile: ProfileOption = "default",
    personal: PersonalOption = True,
    private: Annotated[bool, typer.Option("--private", help="Learn nothing; Ctrl+P switches.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Write line by line, for screen readers.")] = False,
    scan: Annotated[
        float, typer.Option("--scan", min=0, help="With --plain: offer one word every SCAN seconds.")
    ] = 0.0,
) -> None:
    """Open the typing pad. You can leave out the word `pad`."""
    from foretype.runtime.mixture import load_models
    from foretype.tui.pad.settings import read_settings, settings_path

    arguments = file or []
    plain = plain or os.environ.get("TERM") == "dumb"
    reads_input = arguments == ["-"] or (not arguments and not plain and not sys.stdin.isatty())
    # Textual draws on standard error.
    if not plain and not (sys.stderr.isatty() and (reads_input or (sys.stdin.isatty() and sys.stdout.isatty()))):
        raise ForetypeError(
            "the pad needs a terminal; without one, use `foretype --plain`, `foretype suggest TEXT`, or see "
            "`foretype --help`"
        )
    settings = read_settings(settings_path())
    store = None
    if personal:
        from foretype.runtime.personal.store import Store

        store = Store(profile=profile)
    if plain:
        from foretype.tui.plain import run_plain

        run_plain(arguments, load_several(bundle, engine), store, private, scan)
        return
    from foretype.tui.pad.models import model_of
    from foretype.tui.pad.run import place, run_filter, run_pad

    path, line = (None, None) if reads_input else place(arguments)
    if bundle is None and path is not None and (remembered := model_of(path)):
        bundle = Path(remembered)
    model = load_models(bundle or chosen(None), engine=engine)
    later = cast("EngineName", engine)
    if reads_input:
        run_filter(model, store, private, settings, later)
    else:
        run_pad(path, model, store, private, settings, line, later)


def demo(
    text: Annotated[str, typer.Argument(help="Text to type. By default, a letter of three sentences.")] = "",
    seconds: Annotated[float, typer.Option("--pause", min=0, help="Wait this many seconds between keys.")] = 0.12,
    bundle: BundleOption = None,
) -> None:
    """Watch the pad type a text by itself, accepting each word as soon as it is offered."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ForetypeError("the demo needs a terminal")
    from foretype.runtime import load
    from foretype.tui.pad.demo import TEXT, run_demo

    account = run_demo(load(chosen(bundle)), text or TEXT, seconds)
    print(f"{account.keys} keys for {account.characters} characters: {account.saved:.0%} saved")


def suggest(
    text: Annotated[
        str, typer.Argument(help="Text before the cursor; - reads standard input, without its last newline.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Print up to this many words.")] = 3,
    bundle: ModelsOption = None,
    engine: EngineOption = "auto",
    provider: ProviderOption = "cpu",
    profile: ProfileOption = "default",
    personal: PersonalOption = True,
    as_json: JsonOption = False,
) -> None:
    """Print suggestions for the end of TEXT, one per line, best first."""
    if text == "-":
        if sys.stdin is None:
            raise ForetypeError("standard input is closed; give the text as an argument")
        text = sys.stdin.read(MOST_BYTES + 1).removesuffix("\n")
        if len(text) > MOST_BYTES:
            raise ForetypeError(f"standard input: longer than {MOST_BYTES >> 20} MB, or without an end")
    _check_text(text)
    if bundle is not None and (bundle / "characters.json").is_file():
        _suggest_by_characters(bundle, text, k, as_json)
        return
    model = load_several(bundle, engine, provider)
    session = model.session(store=_existing_store(profile) if personal else None, private=True)
    found = session.suggest(text, k=k)
    if session.notice and session.notice != model.notice:
        print(f"foretype: {session.notice}", file=sys.stderr)
    _print_suggestions(found, model.engine, as_json)


def _suggest_by_characters(bundle: Path, text: str, k: int, as_json: bool) -> None:
    from foretype.runtime.characters.word_search import CharacterModel
    from foretype.runtime.files.bundle import Bundle

    found = CharacterModel(Bundle.open(bundle)).session().suggest(text, k=k)
    _print_suggestions(found, found.engine, as_json)


def _print_suggestions(found: Suggestions, engine: str, as_json: bool) -> None:
    if as_json:
        print_json({"engine": engine, "suggestions": [suggestion.to_dict() for suggestion in found]})
    else:
        for suggestion in found:
            print(suggestion.text)


def info(bundle: BundleOption = None, engine: EngineOption = "auto", as_json: JsonOption = False) -> None:
    """Show what the model is: engine, sizes, training text and figures."""
    facts = load_model(bundle, engine).info()
    if as_json:
        print_json(facts)
        return
    from foretype.tui.model_card import print_card

    print_card(facts)


def generate(
    prompt: Annotated[str, typer.Argument(help="Text to continue.")] = "",
    tokens: Annotated[int, typer.Option(min=1, help="Sample at most this many tokens.")] = 100,
    temperature: Annotated[
        float, typer.Option(min=0, max=10, help="Vary less below 1, more above 1; 0 takes the best token.")
    ] = 0.8,
    top_k: Annotated[int, typer.Option(min=0, help="Sample from the k best tokens; 0 for all.")] = 0,
    top_p: Annotated[
        float, typer.Option(min=0.0001, max=1, help="Sample from the best tokens that together reach this probability.")
    ] = 0.95,
    seed: Annotated[int | None, typer.Option(min=0, help="Make the text reproducible.")] = None,
    bundle: BundleOption = None,
    engine: EngineOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Sample text from the model until it ends the document."""
    from foretype.runtime.generate import SamplingConfig
    from foretype.runtime.generate import generate as sample

    _check_text(prompt)
    config = SamplingConfig(tokens, temperature, top_k, top_p, seed)
    pieces = sample(load_model(bundle, engine), prompt, config)
    if as_json:
        print_json({"prompt": prompt, "text": "".join(pieces), "seed": seed})
        return
    print(prompt, end="")
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def evaluate(
    files: Annotated[list[Path], typer.Argument(help="Text files or folders (.xz and .gz too); - for standard input.")],
    limit: Annotated[int, typer.Option(min=0, help="Read about this many words of each file; 0 for all.")] = 0,
    lines: Annotated[bool, typer.Option("--lines", help="Treat each line as a document (phrase sets).")] = False,
    bundle: BundleOption = None,
    engine: EngineOption = "auto",
    provider: ProviderOption = "cpu",
    overlooks: Annotated[
        float | None, typer.Option(min=0, max=1, help="Assume this chance that the user overlooks a suggestion.")
    ] = None,
    attention: Annotated[
        float, typer.Option(min=0, max=1, help="Let the simulated user look at the suggestions with this chance.")
    ] = 1.0,
    writing: Annotated[
        bool, typer.Option("--writing", help="Measure misspelt words and suggestions of several words instead.")
    ] = False,
    typist: Annotated[
        str | None, typer.Option(help="Measure words a minute of this simulated typist, or of all, instead.")
    ] = None,
    layout: Annotated[
        str, typer.Option(help="Simulate slips on this keyboard layout in --writing and --typist.")
    ] = "qwerty",
    record: Annotated[bool, typer.Option("--record", help="Store the means in the bundle's manifest.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the model on text: perplexity, next-word accuracy, keystroke savings, time per suggestion."""
    from foretype.runtime.evaluation.keystrokes import User
    from foretype.runtime.personal.learning.attention import OVERLOOKS
    from foretype.tui.commands.evaluation import evaluate_files, print_report

    if record and (overlooks is not None or attention != 1.0):
        raise typer.BadParameter("keeps the figures of the default user only", param_hint="--record")
    if record and (writing or typist):
        raise typer.BadParameter("keeps no figures of --writing and --typist", param_hint="--record")
    if writing and typist:
        raise typer.BadParameter("cannot be combined with --writing", param_hint="--typist")
    model = load_model(bundle, engine, provider)
    if writing:
        from foretype.tui.writing import evaluate_writing, print_writing

        figures = evaluate_writing(model, files, limit, lines, layout)
        if as_json:
            print_json(figures)
        else:
            print_writing(figures)
        return
    if typist is not None:
        from foretype.tui.writing import evaluate_typing, print_typing

        figures = evaluate_typing(model, files, typist, limit, lines, layout)
        if as_json:
            print_json(figures)
        else:
            print_typing(figures)
        return
    user = User(OVERLOOKS if overlooks is None else overlooks, attention)
    report = evaluate_files(model, files, limit, lines, user)
    if record:
        from foretype.export.write_bundle import record_evaluation

        record_evaluation(model.bundle.folder, report)
    if as_json:
        print_json(report)
    else:
        print_report(report)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.callback()(_root)
    app.command("pad")(pad)
    app.command("demo")(demo)
    app.command("suggest")(suggest)
    app.command("eval")(evaluate)
    app.command("generate")(generate)
    app.command("info")(info)
