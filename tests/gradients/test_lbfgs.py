import numpy as np
import pytest
import torch
from scipy.optimize import minimize

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


def szegedy(net, image, label, targeted=False, precision=0.05, steps=30):
    """One image, by SciPy: the same objective and the same search over c."""
    pixels = image.flatten().double().numpy()
    bounds = np.stack([-pixels, 1 - pixels], 1)

    def loss(change):
        r = torch.tensor(change, dtype=torch.float32, requires_grad=True)
        logits = net((image.flatten() + r).view(1, *image.shape))[0]
        others = torch.arange(len(logits)) != label
        goal = logits[label] if targeted else logits[others].logsumexp(0)
        value = logits.logsumexp(0) - goal
        (slope,) = torch.autograd.grad(value, r)
        return value.item(), slope.double().numpy(), (logits.argmax() == label) == targeted

    value, slope, _ = loss(np.zeros_like(pixels))
    c, works, fails = np.square(slope).sum() / (4 * value), 0.0, np.inf
    change, best = np.zeros_like(pixels), np.full_like(pixels, np.inf)
    while fails > works * (1 + precision) and c > 1e-9:

        def objective(r, c=c):
            nonlocal best
            value, slope, fools = loss(r)
            if fools and np.linalg.norm(r) < np.linalg.norm(best):
                best = r.copy()
            return value + c * r @ r, slope + 2 * c * r

        change = minimize(
            objective, change, jac=True, bounds=bounds, method="L-BFGS-B",
            options={"maxiter": steps},
        ).x  # fmt: skip
        if loss(change)[2]:
            works = c
        else:
            fails = c
            change = best if np.isfinite(best[0]) else change
        c = c / 4 if works == 0 else c * 4 if np.isinf(fails) else (works * fails) ** 0.5
    return np.linalg.norm(best)


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


def test_more_precision_brings_it_no_farther(curved, spread, says):
    labels = says(curved, spread)
    rough = lbfgs(curved, spread, labels, precision=3.0, progress=False)
    fine = lbfgs(curved, spread, labels, precision=0.01, progress=False)
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
    with pytest.raises(ValueError, match="precision: expected a number > 0, got 0"):
        lbfgs(curved, spread, labels, precision=0)
    with pytest.raises(ValueError, match="steps: expected an integer of at least 1, got 0"):
        lbfgs(curved, spread, labels, steps=0)
