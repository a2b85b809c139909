"""Learns the vocabulary and the case rule from text."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.files.atomic import write_json, write_text
from foretype.runtime.files.bundle import case_rule_from_json, case_rule_to_json
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import CaseRule, TextForm, new_tokenizer, split_pieces
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, fold, is_word, sort_key
from foretype.train.text.parallel import map_batches


@dataclass(frozen=True)
class VocabularyConfig:
    """Which tokens the vocabulary contains.

    size: number of tokens, including special tokens and punctuation.
    minimum_count: a token that occurs less often (after weighting) is left out.
    form_share: a second written form of a word ("May" beside "may") is kept if it accounts for at least this share of
        the word's occurrences inside sentences.
    capitals_share: the same for a form in capitals ("US" beside "us"), which is usually a different word.
    spread: number of sources that must use a word for it to count in full; used by fewer, it counts for less. This
        keeps out names of people and products from one source. With fewer sources in all, every word counts in full.
    dotted_i: whether "i" and "ı" are two letters whose capitals are "İ" and "I", as in Turkish.
    """

    size: int = 30_000
    minimum_count: float = 2.0
    form_share: float = 0.2
    capitals_share: float = 0.02
    spread: int = 1
    dotted_i: bool = False

    def __post_init__(self) -> None:
        if not 50 <= self.size <= 1_000_000:
            raise ConfigError(f"vocabulary size is {self.size}; must be 50 to 1000000")
        for name in ("minimum_count", "form_share", "capitals_share"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; must be 0 or more")
        if self.spread < 1:
            raise ConfigError(f"spread is {self.spread}; must be at least 1")


_MINIMUM_MENTIONS = 5.0
"""A second form is kept only if it occurs at least this often."""


@cache
def _splitter() -> Tokenizer:
    return new_tokenizer({token: i for i, token in enumerate(SPECIAL_TOKENS)})


def _is_cased_line(pieces: Sequence[str]) -> bool:
    """Whether the capitals in this line mean something: it starts with one, and most of its words do not."""
    words = [piece for piece in pieces if is_word(piece)]
    if len(words) < 4 or not words[0][0].isupper():
        return False
    return 2 * sum(word[0].isupper() for word in words[1:]) < len(words) - 1


Counts = tuple[Mapping[str, float], Mapping[str, float]]
"""How often each piece occurs: anywhere, and inside sentences of lines whose capitals mean something."""


def count_pieces(documents: Sequence[Document]) -> Counts:
    """Count the pieces of `documents`."""
    anywhere: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    rule = CaseRule()
    for document in documents:
        for line in document:
            pieces = split_pieces(_splitter(), line)
            anywhere.update(pieces)
            if not _is_cased_line(pieces):
                continue
            starts = True
            for piece in pieces:
                if not starts:
                    inside[piece] += 1
                starts = rule.starts_after(piece, starts)
    return anywhere, inside


def count_sources(
    texts: Iterable[tuple[str, Iterable[Document]]],
    weights: Mapping[str, float],
    spread: int = 1,
    done: Callable[[str], None] = lambda _: None,
) -> Counts:
    """Count the pieces of all texts, and multiply each source's counts by its weight (1 by default).

    spread: see `VocabularyConfig`.
    """
    anywhere: defaultdict[str, float] = defaultdict(float)
    inside: defaultdict[str, float] = defaultdict(float)
    used_by: Counter[str] = Counter()
    sources = 0
    for name, documents in texts:
        sources += 1
        weight = weights.get(name, 1.0)
        seen: set[str] = set()
        for batch in map_batches(count_pieces, documents):
            for total, counts in zip((anywhere, inside), batch, strict=True):
                for piece, count in counts.items():
                    total[piece] += weight * count
            seen.update(map(fold, batch[0]))
        used_by.update(seen)
        done(name)
    if sources >= spread > 1:
        for piece in anywhere:
            anywhere[piece] *= min(1.0, used_by[fold(piece)] / spread)
    return anywhere, inside


def choose_tokens(counts: Counts, config: VocabularyConfig) -> tuple[list[str], dict[str, str]]:
    """Return the tokens of the vocabulary in id order, and the preferred form of each word with several forms.

    Raises CorpusError if the text contains no words.
    """
    anywhere, inside = counts
    forms: defaultdict[str, list[str]] = defaultdict(list)
    total: defaultdict[str, float] = defaultdict(float)
    for piece, count in anywhere.items():
        if is_word(piece):
            forms[fold(piece)].append(piece)
            total[fold(piece)] += count
        elif piece not in SPECIAL_TOKENS:
            total[piece] += count
    if not forms:
        raise CorpusError("the text contains no words")

    tokens: list[str] = []
    preferred: dict[str, str] = {}
    room = config.size - len(SPECIAL_TOKENS)
    for key in sorted(total, key=lambda key: (-total[key], key)):
        if total[key] < config.minimum_count or len(tokens) >= room:
            break
        if key not in forms:
            tokens.append(key)
            continue
        # If capitals mean nothing (lower-case chat), or the word never occurs inside a sentence, use all mentions and
        # prefer lower case.
        votes = inside if any(inside.get(form) for form in forms[key]) else anywhere
        ranked = sorted(forms[key], key=lambda form: (-votes.get(form, 0.0), form[0].isupper(), form))
        mentions = sum(votes.get(form, 0.0) for form in ranked)
        kept = ranked[:1]
        for form in ranked[1:]:
            share = config.capitals_share if len(form) > 1 and form.isupper() else config.form_share
            if votes is inside and votes.get(form, 0.0) >= max(share * mentions, _MINIMUM_MENTIONS):
                kept.append(form)
        tokens.extend(kept[: room - len(tokens)])
        if len(kept) > 1:
            preferred[key] = kept[0]
    words = sorted((token for token in tokens if is_word(token)), key=sort_key)
    marks = sorted(token for token in tokens if not is_word(token))
    known = set(words)
    return [*SPECIAL_TOKENS, *marks, *words], {k: v for k, v in sorted(preferred.items()) if v in known}


def learn_text_form(counts: Counts, config: VocabularyConfig) -> TextForm:
    """Make the text form whose vocabulary and case rule follow from `counts`."""
    tokens, preferred = choose_tokens(counts, config)
    return TextForm(
        {token: i for i, token in enumerate(tokens)}, CaseRule(preferred=preferred, dotted_i=config.dotted_i)
    )


def extend_text_form(base: TextForm, form: TextForm) -> TextForm:
    """Return `base` with the tokens of `form` that it lacks. Words that both have keep the case rule of `base`."""
    vocabulary = base.vocabulary
    added = [token for token in form.vocabulary.exact if vocabulary.find(token.casefold()) is None]
    new = [token for token in added if token not in vocabulary.exact]
    tokens = [token for token in vocabulary.exact if token not in SPECIAL_TOKENS] + new
    words = sorted((token for token in tokens if is_word(token)), key=sort_key)
    marks = sorted(token for token in tokens if not is_word(token))
    kept = {token.casefold() for token in new}
    preferred = {key: value for key, value in form.rule.preferred.items() if key in kept}
    rule = replace(base.rule, preferred={**base.rule.preferred, **preferred})
    return TextForm({token: i for i, token in enumerate([*SPECIAL_TOKENS, *marks, *words])}, rule)


def save_text_form(form: TextForm, folder: Path) -> None:
    """Write `tokenizer.json` and `case.json` into `folder`."""
    write_text(folder / "tokenizer.json", form.tokenizer().to_str())
    write_json(folder / "case.json", case_rule_to_json(form.rule))


def load_text_form(folder: Path) -> TextForm:
    """Read what `save_text_form` wrote. Raises CheckpointError naming a missing or damaged file."""
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        path = folder / "case.json"
        ids = tokenizer.get_vocab(with_added_tokens=False)
        return TextForm(ids, case_rule_from_json(json.loads(path.read_text(encoding="utf-8"))))
    except Exception as error:  # `tokenizers` raises bare Exception
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
