"""Examines the reports' reference networks anew: ``python -m tools.bank.yardsticks``.

Their numbers stand beside those of every other network, and their pages in the book. It stops and
goes on: ``--checkpoints`` holds the sections that are done. With names, only those networks.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

import foolkit
from foolkit import data, examine, models
from foolkit.examination import Report
from foolkit.examination.yardsticks import FILE
from foolkit.files import json_bytes, write_atomically

DIGITS = 200
STORED = Path(foolkit.__file__).parent / "examination" / FILE
PAGES = Path(__file__).parents[2] / "book" / "reports"
CHAPTERS = "../.."  # from where the built book puts a file that a chapter links to


def digits() -> tuple[Tensor, Tensor | None, str]:
    """Embedded digits, and whose they are."""
    images, labels = data.digits()
    return images[:DIGITS], labels[:DIGITS], "of MNIST, embedded"


def photographs() -> tuple[Tensor, Tensor | None, str]:
    """Those that are free to show: without labels, since they are of no class of ImageNet's."""
    images, owners = data.embedded_photographs((3, 224, 224))
    return images, None, "; ".join(f"{o.title}: {o.author}, {o.licence}" for o in owners)


@dataclass(frozen=True)
class Reference:
    """A network of the book, and on what it is examined.

    Attributes:
        words: what it is, and on what it is measured.
        pictures: images, labels or None, and whose they are.
        minutes: as for ``examine``.
    """

    words: str
    pictures: Callable[[], tuple[Tensor, Tensor | None, str]]
    minutes: float | None = None


NETWORKS = {
    "lenet": Reference("LeNet, on embedded digits", digits),
    "lenet-pgd": Reference(
        "LeNet trained against PGD (Madry et al. 2018), on embedded digits", digits
    ),
    "squeezenet1_1": Reference(
        "SqueezeNet 1.1, trained on ImageNet, on fourteen photographs", photographs, 40
    ),
}


def examined(name: str, checkpoints: Path) -> Report:
    """The report on one of ``NETWORKS``, which says whose pictures it shows."""
    of = NETWORKS[name]
    images, labels, owners = of.pictures()
    report = examine(
        models.load(name), images, labels, minutes=of.minutes, folder=checkpoints / name
    )
    return replace(report, settings={**report.settings, "pictures": owners})


def yardstick(name: str, report: Report) -> dict[str, Any]:
    """What ``foolkit.examination.yardsticks`` reads."""
    numbers = {
        number.name: [
            None if math.isnan(value) else round(value, 6)
            for value in (number.value, number.low, number.high)
        ]
        for number in report.numbers.values()
    }
    return {"name": name, "words": NETWORKS[name].words, "numbers": numbers}


def main() -> None:
    """Command line: examine, write the numbers of all, then the pages, which show them."""
    parser = argparse.ArgumentParser(prog="python -m tools.bank.yardsticks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/yardsticks"))
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(NETWORKS))
    if unknown:
        parser.error(f"expected some of {', '.join(NETWORKS)}, got {', '.join(unknown)}")
    reports = {}
    for name in chosen.names or NETWORKS:
        reports[name] = report = examined(name, chosen.checkpoints)
        for section in report.sections:
            print(f"{name}: {section.name}: {section.verdict or section.error}")
        if not report.finished:
            parser.exit(130, "stopped; start again to go on\n")
    held = {one["name"]: one for one in json.loads(STORED.read_text("utf-8"))}
    held |= {name: yardstick(name, report) for name, report in reports.items()}
    write_atomically(STORED, json_bytes([held[name] for name in NETWORKS if name in held]))
    for name, report in reports.items():
        page = report.save(chosen.checkpoints / name, book=CHAPTERS)
        write_atomically(PAGES / f"{name}.html", page.read_bytes())


if __name__ == "__main__":
    main()
