"""Typists for simulation: how long a person takes for keys and suggestions, and how often they slip and look.

Times are in seconds, chances from 0 to 1. Each profile names the sources of its values; the rest are assumptions, and
marked as such. Sources:

- Card, Moran and Newell 1980, "The Keystroke-Level Model for User Performance Time with Interactive Systems": a key
  takes a good typist (90 words a minute) 0.12 s, an average person who is not a secretary (40) 0.28 s.
- Card, Moran and Newell 1983, "The Psychology of Human-Computer Interaction", the model human processor: an eye
  movement takes 0.23 s, a perceptual cycle 0.10 s, a cognitive cycle 0.07 s, a motor cycle 0.07 s; reacting to
  something seen takes one of each, 0.24 s.
- Koester and Levine 1994, 1997, keystroke-level models of word prediction: the time of a word is the sum of its keys
  and of the searches of the list.
- Quinn and Zhai 2016, "A Cost-Benefit Study of Text Entry Suggestion Interaction": suggestions that are always shown
  save keys and cost time; showing them only above a probability lies between.
- Dhakal, Feit, Kristensson and Oulasvirta 2018, "Observations on Typing from 136 Million Keystrokes": faster typists
  make fewer errors, and most errors of slower ones are wrong letters.
- Palin, Feit, Kim, Kristensson and Oulasvirta 2019, "How do People Type on Mobile Devices?": 36.2 words a minute, 2.3 %
  errors left in the text; people who use suggestions are slower.
- Roy, Berlioux, Casiez and Vogel 2021, "Typing Efficiency and Suggestion Accuracy Influence the Benefits and Adoption
  of Word Suggestions": used less on a desktop, where even very accurate ones do not make people faster; on tablets and
  phones they do.
- Li and Feit 2025, "How We Type with Word Suggestions": see `runtime.personal.learning.attention.OVERLOOKS`.
- Simpson, Koester and LoPresti 2006, "Selecting an Appropriate Scan Rate"; Koester and Simpson 2014, "Method for
  enhancing text entry rate with single-switch scanning": 1.4 words a minute before the settings were tuned, 2.7 after.
- Trnka, McCaw, Yarrington, McCoy and Pennington 2009, "User Interaction with Word Prediction": at speeds of
  assistive devices, people used 93.6 % of what good predictions could save.
- Majaranta, Ahola and Špakov 2009, "Fast Gaze Typing with an Adjustable Dwell Time": 1.3 % errors in the first session,
  0.4 % in the tenth; Mott, Williams, Wobbrock and Morris 2017, "Improving Dwell-Based Gaze Typing": 10.6 words a minute
  with a constant dwell time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from foretype.runtime.arguments import check_count, check_number
from foretype.runtime.errors import ConfigError
from foretype.runtime.personal.learning.attention import OVERLOOKS

EYE_MOVEMENT = 0.23
PERCEIVE, DECIDE, MOVE = 0.10, 0.07, 0.07
"""Times of the model human processor (Card, Moran and Newell 1983), in seconds."""
REACT = PERCEIVE + DECIDE + MOVE


@dataclass(frozen=True)
class Typist:
    """One person with one device.

    key: time of one key, without errors and their correction.
    look: time to move the eyes to the list and back.
    read: time to read one word of the list and compare it with the intended word. The user reads from the top and stops
        at the intended word. The default, one perceptual and one cognitive cycle, is an assumption.
    choose: time to decide for the first word of the list and to press its key.
    step: additional time for each word before the chosen one, if the device steps through the list.
    passing: additional time of a key while a list is shown, if the device steps over the list to reach the keys.
    looks: the chance that the user looks at the list after a key.
    least: the fewest letters of the word that must be left for the user to look.
    misses: the chance that the user reads the intended word and does not take it. The published shares are stand-ins:
        Li and Feit counted failed looks, Trnka et al. the share of possible savings that people used.
    errors: the chance that a letter becomes its neighbour on the keyboard, 0 to 0.08 in practice.
    notices: the chance that the user sees a wrong letter at once and deletes it. Otherwise, the word is corrected at
        its end.
    notice: time to see that something is wrong.

    Raises ConfigError if a value is out of range.
    """

    key: float
    look: float = 2 * EYE_MOVEMENT
    read: float = PERCEIVE + DECIDE
    choose: float = REACT
    step: float = 0.0
    passing: float = 0.0
    looks: float = 0.25
    least: int = 3
    misses: float = OVERLOOKS
    errors: float = 0.04
    notices: float = 0.7
    notice: float = REACT

    def __post_init__(self) -> None:
        check_count("least", self.least)
        for field in fields(self):
            if field.name != "least":
                share = field.name in ("looks", "misses", "errors", "notices")
                check_number(field.name, getattr(self, field.name), *((1.0,) if share else ()))


_SCAN = 1.0
_SCANS_A_KEY = 4.3
"""Row and column of a letter in a 6 x 6 square in the order of frequency, mean over the MacKenzie phrases."""
_GAZE_KEY = 60 / (5 * 10.6)

PROFILES = {
    # Key: Card, Moran and Newell 1980. Errors below those of a slow typist: Dhakal et al. 2018. Seldom looks: Roy et
    # al. 2021. Assumptions: the values of looks, errors and notices; one key chooses.
    "fast": Typist(key=0.12, choose=DECIDE + 0.12, looks=0.05, errors=0.03, notices=0.8),
    # Key: Card, Moran and Newell 1980. Assumptions: looks, errors, notices; one key chooses.
    "slow": Typist(key=0.28, choose=DECIDE + 0.28, looks=0.2, errors=0.05, notices=0.7),
    # Key: an assumption, such that the speed without suggestions is near that of Palin et al. 2019. Errors: an
    # assumption; Palin et al. count only those that were left. Assumptions: looks, notices; one tap chooses.
    "phone": Typist(key=0.28, choose=DECIDE + 0.28, looks=0.25, errors=0.06, notices=0.6),
    # One switch, rows and then columns, most frequent letters first; the list is the first row, so every key steps over
    # it. A scan of 1.0 s is an assumption: by the rule of Simpson et al. 2006 it suits a reaction time of 0.65 s. With
    # it, the speed without suggestions is near that of Koester and Simpson 2014. Misses: Trnka et al. 2009.
    # Assumptions: looks, errors, notices.
    "scanner": Typist(
        key=_SCANS_A_KEY * _SCAN,
        choose=2 * _SCAN,
        step=_SCAN,
        passing=_SCAN,
        looks=0.9,
        least=1,
        misses=0.064,
        errors=0.02,
        notices=0.9,
    ),
    # Key: the speed of Mott et al. 2017; choosing a word is one dwell too. Errors: Majaranta et al. 2009, between the
    # first and the tenth session. Misses: Trnka et al. 2009. Assumptions: looks, notices.
    "gaze": Typist(key=_GAZE_KEY, choose=_GAZE_KEY, looks=0.6, least=1, misses=0.064, errors=0.01, notices=0.9),
}
"""Name -> typist: on a desktop keyboard (`fast`, `slow`), on a phone, with one switch, and by eye gaze."""


def find_typists(name: str) -> dict[str, Typist]:
    """The profile called `name`, or every profile for "all". Raises ConfigError if there is none."""
    if name == "all":
        return PROFILES
    if name not in PROFILES:
        raise ConfigError(f"typist is {name!r}; choose from {', '.join(PROFILES)}, all")
    return {name: PROFILES[name]}
