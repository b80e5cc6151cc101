"""A long attack done in parts, each of which is kept until all are there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from foolkit.gradients import Perturbed
from foolkit.models import predict
from foolkit.models.door import same_answer
from foolkit.models.precision import device_of
from foolkit.progress import progress_bar

FOLDER = "parts"
Result = TypeVar("Result", bound=Perturbed)


def in_parts(
    folder: Path,
    kind: type[Result],
    make: Callable[[slice], Result],
    net: nn.Module,
    count: int,
    size: int,
    *,
    originals: Tensor | None = None,
    labels: Tensor | None = None,
    progress: bool = True,
) -> Result:
    """``make`` of each part; started again in the same folder, only of parts that are missing.

    Args:
        folder: of the run; parts lie in a folder of their own there, until ``clear``.
        kind: of the results: ``Perturbed`` or ``Ascent``.
        make: perturbs the images of a slice of ``range(count)``, whatever was made before; it may
            return several results of them, one after the other in one.
        net: the network: a kept part whose first image it judges otherwise is made anew, since
            it is of another network, be it one with the same weights.
        count: images in all.
        size: images of a part.
        originals: ``[count, C, H, W]``: a kept part that was made from other images is made anew.
        labels: ``[count]``: likewise of a part that was made with other labels.
        progress: show a bar if it takes longer than a second.

    Returns:
        All parts as one, on the CPU.

    Raises:
        OSError: a part cannot be written.
    """
    made: list[Result] = []
    with progress_bar(count, "images", progress=progress) as bar:
        for first in range(0, count, size):
            rows = slice(first, min(first + size, count))
            path = folder / FOLDER / f"{first:06d}.safetensors"
            given = {"originals": originals, "labels": labels}
            wanted = {name: t[rows] for name, t in given.items() if t is not None}
            part = _kept(path, kind, net, wanted)
            if part is None:
                part = make(rows).to("cpu")
                part.save(path)
            made.append(part)
            bar.update(rows.stop - rows.start)
    return kind.cat(made)


def clear(folder: Path) -> None:
    """Remove the parts, once what was made of them is written."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _kept(
    path: Path, kind: type[Result], net: nn.Module, wanted: dict[str, Tensor]
) -> Result | None:
    """A part, if it is whole, of this network, of these images and of these labels."""
    try:
        part = kind.load(path)
    except (FileNotFoundError, ValueError):  # a part cut off by a full disk is made anew
        return None
    for name, tensor in wanted.items():
        times = max(1, len(part) // len(tensor))
        repeated = tensor.cpu().repeat(times, *[1] * (tensor.ndim - 1))
        if not torch.equal(getattr(part, name), repeated):
            return None
    judged = predict(net, part.images[:1].to(device_of(net)))[0].cpu()
    if int(part.predicted[0]) >= len(judged):
        return None
    apart = abs(float(judged[part.predicted[0]]) - float(part.confidence[0]))
    return part if apart <= same_answer(net) else None
