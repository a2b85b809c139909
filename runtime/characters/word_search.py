"""Finds words with a character model: a beam search through a trie of words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.characters.alphabet import Alphabet
from foretype.runtime.engines.step_graph import FloatArray, NeuralModel, State
from foretype.runtime.errors import BundleError
from foretype.runtime.files.bundle import CHARACTERS, STEP, Bundle
from foretype.runtime.suggesting.candidates import suggestions
from foretype.runtime.suggesting.distribution import Distribution
from foretype.runtime.suggestion import Suggestions
from foretype.runtime.text.context import Context, ContextReader, window_start
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, Vocabulary

_SOUGHT = 8
"""The search goes on until at least this many words are certain: some of them may not be offered."""


@dataclass(slots=True)
class _Node:
    """A node of the trie of words: the characters that may follow, and the word that ends here (-1 for none)."""

    children: dict[str, _Node] = field(default_factory=dict)
    word: int = -1

    def matching(self, character: str) -> Iterator[_Node]:
        """Yield the children for `character` in any case, its own case first."""
        for form in dict.fromkeys((character, character.lower(), character.upper())):
            if form in self.children:
                yield self.children[form]


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """A partial spelling.

    nodes: its nodes in the trie; several if they differ in case, the best match first. score: log p of its characters.
    row: its row in state and scores.
    """

    nodes: tuple[_Node, ...]
    score: float
    row: int

    @property
    def word(self) -> int:
        """The complete word, -1 for none."""
        return next((node.word for node in self.nodes if node.word >= 0), -1)

    def continued(self, capital: bool) -> dict[str, tuple[_Node, ...]]:
        """The nodes after each next character. capital: whether it may be the capital at the start of a sentence."""
        steps: dict[str, tuple[_Node, ...]] = {}
        for raised in (False, True) if capital else (False,):
            for node in self.nodes:
                for character, child in node.children.items():
                    form = character.upper() if raised else character
                    if not (raised and form == character):
                        steps[form] = (*steps.get(form, ()), child)
        return steps


class CharacterModel:
    """A bundle whose step graph reads characters: its engine, its alphabet, and the trie of the words it may suggest.

    Raises BundleError if a file is missing, altered or of another model, EngineError if the graph cannot run.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.form = bundle.text_form()
        self.vocabulary: Vocabulary = self.form.vocabulary
        self.neural = NeuralModel.open(bundle.file(STEP))
        path = bundle.file(CHARACTERS)
        self.alphabet = Alphabet.load(path)
        if self.neural.vocab_size != len(self.alphabet):
            raise BundleError(f"{path}: has {len(self.alphabet)} characters; {STEP} has {self.neural.vocab_size}")
        self.root = _Node()
        for number, word in enumerate(self.vocabulary.tokens[self.vocabulary.first_word :]):
            if all(character in self.alphabet.ids for character in word):
                node = self.root
                for character in word:
                    node = node.children.setdefault(character, _Node())
                node.word = number

    def session(self, options: object = None, *, beam: int = 32, **_settings: object) -> CharacterSession:
        """Create a session for one text field.

        beam: number of hypotheses kept after each character. One call of the model advances them all; a larger beam
        finds more words, an unlimited one all. The settings of sessions of word models have no effect: there is no
        store, and slips are not looked for.
        """
        return CharacterSession(self, beam)


class CharacterSession:
    """Suggests words by a beam search through the trie of a vocabulary, within the typed letters."""

    def __init__(self, model: CharacterModel, beam: int) -> None:
        self._model, self._beam = model, beam
        self._reader = ContextReader(model.form)
        self._ends = np.array(
            [
                i == LINE_END_ID or (len(s) == 1 and not s.isalnum() and s not in "'-")
                for i, s in enumerate(model.alphabet.symbols)
            ]
        )
        self._read: list[tuple[tuple[int, ...], State, FloatArray]] = []
        self._last: tuple[str, int, NDArray[np.float32]] = ("", 0, np.empty(0, np.float32))

    def suggest(self, text: str, k: int = 3) -> Suggestions:
        """Suggest at most `k` words after `text`, the text before the cursor, like `Session.suggest`."""
        context = self._reader.read(text)
        if not context.open_to_words:
            return Suggestions((), text, "neural")
        count = max(k, _SOUGHT)
        if self._last[:2] != (text, count):
            self._last = (text, count, self.probabilities(text, context, count))
        offered = suggestions(self._model.vocabulary, Distribution(self._last[2], "neural"), context, k)
        return Suggestions([word for word in offered if word.probability > 0], text, "neural")

    def probabilities(self, text: str, context: Context, k: int) -> NDArray[np.float32]:
        """Return p(word | text, prefix) of the words that the search finds, 0 for others: float32 [words].

        Entry i is for id first_word + i. The search ends when no hypothesis can be among the best `k`.
        """
        vocabulary = self._model.vocabulary
        found = np.zeros(len(vocabulary) - vocabulary.first_word, np.float32)
        state, scores = self._state(text)
        nodes: tuple[_Node, ...] = (self._model.root,)
        for character in context.prefix.replace("\u2019", "'"):
            nodes = tuple(child for node in nodes for child in node.matching(character))
        hypotheses = [_Hypothesis(nodes, 0.0, 0)]
        first = not context.prefix
        while hypotheses:
            ended = np.logaddexp.reduce(scores[:, self._ends], axis=1).tolist()
            for hypothesis in hypotheses:
                if hypothesis.word >= 0:
                    found[hypothesis.word] += math.exp(hypothesis.score + ended[hypothesis.row])
            least = float(np.partition(found, -k)[-k]) if k < len(found) else 0.0
            steps = [step for step in self._steps(hypotheses, scores.tolist(), first) if math.exp(step[0]) > least]
            steps = nlargest(self._beam, steps, key=lambda step: step[0])
            if not steps:
                break
            rows = [row for _, _, row, _ in steps]
            ids = np.array([[i] for _, i, _, _ in steps], np.int64)
            state, scores = self._advance(ids, tuple(part[:, rows] for part in state))
            hypotheses = [_Hypothesis(nodes, score, row) for row, (score, _, _, nodes) in enumerate(steps)]
            first = False
        return found

    def _steps(
        self, hypotheses: Sequence[_Hypothesis], scores: list[list[float]], first: bool
    ) -> Iterator[tuple[float, int, int, tuple[_Node, ...]]]:
        """Yield each hypothesis with one more character: log p, the character's id, its previous row, its nodes."""
        ids = self._model.alphabet.ids
        for hypothesis in hypotheses:
            row = scores[hypothesis.row]
            for character, nodes in hypothesis.continued(first).items():
                if character in ids:
                    yield hypothesis.score + row[ids[character]], ids[character], hypothesis.row, nodes

    def _state(self, text: str) -> tuple[State, FloatArray]:
        """Return state and scores after `text`, starting from its longest prefix that was read before."""
        ids = (DOCUMENT_START_ID, *self._model.alphabet.encode(text[window_start(text) :]))
        while self._read and ids[: len(self._read[-1][0])] != self._read[-1][0]:
            self._read.pop()
        state, scores = self._model.neural.initial_state(), np.empty(0, np.float32)
        known: tuple[int, ...] = ()
        if self._read:
            known, state, scores = self._read[-1]
        if len(known) < len(ids):
            state, scores = self._advance(np.array([ids[len(known) :]], np.int64), state)
            self._read.append((ids, state, scores))
        return state, scores

    def _advance(self, ids: NDArray[np.int64], state: State) -> tuple[State, FloatArray]:
        """Read `ids` [rows, steps]; return the state, and log p of each next character, float32 [rows, symbols]."""
        logits, state = self._model.neural.run_batch(ids, state)
        return state, logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
