"""Drawn pedestrians."""

import pytest
import torch

from foolkit.data import drawn_pedestrians


def test_they_are_pictures_that_follow_the_seed():
    images = drawn_pedestrians(12, seed=5)
    assert images.shape == (12, 1, 128, 64)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert torch.equal((images * 255).round() / 255, images)
    assert torch.equal(images[:4], drawn_pedestrians(4, seed=5))
    assert not torch.equal(images, drawn_pedestrians(12, seed=6))
    assert len({tuple(image.flatten().tolist()) for image in images}) == 12


def test_a_figure_stands_out_in_the_middle():
    images = drawn_pedestrians(40, seed=0)[:, 0]
    chest = images[:, 50:56, 30:35].mean((1, 2))
    corner = images[:, :6, :6].mean((1, 2))
    assert (chest - corner).abs().min() > 0.15


@pytest.mark.parametrize(("n", "seed", "words"), [(0, 0, "n: expected"), (1, -1, "seed: expected")])
def test_bad_input_is_named(n, seed, words):
    with pytest.raises(ValueError, match=words):
        drawn_pedestrians(n, seed=seed)
