"""Figures of merit: what a paper says, what we found, and whether the claim holds."""

from __future__ import annotations

import html
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Merit:
    """One row of the scoreboard.

    Attributes:
        claim: what is claimed, in a few words.
        paper: the paper's figure with its reference; "not given" where it has none.
        ours: the figure measured here.
        holds: whether the claim held here; None where the measurement leaves it undecided.
    """

    claim: str
    paper: str
    ours: str
    holds: bool | None


class Record:
    """The figures of merit of a chapter; as the last line of a cell it shows them as a table."""

    def __init__(self, *merits: Merit) -> None:
        if not merits or not all(isinstance(merit, Merit) for merit in merits):
            raise TypeError(f"merits: expected at least one Merit, got {merits!r}")
        self.merits = merits

    def __iter__(self) -> Iterator[Merit]:
        return iter(self.merits)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        where = measured_on()
        rows = [{**asdict(merit), "where": where} for merit in self.merits]
        lines = [f"{m.claim}: paper {m.paper}; ours {m.ours}; {_verdict(m)}" for m in self.merits]
        cells = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(t)}</td>" for t in (m.claim, m.paper, m.ours, _verdict(m)))
            + "</tr>"
            for m in self.merits
        )
        head = "".join(
            f'<th scope="col">{name}</th>' for name in ("claim", "paper", "ours", "holds here")
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>"
        data = {
            "text/html": f"{table}<p>Measured on: {html.escape(where)}.</p>",
            "text/plain": "\n".join(lines),
        }
        return data, {"text/html": {"merits": rows}}  # for the book's scoreboard


def measured_on() -> str:
    """The processor, in words a reader can compare with."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} threads, {platform.machine()} processor"


def _verdict(merit: Merit) -> str:
    return "undecided" if merit.holds is None else "yes" if merit.holds else "no"
