"""What the programs that make the bank's files share: their options, parts, and the file."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from foolkit.bank.store import PLACE


def options(module: str, about: str | None) -> argparse.ArgumentParser:
    """``python -m tools.bank.MODULE``, with ``--out``: the folder of the bank, or another."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.bank.{module}", description=about)
    parser.add_argument("--out", type=Path, default=Path(str(PLACE)))
    return parser


def write(folder: Path, file: str, stored: Mapping[str, np.ndarray]) -> None:
    """The arrays as ``foolkit.bank.store.read`` reads them; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / file, **stored)


def make_parts(
    module: str,
    about: str | None,
    file: str,
    runs: int,
    parts: Sequence[tuple[str, ...]],
    make: Callable[..., dict[str, np.ndarray]],
) -> None:
    """Command line: make every part and write all as one file.

    Args:
        module: of this package, the program.
        about: what it says of itself.
        file: its name in the folder.
        runs: evolutions of a part, unless ``--runs`` says another number.
        parts: names; columns are stored under these and their own, with slashes between.
        make: from the names of a part and ``runs`` to its columns.
    """
    parser = options(module, about)
    parser.add_argument("--runs", type=int, default=runs)
    chosen = parser.parse_args()
    start, stored = time.process_time(), {}
    for part in tqdm(parts, unit=" parts"):
        for name, column in make(*part, chosen.runs).items():
            stored["/".join((*part, name))] = column
    write(chosen.out, file, stored)
    print(f"{time.process_time() - start:.0f} s of processor time")
