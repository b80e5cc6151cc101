"""Thresholds for a pipeline: ``robust_accuracy@0.03<0.5`` is a reason to fail."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, Self

from foolkit.examination.report import Number, Report


@dataclass(frozen=True)
class Limit:
    """A condition on one number of a report, under which it fails.

    Attributes:
        name: of the number.
        sign: ``"<"``, ``"<="``, ``">"`` or ``">="``.
        value: it is compared with.
    """

    name: str
    sign: str
    value: float

    SIGNS: ClassVar[Mapping[str, Callable[[float, float], bool]]] = {
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    }  # fmt: skip
    FORM: ClassVar[re.Pattern[str]] = re.compile(r"\s*([\w.@-]+)\s*(<=|>=|<|>)\s*(\S+)\s*")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a condition such as ``"robust_accuracy@0.03<0.5"``.

        Raises:
            ValueError: it is none.
        """
        match = cls.FORM.fullmatch(text) if isinstance(text, str) else None
        try:
            if match is None:
                raise ValueError
            value = float(match[3])
            if value != value:
                raise ValueError
        except ValueError:
            raise ValueError(
                "fail-if: expected NAME<NUMBER (or <=, >, >=), such as robust_accuracy@0.03<0.5,"
                f" got {text!r}"
            ) from None
        return cls(match[1], match[2], value)

    @property
    def size(self) -> float | None:
        """The size of the attack that the number is of, if it says one."""
        try:
            return float(self.name.partition("@")[2])
        except ValueError:
            return None

    def check(self, known: Sequence[str]) -> None:
        """Raise ``ValueError`` unless the number is one that a report may have."""
        if self.name not in known:
            near = get_close_matches(self.name, known, 3)
            of = f"did you mean {', '.join(near)}?" if near else f"expected {', '.join(known)};"
            raise ValueError(
                f"fail-if: {of} No number is called {self.name!r} (some need labels,"
                " a second network or more pictures)"
            )

    def met(self, report: Report) -> bool:
        """Whether the report is to fail.

        Raises:
            ValueError: it has no such number, or the number is not known.
        """
        number = report.numbers.get(self.name)
        if number is None or number.value != number.value:
            raise ValueError(f"fail-if: {self.name} was not measured")
        return self.SIGNS[self.sign](number.value, self.value)

    def told(self, number: Number) -> str:
        """That it was met, in a line."""
        return f"{self.name} is {number}: {self.name} {self.sign} {self.value:g}"
