"""Evolution live: ten digits bred from noise."""

from __future__ import annotations

import traitlets
from torch import Tensor

from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Images, Number, Whole, to_tensor


class Breed(Widget):
    """MAP-Elites on pixels, in the page: the algorithm and the settings of ``foolkit.evolve``.

    One elite a class; every child is offered to every class and must be strictly better;
    polynomial mutation; 8-bit images. The page has its own random numbers: a seed gives the same
    run in every browser, but not Python's.

    Args:
        seed: 0 to 999999.
        rate: mutation rate of a pixel, 0.01 to 0.5; may be changed while it runs.
        eta: exponent of the mutation, 0 to 100: the larger, the smaller the steps.
        batch: children of a generation, 1 to 500.

    Attributes:
        running: whether it breeds; set it to start or to pause.
        generation: of the elites that Python knows of; -1 before the first.
        confidence: of the ten elites, each in its class.
        images: ten images as bytes. While it runs, told at most twice a second.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("breed.js")
    shown = ("seed", "rate", "eta", "batch")

    seed = Whole(0, 0, LAST_SEED)
    rate = Number(0.1, 0.01, 0.5)
    eta = Number(15.0, 0, 100)
    batch = Whole(50, 1, 500)
    running = traitlets.Bool(False).tag(sync=True)
    generation = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)
    images = Images(b"", count=None)

    def __init__(
        self, seed: int = 0, *, rate: float = 0.1, eta: float = 15.0, batch: int = 50
    ) -> None:
        super().__init__(network="lenet", seed=seed, rate=rate, eta=eta, batch=batch)

    def elites(self) -> Tensor:
        """The elites that Python knows of, float32 ``[10, 1, 28, 28]`` (none: ``[0, ...]``)."""
        return to_tensor(self.images)
