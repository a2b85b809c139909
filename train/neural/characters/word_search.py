"""Finds words with a character model: a beam search through a trie of words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest

import numpy as np
import torch
from numpy.typing import NDArray

from foretype.runtime.suggesting.candidates import suggestions
from foretype.runtime.suggesting.distribution import Distribution
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text.context import Context, ContextReader, window_start
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, Vocabulary
from foretype.train.neural.characters.alphabet import Alphabet
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.layers import State


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


class CharacterPredictor:
    """Finds the most probable words with a character model: a beam search through the trie of a vocabulary.

    form: the text form whose vocabulary contains the words to suggest. beam: number of hypotheses kept after each
    character. One call of the model advances them all; a larger beam finds more words, an unlimited one all.
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
        """Suggest at most `k` words after `text`, the text before the cursor, like `Session.suggest` of the runtime."""
        context = self._reader.read(text)
        if not context.open_to_words:
            return []
        offered = suggestions(self.vocabulary, Distribution(self.probabilities(text, context, k), "neural"), context, k)
        return [suggestion for suggestion in offered if suggestion.probability > 0]

    @torch.no_grad()
    def probabilities(self, text: str, context: Context, k: int) -> NDArray[np.float32]:
        """Return p(word | text, prefix) of the words that the search finds, 0 for others: float32 [words].

        Entry i is for id first_word + i. The search ends when no hypothesis can be among the best `k`.
        """
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
        """Yield each hypothesis with one more character: log p, the character's id, its previous row, its nodes."""
        ids = self._alphabet.ids
        for hypothesis in hypotheses:
            row = scores[hypothesis.row]
            for character, nodes in hypothesis.continued(first).items():
                if character in ids:
                    yield hypothesis.score + row[ids[character]], ids[character], hypothesis.row, nodes

    def _state(self, text: str) -> tuple[State, torch.Tensor]:
        """Return state and scores after `text`, starting from its longest prefix that was read before."""
        ids = (DOCUMENT_START_ID, *self._alphabet.encode(text[window_start(text) :]))
        while self._read and ids[: len(self._read[-1][0])] != self._read[-1][0]:
            self._read.pop()
        known, state, scores = self._read[-1] if self._read else ((), self._model.zero_state(1), torch.empty(0))
        if len(known) < len(ids):
            state, scores = self._advance([[i] for i in ids[len(known) :]], state)
            self._read.append((ids, state, scores))
        return state, scores

    def _advance(self, ids: Sequence[Sequence[int]], state: State) -> tuple[State, torch.Tensor]:
        """Read `ids` [steps, rows]; return the state, and log p of each next character, float32 [rows, symbols]."""
        features, state = self._model(torch.tensor(ids, device=self._model.output_bias.device), state)
        return state, torch.log_softmax(self._model.logits(features[-1]).float(), -1).cpu()
