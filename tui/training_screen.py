"""Shows a training run: what was read and will be trained, progress with time left, and the figures at the end."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.files.finding import find_bundle
from foretype.runtime.text.languages import LANGUAGES

if TYPE_CHECKING:
    from foretype.train.pipeline import Run

LINE_SECONDS = 30.0
"""Without a terminal, a line of progress appears this often."""
_KNOWN_SHARE, _AHEAD = 0.6, 0.1
"""A text is taken for a language if its model knows this share of the words, and the next one so much less."""
_ENGINES = {"ngram": "n-gram", "neural": "neural", "blend": "blend"}


class Display:
    """Shows progress on standard error: lasting lines, and a bar or, without a terminal, a line every 30 seconds."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None)
        self._perplexity = ""
        self._now = "starting"
        self.resumed = False

    def say(self, line: str) -> None:
        """Show a line that stays."""
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def repeat(self) -> None:
        """Show the current stage as a line."""
        self.say(self._now)

    def step(self, message: str) -> None:
        """Show the stage that begins."""
        self._now = message
        self._progress.update(self._task, description=message, total=None)

    def ready(self, run: Run, ngram: Mapping[str, Any]) -> None:
        """Show what was read, the bar to beat, and what will be trained."""
        if self.resumed:
            return
        for line in describe_text(run):
            self.say(line)
        self.step("measuring the n-gram model")
        self.say(describe_bar(run, ngram))
        self.step("measuring the speed of training")
        for line in describe_plan(run):
            self.say(line)

    def training(self, report: Any, total_tokens: int) -> None:
        """Show a report of the neural training."""
        measured = report.validation_perplexity is not None
        if measured:
            self._perplexity = f"  validation perplexity {report.validation_perplexity:.1f}"
        text = f"loss {report.loss:.3f}  {report.tokens_per_second:,.0f} tokens/s{self._perplexity}"
        left = max(0, total_tokens - report.tokens) / max(1e-9, report.tokens_per_second)
        self._now = f"neural model: {100 * report.tokens / total_tokens:.0f} %, at most {duration(left)} left  {text}"
        if measured:
            self.say(f"{report.tokens / 1e6:8.2f} M tokens  {text}")
        self._progress.update(
            self._task, description=f"neural model  {text}", total=total_tokens, completed=report.tokens
        )


@contextmanager
def display(*, quiet: bool = False) -> Iterator[Display]:
    """Show a display during a `with` block. Only its lines remain afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True, quiet=quiet)
    done = threading.Event()
    with Progress(*columns, console=console, transient=True) as progress:
        shown = Display(progress)
        ticker = threading.Thread(target=_tick, args=(shown, done), daemon=True)
        if not console.is_terminal:
            ticker.start()
        try:
            yield shown
        finally:
            done.set()


def _tick(shown: Display, done: threading.Event) -> None:
    while not done.wait(LINE_SECONDS):
        shown.repeat()


def duration(seconds: float) -> str:
    """A rough length of time, such as "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """A number of bytes, such as "1.2 MB"."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def describe_text(run: Run) -> list[str]:
    """Say what was read: words, vocabulary, joined lines, and the language of a bundled model that it is in."""
    facts, lines = run.facts, []
    form = run.form()
    names = ", ".join(str(file) for file in run.files[:3]) + (" and more" if len(run.files) > 3 else "")
    lines.append(
        f"read {names}: {facts['tokens']:,} words and marks, {facts['kinds']:,} different ones, "
        f"{facts['repeated']:,} of them more than once; vocabulary {len(form.vocabulary):,}"
    )
    for file, width in facts["joined"].items():
        lines.append(
            f"{file}: lines are broken at {width} characters; joined into paragraphs (--lines keeps the lines)"
        )
    if run.start is None and facts["tokens"] < 2_000_000 and (guess := guess_language(held_out(run.folder))):
        code, share = guess
        lines.append(
            f"it looks like {LANGUAGES[code].name} ({100 * share:.0f} % of its words are in the bundled `{code}`): "
            f"--from {code} starts from what that model knows"
        )
    return lines


def guess_language(documents: Sequence[Sequence[str]]) -> tuple[str, float] | None:
    """The language of a text, and the share of its words that the bundled model of that language knows.

    None if no language is clearly ahead of the others.
    """
    shares = sorted(((known_share(code, documents), code) for code in LANGUAGES), reverse=True)
    (share, code), (next_share, _) = shares[:2]
    return (code, share) if share >= _KNOWN_SHARE and share >= next_share + _AHEAD else None


def known_share(model: str, documents: Sequence[Sequence[str]]) -> float:
    """The share of the words of a text that the model of this name knows; 0 without words or without that model."""
    try:
        form = Bundle.open(find_bundle(model)).text_form()
    except ForetypeError:
        return 0.0
    words = [word for document in documents for line in document for word in form.pieces(line) if word[0].isalpha()]
    return sum(form.vocabulary.find(word.casefold()) is not None for word in words) / len(words) if words else 0.0


def held_out(folder: Path) -> list[list[str]]:
    """The documents of held-out text that a run keeps."""
    from foretype.runtime.text.corpus import read_documents
    from foretype.train.run_text import HELD_OUT

    path = folder / HELD_OUT
    return list(read_documents(path)) if path.exists() else []


def describe_bar(run: Run, ngram: Mapping[str, Any]) -> str:
    """Measure the n-gram model alone."""
    from foretype.export.engine_figures import engine_figures
    from foretype.export.write_bundle import export_run

    with tempfile.TemporaryDirectory() as folder:
        export_run(run.folder, Path(folder) / "ngram", neural=False)
        figures = engine_figures(Path(folder) / "ngram", held_out(run.folder))["ngram"]
    return (
        f"the bar to beat: n-gram model of {size(ngram['bytes'])}, perplexity {figures['perplexity']:.1f}, saves "
        f"{figures['saved']:.1f} % of the keystrokes ({figures['words']} held-out words, "
        f"{100 * figures['oov_rate']:.1f} % of them not in the vocabulary)"
    )


def describe_plan(run: Run) -> list[str]:
    """Say what will be trained, how long it takes, and what to expect."""
    lines, seconds = [], run.seconds()
    for name, (shape, config) in run.models().items():
        weights = shape.vocab_size * shape.embedding_size + 4 * shape.hidden_size * (
            shape.embedding_size + shape.hidden_size
        )
        whats = {"tuned": f"fine-tuning of {run.start}", "first": "first stage of the new neural model"}
        what = whats.get(name, "new neural model")
        lines.append(
            f"to train: {what}, {shape.architecture} {shape.embedding_size} x {shape.cell_size or shape.hidden_size} "
            f"(about {weights / 1e6:.1f} M weights), at most {config.tokens:,} tokens in steps of "
            f"{config.batch} x {config.steps}, learning rate {config.learning_rate:g}"
        )
    lines.append(
        f"this takes at most {duration(seconds)} on this machine as busy as it is now; it ends early when held-out "
        "text gains no more, and the best model is kept"
    )
    if seconds > 1800:
        lines.append("--minutes N shortens it: start again in another folder, or stop now and use what is there")
    lines.append("Ctrl+C saves a checkpoint and says how to go on")
    return lines


def warn_of_overfitting(run: Run, neural: Mapping[str, Any]) -> str | None:
    """Say so if held-out perplexity rose by more than a tenth after its best, and which settings matter."""
    best, last = neural["validation_perplexity"], neural.get("last_validation_perplexity")
    if best is None or last is None or last < 1.1 * best:
        return None
    return (
        f"warning: validation perplexity was best, {best:.1f}, after {neural['best_tokens']:,} tokens, and rose to "
        f"{last:.1f}: the network learned the text by heart. The best model is kept; fewer training.tokens (now "
        f"{run.recipe.training.get('tokens', 'the default')}) or more dropout would save the rest of the time"
    )


def figures_table(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The engines' perplexity and keystroke savings as lines."""
    words = max((entry["words"] for entry in figures.values()), default=0)
    lines = [f"{'':12}{'perplexity':>12}{'keystrokes saved':>18}   ({words} held-out words, 3 suggestions)"]
    for engine, entry in figures.items():
        lines.append(f"{_ENGINES.get(engine, engine):12}{entry['perplexity']:>12.1f}{entry['saved']:>16.1f} %")
    return lines


def finish(run_folder: Path, bundle: Path, shown: Display) -> dict[str, Any]:
    """Measure the bundle of a run: size, figures of each engine, a suggestion."""
    from foretype.export.engine_figures import engine_figures, sample_suggestion
    from foretype.runtime import load

    documents = held_out(run_folder)
    figures = engine_figures(bundle, documents, shown.step)
    typed, suggestions = sample_suggestion(load(bundle), documents)
    total = sum(path.stat().st_size for path in bundle.iterdir())
    return {
        "bytes": total,
        "engines": figures,
        "sample": {"text": typed, "suggestions": suggestions},
    }


def describe_bundle(bundle: Path, result: Mapping[str, Any]) -> list[str]:
    """The figures of `finish` as lines, and the next command."""
    lines = figures_table(result["engines"]) if result["engines"] else []
    lines.append(f"{bundle}: {size(result['bytes'])}")
    sample = result["sample"]
    if sample["text"]:
        lines.append(f"{sample['text']!r} -> {', '.join(sample['suggestions']) or 'no suggestion'}")
    lines.append(f"next: foretype --bundle {bundle}")
    return lines
