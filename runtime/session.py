"""One text field: suggestions for the text before the cursor, doing only the work that is new."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from foretype.runtime.blend import Probabilities
from foretype.runtime.candidates import Suggestion, suggestions
from foretype.runtime.context import Context, ContextReader

if TYPE_CHECKING:
    from foretype.runtime.model import Model

KEPT_DISTRIBUTIONS = 16


class Session:
    """Suggestions for one text field. Cheap to make; not shared between threads.

    Letters inside a word only filter probabilities that are there already; the engines run once a finished word.
    What was computed lately is kept, so going back in the text costs a look-up. The same text gives the same
    suggestions, whatever the session saw before.
    """

    def __init__(self, model: Model, *, repeat: bool = True) -> None:
        """repeat: whether a word that was shown and passed over may be shown again at the same word."""
        self._model = model
        self._repeat = repeat
        self._reader = ContextReader(model.form)
        self._predictor = model.predictor()
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], Probabilities] = OrderedDict()
        self._place: tuple[str, Context] | None = None
        self._shown: dict[tuple[str, int], list[Suggestion]] = {}

    def suggest(self, text: str, k: int = 3) -> list[Suggestion]:
        """At most `k` words for the place at the end of `text`, most useful first: those that save most keystrokes.

        text: what stands before the cursor; all of it, or a tail that starts at a line boundary (the context window is
        then counted from there, so a tail of a long document may be answered a little differently). With a partly typed
        word, its completions; after a space, the next word. Empty where no word can stand.
        """
        context = self._reader.read(text)
        if not context.open_to_words:
            return []
        distribution = self._distribution(context.ids)
        if self._repeat:
            return suggestions(self._model.vocabulary, distribution, context, k)
        return self._without_repeats(distribution, context, k)

    def _without_repeats(self, distribution: Probabilities, context: Context, k: int) -> list[Suggestion]:
        """Suggestions without those that were shown at shorter prefixes of this word.

        What was shown there follows from the text: a session that was just handed it leaves out the same words.
        """
        place = (self._model.engine, replace(context, prefix=""))
        if place != self._place:
            self._place, self._shown = place, {}
        passed_over: list[str] = []
        for letters in range(len(context.prefix) + 1):
            at = replace(context, prefix=context.prefix[:letters])
            if (at.prefix, k) not in self._shown:
                shown = suggestions(self._model.vocabulary, distribution, at, k, passed_over)
                self._shown[at.prefix, k] = shown
            passed_over += [suggestion.text for suggestion in self._shown[at.prefix, k]]
        return self._shown[context.prefix, k]

    def _distribution(self, ids: tuple[int, ...]) -> Probabilities:
        key = (self._model.engine, ids)  # a fallback on the way must not leave answers of two engines in use
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._predictor.words(ids)
            if len(self._kept) > KEPT_DISTRIBUTIONS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found
