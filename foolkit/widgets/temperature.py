"""Noise on an image, and a temperature on the network's answer."""

from __future__ import annotations

import traitlets
from torch import Tensor

from foolkit.widgets.base import Widget
from foolkit.widgets.draw_and_fool import sample_digits
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, PIXELS, Images, Number, Whole, check_whole, to_tensor


class NoiseAndTemperature(Widget):
    """Two sliders: how much noise is on the image, and by what the logits are divided.

    Args:
        digit: the real digit to start from.
        noise: standard deviation of the Gaussian noise that is added, 0 to 1; then pixels are
            clipped to [0, 1].
        temperature: what the logits are divided by before the softmax, e^-1 (0.37) to e^3 (20).
        seed: of the noise and of the page's coin tosses, 0 to 999999. The page has its own random
            numbers.
        image: start from your own image instead, float32 ``[1, 1, 28, 28]`` in [0, 1].

    Attributes:
        answer: what the network says; no temperature changes it; -1 before the first look.
        confidence, tempered: its ten confidences at temperature 1, and at that of the slider.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("temperature.js")
    shown = ("noise", "temperature", "seed")

    image = Images(bytes(PIXELS), count=1)
    samples = Images(bytes(10 * PIXELS), count=10)
    noise = Number(0.0, 0, 1)
    temperature = Number(1.0, 0.36, 20.1)
    seed = Whole(0, 0, LAST_SEED)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)
    tempered = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        digit: int = 3,
        *,
        noise: float = 0.0,
        temperature: float = 1.0,
        seed: int = 0,
        image: Tensor | None = None,
    ) -> None:
        check_whole(digit, 0, 9, "digit")
        samples = sample_digits("lenet")
        super().__init__(
            network="lenet",
            samples=samples,
            image=samples[digit][None] if image is None else image,
            noise=noise,
            temperature=temperature,
            seed=seed,
        )

    def clean(self) -> Tensor:
        """The image before the noise, float32 ``[1, 1, 28, 28]`` in [0, 1]."""
        return to_tensor(self.image)
