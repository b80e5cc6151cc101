"""Examines the reports' reference networks anew: ``python -m tools.bank.yardsticks``.

Their numbers stand beside those of every other network, and their pages in the book.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import foolkit
from foolkit import data, examine, models
from foolkit.examination.yardsticks import FILE
from foolkit.files import json_bytes, write_atomically

DIGITS = 200
PAGES = Path(__file__).parents[2] / "book" / "reports"
CHAPTERS = "../.."  # from where the built book puts a file that a chapter links to
NETWORKS = {
    "lenet": "LeNet, on embedded digits",
    "lenet-pgd": "LeNet trained against PGD (Madry et al. 2018), on embedded digits",
}


def main() -> None:
    """Write the numbers of all of them, and the pages."""
    images, labels = (tensor[:DIGITS] for tensor in data.digits())
    found = []
    for name, words in NETWORKS.items():
        report = examine(models.load(name), images, labels, minutes=None)
        for section in report.sections:
            print(f"{name}: {section.name}: {section.verdict or section.error}")
        numbers = {
            number.name: [
                None if math.isnan(value) else round(value, 6)
                for value in (number.value, number.low, number.high)
            ]
            for number in report.numbers.values()
        }
        found.append({"name": name, "words": words, "numbers": numbers})
        with tempfile.TemporaryDirectory() as folder:
            page = report.save(folder, book=CHAPTERS).read_bytes()
        write_atomically(PAGES / f"{name}.html", page)
    place = Path(foolkit.__file__).parent / "examination" / FILE
    write_atomically(place, json_bytes(found))


if __name__ == "__main__":
    main()
