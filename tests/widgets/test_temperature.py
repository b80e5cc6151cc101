"""Noise and temperature: Python's side. What the page does with them is tested in a page."""

import pytest
import torch

from foolkit.widgets import NoiseAndTemperature


def test_settings_and_repr():
    widget = NoiseAndTemperature(4, noise=0.2, temperature=3)
    assert repr(widget) == "NoiseAndTemperature(noise=0.2, temperature=3.0, seed=0)"
    widget.noise, widget.temperature = 1, 0.5
    assert (widget.noise, widget.temperature, widget.answer) == (1.0, 0.5, -1)
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    widget.image = image
    assert torch.equal(widget.clean(), (image * 255).round() / 255)
    assert NoiseAndTemperature._esm.count("export default") == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"digit": 10}, ValueError, "digit: expected an integer of at most 9, got 10"),
        ({"noise": 1.5}, ValueError, "noise: expected a number from 0 to 1, got 1.5"),
        ({"noise": "loud"}, TypeError, "noise: expected a number from 0 to 1, got 'loud'"),
        ({"temperature": 0}, ValueError, "temperature: expected a number from 0.36 to 20.1, got 0"),
        ({"seed": 1.5}, TypeError, "seed: expected an integer of at least 0, got 1.5"),
        ({"image": torch.zeros(28, 28)}, ValueError, "image: expected shape"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        NoiseAndTemperature(**settings)
