"""A guess before the result."""

from __future__ import annotations

import math
from collections.abc import Sequence

import traitlets

from foolkit.analysis.intervals import Interval
from foolkit.checks import (
    check_choice,
    check_flag,
    check_format,
    check_number,
    check_text,
    is_sequence,
)
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import Flag, Line

SHARE = 1.0  # the end of an axis of shares, which is written in per cent
LONGEST = 200  # characters of a question


class Predict(Widget):
    """One question whose answer comes next: the reader guesses, then sees guess and result.

    In the book the output of the next cell is veiled until the reader has guessed or has pressed
    "skip". To say what one expects, and only then to look, is what makes a surprise stay. The
    guess is kept in the page only (with a kernel, Python reads ``guess`` or ``chosen``).

    Args:
        question: what is asked, of at most 200 characters.
        truth: the measured answer: a number on the axis, or an interval around one; or, with
            ``choices``, the one that is true.
        choices: the answers to choose from, at least two; by default a number is asked for.
        low, high: ends of the axis. From 0 to 1, as they are by default, it is one of shares.
        logarithmic: equal steps of the axis are equal factors.
        unit: what the numbers of the axis count.
        shown: format of the truth, as of an interval or a number; by default ``.1%`` of shares
            and ``.3g`` of others.

    Attributes:
        guess: the reader's number; None so far, or where the reader chose or skipped.
        chosen: the reader's choice, "" so far.
        revealed: whether the answer was shown.

    Raises:
        TypeError, ValueError: no question, a truth off the axis or not among the choices, an axis
            without length, or a logarithmic one that begins at zero.
    """

    _esm = module("predict.js")
    shown = ("question", "guess", "chosen")

    question = traitlets.Unicode("").tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    truth = traitlets.Float(0.0).tag(sync=True)
    ends = traitlets.List(traitlets.Float()).tag(sync=True)  # of its interval, or none
    told = traitlets.Unicode("").tag(sync=True)  # the truth in words
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(1.0).tag(sync=True)
    logarithmic = Flag()
    unit = Line()
    guess = traitlets.Float(None, allow_none=True).tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)
    revealed = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        question: str,
        truth: float | Interval[float] | str,
        *,
        choices: Sequence[str] = (),
        low: float = 0.0,
        high: float = SHARE,
        logarithmic: bool = False,
        unit: str = "",
        shown: str | None = None,
    ) -> None:
        if not isinstance(question, str) or not 0 < len(question) <= LONGEST:
            raise ValueError(f"question: expected 1 to {LONGEST} characters, got {question!r}")
        check_flag(logarithmic, "logarithmic")
        check_text(unit, "unit")
        if not is_sequence(choices) or isinstance(choices, str):
            raise TypeError(f"choices: expected a sequence of answers, got {choices!r}")
        answers = [str(one) for one in choices]
        if answers:
            if len(set(answers)) < 2:
                raise ValueError(f"choices: expected at least two that differ, got {answers}")
            check_choice(str(truth), answers, "truth")
            super().__init__(question=question, choices=answers, told=str(truth))
            return
        if isinstance(truth, str):
            raise ValueError(f"choices: expected those that {truth!r} is one of, got none")
        check_number(low, "low", **({"above": 0} if logarithmic else {}))
        check_number(high, "high", above=low)
        value = truth.value if isinstance(truth, Interval) else truth
        check_number(value, "truth", least=low, most=high)
        ends = [truth.low, truth.high] if isinstance(truth, Interval) else []
        form = ".1%" if (low, high, unit) == (0, SHARE, "") else ".3g"
        if shown is not None:
            check_format(shown, value, "shown")
            form = shown
        told = format(truth, form) if ends else plainly(float(value), form)
        super().__init__(
            question=question,
            truth=float(value),
            ends=[min(max(end, low), high) for end in ends if math.isfinite(end)],
            told=f"{told} {unit}".strip(),
            low=float(low),
            high=float(high),
            logarithmic=logarithmic,
            unit=unit,
        )


def plainly(value: float, form: str) -> str:
    """A number as the text of an interval writes it, with a space before its per cent sign."""
    return format(value, form).replace("%", " %")
