import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

import foolkit as fk
from foolkit.gradients import Ascent, ascent
from foolkit.gradients.ascent import _roughness_slope, _unit_rms
from foolkit.gradients.blur import blurred, gaussian

GOALS = torch.arange(10)


@pytest.fixture(scope="module")
def mean():
    return fk.data.digits()[0].mean(0)


@pytest.mark.parametrize("start", ["noise", "mean", "grey"])
def test_every_class_from_nothing(lenet, mean, start):
    result = ascent(lenet, GOALS, start=start, mean=mean, seed=1, progress=False)
    assert isinstance(result, Ascent)
    assert torch.equal(result.predicted, GOALS)
    assert (result.label_confidence >= 0.9998).all()
    assert (result.steps >= 1).all()
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert result.targeted
    assert torch.equal(result.labels, GOALS)


def test_the_trajectory(lenet):
    result = ascent(lenet, GOALS, progress=False)
    assert result.trajectory.shape == (int(result.steps.max()) + 1, 10)
    first = fk.models.predict(lenet, result.originals)[GOALS, GOALS]
    assert torch.allclose(result.trajectory[0], first, atol=1e-5)
    assert torch.allclose(result.trajectory[-1], result.label_confidence, atol=1e-5)
    for i, steps in enumerate(result.steps.tolist()):
        assert result.trajectory[steps, i] >= 0.9999
        assert (result.trajectory[:steps, i] < 0.9999).all()
        assert (result.trajectory[steps:, i] == result.trajectory[steps, i]).all()


def test_without_a_threshold_all_steps_are_taken(lenet):
    result = ascent(lenet, GOALS[:3], threshold=None, steps=12, progress=False)
    assert result.steps.eq(-1).all()
    assert result.trajectory.shape == (13, 3)
    assert result.queries.eq(13).all()


def test_done_at_the_start(lenet, digits):
    sure = fk.models.predict(lenet, digits[0]).amax(1) > 0.99999
    images, labels = digits[0][sure][:5], digits[1][sure][:5]
    result = ascent(lenet, labels, start=images, progress=False)
    assert result.steps.eq(0).all()
    assert torch.equal(result.images, images)
    assert result.trajectory.shape == (1, 5)


@pytest.mark.parametrize("objective", ["probability", "logit"])
def test_the_first_step_is_along_the_gradient(curved, spread, objective):
    goals = torch.arange(12) % 4
    start = spread.clamp(0.1, 0.9)
    result = ascent(
        curved, goals, start=start, objective=objective, steps=1, step_size=0.01, progress=False
    )
    pixels = start.clone().requires_grad_()
    logits = curved.eval()(pixels)
    values = logits.softmax(1) if objective == "probability" else logits
    (slope,) = torch.autograd.grad(values[torch.arange(12), goals].sum(), pixels)
    moved = result.steps != 0
    assert moved.sum() >= 8
    expected = 0.01 * slope / slope.square().mean((1, 2, 3), keepdim=True).sqrt()
    assert torch.allclose(result.perturbation[moved], expected[moved], rtol=1e-2, atol=1e-4)


def test_on_a_linear_network_the_logit_rises_as_it_must(five):
    """Each step adds ``a |w|_2 sqrt(D)`` to the logit, until pixels meet the box."""
    goals = torch.arange(5)
    result = ascent(
        five, goals, start="grey", shape=(1, 6, 6), objective="logit", threshold=None,
        steps=5, step_size=0.01, progress=False,
    )  # fmt: skip
    with torch.no_grad():
        rise = (five(result.images) - five(result.originals))[goals, goals]
    expected = 5 * 0.01 * five[1].weight.detach().norm(dim=1) * 6
    assert torch.allclose(rise, expected, rtol=1e-4)


def test_decay_leads_to_the_mean_image(lenet, mean):
    plain = ascent(lenet, GOALS, threshold=None, steps=30, progress=False)
    decayed = ascent(lenet, GOALS, threshold=None, steps=30, decay=0.1, mean=mean, progress=False)
    distance = [(result.images - mean).square().mean().sqrt() for result in (plain, decayed)]
    assert distance[1] < 0.5 * distance[0]


@pytest.mark.parametrize("prior", [{"blur": 1.0}, {"total_variation": 300.0}])
def test_priors_make_it_smoother(lenet, prior):
    def roughness(images):
        return images.diff(dim=2).square().mean() + images.diff(dim=3).square().mean()

    options = {"threshold": None, "steps": 40, "step_size": 0.03, "progress": False}
    plain, smooth = (ascent(lenet, GOALS, **options, **p).images for p in ({}, prior))
    assert roughness(smooth) < 0.7 * roughness(plain)


def test_jitter_is_seeded_and_moves(lenet):
    options = {"start": "grey", "threshold": None, "steps": 10, "progress": False}
    once = ascent(lenet, GOALS, jitter=3, seed=1, **options)
    assert torch.equal(once.images, ascent(lenet, GOALS, jitter=3, seed=1, **options).images)
    assert not torch.equal(once.images, ascent(lenet, GOALS, jitter=3, seed=2, **options).images)
    assert not torch.equal(once.images, ascent(lenet, GOALS, seed=1, **options).images)


def test_several_starts_differ_and_follow_the_seed(lenet, mean):
    for start in ("noise", "mean"):
        first, again, other = (
            ascent(lenet, GOALS, start=start, mean=mean, seed=s, steps=1, progress=False)
            for s in (1, 1, 2)
        )
        assert torch.equal(first.originals, again.originals)
        assert not torch.equal(first.originals, other.originals)
        assert not torch.equal(first.originals[0], first.originals[1])
    assert (first.originals - mean).abs().max() < 0.03


def test_the_blur_is_scipys():
    images = torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    ours = blurred(images, gaussian(1.2)).numpy()
    theirs = gaussian_filter(images.numpy(), (0, 0, 1.2, 1.2), mode="nearest", radius=4)
    assert np.allclose(ours, theirs, atol=1e-5)


def test_the_slope_of_roughness_against_autograd():
    images = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    down, right = images.diff(dim=2), images.diff(dim=3)
    each = down.square().mean((1, 2, 3)) + right.square().mean((1, 2, 3))
    (expected,) = torch.autograd.grad(each.sum(), images)
    assert torch.allclose(_roughness_slope(images.detach()), expected, atol=1e-6)


def test_unit_rms_of_any_length():
    slope = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    sizes = torch.tensor([1e-30, 1.0, 1e30, 0.0]).view(4, 1, 1, 1)
    rms = _unit_rms(slope * sizes).square().mean((1, 2, 3)).sqrt()
    assert torch.allclose(rms, torch.tensor([1.0, 1, 1, 0]), atol=1e-4)


def test_any_network_with_a_shape():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    result = ascent(net, torch.tensor([0, 1, 2]), shape=(3, 4, 4), threshold=0.6, progress=False)
    assert result.images.shape == (3, 3, 4, 4)
    assert (result.steps > 0).any()
    start = torch.rand(3, 3, 4, 4)
    assert ascent(net, GOALS[:3], start=start, steps=1, progress=False).images.shape == start.shape


def test_input_is_checked_by_name(lenet, digits):
    def refused(message, goals=GOALS, net=lenet, **options):
        with pytest.raises((TypeError, ValueError), match=message):
            ascent(net, goals, progress=False, **options)

    refused(r"goals: expected an int64 tensor \[N\], got int", goals=3)
    refused(r"goals: expected shape \[N\], N >= 1, got \[\]", goals=torch.tensor(3))
    refused(r"goals: expected shape \[N\], N >= 1, got \[0\]", goals=GOALS[:0])
    refused("goals: expected classes 0 to 9, got 1 to 10", goals=GOALS + 1)
    refused(r"goals: expected shape \[4\].* got \[10\]", start=digits[0][:4])
    refused("start: expected one of 'noise', 'mean', 'grey', got 'black'", start="black")
    refused(r"start: expected values in \[0, 1\]", start=digits[0][:10] * 255)
    refused("mean: expected the mean image", start="mean")
    refused(r"mean: expected shape \[N, 1, 28, 28\]", mean=torch.zeros(1, 8, 8))
    refused("shape: expected .channels, height, width.", net=nn.Flatten())
    refused("objective: expected one of 'probability', 'logit', got 'loss'", objective="loss")
    refused(r"threshold: expected a number in \[0, 1\], got 99", threshold=99)
    refused(r"decay: expected a number in \[0, 1\], got -0.1", decay=-0.1)
    refused("blur: expected a number >= 0 .*got -1", blur=-1)
    refused("jitter: expected an integer of at least 0, got -1", jitter=-1)
    refused("total_variation: expected a number >= 0, got -1", total_variation=-1)
    refused("step_size: expected a number > 0, got 0", step_size=0)
    refused("steps: expected an integer of at least 1, got 0", steps=0)
