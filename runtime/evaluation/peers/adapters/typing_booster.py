"""ibus-typing-booster's database and its hunspell look-up, without the input method (Debian: ibus-typing-booster).

Before any training it completes words from the dictionary; trained by its own reader, it also predicts the next word.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from typing import Any

ENGINE = "/usr/share/ibus-typing-booster/engine"
DICTIONARIES = ["en_US"]


def _database(path: str) -> Any:
    if ENGINE not in sys.path:
        sys.path.append(ENGINE)
    import tabsqlitedb

    logging.disable(logging.CRITICAL)
    database = tabsqlitedb.TabSqliteDb(user_db_file=path)
    database.hunspell_obj.set_dictionary_names(DICTIONARIES)
    return database


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Open a copy of the database that `train` wrote, or an empty one."""
    folder = tempfile.TemporaryDirectory()
    path = shutil.copy(model, folder.name) if model else ":memory:"
    database = _database(str(path))
    import itb_util

    def suggest(text: str, k: int) -> list[str]:
        before, typed = text, ""
        if text and not text[-1].isspace():
            before, typed = text[: -len(text.split()[-1])], text.split()[-1]
        # Characters before the word ("(the") are not part of what the booster looks up.
        typed = typed.lstrip("([{\"'\u201c\u2018")
        last = ["", "", *itb_util.tokenize(before[-500:])][-2:]
        found = database.select_words(typed, p_phrase=last[1], pp_phrase=last[0])
        return [unicodedata.normalize("NFC", word) for word, _ in found[:k]]

    suggest.keep = folder  # type: ignore[attr-defined]
    return suggest


def train(text: str, model: str) -> None:
    """Read a text with the function behind "Learn from text file"."""
    database = _database(model)
    # It returns False where only its last step fails, a checkpoint that closing the database repeats.
    database.read_training_data_from_file(text)
    if not database.number_of_rows_in_database():
        raise RuntimeError(f"{text}: ibus-typing-booster read no words")
    database.cleanup_database(thread=False)  # as at each of its starts: it keeps the 50,000 most frequent rows
    database.database.close()
