"""Drag a patch over a digit, and watch the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_images, check_labels, check_names
from foolkit.files import as_bytes
from foolkit.gradients import Patch
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import PIXELS, Images, check_whole, to_tensor

LINE = 28  # pixels of an image's side


class PatchDrag(Widget):
    """A digit with a square patch on it, which is dragged about, and ten confidences beside it.

    With pointer, finger or keyboard (arrow keys). "Try every place" asks the network with the
    patch at each place where all of it lies in the image, and shows where the answer is no longer
    the label.

    Args:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1]; the reader chooses among them.
        labels: int64 ``[N]``, what they are.
        patches: square ones of one size, grey, at most 27 pixels wide; rounded to 8 bits.
        names: what each is called; by default "patch for 3" after its target, or "patch 1".
        chosen: the image to start with.
        patch: the patch to start with.
        corner: its top and left.

    Attributes:
        answers: what the network says at every place, row by row; empty before it was asked.
        answer: what it says now; -1 before the first look.
        confidence: its ten confidences.

    Raises:
        TypeError, ValueError: images, labels, patches or settings that are not as described.
    """

    _esm = module("patch_drag.js")
    shown = ("chosen", "patch", "corner")

    images = Images(b"", count=None)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    patches = traitlets.Bytes(b"").tag(sync=True)
    side = traitlets.Int(1).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Any(0).tag(sync=True)
    patch = traitlets.Any(0).tag(sync=True)
    corner = traitlets.Any((0, 0)).tag(sync=True)
    answers = traitlets.List(traitlets.Int()).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        patches: Sequence[Patch],
        *,
        names: Sequence[str] | None = None,
        chosen: int = 0,
        patch: int = 0,
        corner: Sequence[int] = (0, 0),
    ) -> None:
        check_images(images, (1, LINE, LINE))
        check_labels(labels, len(images), 10)
        check_whole(chosen, 0, len(images) - 1, "chosen")
        pixels = _pixels(patches)
        if names is None:
            names = [
                f"patch {n}" if one.target is None else f"patch for {one.target}"
                for n, one in enumerate(patches, 1)
            ]
        names = check_names(names, "names")
        if len(names) != len(patches):
            raise ValueError(f"names: expected one for each of {len(patches)}, got {len(names)}")
        super().__init__(
            network="lenet", images=images, labels=labels.tolist(), side=pixels.shape[-1],
            patches=as_bytes(pixels).numpy().tobytes(), names=list(names), chosen=chosen,
            patch=check_whole(patch, 0, len(patches) - 1, "patch"), corner=corner,
        )  # fmt: skip

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.images) // PIXELS - 1, "chosen")

    @traitlets.validate("patch")
    def _check_patch(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.names) - 1, "patch")

    @traitlets.validate("corner")
    def _check_corner(self, proposal: traitlets.Bunch) -> list[int]:
        value = proposal["value"]
        if not isinstance(value, Sequence) or len(value) != 2:
            raise ValueError(f"corner: expected top and left, got {value!r}")
        return [check_whole(one, 0, LINE - self.side, "corner") for one in value]

    @traitlets.observe("chosen", "patch")
    def _forget(self, change: Any) -> None:
        self.answers = []

    def current(self) -> Tensor:
        """The digit with the patch as it lies now, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        size = self.side**2
        content = bytearray(self.patches[size * self.patch : size * (self.patch + 1)])
        pixels = torch.frombuffer(content, dtype=torch.uint8).view(1, self.side, self.side)
        image = to_tensor(self.images)[self.chosen : self.chosen + 1]
        top, left = self.corner
        return Patch(pixels.float() / 255).apply(image, (top, left))


def _pixels(patches: Sequence[Patch]) -> Tensor:
    """``[P, 1, S, S]`` in [0, 1], or an error that says what is wrong with them."""
    if not isinstance(patches, Sequence) or not patches:
        raise ValueError(f"patches: expected at least one Patch, got {patches!r}")
    for one in patches:
        if not isinstance(one, Patch):
            raise TypeError(f"patches: expected Patch, got {type(one).__name__}")
        shape = list(one.pixels.shape)
        if shape != [1, patches[0].size, patches[0].size] or one.shape != "square":
            raise ValueError(
                "patches: expected grey squares of one size, got a"
                f" {one.shape} of {shape} beside {list(patches[0].pixels.shape)}"
            )
    if patches[0].size >= LINE:
        raise ValueError(
            f"patches: expected fewer than {LINE} pixels a side, got {patches[0].size}"
        )
    return torch.stack([one.pixels for one in patches]).cpu()
