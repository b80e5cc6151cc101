"""Rates of accidents, and the random pictures that cause them."""

import math

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis.accidents import Accidents, accidents, textures

SHAPE = (1, 20, 12)


class Bright(nn.Module):
    """Sure of class 1 where the first pixel is above 0.9, and of class 0 nowhere."""

    input_shape = SHAPE

    def forward(self, images):
        sure = 20.0 * (images[:, 0, 0, 0] > 0.9)
        return torch.stack([torch.zeros_like(sure), sure], 1)


def test_every_kind_of_picture_is_one_and_follows_the_seed():
    for shape in (SHAPE, (3, 20, 12)):
        kinds = textures(shape)
        assert list(kinds) == ["uniform", "Gaussian", "1/f", "formulas", "pieces"]
        for draw in kinds.values():
            images, again, others = (
                draw(15, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
            )
            assert images.shape == (15, *shape)
            assert images.dtype == torch.float32
            assert images.min() >= 0
            assert images.max() <= 1
            assert torch.equal(images, again)
            assert not torch.equal(images, others)


def test_kinds_are_what_they_are_called():
    draws = torch.Generator().manual_seed(0)
    found = {kind: draw(300, draws) for kind, draw in textures((1, 32, 32)).items()}
    deviation = {kind: float(images.std()) for kind, images in found.items()}
    assert abs(deviation["uniform"] - math.sqrt(1 / 12)) < 0.01
    assert abs(deviation["Gaussian"] - 0.25) < 0.02

    def neighbours(images):
        return float(torch.corrcoef(torch.stack([images[..., 1:].flatten(),
                                                 images[..., :-1].flatten()]))[0, 1])  # fmt: skip

    assert abs(neighbours(found["uniform"])) < 0.02
    assert neighbours(found["1/f"]) > 0.5


def test_photographs_can_be_left_out():
    draws = torch.Generator().manual_seed(0)
    grass = textures((1, 16, 16), ["grass"])["pieces"](8, draws)
    titles, _ = fk.data.photograph_pieces(8, (1, 16, 16), titles=["grass"], least=16,
                                          seed=torch.Generator().manual_seed(0))  # fmt: skip
    assert torch.equal(grass, titles)


def test_the_share_that_is_counted_is_that_of_the_pictures():
    kinds = {"uniform": textures(SHAPE)["uniform"]}
    found = accidents(Bright(), kinds, images=4000, progress=False)["uniform"]
    interval = found.per_million()
    assert found.images == 4000
    assert interval.low < 100_000 < interval.high
    assert found.until_one == pytest.approx(4000 / found.hits)
    only = accidents(Bright(), kinds, images=400, alarms=[1], progress=False)["uniform"]
    none = accidents(Bright(), kinds, images=400, alarms=[0], progress=False)["uniform"]
    both = accidents(Bright(), kinds, images=400, progress=False)["uniform"]
    assert (both.hits, none.hits) == (only.hits, 0)
    lax = accidents(Bright(), kinds, images=400, least=0.5, alarms=[0], progress=False)
    assert lax["uniform"].hits == 400 - only.hits


def test_rates_of_a_camera_and_the_rule_of_three():
    some, none = Accidents(5, 1000), Accidents(0, 1000)
    hour = some.per_hour(frames=25)
    assert hour.value == pytest.approx(25 * 3600 * 0.005)
    assert hour.low < hour.value < hour.high
    twice = some.per_hour(frames=25, windows=2)
    assert twice.high == pytest.approx(2 * hour.high)
    exact = fk.analysis.exact_interval(5, 1000)
    assert some.per_million().low == pytest.approx(1e6 * exact.low)
    assert none.rule_of_three == 3 / 1000
    # the bound is that of one side, to first order
    assert pytest.approx(none.rule_of_three, rel=0.01) == 1 - 0.05 ** (1 / 1000)
    assert none.until_one == math.inf
    with pytest.raises(ValueError, match="hits: expected none for the rule of three, got 5"):
        some.rule_of_three  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"images": 0}, "images: expected"),
        ({"least": 2}, "least: expected"),
        ({"alarms": [7]}, "alarms: expected classes 0 to 1"),
        ({"seed": -1}, "seed: expected"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        accidents(Bright(), textures(SHAPE), progress=False, **({"images": 10} | arguments))
