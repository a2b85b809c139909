"""A language model over characters, for the comparison: its alphabet, its figures per word, and words from letters.

The model is the same `LanguageModel`, trained by the same `Trainer`, on a stream of characters instead of words.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from heapq import nlargest
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.suggesting.candidates import suggestions
from foretype.runtime.suggesting.distribution import Distribution
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import Context, ContextReader, window_start
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import TextForm, new_tokenizer, split_pieces
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, SPECIAL_TOKENS, UNKNOWN_ID, Vocabulary
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.layers import State

CHARACTERS = "characters.json"
_SYMBOL = re.compile(r"<num>|<link>|.", re.DOTALL)
_PIECE = 1000


@cache
def _splitter() -> Tokenizer:
    return new_tokenizer({token: i for i, token in enumerate(SPECIAL_TOKENS)})


def _split(text: str) -> list[str]:
    """The characters of `text` in the text form's spelling: straight quotes, numbers and links as one symbol each."""
    symbols: list[str] = _SYMBOL.findall(_splitter().normalizer.normalize_str(text))
    return symbols


@dataclass(frozen=True)
class Alphabet:
    """The symbols that a model over characters knows, by id: the special tokens, then characters by code point."""

    symbols: tuple[str, ...]

    @classmethod
    def learn(cls, documents: Iterable[Document], size: int = 128) -> Alphabet:
        """The most frequent characters of `documents`, `size` symbols in all; the others become `<unk>`.

        Raises ConfigError when `size` leaves no room for characters, CorpusError when the text holds none.
        """
        room = size - len(SPECIAL_TOKENS)
        if room < 1:
            raise ConfigError(f"alphabet size is {size}; legal: {len(SPECIAL_TOKENS) + 1} or more")
        counts = Counter(symbol for document in documents for line in document for symbol in _split(line))
        characters = sorted(counts.keys() - set(SPECIAL_TOKENS), key=lambda symbol: (-counts[symbol], symbol))
        if not characters:
            raise CorpusError("the text holds no characters")
        return cls((*SPECIAL_TOKENS, *sorted(characters[:room])))

    def __len__(self) -> int:
        return len(self.symbols)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each symbol; of a line break, that of `</s>`."""
        return {symbol: number for number, symbol in enumerate(self.symbols)} | {"\n": LINE_END_ID}

    def encode(self, text: str) -> list[int]:
        """The ids of the characters of `text`."""
        ids = self.ids
        return [ids.get(symbol, UNKNOWN_ID) for symbol in _split(text)]

    def encode_document(self, document: Document) -> list[int]:
        """`<s>`, then each line followed by `</s>`."""
        return [DOCUMENT_START_ID, *(i for line in document for i in (*self.encode(line), LINE_END_ID))]

    def stream(self, documents: Iterable[Document]) -> NDArray[np.uint16]:
        """The ids of `documents` one after another, for a `Trainer`."""
        parts = [np.array(self.encode_document(document), np.uint16) for document in documents]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint16)

    def save(self, folder: Path) -> None:
        """Write `characters.json` into `folder`."""
        write_json(folder / CHARACTERS, list(self.symbols))

    @classmethod
    def load(cls, folder: Path) -> Alphabet:
        """Read what `save` wrote. Raises CheckpointError when it is missing or damaged."""
        path = folder / CHARACTERS
        try:
            symbols = tuple(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path}: cannot be read ({error})") from error
        if symbols[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS or not all(isinstance(s, str) for s in symbols):
            raise CheckpointError(f"{path}: not an alphabet; its first symbols must be {' '.join(SPECIAL_TOKENS)}")
        return cls(symbols)


@torch.no_grad()
def character_figures(model: LanguageModel, alphabet: Alphabet, documents: Iterable[Document]) -> dict[str, float]:
    """How well a model over characters predicts `documents`, each read from the zero state.

    characters: scored, line ends included. bits_per_character: mean of -log2 p. tokens: words, marks and line ends of
    the same text in a model over words. perplexity: exp(-sum of log p over all characters / tokens): a word is the
    product of its characters and of the space after it, so that this is the perplexity per token of a word model
    (punctuation counted), except that nothing is hidden in `<unk>` and that capitals at sentence starts count.
    """
    total, characters, tokens = 0.0, 0, 0
    for document in documents:
        ids = torch.tensor(alphabet.encode_document(document), device=model.output_bias.device)
        state = model.zero_state(1)
        for start in range(0, len(ids) - 1, _PIECE):
            piece = ids[start : start + _PIECE + 1]
            features, state = model(piece[:-1, None], state)
            logits = model.logits(features[:, 0]).float()
            total += float(torch.nn.functional.cross_entropy(logits, piece[1:], reduction="sum"))
        characters += len(ids) - 1
        tokens += sum(len(split_pieces(_splitter(), line)) + 1 for line in document)
    return {
        "characters": characters,
        "tokens": tokens,
        "bits_per_character": total / max(1, characters) / math.log(2),
        "perplexity": math.exp(total / max(1, tokens)),
    }


@dataclass(slots=True)
class _Node:
    """A place in the trie of words: the characters that may follow, and the word that ends here (-1 for none)."""

    children: dict[str, _Node] = field(default_factory=dict)
    word: int = -1

    def matching(self, character: str) -> Iterator[_Node]:
        """The children that `character` leads to, whatever its case; in its own case first."""
        for form in dict.fromkeys((character, character.lower(), character.upper())):
            if form in self.children:
                yield self.children[form]


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """A spelling on its way: where it is in the trie (in several places where case differs, the most fitting first),
    log p of its characters, and its row in state and scores."""

    nodes: tuple[_Node, ...]
    score: float
    row: int

    @property
    def word(self) -> int:
        """The word that is spelt out, -1 for none."""
        return next((node.word for node in self.nodes if node.word >= 0), -1)

    def continued(self, capital: bool) -> dict[str, tuple[_Node, ...]]:
        """Where each next character leads to. capital: whether it may be the capital that a sentence starts with."""
        steps: dict[str, tuple[_Node, ...]] = {}
        for raised in (False, True) if capital else (False,):
            for node in self.nodes:
                for character, child in node.children.items():
                    form = character.upper() if raised else character
                    if not (raised and form == character):
                        steps[form] = (*steps.get(form, ()), child)
        return steps


class CharacterPredictor:
    """Finds the most probable words with a model over characters: a beam search through the trie of a vocabulary.

    form: the text form whose vocabulary holds the words that may be offered. beam: hypotheses that are kept after each
    character, all advanced in one call of the model; a larger one finds more, an unlimited one all.
    """

    def __init__(self, model: LanguageModel, alphabet: Alphabet, form: TextForm, *, beam: int = 32) -> None:
        self._model, self._alphabet, self._beam = model.eval(), alphabet, beam
        self.vocabulary: Vocabulary = form.vocabulary
        self._reader = ContextReader(form)
        self._root = _Node()
        for number, word in enumerate(self.vocabulary.tokens[self.vocabulary.first_word :]):
            if all(character in alphabet.ids for character in word):
                node = self._root
                for character in word:
                    node = node.children.setdefault(character, _Node())
                node.word = number
        ends = [
            i == LINE_END_ID or (len(s) == 1 and not s.isalnum() and s not in "'-")
            for i, s in enumerate(alphabet.symbols)
        ]
        self._ends = torch.tensor(ends)
        self._read: list[tuple[tuple[int, ...], State, torch.Tensor]] = []

    def words(self, text: str, k: int = 3) -> list[Suggestion]:
        """At most `k` words for the end of `text`, the text before the cursor, which may end inside a word; as
        `Session.suggest` of the runtime offers them."""
        context = self._reader.read(text)
        if not context.open_to_words:
            return []
        offered = suggestions(self.vocabulary, Distribution(self.probabilities(text, context, k), "neural"), context, k)
        return [suggestion for suggestion in offered if suggestion.probability > 0]

    @torch.no_grad()
    def probabilities(self, text: str, context: Context, k: int) -> NDArray[np.float32]:
        """p(word | text, prefix) of the words that the search finds, 0 for others: float32 [words], entry i for the id
        first_word + i. It ends when no hypothesis can come among the best `k`."""
        found = np.zeros(len(self.vocabulary) - self.vocabulary.first_word, np.float32)
        state, scores = self._state(text)
        nodes: tuple[_Node, ...] = (self._root,)
        for character in context.prefix.replace("\u2019", "'"):
            nodes = tuple(child for node in nodes for child in node.matching(character))
        hypotheses = [_Hypothesis(nodes, 0.0, 0)]
        first = not context.prefix
        while hypotheses:
            ended = scores[:, self._ends].logsumexp(1).tolist()
            for hypothesis in hypotheses:
                if hypothesis.word >= 0:
                    found[hypothesis.word] += math.exp(hypothesis.score + ended[hypothesis.row])
            least = float(np.partition(found, -k)[-k]) if k < len(found) else 0.0
            steps = [step for step in self._steps(hypotheses, scores.tolist(), first) if math.exp(step[0]) > least]
            steps = nlargest(self._beam, steps, key=lambda step: step[0])
            if not steps:
                break
            rows = torch.tensor([row for _, _, row, _ in steps])
            state, scores = self._advance([[i for _, i, _, _ in steps]], tuple(part[:, rows] for part in state))
            hypotheses = [_Hypothesis(nodes, score, row) for row, (score, _, _, nodes) in enumerate(steps)]
            first = False
        return found

    def _steps(
        self, hypotheses: Sequence[_Hypothesis], scores: list[list[float]], first: bool
    ) -> Iterator[tuple[float, int, int, tuple[_Node, ...]]]:
        """Each hypothesis with one more character: log p, the character's id, the row it comes from, and its nodes."""
        ids = self._alphabet.ids
        for hypothesis in hypotheses:
            row = scores[hypothesis.row]
            for character, nodes in hypothesis.continued(first).items():
                if character in ids:
                    yield hypothesis.score + row[ids[character]], ids[character], hypothesis.row, nodes

    def _state(self, text: str) -> tuple[State, torch.Tensor]:
        """State and scores after `text`, going on from the longest beginning of it that was read before."""
        ids = (DOCUMENT_START_ID, *self._alphabet.encode(text[window_start(text) :]))
        while self._read and ids[: len(self._read[-1][0])] != self._read[-1][0]:
            self._read.pop()
        known, state, scores = self._read[-1] if self._read else ((), self._model.zero_state(1), torch.empty(0))
        if len(known) < len(ids):
            state, scores = self._advance([[i] for i in ids[len(known) :]], state)
            self._read.append((ids, state, scores))
        return state, scores

    def _advance(self, ids: Sequence[Sequence[int]], state: State) -> tuple[State, torch.Tensor]:
        """Read `ids` [steps, rows]; the state and log p of each next character, float32 [rows, symbols]."""
        features, state = self._model(torch.tensor(ids, device=self._model.output_bias.device), state)
        return state, torch.log_softmax(self._model.logits(features[-1]).float(), -1).cpu()
