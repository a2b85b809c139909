"""Adapts a bundle to one writer: trains on part of the text, writes a bundle, and measures both on the rest."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foretype.export.fit_blend import fit_blend
from foretype.export.graph.build import save
from foretype.export.graph.quantise import int8_graph
from foretype.export.write_bundle import write_manifest
from foretype.runtime.errors import ConfigError, CorpusError
from foretype.runtime.evaluation.documents import count_words
from foretype.runtime.evaluation.keystrokes import Keystrokes, evaluate_keystrokes, paired_gain
from foretype.runtime.files.atomic import write_text
from foretype.runtime.files.bundle import LEXICON, NGRAM, STEP, TOKENIZER, Bundle
from foretype.runtime.model import Model, load
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import TextForm
from foretype.train.adapt.fine_tune import FineTuning, Stream, fine_tune, sample_text
from foretype.train.adapt.learnable import encode_all, extended
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.from_bundle import bundle_shape, start_from_bundle
from foretype.train.neural.training.trainer import perplexity
from foretype.train.ngrams.estimate import NgramConfig, estimate_ngram
from foretype.train.ngrams.from_bundle import bundle_tables, mix
from foretype.train.ngrams.tables import write_tables

LEAST_WORDS = 2_000
"""Words of own text below which nothing is adapted: the personal store learns from less."""
OFFERED = 3
_PIECE = 60
"""Least words of the pieces in which text is held out."""
_HELD_OUT_EVERY = 20
_PARTS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""How far to go from the bundle's weights to the fine-tuned ones."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class AdaptConfig:
    """How a bundle is adapted.

    minutes: most time for fine-tuning the network. bound: largest rise of the perplexity on general text, as a share.
    least_uses: how often a word must occur to enter the vocabulary. new_words: most words to add to it.
    general: tokens of general text to rehearse; an eighth as many are held out. judged: most words to measure on.
    fine_tuning: of the network.
    """

    minutes: float = 10.0
    bound: float = 0.15
    least_uses: int = 3
    new_words: int = 2_000
    general: int = 16_000
    judged: int = 1_500
    fine_tuning: FineTuning = field(default_factory=FineTuning)

    def __post_init__(self) -> None:
        if not self.minutes > 0:
            raise ConfigError(f"minutes is {self.minutes:g}; must be above 0")
        if not 0 <= self.bound <= 1:
            raise ConfigError(f"bound is {self.bound:g}; must be 0 to 1")


@dataclass(frozen=True)
class Adapted:
    """What an adaptation did.

    words: of the writer's text in all. new_words: added to the vocabulary. judged: words that neither model was
        trained on, on which `saved` was measured.
    saved, saved_before: keystrokes saved on them, in percent, as written, three words offered, by the adapted model and
        by the bundle. interval: of the gain, in points, 95 %, resampling pieces of text.
    general, general_before: perplexity of the networks on general text. part: how far the weights went from the
        bundle's to the fine-tuned ones. ngram_share: of the writer in the n-gram tables. seconds: time of everything.
    """

    words: int
    new_words: int
    judged: int
    saved: float
    saved_before: float
    interval: list[float]
    general: float
    general_before: float
    part: float
    ngram_share: float
    seconds: float

    @property
    def gain(self) -> float:
        """Points of keystrokes saved over the bundle."""
        return self.saved - self.saved_before

    @property
    def rise(self) -> float:
        """How much higher the perplexity on general text is than the bundle's, as a share."""
        return self.general / self.general_before - 1

    def faults(self, bound: float) -> list[str]:
        """Why the adapted model is not worth keeping, with the figures; empty if it is.

        It must be better on the writer's text, and its perplexity on general text within `bound`.
        """
        faults = []
        if not self.gain > 0:
            faults.append(f"no better on your text ({self.gain:+.2f} points of keystrokes saved)")
        if not self.rise <= bound:
            faults.append(f"perplexity on general text {100 * self.rise:+.1f} %, over the bound of {100 * bound:g} %")
        return faults

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        return {**asdict(self), "gain": self.gain}


def adapt_bundle(
    base: Path, documents: Sequence[Document], out: Path, config: AdaptConfig, step: Report = lambda _: None
) -> Adapted:
    """Write the bundle in `base`, adapted to the writer of `documents`, to the empty folder `out`; return the figures.

    step: called with the name of each step.

    Raises CorpusError if there is too little text, ConfigError if the bundle's network cannot be adapted; BundleError.
    """
    begin = time.monotonic()
    bundle = Bundle.open(base)
    learned, tuned_on, judged_on = divide(documents)
    words = sum(map(count_words, documents))
    if words < LEAST_WORDS:
        raise CorpusError(f"{words:,} words of your own text; at least {LEAST_WORDS:,} are needed")
    old = bundle.text_form()
    form = extended(old, learned, config.least_uses, config.new_words)
    own, tuning = encode_all(form, learned), encode_all(form, tuned_on)
    torch.manual_seed(config.fine_tuning.seed)
    model = LanguageModel(ModelConfig(len(form.vocabulary), **bundle_shape(base)))
    start_from_bundle(model, form, base)
    step("sampling general text")
    known = np.array([token in old.vocabulary.exact for token in form.vocabulary.tokens])
    rehearsed = sample_text(model, config.general, known, seed=1)
    general = sample_text(model, config.general // 8, known, seed=2)
    before = perplexity(model, general)
    part = _tune(model, own, rehearsed, tuning, general, config, step)
    step("n-gram tables")
    share = _write_ngrams(bundle, form, own, (tuning, general), out)
    save(int8_graph(model.eval()), out / STEP)
    write_text(out / TOKENIZER, form.tokenizer().to_str())
    if bundle.lists(LEXICON):
        shutil.copyfile(bundle.file(LEXICON), out / LEXICON)
    step("blend weights")
    kept = {name: value for name, value in bundle.manifest.items() if name not in ("format", "files", "figures")}
    kept |= {"name": out.name, "figures": {}, "adapted_from": bundle.name}
    write_manifest(out, kept)
    kept["blend"] = fit_blend(load(out, engine="blend"), tuning)
    write_manifest(out, kept)
    step("measuring")
    judged = _first(judged_on, config.judged)
    before_typed, after_typed = (_typed(load(folder, engine="blend"), judged) for folder in (base, out))
    gain, interval = paired_gain(before_typed, after_typed)
    saved_before = before_typed.savings()[f"k{OFFERED}"]
    adapted = Adapted(
        words=words,
        new_words=len(form.vocabulary) - len(old.vocabulary),
        judged=sum(before_typed.words),
        saved=saved_before + gain,
        saved_before=saved_before,
        interval=interval,
        general=perplexity(model, general),
        general_before=before,
        part=part,
        ngram_share=share,
        seconds=time.monotonic() - begin,
    )
    write_manifest(out, kept | {"figures": {"adapted": adapted.to_json()}})
    return adapted


def divide(documents: Sequence[Document]) -> tuple[list[Document], list[Document], list[Document]]:
    """Divide text into what is trained on, a twentieth to fit settings on, and a twentieth to measure on.

    It is cut between lines, into pieces of at least `_PIECE` words; each keeps its place in a document.
    """
    parts: tuple[list[Document], list[Document], list[Document]] = [], [], []
    number = 0
    for document in documents:
        piece: Document = []
        for last, line in enumerate(document, start=1):
            piece.append(line)
            if count_words(piece) >= _PIECE or last == len(document):
                place = number % _HELD_OUT_EVERY
                parts[1 if place == 9 else 2 if place == 19 else 0].append(piece)
                piece, number = [], number + 1
    return parts


def _tune(
    model: LanguageModel,
    own: Stream,
    rehearsed: Stream,
    tuning: Stream,
    general: Stream,
    config: AdaptConfig,
    step: Report,
) -> float:
    """Fine-tune `model`, then go back towards its old weights until general text is within the bound.

    Interpolated weights often predict better than both ends (Wortsman et al. 2022), so a high learning rate and a way
    back lose less general text than a low rate. Returns how far it went.
    """
    old = {name: weight.clone() for name, weight in model.state_dict().items()}
    before = perplexity(model, general)
    fine_tune(
        model,
        own,
        rehearsed,
        tuning,
        config.fine_tuning,
        60 * config.minutes,
        lambda passes, value: step(f"pass {passes}: perplexity {value:.1f} on your text"),
    )
    new = {name: weight.clone() for name, weight in model.state_dict().items()}
    found: list[tuple[float, float]] = []
    for part in (*_PARTS, 0.0):
        model.load_state_dict({name: torch.lerp(old[name], new[name], part) for name in old})
        if perplexity(model, general) <= (1 + config.bound) * before:
            found.append((perplexity(model, tuning), part))
    part = min(found)[1]
    model.load_state_dict({name: torch.lerp(old[name], new[name], part) for name in old})
    return part


def _write_ngrams(bundle: Bundle, form: TextForm, own: Stream, fitted: tuple[Stream, Stream], out: Path) -> float:
    """Write the bundle's tables, interpolated with those of the writer's text; return the writer's share.

    fitted: text of the writer and general text, which count the same in the share, so that neither gets much worse.

    Longer n-grams that occur once are left out: they help little, and would spell out the text.
    """
    general = bundle_tables(bundle, form)
    order = len(general.orders)
    writer = estimate_ngram(own, len(form.vocabulary), NgramConfig(order=order, prune=(0, 0, 1, 1, 1)[:order]))
    length = min(map(len, fitted))
    mixed, share = mix(general, writer, np.concatenate([text[:length] for text in fitted]))
    write_tables(out / NGRAM, mixed)
    return share


def _first(documents: Sequence[Document], words: int) -> list[Document]:
    taken: list[Document] = []
    for document in documents:
        if words <= 0:
            break
        taken.append(document)
        words -= count_words(document)
    return taken


def _typed(model: Model, documents: Sequence[Document]) -> Keystrokes:
    return evaluate_keystrokes(model, documents, "text")
