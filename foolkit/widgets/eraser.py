"""Rub out the copies of a repeated element, or tile one, and watch the network."""

from __future__ import annotations

import traitlets
from torch import Tensor

from foolkit.checks import check_images
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import PIXELS, Images, Whole, check_whole, to_tensor


class Eraser(Widget):
    """An image to rub out with a brush of mean grey, and ten confidences beside it.

    With pointer, finger or keyboard (arrow keys, Space to rub). "Tile" takes the square under
    the cursor as a motif and repeats it 1, 4, 9 or 16 times on black.

    Args:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1]; the reader chooses among them.
        chosen: the image to start with.
        brush: side of the square that is rubbed out at a time, 1 to 14 pixels.

    Attributes:
        image: 784 bytes of the image as it is now.
        answer: what the network says of it; -1 before the first look.
        confidence: its ten confidences.

    Raises:
        TypeError, ValueError: images or settings that are not as described.
    """

    _esm = module("eraser.js")
    shown = ("chosen", "brush")

    images = Images(b"", count=None)
    chosen = traitlets.Any(0).tag(sync=True)
    brush = Whole(7, 1, 14)
    image = Images(bytes(PIXELS), count=1)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, images: Tensor, *, chosen: int = 0, brush: int = 7) -> None:
        check_images(images, (1, 28, 28))
        check_whole(chosen, 0, len(images) - 1, "chosen")
        super().__init__(
            network="lenet", images=images, chosen=chosen, brush=brush,
            image=images[chosen : chosen + 1],
        )  # fmt: skip

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.images) // PIXELS - 1, "chosen")

    def current(self) -> Tensor:
        """The image as it is now, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        return to_tensor(self.image)
