"""Climb the gradient of a digit's probability, by hand."""

from __future__ import annotations

from functools import cache

import traitlets
from torch import Tensor

from foolkit.checks import check_choice
from foolkit.data import digits
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, PIXELS, Images, Number, Whole, to_tensor

STARTS = ("noise", "grey", "mean")


@cache
def mean_digit() -> Tensor:
    """The mean of the embedded digits, float32 ``[1, 1, 28, 28]``."""
    return digits()[0].mean(0, keepdim=True)


class Climb(Widget):
    """Gradient ascent on a digit, step by step, while the reader holds a button.

    The update is that of ``foolkit.gradients.ascent``, of the probability; but it climbs on after
    99.99 %, ``"mean"`` starts without noise, and the page has its own random numbers: a seed gives
    the same start in every browser, but not Python's. Decay leads to the mean digit.

    Args:
        goal: the digit to climb to.
        start: ``"noise"`` (uniform), ``"grey"`` (0.5 everywhere) or ``"mean"`` (the mean digit).
        step_size: root mean square of a step, 0.001 to 0.1, in units of the pixel range.
        decay: share of the way to the mean digit that each step goes back, in [0, 1].
        blur: standard deviation of a Gaussian blur, 0 to 5 pixels; 0: none.
        blur_every: steps from one blur to the next.
        jitter: largest shift before a step, 0 to 13 pixels.
        total_variation: weight of the roughness that is subtracted, 0 to 100.
        seed: of noise and jitter, 0 to 999999.
        mean: the mean digit; by default that of the embedded digits, ``[1, 1, 28, 28]``.

    Attributes:
        steps: that were taken.
        reached: steps until the image was the goal with 99.99 %; -1: it never was.
        confidence: the ten confidences of the image.
        image: the image as bytes. All four are told to Python when the climbing stops.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("climb.js")
    shown = ("goal", "start", "decay", "blur", "jitter", "total_variation")

    mean = Images(bytes(PIXELS), count=1)
    goal = Whole(3, 0, 9)
    start = traitlets.Any("noise").tag(sync=True)
    step_size = Number(0.01, 0.001, 0.1)
    decay = Number(0.0, 0, 1)
    blur = Number(0.0, 0, 5)
    blur_every = Whole(1, 1, 100)
    jitter = Whole(0, 0, 13)
    total_variation = Number(0.0, 0, 100)
    seed = Whole(0, 0, LAST_SEED)
    steps = traitlets.Int(0).tag(sync=True)
    reached = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)
    image = Images(b"", count=None)

    def __init__(
        self,
        goal: int = 3,
        *,
        start: str = "noise",
        step_size: float = 0.01,
        decay: float = 0.0,
        blur: float = 0.0,
        blur_every: int = 1,
        jitter: int = 0,
        total_variation: float = 0.0,
        seed: int = 0,
        mean: Tensor | None = None,
    ) -> None:
        super().__init__(
            network="lenet",
            goal=goal,
            start=start,
            step_size=step_size,
            decay=decay,
            blur=blur,
            blur_every=blur_every,
            jitter=jitter,
            total_variation=total_variation,
            seed=seed,
            mean=mean_digit() if mean is None else mean,
        )

    @traitlets.validate("start")
    def _check_start(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], STARTS, "start")
        return proposal["value"]

    def painting(self) -> Tensor:
        """The image that Python knows of, float32 ``[1, 1, 28, 28]`` (none: ``[0, ...]``)."""
        return to_tensor(self.image)
