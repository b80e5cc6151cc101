"""Where networks of the book stand: made by the same program, ``tools.bank.yardsticks``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from foolkit.examination.report import Number

FILE = "yardsticks.json"


@dataclass(frozen=True)
class Yardstick:
    """The numbers of one network.

    Attributes:
        name: of the network.
        words: what it is, and on what it was measured.
        numbers: value and ends of the interval, by the name of the number.
    """

    name: str
    words: str
    numbers: Mapping[str, tuple[float, float, float]]

    def told(self, like: Number) -> str:
        """The same number of this network, as it is written; a dash if it has none."""
        if like.name not in self.numbers:
            return "–"
        value, low, high = self.numbers[like.name]
        return str(replace(like, value=value, low=low, high=high))


@cache
def yardsticks() -> tuple[Yardstick, ...]:
    """All that are stored."""
    held = json.loads((files("foolkit.examination") / FILE).read_text("utf-8"))
    return tuple(
        Yardstick(
            one["name"],
            one["words"],
            {
                name: tuple(math.nan if v is None else v for v in ends)  # type: ignore[misc]
                for name, ends in one["numbers"].items()
            },
        )
        for one in held
    )
