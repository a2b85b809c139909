"""Finds secrets that the surrounding text announces: "my password is ...", "... ist mein Passwort", "PIN: ...".

Withheld text is never learned. Two kinds of words announce a secret:

- Some name a secret wherever they occur, such as "password". The sentence around them and the next one are withheld.
- Others are also everyday words, such as "key" or "token". They announce a secret only if a colon, a dash or a verb
  follows. The text after that is withheld, up to the end of the next sentence.

If a line ends with an announcement, the next non-blank line is withheld too, and so are the lines after it while they
are short: a recovery phrase is written as a list of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

_LETTER = r"[^\W\d_]"

_NAMES = "|".join(
    (
        # English, and what other languages take from it
        rf"{_LETTER}{{0,20}}(?:pass?wor[dt]|passwd|pass(?:phrase|code|key)|passphrase|pincode){_LETTER}{{0,6}}",
        "p(?:wd|w)s?|mdp",
        r"(?:api|private|secret|access|recovery|encryption|licen[cs]e|product|ssh|seed|backup|unlock|security|client|master|"
        r"door|wi-?fi)[ _-](?:keys?|codes?|phrases?|words?|tokens?|secrets?|questions?|answers?)",
        "code ?words?|maiden name",
        # German, Dutch, Swedish
        rf"{_LETTER}{{0,20}}(?:kennw[oö]rt|codewort|geheimwort|zugangsdaten|zugangscode|wiederherstellungsphrase){_LETTER}{{0,6}}",
        rf"{_LETTER}{{0,20}}(?:wachtwoord|toegangscode|herstelzin|herstelcode){_LETTER}{{0,6}}|geheime? code",
        rf"{_LETTER}{{0,20}}(?:lösenord|lösenfras|pinkod){_LETTER}{{0,6}}|hemligt ord|hemlig kod",
        # French, Spanish, Italian, Portuguese
        "mots? de passe|code (?:secret|d['’]accès)|clé api|phrase (?:secrète|de récupération)",
        "contrase[ñn]as?|(?:frase|código|codigo) (?:de (?:recuperación|acceso)|secret[oa])|clave (?:de|del|secreta)",
        "parol[ae] (?:d['’]ordine|chiave|segret[ae])|codice segreto|chiave d['’]accesso|frase di recupero",
        "senhas?|palavras?[ -]passe|frase de recuperação|código (?:secreto|de acesso)|chave de acesso",
        # Polish, Turkish, Russian, Ukrainian
        rf"has(?:ł|lo){_LETTER}{{0,3}}|hase[łl]|kod dostępu|fraza odzyskiwania|tajne słowo",
        rf"[şs]ifre{_LETTER}{{0,4}}|parola(?:m|n|sı|yı|lar)|gizli kelime|erişim kodu|kurtarma ifadesi",
        rf"парол{_LETTER}{{1,4}}|п[иі]нкод|кодов(?:ое|е) слово|секретная? фраза|секретна фраза|код доступ[ау]",
    )
)
_NAMES_SECRET = re.compile(rf"(?<![^\W_])(?={_LETTER})(?:{_NAMES})(?![^\W_])", re.IGNORECASE)
"""Words that name a secret wherever they occur."""
_ANNOUNCES = re.compile(
    r"(?<![^\W_])(?:(?:pass|pin|puk|otp|secrets?|tokens?|authori[sz]ation|credentials?|user[ _-]?(?:name|id)|"
    r"log[ _-]?in|cvv|cvc|iban|ssn|lösen|clave|parola|passe|usuario|identifiant|код|kod|логин|логін)(?![^\W_])"
    r"(?:[^\n:=：.!?]|[.!?](?!\s)){0,40}?"
    r"(?:[:=：]|->|→|[ \t][-–—][ \t]|(?<!\w)(?:is|are|was|ist|lautet|est|es|é|è|är|це|это)(?!\w))"
    r"|(?<![^\W_])bearer(?!\w)|(?<![^\W_])(?:keys?|codes?)[\"'*]*\s*(?:is\s*)?[:=：])",
    re.IGNORECASE,
)
"""Everyday words that announce a secret, then up to forty other characters, then a mark or verb that introduces it."""
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")
_CHUNK = re.compile(r"\S+")
_BEFORE, _AFTER = 12, 16
"""Maximum number of chunks withheld before and after the name of a secret, since some text has no full stops."""
_SHORT_LINE = 3
"""Maximum number of chunks of a line that may belong to a list of secret words."""
_LINES_BACK = 30


class Scope(NamedTuple):
    """The withheld parts of a line.

    spans: ranges [start, end), sorted and disjoint. carries: whether the following lines are withheld too.
    """

    spans: list[tuple[int, int]]
    carries: bool

    def covers(self, start: int, end: int) -> bool:
        """Whether any part of [start, end) is withheld."""
        place = bisect_left(self.spans, (end, 0)) - 1  # the last span that begins before `end`
        return place >= 0 and start < self.spans[place][1]


NOTHING = Scope([], False)
"""A scope that withholds nothing."""


def scope(line: str, carried: bool = False) -> Scope:
    """Find the withheld parts of `line`. carried: whether the line before announced a secret in this one."""
    if not line.strip():
        return NOTHING._replace(carries=carried)
    spans: list[tuple[int, int]] = [(0, len(line))] if carried else []
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    carries = carried and len(line.split(maxsplit=_SHORT_LINE)) <= _SHORT_LINE
    text_end, word_end = len(line.rstrip()), _last_word_end(line)
    for match in _NAMES_SECRET.finditer(line):
        before, later = bisect_right(ends, match.start()), bisect_left(ends, match.end())
        start = ends[before - 1] if before else 0
        spans.append((_back(line, match.start(), start), _on(line, match.end(), ends[later : later + 2])))
        carries = carries or later == len(ends) or ends[later] >= text_end
    for match in _ANNOUNCES.finditer(line):
        later = bisect_left(ends, match.end())
        spans.append((match.end(), _on(line, match.end(), ends[later : later + 2])))
        carries = carries or match.end() >= word_end
    return Scope(_merged(spans), carries)


def carried_into(text: str, line_start: int) -> bool:
    """Whether lines of `text` before `line_start` announce a secret that the line starting there may contain."""
    lines = text[max(0, line_start - 4000) : line_start].split("\n")[:-1]
    carried = False
    for line in lines[-_LINES_BACK:]:
        carried = scope(line, carried).carries
    return carried


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort `spans`, and merge those that touch or overlap."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _last_word_end(line: str) -> int:
    """The end of the last letter or digit of `line`; 0 if there is none."""
    return next((place for place in range(len(line), 0, -1) if line[place - 1].isalnum()), 0)


def _back(line: str, position: int, limit: int) -> int:
    """The start of the last `_BEFORE` chunks before `position`, but not before `limit`."""
    starts = [match.start() for match in _CHUNK.finditer(line, max(limit, position - 400), position)]
    return starts[-_BEFORE] if len(starts) > _BEFORE else limit


def _on(line: str, position: int, sentence_ends: list[int]) -> int:
    """The end of the sentence after the one at `position`, at most `_AFTER` chunks later."""
    limit = sentence_ends[1] if len(sentence_ends) > 1 else len(line)
    for number, match in enumerate(_CHUNK.finditer(line, position, limit), 1):
        if number == _AFTER:
            return match.end()
    return limit
