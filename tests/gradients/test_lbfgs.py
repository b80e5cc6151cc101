import pytest
import torch

from benchmarks.references import szegedy
from foolkit.gradients import carlini_wagner, lbfgs


@pytest.mark.parametrize("images", ["grey", "spread"])
@pytest.mark.parametrize("classes", ["two", "five"])
def test_nearest_point_of_a_linear_network_within_the_box(request, says, nearest, classes, images):
    net, images = request.getfixturevalue(classes), request.getfixturevalue(images)
    labels = says(net, images)
    least = nearest(net, images, labels)
    result = lbfgs(net, images, labels, progress=False)
    assert result.success.all()
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert (result.l2 >= least * 0.999).all()
    assert (result.l2 / least).median() <= 1.04
    assert (result.l2 <= least * 1.15 + 1e-3).all()


@pytest.mark.parametrize("targeted", [False, True])
def test_distortion_is_that_of_scipy(lenet, digits, targeted):
    images, labels = (tensor[:5] for tensor in digits)
    labels = (labels + targeted) % 10
    result = lbfgs(lenet, images, labels, targeted=targeted, progress=False)
    theirs = torch.tensor(
        [szegedy(lenet, x, int(y), targeted) for x, y in zip(images, labels, strict=True)]
    )
    assert result.success.all()
    assert result.l2.mean() <= 1.02 * theirs.mean()
    assert (result.l2 <= 1.08 * theirs).all()


def test_every_digit_has_a_neighbour_that_is_called_something_else(lenet, digits):
    images, labels = (tensor[:30] for tensor in digits)
    result = lbfgs(lenet, images, labels, progress=False)
    assert result.success.all()
    assert result.rms.mean() < 0.08  # Szegedy's: 0.058 to 0.14
    assert torch.allclose(result.rms * 28, result.l2, rtol=1e-5)
    other = carlini_wagner(
        lenet, images[:10], labels[:10], search_steps=4, steps=60, progress=False
    )
    assert result.l2[:10].median() <= other.l2.median() * 1.03


def test_less_tolerance_brings_it_no_farther(curved, spread, says):
    labels = says(curved, spread)
    rough = lbfgs(curved, spread, labels, tolerance=3.0, progress=False)
    fine = lbfgs(curved, spread, labels, tolerance=0.01, progress=False)
    assert rough.success.all()
    assert (fine.l2 <= rough.l2 * 1.02 + 1e-5).all()
    assert fine.l2.mean() < rough.l2.mean()
    assert fine.queries.float().mean() > rough.queries.float().mean()


def test_stays_on_the_mask(curved, spread, says):
    mask = torch.rand(spread.shape, generator=torch.Generator().manual_seed(0)) < 0.7
    result = lbfgs(curved, spread, says(curved, spread), mask=mask, progress=False)
    assert result.success.float().mean() > 0.8
    assert not ((result.images != spread) & ~mask).any()


def test_wrong_already_and_out_of_reach_side_by_side(curved, spread, says):
    """Neither holds up the others, and neither is changed."""
    labels = says(curved, spread)
    labels[:4] = (labels[:4] + 1) % 4
    mask = torch.ones(12, 1, 6, 6, dtype=torch.bool)
    mask[4:8] = False
    result = lbfgs(curved, spread, labels, mask=mask, progress=False)
    assert result.success[:4].all()
    assert not result.success[4:8].any()
    assert result.success[8:].all()
    assert torch.equal(result.images[:8], spread[:8])
    assert result.images.isfinite().all()


def test_options_are_checked_by_name(curved, spread, says):
    labels = says(curved, spread)
    with pytest.raises(ValueError, match="tolerance: expected a number > 0, got 0"):
        lbfgs(curved, spread, labels, tolerance=0)
    with pytest.raises(ValueError, match="steps: expected an integer of at least 1, got 0"):
        lbfgs(curved, spread, labels, steps=0)
