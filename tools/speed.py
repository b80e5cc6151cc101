"""Writes the book's page on speed from what was measured: ``python -m tools.speed``.

``make bench-peers`` measures, into ``benchmarks/peers.json``, and runs this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.__main__ import met

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "benchmarks" / "peers.json"
PAGE = ROOT / "book" / "speed.md"
Row = dict[str, Any]

OPENING = """# How fast is it?

This page is made by one command, `make bench-peers`. It installs the best-known toolkits of the \
field, pinned, beside this book's, and runs each routine by all who have it: on the same LeNet, \
written as a user would write it, on the same {images}, for as many steps where an attack has a \
number of steps, and within 0.1 for each pixel where it has a size. They take turns, and the times \
in a table are medians of one run, on one machine: {machine}. A peer that takes eight times as \
long as foolkit or more was timed once, and not weighed.

A *pass* is one image going through the network, forward, or its gradient coming back. They are \
counted by the network itself. What an attack does besides its passes is what a toolkit can waste. \
Where the passes or the share that is fooled differ much, the rows are not the same search, and \
their times compare little. The loop of SciPy takes one digit at a time, where foolkit takes all \
at once. *Fooled* is here whatever is read wrongly after the attack. *Memory* is what a process of \
its own needs at its peak for {weighed} digits, beyond what it holds after a first one (of \
evolution: for ten generations, beyond what it holds before).
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """In Markdown; the first column to the left, the others to the right."""
    head = list(head)
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None, digits: int = 3) -> str:
    """With so many significant digits, and no exponent."""
    if value is None:
        return ""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def share(value: float | None) -> str:
    """In per cent; nothing where it is not known."""
    return "" if value is None else f"{100 * value:.0f} %"


def page(report: dict[str, Any]) -> str:
    """The page, from what ``python -m benchmarks peers`` wrote."""
    groups: dict[str, list[Row]] = {}
    for row in report["rows"]:
        groups.setdefault(row["group"], []).append(row)
    images = next(row["detail"] for row in groups["machine"] if "images at once" in row["detail"])
    opening = OPENING.format(
        images=images.replace(" images at once", " digits"),
        machine=report["measured_on"],
        weighed=groups["routines"][0]["weighed"],
    )
    parts = [opening, _machine(groups["machine"])]
    names = list(dict.fromkeys(row["routine"] for row in groups["routines"]))
    parts.append("## Routine by routine\n")
    for name in names:
        parts.append(_routine(name, [r for r in groups["routines"] if r["routine"] == name]))
    parts += [_bars(groups["bars"]), _nearest(groups["nearest"]), _growth(groups["growth"])]
    return "\n".join(parts)


def _machine(rows: list[Row]) -> str:
    made = [[row["name"], number(row["value"]), row["unit"]] for row in rows]
    return "## The machine\n\n" + table(("", "measured", "unit"), made) + "\n"


def _routine(name: str, rows: list[Row]) -> str:
    columns: list[tuple[str, Callable[[Row], str]]] = [
        ("images a second", lambda row: number(row["rate"])),
        ("time, foolkit's = 1", lambda row: number(row["value"], 2)),
        ("memory, MiB", lambda row: number(row["memory"], 2)),
    ]
    if "forwards" in rows[0]:
        columns += [
            ("forward passes an image", lambda row: number(row["forwards"])),
            ("backward", lambda row: number(row["backwards"])),
            ("fooled", lambda row: share(row["success"])),
            ("median L2 of those", lambda row: number(row["distance"])),
        ]
    made = [[row["who"], *(value(row) for _, value in columns)] for row in rows]
    return f"### {name}\n\n" + table(("", *(head for head, _ in columns)), made) + "\n"


def _bars(rows: list[Row]) -> str:
    said = {True: "met", False: "missed", None: ""}
    made = [[row["name"], number(row["value"]), number(row["bar"]), said[met(row)]] for row in rows]
    text = (
        "## What was aimed at\n\nEach bar was set before the run: how many times as fast as the"
        " fastest peer. Where none stands, none was set. The peers run on the user's module in all"
        " rows; *our network* is the same one as this project loads it, with its weights laid"
        " out for the processor.\n\n"
    )
    return text + table(("", "measured", "bar", ""), made) + "\n"


def _nearest(rows: list[Row]) -> str:
    made = [
        [
            row["who"],
            f"{row['value']:.3f}",
            number(row["distance"]),
            number(row["forwards"]),
            number(row["backwards"]),
        ]
        for row in sorted(rows, key=lambda row: -row["value"])
    ]
    head = ("", "local optimality", "median L2", "forward passes an image", "backward")
    text = (
        "## Who comes nearest?\n\nThe searches for the smallest change, on the first 30"
        " digits, each with about a thousand passes forward and back, or fewer where it ends by"
        " itself. The measure is that of AttackBench {cite}`cina2025`: 1 would be the nearest"
        " change that anyone here found, for every digit; 0 is no attack. Where no distance"
        " stands, fewer than half were fooled.\n\n"
    )
    return text + table(head, made) + "\n"


def _growth(rows: list[Row]) -> str:
    made = [[row["name"], row["detail"], number(row["value"])] for row in rows]
    text = (
        "## What grows\n\nA generation of evolution beside the forward pass that it needs, on a"
        " small network, as the batch, the classes and the picture grow. The rows"
        " come in three groups, one for each of these; the last column divides the factor in a row"
        " by that in the first row of its group.\n\n"
    )
    return text + table(("", "measured", "the first of its kind = 1"), made) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(json.loads(MEASURED.read_text("utf-8"))), "utf-8")
    print(f"written to {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
