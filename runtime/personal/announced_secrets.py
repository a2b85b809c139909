"""Secrets that the text around them announces: "my password is ...", "... ist mein Passwort", "PIN: ...".

Two kinds of words announce a secret. Some name one wherever they stand, such as "password": the whole sentence around
them is withheld, and the next one. Others are everyday words too, such as "key" or "token": they announce only with a
colon, a dash or a verb behind them, and what follows is withheld, to the end of the next sentence.

Where a line ends with an announcement, the next line that is not blank is withheld as well, and the lines after it for
as long as they are short: the words of a recovery phrase come as a list.
"""

from __future__ import annotations

import re
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
_NAMES_SECRET = re.compile(rf"(?<![^\W_])(?:{_NAMES})(?![^\W_])", re.IGNORECASE)
"""Words that name a secret wherever they stand."""
_ANNOUNCES = re.compile(
    r"(?<![^\W_])(?:(?:pass|pin|puk|otp|secrets?|tokens?|authori[sz]ation|credentials?|user[ _-]?(?:name|id)|"
    r"log[ _-]?in|cvv|cvc|iban|ssn|lösen|clave|parola|passe|usuario|identifiant|код|kod|логин|логін)(?![^\W_])"
    r"(?:[^\n:=：.!?]|[.!?](?!\s)){0,40}?"
    r"(?:[:=：]|->|→|[ \t][-–—][ \t]|(?<!\w)(?:is|are|was|ist|lautet|est|es|é|è|är|це|это)(?!\w))"
    r"|(?<![^\W_])bearer(?!\w)|(?<![^\W_])(?:keys?|codes?)[\"'*]*\s*(?:is\s*)?[:=：])",
    re.IGNORECASE,
)
"""Everyday words that announce a secret, up to forty characters of anything else, and what says that it comes now."""
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")
_CHUNK = re.compile(r"\S+")
_BEFORE, _AFTER = 12, 16
"""Chunks around the name of a secret that its sentence reaches at most: some text has no full stops."""
_SHORT_LINE = 3
"""Chunks of a line that may be one of a list of secret words."""
_LINES_BACK = 30


class Scope(NamedTuple):
    """What of a line is withheld.

    spans: its ranges [start, end). carries: whether the lines that follow are withheld too.
    """

    spans: list[tuple[int, int]]
    carries: bool

    def covers(self, start: int, end: int) -> bool:
        """Whether a part of [start, end) is withheld."""
        return any(begin < end and start < stop for begin, stop in self.spans)


def scope(line: str, carried: bool = False) -> Scope:
    """What of `line` is withheld. carried: whether the line before carried its announcement on."""
    if not line.strip():
        return Scope([], carried)
    spans: list[tuple[int, int]] = [(0, len(line))] if carried else []
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    carries = carried and len(line.split()) <= _SHORT_LINE
    for match in _NAMES_SECRET.finditer(line):
        start = max((end for end in ends if end <= match.start()), default=0)
        later = [end for end in ends if end >= match.end()]
        spans.append((_back(line, match.start(), start), _on(line, match.end(), later)))
        carries = carries or not later or not line[later[0] :].strip()
    for match in _ANNOUNCES.finditer(line):
        spans.append((match.end(), _on(line, match.end(), [end for end in ends if end >= match.end()])))
        carries = carries or not any(map(str.isalnum, line[match.end() :]))
    return Scope(spans, carries)


def carried_into(text: str, line_start: int) -> bool:
    """Whether lines of `text` before `line_start` announce a secret that the line there may hold."""
    lines = text[max(0, line_start - 4000) : line_start].split("\n")[:-1]
    carried = False
    for line in lines[-_LINES_BACK:]:
        carried = scope(line, carried).carries
    return carried


def _back(line: str, position: int, limit: int) -> int:
    """Where the last `_BEFORE` chunks before `position` start, not before `limit`."""
    starts = [match.start() for match in _CHUNK.finditer(line, max(limit, position - 400), position)]
    return starts[-_BEFORE] if len(starts) > _BEFORE else limit


def _on(line: str, position: int, sentence_ends: list[int]) -> int:
    """Where the sentence after the one at `position` ends, at most `_AFTER` chunks on."""
    limit = sentence_ends[1] if len(sentence_ends) > 1 else len(line)
    for number, match in enumerate(_CHUNK.finditer(line, position, limit), 1):
        if number == _AFTER:
            return match.end()
    return limit
