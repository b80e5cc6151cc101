"""Fool a photograph: ours or the reader's own becomes what the reader names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from PIL import Image
from torch import Tensor

from foolkit.checks import check_images
from foolkit.files import as_bytes
from foolkit.models import squeezenet
from foolkit.models.loading import imagenet_classes
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import Number, Whole

SIZE = squeezenet.SIZE
MOST = 12  # photographs: each is some kilobytes in the page
QUALITY = 80  # of the stored photographs, which are only where a reader begins
CLASSES = 1000


class FoolPhotograph(Widget):
    """Targeted projected gradient descent (Madry et al. 2018) on a photograph, in the page.

    SqueezeNet 1.1 (``foolkit.models.load("squeezenet1_1")``, with its weights rounded to float16)
    runs in a worker of the browser. Steps are of one level of 255, along the sign of the gradient
    of the target's log-probability, so that every image on the way is a file of 8 bits: what is
    saved fools as what is seen does. A picture that the reader brings stays in the page, cut to
    its middle square of 224 pixels.

    Args:
        photographs: float32 ``[N, 3, 224, 224]`` in [0, 1], 1 to 12 of them, to begin with; they
            are stored as JPEG.
        titles: what each is called.
        target: the class, 0 to 999, that a photograph is to become.
        epsilon: largest change of a colour, 1 to 16 levels of 255.
        steps: of the attack at most, 1 to 200; it ends at 99 %.

    Attributes:
        changed: the last changed photograph as bytes: levels, row by row, red, green and blue.
        confidence: of that in the target.

    Raises:
        TypeError, ValueError: an argument that is not as described.
    """

    _esm = module("fool_photograph.js")
    shown = ("target", "epsilon")

    pictures = traitlets.List(traitlets.Bytes()).tag(sync=True)
    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    target = Whole(0, 0, CLASSES - 1)
    epsilon = Whole(3, 1, 16)
    steps = Whole(40, 1, 200)
    changed = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _: bytes(value))
    confidence = Number(0.0, 0, 1)

    def __init__(
        self,
        photographs: Tensor,
        titles: Sequence[str],
        target: int = 9,
        *,
        epsilon: int = 3,
        steps: int = 40,
    ) -> None:
        check_images(photographs, (3, SIZE, SIZE), "photographs")
        if len(photographs) > MOST:
            raise ValueError(f"photographs: expected at most {MOST}, got {len(photographs)}")
        titles = list(titles)
        if len(titles) != len(photographs):
            raise ValueError(
                f"titles: expected one for each of {len(photographs)} photographs,"
                f" got {len(titles)}"
            )
        super().__init__(
            networks=[squeezenet.NAME], names=list(imagenet_classes()), titles=titles,
            pictures=[_jpeg(one) for one in photographs.detach().cpu()],
            target=target, epsilon=epsilon, steps=steps,
        )  # fmt: skip

    def image(self) -> Tensor:
        """The last changed photograph, float32 ``[1, 3, 224, 224]`` (none: ``[0, ...]``)."""
        levels = torch.tensor(list(self.changed), dtype=torch.uint8)
        return levels.view(-1, SIZE, SIZE, 3).permute(0, 3, 1, 2).float().div(255)


def _jpeg(image: Tensor) -> bytes:
    file = io.BytesIO()
    picture: Any = Image.fromarray(as_bytes(image.clamp(0, 1)).permute(1, 2, 0).numpy())
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
