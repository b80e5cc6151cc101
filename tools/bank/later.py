"""Measures the later designs anew: ``python -m tools.bank.later --checkpoints FOLDER``."""

from __future__ import annotations

from pathlib import Path

from foolkit.bank.later import DESIGNS, FILE
from foolkit.models import load
from tools.bank.networks import measure_all
from tools.bank.program import options, write


def main() -> None:
    """Command line: measure what is not there yet, then write all that is."""
    parser = options("later", __doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of one file each")
    chosen = parser.parse_args()
    write(chosen.out, FILE, measure_all(map(load, DESIGNS), chosen.checkpoints))


if __name__ == "__main__":
    main()
