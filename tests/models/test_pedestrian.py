"""The detector of oriented gradients, against OpenCV's own."""

import numpy as np
import pytest
import torch

import foolkit as fk
from foolkit.analysis.space import DRAWS
from foolkit.models.pedestrian import Histograms

cv2 = pytest.importorskip("cv2")


def windows(channels, n=6):
    """Noise, smooth textures, drawn figures, a plain area and one edge; of 8 bits."""
    draws = torch.Generator().manual_seed(0)
    shape = (channels, 128, 64)
    edge = torch.zeros(1, *shape)
    edge[..., 20:] = 1
    figures = fk.data.drawn_pedestrians(n, seed=0).expand(-1, channels, -1, -1)
    images = torch.cat([
        torch.rand((n, *shape), generator=draws), DRAWS["smooth"](shape, n, draws), figures,
        torch.full((1, *shape), 0.5), edge,
    ])  # fmt: skip
    return (images * 255).round() / 255


def theirs(image):
    """OpenCV's picture: uint8 ``[H, W, C]``, blue first."""
    pixels = (image * 255).round().byte().flip(0).permute(1, 2, 0).numpy()
    return np.ascontiguousarray(pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_histograms_are_those_of_opencv(channels):
    images = windows(channels)
    found = Histograms()(images)
    assert found.shape == (len(images), 3780)
    window = cv2.HOGDescriptor()
    for image, ours in zip(images, found, strict=True):
        right = window.compute(theirs(image)).ravel()
        assert np.abs(ours.numpy() - right).max() < 1e-3


@pytest.mark.parametrize("channels", [1, 3])
def test_the_score_is_that_of_opencv(channels):
    images = windows(channels)
    window = cv2.HOGDescriptor()
    window.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    right = [window.detect(theirs(image), hitThreshold=-99)[1].item() for image in images]
    net = fk.models.pedestrian(channels)
    with torch.inference_mode():
        score = net.module.score(images)
        logits = net(images)
    assert (score - torch.tensor(right)).abs().max() < 1e-2
    assert torch.allclose(logits.diff(dim=1)[:, 0], score, atol=1e-5)
    assert torch.equal(logits.argmax(1) == 1, score > 0)


def test_figures_are_pedestrians_and_noise_is_none():
    net = fk.models.pedestrian()
    figures = fk.data.drawn_pedestrians(40, seed=3)
    noise = torch.rand(40, 1, 128, 64, generator=torch.Generator().manual_seed(3))
    assert (fk.models.predict(net, figures)[:, 1] > 0.5).double().mean() > 0.9
    assert (fk.models.predict(net, noise)[:, 1] < 0.5).all()
    upside_down = fk.models.predict(net, figures.flip(2))[:, 1]
    assert (upside_down < 0.5).double().mean() > 0.5


def test_the_slope_is_finite_where_nothing_is_to_be_seen_and_leads_to_a_pedestrian():
    net = fk.models.pedestrian(3)
    images = torch.cat([torch.zeros(1, 3, 128, 64), torch.rand(1, 3, 128, 64)]).requires_grad_()
    net(images)[:, 1].sum().backward()
    assert images.grad.isfinite().all()
    assert images.grad[1].abs().max() > 0
    painted = fk.gradients.ascent(net, torch.tensor([1]), steps=60, progress=False)
    assert painted.success.all()


def test_half_a_turn_and_the_brightness_of_the_scene_change_little():
    """Directions have no sign: light on dark and dark on light vote alike, but for the root."""
    images = fk.data.drawn_pedestrians(4, seed=0)
    histograms = Histograms()
    here, there = histograms(images), histograms(images.flip(3))
    mirrored = there.view(4, 7, 15, 2, 2, 9).flip(1, 3)
    bins = mirrored.flip(5)
    assert (here.view(4, 7, 15, 2, 2, 9) - bins).abs().mean() < 0.02


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"expected shape \[N, 1, 128, 64\]"):
        fk.models.pedestrian()(torch.rand(1, 1, 64, 128))
