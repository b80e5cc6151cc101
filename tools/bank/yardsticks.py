"""Examines the reports' reference networks anew: ``python -m tools.bank.yardsticks``."""

from __future__ import annotations

import math
from pathlib import Path

import foolkit
from foolkit import data, examine, models
from foolkit.examination.yardsticks import FILE
from foolkit.files import json_bytes, write_atomically

MINUTES, DIGITS = 0.5, 200
NETWORKS = {
    "lenet": "LeNet, on embedded digits",
    "lenet-pgd": "LeNet trained against PGD (Madry et al. 2018), on embedded digits",
}


def main() -> None:
    """Write the numbers of all of them."""
    images, labels = (tensor[:DIGITS] for tensor in data.digits())
    found = []
    for name, words in NETWORKS.items():
        report = examine(models.load(name), images, labels, minutes=MINUTES)
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
    place = Path(foolkit.__file__).parent / "examination" / FILE
    write_atomically(place, json_bytes(found))


if __name__ == "__main__":
    main()
