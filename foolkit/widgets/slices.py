"""A slice through image space, to walk about in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_choice, check_dense
from foolkit.widgets.base import Widget
from foolkit.widgets.draw_and_fool import sample_digits
from foolkit.widgets.modules import module
from foolkit.widgets.traits import (
    LAST_SEED,
    PIXELS,
    Flag,
    Images,
    Number,
    Whole,
    check_number,
    check_whole,
    to_tensor,
)

DIRECTIONS = ("adversarial and random", "two adversarial", "two random", "given")
FURTHEST = 200.0  # from the digit, in units of length


class SliceExplorer(Widget):
    """A plane through image space around a digit, coloured by what the network says there.

    The page judges the plane cell by cell, from coarse to fine; the reader pans, zooms and looks
    at single points. The axes are those of ``foolkit.analysis.plane``: the first direction, and
    the part of the second perpendicular to it, both of length 1.

    Adversarial directions lead to the nearest boundaries that DeepFool (Moosavi-Dezfooli et al.
    2016) finds, towards one class at a time and with pixels kept in [0, 1].

    Args:
        digit: the real digit in the middle.
        directions: ``"adversarial and random"``, ``"two adversarial"``, ``"two random"`` or
            ``"given"``; by default the given ones, if there are any, else the first.
        across, along: the given directions, float32 ``[1, 1, 28, 28]``, not parallel.
        clip: keep pixels in [0, 1]; otherwise the plane is flat, and leaves the images.
        seed: of the random directions, 0 to 999999.
        reach: what is seen to each side, 0.5 to 60, in units of length (of the pixel range).
        image: put your own image in the middle, float32 ``[1, 1, 28, 28]`` in [0, 1].

    Attributes:
        point: the place looked at, ``[x, y]`` from the middle.
        answer: what the network says there; -1 before the first look.
        confidence: its ten confidences there.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("slices.js")
    shown = ("directions", "clip", "seed", "reach")

    image = Images(bytes(PIXELS), count=1)
    samples = Images(bytes(10 * PIXELS), count=10)
    axes = traitlets.Bytes(b"").tag(sync=True)
    directions = traitlets.Any(DIRECTIONS[0]).tag(sync=True)
    clip = Flag()
    seed = Whole(0, 0, LAST_SEED)
    reach = Number(8.0, 0.5, 60)
    point = traitlets.Any([0.0, 0.0]).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        digit: int = 3,
        *,
        directions: str | None = None,
        across: Tensor | None = None,
        along: Tensor | None = None,
        clip: bool = False,
        seed: int = 0,
        reach: float = 8.0,
        image: Tensor | None = None,
    ) -> None:
        check_whole(digit, 0, 9, "digit")
        axes = _axes(across, along)
        if directions is None:
            directions = DIRECTIONS[-1] if axes else DIRECTIONS[0]
        samples = sample_digits("lenet")
        super().__init__(
            network="lenet",
            samples=samples,
            image=samples[digit][None] if image is None else image,
            axes=axes,
            clip=clip,
            seed=seed,
            reach=reach,
        )
        self.directions = directions  # which are allowed depends on the axes

    @traitlets.validate("directions")
    def _check_directions(self, proposal: traitlets.Bunch) -> str:
        allowed = DIRECTIONS if self.axes else DIRECTIONS[:-1]
        check_choice(proposal["value"], allowed, "directions")
        return proposal["value"]

    @traitlets.validate("point")
    def _check_point(self, proposal: traitlets.Bunch) -> list[float]:
        value = proposal["value"]
        if not isinstance(value, Sequence) or len(value) != 2:
            raise ValueError(f"point: expected two numbers, got {value!r}")
        return [check_number(number, -FURTHEST, FURTHEST, "point") for number in value]

    def middle(self) -> Tensor:
        """The image in the middle, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        return to_tensor(self.image)


def _axes(across: Tensor | None, along: Tensor | None) -> bytes:
    """Two directions as bytes, 32-bit numbers with the lowest byte first; none: no bytes."""
    if across is None and along is None:
        return b""
    rows = []
    for name, way in (("across", across), ("along", along)):
        if not isinstance(way, Tensor) or way.shape != (1, 1, 28, 28):
            came = list(way.shape) if isinstance(way, Tensor) else way
            raise ValueError(f"{name}: expected a direction [1, 1, 28, 28], got {came}")
        check_dense(way, name)
        rows.append(way.detach().cpu().flatten().float())
        length = float(torch.linalg.vector_norm(rows[-1]))
        if not 0 < length < float("inf"):
            raise ValueError(f"{name}: expected a finite direction of length > 0, got {length}")
    first, second = rows
    cosine = torch.nn.functional.cosine_similarity(first, second, dim=0)
    if 1 - float(cosine) ** 2 < 1e-6:
        raise ValueError("along: expected a direction that is not parallel to across")
    return torch.cat(rows).numpy().astype("<f4").tobytes()
