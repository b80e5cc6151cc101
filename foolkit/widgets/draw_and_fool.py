"""Draw a digit, fool the network with it, and breed noise that it takes for the same digit."""

from __future__ import annotations

from functools import cache

import torch
import traitlets
from torch import Tensor

from foolkit.data import digits
from foolkit.models import load, predict
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import PIXELS, Flag, Images, Number, check_whole, to_tensor


@cache
def sample_digits(network: str) -> Tensor:
    """The first embedded digit of each class that the network reads with 99 % confidence."""
    images, labels = digits()
    images, labels = images[:500], labels[:500]
    sure = predict(load(network), images).gather(1, labels[:, None])[:, 0]
    first = ((labels == torch.arange(10)[:, None]) & (sure > 0.99)).int().argmax(1)
    return images[first]


class DrawAndFool(Widget):
    """Draw a digit, watch ten confidences, and change it until the answer changes.

    The page runs the shipped network forwards and backwards. "Fool it" takes steps of projected
    gradient ascent (Kurakin et al. 2016, Madry et al. 2018) in the ball of largest change
    ``epsilon``, and stops as soon as the answer changes. "Until it is certain" goes on from there,
    until the new answer has 99.99 % or a pixel has changed by 0.5. A curve tells the confidence
    against how much of the change is added. Beside it evolution breeds random pixels until the
    network takes them for the same digit with 99.99 % confidence: the best of 50 children in each
    generation is the next one's parent.

    Args:
        digit: the real digit to start from; None: an empty pad.
        epsilon: largest change of a pixel, 0.01 to 0.5.
        target: the digit that the network shall see; None: anything else.
        image: start from your own image instead, float32 ``[1, 1, 28, 28]`` in [0, 1].
        play: press the three buttons once by itself, as soon as the reader sees it.

    Attributes:
        answer: what the network says of the image that was judged last; -1 before that.
        confidence: its ten confidences.
        steps: steps that the last attack took; 0: the drawing itself was judged.
        fooled: 784 bytes of the changed image; empty if there is none.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("draw_and_fool.js")
    shown = ("epsilon", "target")

    image = Images(bytes(PIXELS), count=1)
    samples = Images(bytes(10 * PIXELS), count=10)
    epsilon = Number(0.2, 0.01, 0.5)
    target = traitlets.Any(None).tag(sync=True)
    play = Flag()
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)
    steps = traitlets.Int(0).tag(sync=True)
    fooled = Images(b"", count=None)

    def __init__(
        self,
        digit: int | None = 3,
        *,
        epsilon: float = 0.2,
        target: int | None = None,
        image: Tensor | None = None,
        play: bool = False,
    ) -> None:
        samples = sample_digits("lenet")
        if digit is not None:
            check_whole(digit, 0, 9, "digit")
        if image is None:
            image = torch.zeros(1, 1, 28, 28) if digit is None else samples[digit][None]
        super().__init__(
            network="lenet", samples=samples, image=image, epsilon=epsilon, target=target, play=play
        )

    @traitlets.validate("target")
    def _check_target(self, proposal: traitlets.Bunch) -> int | None:
        value = proposal["value"]
        return None if value is None else check_whole(value, 0, 9, "target")

    def drawing(self) -> Tensor:
        """The drawing, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        return to_tensor(self.image)

    def fooling(self) -> Tensor:
        """The changed image of the last attack, float32 ``[N, 1, 28, 28]``; N is 0 or 1.

        Rounded to 8 bits on its way from the page.
        """
        return to_tensor(self.fooled)
