"""Swap the tiles of a picture, and watch the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_count, check_images, check_labels, check_names
from foolkit.data.tiles import cut_tiles, paste_tiles
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, PIXELS, Images, Whole, check_whole, to_tensor

GRIDS = (2, 4, 7)


class Jigsaw(Widget):
    """A picture cut into tiles, to put in another order, and ten confidences beside it.

    With pointer, finger or keyboard: drag a tile onto another, tap one and then the other, or
    choose them with arrow keys and Space. Orders are those of ``foolkit.analysis``: place ``i``
    shows tile ``order[i]`` of ``cut_tiles``.

    Args:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1], real or fooling; the reader chooses.
        labels: int64 ``[N]``: the digit, or what a fooling image was made for.
        names: what each is called; by default "picture 1" and so on.
        chosen: the image to start with.
        grid: tiles across and down, 2, 4 or 7; another grid puts the tiles in their places.
        seed: of the page's shuffles, 0 to 999999.

    Attributes:
        order: which tile lies at each place, row by row.
        answer: what the network says of it; -1 before the first look.
        confidence: its ten confidences.

    Raises:
        TypeError, ValueError: images or settings that are not as described.
    """

    _esm = module("jigsaw.js")
    shown = ("chosen", "grid", "seed")

    images = Images(b"", count=None)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Any(0).tag(sync=True)
    grid = traitlets.Any(4).tag(sync=True)
    order = traitlets.Any(()).tag(sync=True)
    seed = Whole(0, 0, LAST_SEED)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        names: Sequence[str] | None = None,
        chosen: int = 0,
        grid: int = 4,
        seed: int = 0,
    ) -> None:
        check_images(images, (1, 28, 28))
        check_labels(labels, len(images), 10)
        check_whole(chosen, 0, len(images) - 1, "chosen")
        if names is None:
            names = [f"picture {n}" for n in range(1, len(images) + 1)]
        names = check_names(names, "names")
        if len(names) != len(images):
            raise ValueError(f"names: expected one for each of {len(images)}, got {len(names)}")
        super().__init__(
            network="lenet", images=images, labels=labels.tolist(), names=list(names),
            chosen=chosen, grid=grid, order=_in_order(_check_grid(grid)), seed=seed,
        )  # fmt: skip

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.images) // PIXELS - 1, "chosen")

    @traitlets.validate("grid")
    def _check_grid(self, proposal: traitlets.Bunch) -> int:
        return _check_grid(proposal["value"])

    @traitlets.validate("order")
    def _check_order(self, proposal: traitlets.Bunch) -> list[int]:
        value, count = proposal["value"], self.grid**2
        given = value.tolist() if isinstance(value, Tensor) else value
        lacking = not isinstance(given, Sequence) or any(n not in given for n in range(count))
        if lacking or len(given) != count:
            raise ValueError(f"order: expected the numbers 0 to {count - 1}, got {value!r}")
        return list(given)

    @traitlets.observe("grid")
    def _cut_anew(self, change: Any) -> None:
        if len(self.order) != self.grid**2:
            self.order = _in_order(self.grid)

    def current(self) -> Tensor:
        """The picture as it is now, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        image = to_tensor(self.images)[self.chosen : self.chosen + 1]
        return paste_tiles(cut_tiles(image, self.grid)[:, torch.tensor(self.order)])


def _in_order(grid: int) -> list[int]:
    return list(range(grid**2))


def _check_grid(value: Any) -> int:
    grid = check_count(value, "grid")
    if grid not in GRIDS:
        raise ValueError(f"grid: expected one of {', '.join(map(str, GRIDS))}, got {grid}")
    return grid
