"""What the programs that make the bank's files share: their options, parts, and the file."""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from foolkit.bank.store import PLACE
from foolkit.files import write_atomically


def options(module: str, about: str | None) -> argparse.ArgumentParser:
    """``python -m tools.bank.MODULE``, with ``--out``: the folder of the bank, or another."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.bank.{module}", description=about)
    parser.add_argument("--out", type=Path, default=Path(str(PLACE)))
    return parser


def write(folder: Path, file: str, stored: Mapping[str, np.ndarray]) -> None:
    """The arrays as ``foolkit.bank.store.read`` reads them; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(content, **stored)
    write_atomically(folder / file, content.getvalue())


def passes_done(path: Path, net: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """How many passes ``keep_pass`` has kept, loaded into both; 0 where it has none."""
    if not path.exists():
        return 0
    held = torch.load(path, weights_only=True)
    net.load_state_dict(held["net"])
    optimizer.load_state_dict(held["optimizer"])
    done: int = held["done"]
    return done


def keep_pass(path: Path, net: nn.Module, optimizer: torch.optim.Optimizer, done: int) -> None:
    """Keep a training after so many passes; whoever is killed here has the pass before."""
    keep(path, {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "done": done})


def keep(path: Path, held: Mapping[str, Any]) -> None:
    """Keep what ``torch.load(path, weights_only=True)`` reads again, in whole or not at all."""
    content = io.BytesIO()
    torch.save(held, content)
    write_atomically(path, content.getvalue())


def make_parts(
    module: str,
    about: str | None,
    file: str,
    runs: int,
    parts: Sequence[tuple[str, ...]],
    make: Callable[..., dict[str, np.ndarray]],
) -> None:
    """Command line: make every part and write all as one file; stopped, it goes on.

    ``--checkpoints`` keeps each part as soon as it is made.

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
    parser.add_argument("--checkpoints", type=Path, default=Path("runs") / module)
    chosen = parser.parse_args()
    start = time.process_time()
    write(chosen.out, file, gathered(
        parts, chosen.checkpoints, lambda *part: make(*part, chosen.runs), f"-{chosen.runs}"
    ))  # fmt: skip
    print(f"{time.process_time() - start:.0f} s of processor time")


def gathered(
    parts: Sequence[tuple[str, ...]],
    checkpoints: Path,
    make: Callable[..., dict[str, np.ndarray]],
    suffix: str = "",
) -> dict[str, np.ndarray]:
    """The columns of all parts, each named by its part and its own name, with slashes between.

    A part is made where the folder ``checkpoints`` has none of its name and ``suffix``, and kept
    there.
    """
    stored = {}
    for part in tqdm(parts, unit=" parts"):
        kept = checkpoints / f"{'-'.join(part).replace('/', '-')}{suffix}.npz"
        if not kept.exists():
            write(kept.parent, kept.name, make(*part))
        with np.load(kept) as columns:
            for name in columns.files:
                stored["/".join((*part, name))] = columns[name]
    return stored
