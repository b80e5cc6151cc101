"""Figures of merit: what a paper says, what we found, and whether the claim holds.

A verdict needs a margin: what would count as agreement, with the reason, set down before the run.
A claim holds where the whole interval of our figure lies within the margin, fails where it lies
outside, and is undecided between. So a wide interval is never a success.
"""

from __future__ import annotations

import html
import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from foolkit.checks import (
    check_flag,
    check_format,
    check_kind,
    check_number,
    check_text,
    is_sequence,
)

if TYPE_CHECKING:
    from foolkit.analysis.intervals import Interval

HEAD = ("claim", "paper", "ours", "holds here")


@dataclass(frozen=True)
class Margin:
    """What counts as agreement.

    Attributes:
        low, high: the ends between which a figure agrees, both included.
        words: the same in words, with the reason.
    """

    low: float
    high: float
    words: str

    def verdict(self, found: Interval[float] | float) -> bool | None:
        """Whether a figure agrees; None where its interval does not decide, or there is none.

        A number without an interval is one that repetition does not change, such as a count of
        all there are.
        """
        low, high = (found, found) if isinstance(found, (int, float)) else (found.low, found.high)
        if self.low <= low and high <= self.high:
            return True
        return False if high < self.low or low > self.high else None


def _said(value: float, form: str) -> str:
    return format(value, form).replace("%", " %")


def about(value: float, width: float, why: str, form: str = ".2f") -> Margin:
    """``value`` and ``width`` to both sides; ``form`` is the format of the ends."""
    check_number(width, "width", least=0)
    _check_margin(value, why, form)
    ends = f"{_said(value - width, form)} to {_said(value + width, form)}"
    return Margin(value - width, value + width, f"{ends}: {why}")


def above(value: float, why: str, form: str = ".0%") -> Margin:
    """``value`` and more."""
    _check_margin(value, why, form)
    return Margin(value, float("inf"), f"{_said(value, form)} or more: {why}")


def below(value: float, why: str, form: str = ".0%") -> Margin:
    """``value`` and less."""
    _check_margin(value, why, form)
    return Margin(float("-inf"), value, f"{_said(value, form)} or less: {why}")


def _check_margin(value: float, why: str, form: str) -> None:
    check_number(value, "value")
    check_text(why, "why")
    check_format(form, value, "form")


MOST = Margin(math.nextafter(0.5, 1), math.inf, "more than 50 %: most is more than half")
NEARLY_ALL = above(0.95, "nearly all")
NEARLY_NONE = below(0.05, "nearly none")


def together(verdicts: Iterable[bool | None]) -> bool | None:
    """One verdict of a claim that has several parts: one that fails, fails it.

    Raises:
        TypeError: what is no sequence of verdicts.
    """
    if not is_sequence(verdicts):
        raise TypeError(f"verdicts: expected True, False or None of each part, got {verdicts!r}")
    found = list(verdicts)
    for verdict in found:
        if verdict is not None:
            check_flag(verdict, "verdicts")
    return False if False in found else None if None in found else True


@dataclass(frozen=True)
class Merit:
    """One row of the scoreboard.

    Attributes:
        claim: what is claimed, in a few words.
        paper: the paper's figure with its reference; "not given" where it has none.
        ours: the figure measured here, with its interval.
        holds: whether the claim held here; None where the measurement leaves it undecided.
        margin: what was to count as agreement, and why.
        note: where ours differs, why; or what is other about the set-up.
    """

    claim: str
    paper: str
    ours: str
    holds: bool | None
    margin: str = ""
    note: str = ""

    @classmethod
    def judged(
        cls,
        claim: str,
        paper: str,
        found: Interval[float] | float,
        margin: Margin,
        ours: str = "",
        note: str = "",
    ) -> Merit:
        """A row whose verdict is that of one figure within a margin.

        Args:
            claim, paper, note: see the class.
            found: the figure that is judged.
            margin: within which it agrees.
            ours: the figure in words; by default as it formats itself.
        """
        return cls(claim, paper, ours or str(found), margin.verdict(found), margin.words, note)

    @property
    def verdict(self) -> str:
        """In one word."""
        return "undecided" if self.holds is None else "yes" if self.holds else "no"


class Record:
    """The figures of merit of a chapter; as the last line of a cell it shows them as a table."""

    def __init__(self, *merits: Merit) -> None:
        if not merits or not all(isinstance(merit, Merit) for merit in merits):
            raise TypeError(f"merits: expected at least one Merit, got {merits!r}")
        self.merits = merits

    def __iter__(self) -> Iterator[Merit]:
        return iter(self.merits)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        where = measured_on()
        rows = [{**asdict(merit), "where": where} for merit in self.merits]
        data = {
            "text/html": f"{_table(self.merits)}<p>Measured on: {html.escape(where)}.</p>",
            "text/plain": "\n".join(map(_line, self.merits)),
        }
        return data, {"text/html": {"merits": rows}}  # for the ledger


class Ledger:
    """The records of many chapters; as the last line of a cell it shows them as one table.

    Args:
        records: the merits of each chapter, by its title.

    Raises:
        TypeError: what is no mapping to merits.
    """

    def __init__(self, records: Mapping[str, Iterable[Merit]]) -> None:
        check_kind(records, Mapping, "records")
        self.records = {title: _merits(merits) for title, merits in records.items()}

    @classmethod
    def read(cls, notebooks: Iterable[Path]) -> Ledger:
        """The records that executed notebooks hold; one without a record is left out.

        Raises:
            FileNotFoundError: a notebook is not there.
        """
        records = {}
        for path in notebooks:
            cells = json.loads(Path(path).read_text("utf-8"))["cells"]
            merits = [
                Merit(**{name: value for name, value in row.items() if name != "where"})
                for cell in cells
                for output in cell.get("outputs", [])
                for row in output.get("metadata", {}).get("text/html", {}).get("merits", [])
            ]
            if merits:
                records["".join(cells[0]["source"]).splitlines()[0].strip("# ")] = merits
        return cls(records)

    def counts(self) -> dict[str, int]:
        """How many claims hold, do not, and are undecided."""
        told = [merit.verdict for merits in self.records.values() for merit in merits]
        return {verdict: told.count(verdict) for verdict in ("yes", "no", "undecided")}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        parts = [
            f"<h3>{html.escape(title)}</h3>{_table(merits)}"
            for title, merits in self.records.items()
        ]
        lines = [
            f"{title}\n" + "\n".join(map(_line, merits)) for title, merits in self.records.items()
        ]
        return {"text/html": "".join(parts), "text/plain": "\n\n".join(lines)}


def _merits(merits: Iterable[Merit]) -> tuple[Merit, ...]:
    if not is_sequence(merits):
        raise TypeError(f"records: expected merits of each chapter, got {merits!r}")
    found = tuple(merits)
    for merit in found:
        check_kind(merit, Merit, "records")
    return found


def measured_on() -> str:
    """The processor, in words a reader can compare with."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' * (threads > 1)} of a processor ({platform.machine()})"


def _table(merits: Iterable[Merit]) -> str:
    """HTML: below a figure its note, and below a verdict the margin that it rests on."""
    head = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    rows = (
        "".join(
            f"<td>{_cell(*texts)}</td>"
            for texts in ((m.claim,), (m.paper,), (m.ours, m.note), (m.verdict, m.margin))
        )
        for m in merits
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str, below: str = "") -> str:
    small = f"<br><small>{html.escape(below)}</small>" if below else ""
    return html.escape(text) + small


def _line(merit: Merit) -> str:
    return f"{merit.claim}: paper {merit.paper}; ours {merit.ours}; {merit.verdict}"
