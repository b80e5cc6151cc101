"""A long attack done in parts, each of which is kept until all are there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from foolkit.files import load_tensors, save_tensors
from foolkit.gradients import Perturbed

FOLDER = "parts"
TENSORS = tuple(field.name for field in fields(Perturbed) if field.name != "targeted")


def in_parts(
    folder: Path,
    make: Callable[[slice], Perturbed],
    count: int,
    size: int,
    *,
    originals: Tensor | None = None,
    progress: bool = True,
) -> tuple[Perturbed, Tensor | None]:
    """``make`` of each part; started again in the same folder, only of parts that are missing.

    Args:
        folder: of the run; parts lie in a folder of their own there, until ``clear``.
        make: perturbs the images of a slice of ``range(count)``, whatever was made before.
        count: images in all.
        size: images of a part.
        originals: ``[count, C, H, W]``: a kept part that was made from other images is made anew.
        progress: show a bar if it takes longer than a second.

    Returns:
        All parts as one, and the ``steps`` of each image, where ``make``'s results have them.

    Raises:
        OSError: a part cannot be written.
    """
    made: list[dict[str, Tensor]] = []
    targeted = False
    with tqdm(total=count, disable=not progress, unit=" images", delay=1) as bar:
        for first in range(0, count, size):
            rows = slice(first, min(first + size, count))
            path = folder / FOLDER / f"{first:06d}.safetensors"
            part, targeted = _kept(path, None if originals is None else originals[rows])
            if part is None:
                found = make(rows)
                names = (*TENSORS, *(("steps",) if hasattr(found, "steps") else ()))
                part, targeted = {n: getattr(found, n).cpu() for n in names}, found.targeted
                path.parent.mkdir(exist_ok=True)
                save_tensors(path, part, {"targeted": targeted})
            made.append(part)
            bar.update(rows.stop - rows.start)
    whole = {name: torch.cat([part[name] for part in made]) for name in made[0]}
    steps = whole.pop("steps", None)
    return Perturbed(**whole, targeted=targeted), steps


def clear(folder: Path) -> None:
    """Remove the parts, once what was made of them is written."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _kept(path: Path, originals: Tensor | None) -> tuple[dict[str, Tensor] | None, bool]:
    """A part, if it is whole and of these images."""
    if not path.is_file():
        return None, False
    try:
        part, facts = load_tensors(path, "parts")
    except ValueError:  # cut off by a full disk: made anew
        return None, False
    if originals is not None and not torch.equal(part["originals"], originals.cpu()):
        return None, False
    return part, facts["targeted"]
