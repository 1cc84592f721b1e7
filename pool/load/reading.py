"""Reading a text value from left to right, and saying where it stops making sense.

Belongs here: the reader, the error that marks a place, and numbers with units, which all values are made of. Not here:
what the values are (`values`, `thresholds`).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from typing import Final, NoReturn

from rich.cells import cell_len

NUMBER: Final = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_WORD: Final = re.compile(r"[^\W\d_][\w-]*", re.ASCII)
_SPACES: Final = re.compile(r"\s*", re.ASCII)
UNIT: Final = re.compile(r"[^\W\d_]+")  # any letters: a message names the whole of a wrong one


class Misread(ValueError):
    """A text that will not do. The message says what would; `marked` shows the place."""

    def __init__(self, text: str, column: int, advice: str) -> None:
        super().__init__(advice)
        self.text = text
        self.column = column

    @property
    def marked(self) -> str:
        """The text, and below it a caret under the place. Nothing in it reaches the terminal as a control character."""
        shown = "".join(
            character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in self.text
        )
        return f"  {shown}\n  {' ' * cell_len(shown[: self.column])}^"


class Reader:
    """A text and how far it is read. Spaces between parts mean nothing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.column = 0

    @property
    def at_end(self) -> bool:
        self._skip_spaces()
        return self.column == len(self.text)

    def refuse(self, advice: str, column: int | None = None) -> NoReturn:
        """Mark the place that is read next, or the one given."""
        raise Misread(self.text, self.column if column is None else column, advice)

    def end(self, advice: str) -> None:
        """Nothing may follow."""
        if not self.at_end:
            self.refuse(advice)

    def take(self, *literals: str) -> str:
        """The first of the literals that stands here, read; empty where none does."""
        self._skip_spaces()
        for literal in literals:
            if self.text.startswith(literal, self.column):
                self.column += len(literal)
                return literal
        return ""

    def expect(self, literal: str, advice: str) -> None:
        if not self.take(literal):
            self.refuse(advice)

    def match(self, pattern: re.Pattern[str]) -> str:
        self._skip_spaces()
        found = pattern.match(self.text, self.column)
        if found is None:
            return ""
        self.column = found.end()
        return found[0]

    def stands(self, pattern: re.Pattern[str]) -> bool:
        """Whether it would match here; nothing but spaces is read."""
        self._skip_spaces()
        return pattern.match(self.text, self.column) is not None

    def word(self) -> str:
        """Letters, digits and hyphens, beginning with a letter; empty where none stands here."""
        return self.match(_WORD)

    def one_of(self, names: Collection[str], kind: str) -> str:
        """A word that is one of the names. `kind` is what they are: "phase"."""
        self._skip_spaces()
        start = self.column
        word = self.word()
        if word not in names:
            nearest = difflib.get_close_matches(word, names, n=1)
            advice = f"did you mean {nearest[0]}?" if nearest else f"give one of {', '.join(names)}"
            self.refuse(f"{word!r} is no {kind}: {advice}" if word else f"a {kind} is missing: {advice}", start)
        return word

    def number(self, advice: str) -> float:
        """Digits with or without a decimal point; no sign, no exponent."""
        self._skip_spaces()
        start = self.column
        digits = self.match(NUMBER)
        if not digits:
            self.refuse(advice)
        number = float(digits)
        if not math.isfinite(number):
            self.refuse("this number is too large", start)
        return number

    def unit(self, units: Mapping[str, float], advice: str, bare: float | None = None) -> float:
        """The factor of the unit that stands here; `bare` that of a number without one, where that may be."""
        start = self.column
        word = self.match(UNIT)
        if not word and bare is not None:
            return bare
        if word not in units:
            self.refuse(f"{word!r} is no unit: {advice}" if word else advice, start)
        return units[word]

    def _skip_spaces(self) -> None:
        found = _SPACES.match(self.text, self.column)
        assert found is not None  # it matches nothing too
        self.column = found.end()
