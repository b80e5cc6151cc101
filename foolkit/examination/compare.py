"""Two reports side by side: before and after a defence."""

from __future__ import annotations

from typing import Any

from foolkit.checks import check_kind
from foolkit.examination.report import Number, Report


def compare(one: Report, other: Report) -> list[dict[str, Any]]:
    """A row for each number that both reports have, in the order of the first.

    Returns:
        ``section``, ``name``, ``words``, ``one`` and ``other`` (numbers with their intervals),
        and ``change``: ``"better"`` or ``"worse"`` where the two intervals do not overlap,
        ``"unclear"`` where they do, or are not known. Intervals that do not overlap are a stricter
        test than their level says.

    Raises:
        TypeError: what is no report.
        ValueError: reports without a number in common.
    """
    check_kind(one, Report, "one")
    check_kind(other, Report, "other")
    second = other.numbers
    rows = [
        {
            "section": section.name,
            "name": number.name,
            "words": number.words,
            "one": number,
            "other": second[number.name],
            "change": _change(number, second[number.name]),
        }
        for section in one.sections
        for number in section.numbers
        if number.name in second
    ]
    if not rows:
        raise ValueError("other: expected a report with numbers that the first has, found none")
    return rows


def _change(one: Number, other: Number) -> str:
    if other.low > one.high:
        return "better" if one.better == "higher" else "worse"
    if other.high < one.low:
        return "worse" if one.better == "higher" else "better"
    return "unclear"
