"""Change one pixel of a digit, and see what every other single pixel would do."""

from __future__ import annotations

import traitlets
from torch import Tensor

from foolkit.checks import check_images, check_labels
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import PIXELS, Flag, Images, check_whole, to_tensor


class OnePixel(Widget):
    """A digit of which single pixels are set to black or white, and ten confidences beside it.

    With pointer, finger or keyboard (arrow keys, Space). "Try every pixel" sets each of the 784 to
    black and to white, as ``foolkit.gradients.every_pixel`` does, shows how much each takes from
    the label's lead, and how many would change the answer; "Set the strongest" sets that one.
    Press the two in turn, with ``keep``, for a greedy search.

    Args:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1]; the reader chooses among them.
        labels: int64 ``[N]``, what they are.
        chosen: the image to start with.
        keep: whether pixels that were set stay when another one is.

    Attributes:
        image: 784 bytes of the image as it is now.
        changed: how many of its pixels differ from the original.
        fooling: how many single pixels would change the answer; -1 where nobody has asked.
        answer: what the network says of it; -1 before the first look.
        confidence: its ten confidences.

    Raises:
        TypeError, ValueError: images, labels or settings that are not as described.
    """

    _esm = module("one_pixel.js")
    shown = ("chosen", "keep")

    images = Images(b"", count=None)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    chosen = traitlets.Any(0).tag(sync=True)
    keep = Flag()
    image = Images(bytes(PIXELS), count=1)
    changed = traitlets.Int(0).tag(sync=True)
    fooling = traitlets.Int(-1).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self, images: Tensor, labels: Tensor, *, chosen: int = 0, keep: bool = False
    ) -> None:
        check_images(images, (1, 28, 28))
        check_labels(labels, len(images), 10)
        check_whole(chosen, 0, len(images) - 1, "chosen")
        super().__init__(
            network="lenet", images=images, labels=labels.tolist(), chosen=chosen, keep=keep,
            image=images[chosen : chosen + 1],
        )  # fmt: skip

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.images) // PIXELS - 1, "chosen")

    def current(self) -> Tensor:
        """The image as it is now, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        return to_tensor(self.image)
