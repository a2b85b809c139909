"""Exports and imports a store as JSON Lines: one fact per line, after a first line with the format and its version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from foretype.runtime.errors import StoreError
from foretype.runtime.personal.learning.rules import LINE_START, learnable
from foretype.runtime.personal.schema import LISTS, is_form
from foretype.runtime.personal.store import Store
from foretype.runtime.personal.upkeep import keep_small
from foretype.runtime.text.vocabulary import fold, is_word

FORMAT = "foretype-personal"
VERSION = 1


def export_lines(store: Store) -> Iterator[str]:
    """Yield the store as lines without line ends. The lines contain nothing that was forgotten, not even as a hash.

        {"format": "foretype-personal", "version": 1}
        {"word": "Kubernetes", "count": 3.2, "trust": 4}        count: faded uses; trust: uses, accepting counted double
        {"after": ["we", "use"], "word": "Kubernetes", "count": 2.1}
        {"never": "moist"}, {"allowed": "damn"}, {"kept": "teh"}   the lists

    Raises StoreError.
    """
    yield json.dumps({"format": FORMAT, "version": VERSION})
    scale = store.scale()
    with store.database.use() as connection:
        words = connection.execute("SELECT form, weight, trust FROM words ORDER BY weight DESC, form").fetchall()
        query = (
            "SELECT x.form, y.form, z.form, g.weight FROM grams g LEFT JOIN words x ON x.id = g.a "
            "JOIN words y ON y.id = g.b JOIN words z ON z.id = g.word ORDER BY g.weight DESC, g.a, g.b, g.word"
        )
        grams = connection.execute(query).fetchall()
        lists = connection.execute("SELECT list, key FROM listed ORDER BY list, key").fetchall()
    for form, weight, trust in words:
        if weight > 0:
            yield _line({"word": form, "count": weight / scale, "trust": trust})
    for a, b, word, weight in grams:
        yield _line({"after": [b] if a is None else [a, b], "word": word, "count": weight / scale})
    for name, key in lists:
        yield _line({name: key})


def import_lines(store: Store, lines: Iterable[str]) -> int:
    """Add an export to the store, and return how many lines changed something. The higher of two counts is kept.

    Importing the same export again changes nothing, whatever was learned in between. Words that were forgotten here,
    and words that would not be learned here, are skipped. If the store exceeds its limits (`StoreConfig`), the words
    written most are kept. Raises StoreError, and changes nothing, if a line is not a legal line of an export.
    """
    content = list(lines)
    records = [_record(number, line) for number, line in enumerate(content, 1) if line.strip()]
    if not records or records[0].get("format") != FORMAT:
        raise StoreError(f"line 1: not an export of Foretype (its first line names the format, {FORMAT!r})")
    if records[0].get("version") != VERSION:
        raise StoreError(f"line 1: version {records[0].get('version')!r}; this version of Foretype reads {VERSION}")
    digest = hashlib.sha256("\n".join(line.rstrip("\r\n") for line in content).encode(errors="surrogatepass")).digest()
    scale, forgotten, changed = store.scale(), store.forgotten(), 0
    with store.database.writing() as connection:
        if connection.execute("SELECT 1 FROM imported WHERE hash = ?", (digest,)).fetchone():
            return 0

        def word_id(form: str) -> int:
            connection.execute(
                "INSERT OR IGNORE INTO words(form, key, weight, trust) VALUES(?, ?, 0, 0)", (form, fold(form))
            )
            return int(connection.execute("SELECT id FROM words WHERE form = ?", (form,)).fetchone()[0])

        def welcome(forms: list[str]) -> bool:
            return all(map(_harmless, forms)) and is_word(forms[-1]) and not forgotten.touches(forms)

        for record in records[1:]:
            name = next((name for name in LISTS if name in record), None)
            if name:
                if forgotten.touches([record[name]]):
                    continue
                done = connection.execute("INSERT OR IGNORE INTO listed VALUES(?, ?)", (name, fold(record[name])))
            elif not welcome([*record.get("after", []), record["word"]]):
                continue
            elif "after" in record:
                b, *rest = [word_id(form) for form in reversed(record["after"])]
                row = (rest[0] if rest else 0, b, word_id(record["word"]), record["count"] * scale)
                done = connection.execute(
                    "INSERT INTO grams VALUES(?, ?, ?, ?) ON CONFLICT(a, b, word) DO UPDATE SET weight = "
                    "excluded.weight WHERE excluded.weight > weight",
                    row,
                )
            else:
                word, weight, trust = word_id(record["word"]), record["count"] * scale, record["trust"]
                done = connection.execute(
                    "UPDATE words SET weight = max(weight, :weight), trust = max(trust, :trust) WHERE id = :id AND "
                    "(weight < :weight OR trust < :trust)",
                    {"weight": weight, "trust": trust, "id": word},
                )
            changed += done.rowcount > 0
        listed = connection.execute("SELECT count(*) FROM listed").fetchone()[0]
        if listed > store.config.most_words:
            raise StoreError(f"the lists would hold {listed} words; expected at most {store.config.most_words}")
        cut = keep_small(connection, store.config.most_words, store.config.cap_mb)
        connection.execute("INSERT INTO imported VALUES(?)", (digest,))
    store.changed()
    if cut:
        with suppress(StoreError):  # another program is reading the file; its free pages are reused later
            store.database.compact()
    return changed


def _harmless(form: str) -> bool:
    """Whether a form could have been learned from typing."""
    if not is_word(form):
        return form == LINE_START or not any(map(str.isalnum, form))
    return all(map(learnable, form.split("-"))) and "/" not in form


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _record(number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if isinstance(record, dict) and _is_legal(record):
            return record
    except (ValueError, RecursionError):
        pass
    raise StoreError(f"line {number}: not a line of an export: {line.strip()[:60]!r}")


def _is_legal(record: dict[str, Any]) -> bool:
    if "format" in record:
        return True
    if "word" not in record:
        return len(record) == 1 and all(name in LISTS and is_form(form) for name, form in record.items())
    after, count, trust = record.get("after"), record.get("count"), record.get("trust")
    counted = isinstance(count, (int, float)) and not isinstance(count, bool) and 0 < count < 1e12
    if after is None:
        return is_form(record["word"]) and counted and type(trust) is int and 0 <= trust < 2**40
    return isinstance(after, list) and 1 <= len(after) <= 2 and all(map(is_form, [*after, record["word"]])) and counted
