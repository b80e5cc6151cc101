"""Fool a photograph, the reader's own if they like, with the network of photographs in the page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import torch
import traitlets
from PIL import Image
from torch import Tensor

from foolkit.checks import check_images, check_names
from foolkit.data import embedded_photographs
from foolkit.files import as_bytes
from foolkit.widgets.base import PHOTOGRAPHS, Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import Whole, check_whole

SIZE = 224
MOST = 20  # photographs: each is some ten kilobytes in the page
OSTRICH = 9  # the class that every photograph became in the paper (Szegedy et al. 2013)
QUALITY = 85
SHOWN = ("temple", "flower", "astronaut", "cat", "coffee", "rocket")
OWN = -1


@cache
def free_photographs() -> tuple[Tensor, tuple[str, ...]]:
    """Six of ``embedded_photographs``, float32 ``[6, 3, 224, 224]``, and what each shows."""
    images, about = embedded_photographs((3, SIZE, SIZE))
    chosen = [n for n, one in enumerate(about) if one.title in SHOWN]
    return images[chosen], tuple(about[n].title for n in chosen)


class FoolPhotograph(Widget):
    """A photograph that the network of photographs calls whatever the reader chooses.

    SqueezeNet 1.1 runs in a worker of the page; its weights come at the first touch. The attack is
    targeted projected gradient descent in steps of one level of 255, so that all images on the way
    are ones of 8 bits and the file that the reader saves is the image that was judged. It ends at
    99 % for the name or after 40 steps.

    The reader may bring a picture of their own, by file, drop, paste or camera. It stays in the
    page: Python is not told of it, nor of what became of it.

    Args:
        photographs: float32 ``[N, 3, 224, 224]`` in [0, 1], 1 to 20 of them, kept as JPEG; by
            default six of those that are free to use.
        titles: what each shows; needed with ``photographs``.
        chosen: the photograph that is shown first.
        goal: the class that it is to be called, 0 to 999; by default the ostrich.
        epsilon: largest change of a colour of a pixel, in levels of 255, 1 to 16.

    Attributes:
        chosen: -1: the reader's own.

    Raises:
        TypeError, ValueError: an argument that is not as described.
        ModuleNotFoundError: no photographs were given, and a library with the free ones is not
            installed.
    """

    _esm = module("fool_photograph.js")
    shown = ("titles", "goal", "epsilon")

    pictures = traitlets.List(traitlets.Bytes()).tag(sync=True)  # JPEG
    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Any(0).tag(sync=True)
    goal = Whole(OSTRICH, 0, 999)
    epsilon = Whole(3, 1, 16)

    def __init__(
        self,
        photographs: Tensor | None = None,
        titles: Sequence[str] | None = None,
        *,
        chosen: int = 0,
        goal: int = OSTRICH,
        epsilon: int = 3,
    ) -> None:
        if photographs is None:
            photographs, titles = free_photographs()
        check_images(photographs, (3, SIZE, SIZE), "photographs")
        if len(photographs) > MOST:
            raise ValueError(f"photographs: expected at most {MOST}, got {len(photographs)}")
        if titles is None:
            raise TypeError("titles: expected a sequence of texts, got none")
        titles = check_names(titles, "titles")
        if len(titles) != len(photographs):
            raise ValueError(
                f"titles: expected one for each of {len(photographs)}, got {len(titles)}"
            )
        super().__init__(
            networks=[PHOTOGRAPHS], pictures=[_jpeg(one) for one in photographs],
            titles=list(titles), goal=goal, epsilon=epsilon,
        )  # fmt: skip
        self.chosen = chosen

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], OWN, len(self.titles) - 1, "chosen")


def _jpeg(image: Tensor) -> bytes:
    levels = as_bytes(image.detach().cpu().clamp(0, 1)).permute(1, 2, 0).to(torch.uint8)
    file = io.BytesIO()
    Image.fromarray(levels.numpy()).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
