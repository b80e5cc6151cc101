import math

import pytest
import torch

import foolkit as fk
from foolkit.gradients import deepfool, noise

FIELD = {"2": "l2", "inf": "linf", "rms": "rms"}


@pytest.mark.parametrize("kind", ["gaussian", "sign"])
@pytest.mark.parametrize(("norm", "size"), [("2", 2.0), ("inf", 0.25), ("rms", 0.1)])
@pytest.mark.parametrize("clip", [True, False])
def test_the_size_is_the_size_asked_for(lenet, digits, kind, norm, size, clip):
    images, labels = (tensor[:30] for tensor in digits)
    result = noise(lenet, images, labels, size=size, norm=norm, kind=kind, clip=clip)
    found = getattr(result, FIELD[norm])
    assert torch.allclose(found, torch.full_like(found, size), rtol=1e-4)
    assert not result.queries.any()
    inside = bool((result.images >= 0).all() and (result.images <= 1).all())
    assert inside == clip


def test_the_size_of_each_perturbation(lenet, digits):
    images, labels = (tensor[:30] for tensor in digits)
    adversarial = deepfool(lenet, images, labels, progress=False)
    result = noise(lenet, images, labels, size=adversarial.l2)
    assert torch.allclose(result.l2, adversarial.l2, rtol=1e-4)
    assert adversarial.success.all()
    assert result.success.float().mean() <= 0.1  # it is not the size that fools


def test_what_is_drawn(lenet, digits):
    images, labels = (tensor[:30] for tensor in digits)
    signs = noise(lenet, images, labels, size=0.2, norm="inf", kind="sign", clip=False)
    assert torch.allclose(signs.perturbation.abs(), torch.tensor(0.2), atol=1e-6)
    assert abs((signs.perturbation > 0).float().mean() - 0.5) < 0.02
    normal = noise(lenet, images, labels, size=1.0, norm="rms", clip=False).perturbation
    assert abs(normal.mean()) < 0.02
    assert abs(normal.pow(4).mean() - 3) < 0.1  # as of a Gaussian


def test_more_than_the_box_has_room_for(lenet, digits):
    images, labels = (tensor[:10] for tensor in digits)
    result = noise(lenet, images, labels, size=2.0, norm="inf")
    assert torch.allclose(result.linf, torch.ones(10), atol=1e-5)
    most = noise(lenet, images, labels, size=100.0)
    assert torch.allclose(most.images, most.images.round(), atol=1e-6)  # all at a bound
    assert (most.l2 < 28).all()


def test_several_sizes_scale_one_noise(curved, spread, says):
    labels = says(curved, spread)
    several = noise(curved, spread, labels, size=[0.0, 1.0, 2.0], clip=False, seed=3)
    assert not several[0].perturbation.any()
    assert torch.allclose(several[2].perturbation, 2 * several[1].perturbation, atol=1e-6)
    alone = noise(curved, spread, labels, size=2.0, clip=False, seed=3)
    assert torch.equal(alone.images, several[2].images)
    other = noise(curved, spread, labels, size=2.0, clip=False, seed=4)
    assert not torch.equal(alone.images, other.images)


def test_stays_on_the_mask(curved, spread, says):
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    mask[..., :2] = True
    result = noise(curved, spread, says(curved, spread), size=0.5, mask=mask)
    assert torch.allclose(result.l2, torch.full((12,), 0.5), rtol=1e-4)
    assert not ((result.images != spread) & ~mask).any()


def test_judged_towards_a_goal(curved, spread, says):
    labels = says(curved, spread)
    result = noise(curved, spread, labels, size=1e-4, targeted=True)
    assert result.targeted
    assert result.success.all()


def test_input_is_checked_by_name(curved, spread, says):
    labels = says(curved, spread)

    def refused(message, **options):
        with pytest.raises((TypeError, ValueError), match=message):
            noise(curved, spread, labels, **{"size": 0.1, **options})

    refused("size: expected a number >= 0, got -1", size=-1)
    refused("size: expected 12 finite numbers >= 0, one an image", size=torch.ones(3))
    refused("size: expected 12 finite numbers", size=torch.full((12,), math.nan))
    refused("norm: expected one of '2', 'inf', 'rms', got '1'", norm="1")
    refused("kind: expected one of 'gaussian', 'sign', got 'uniform'", kind="uniform")
    refused("seed: expected an integer", seed=1.5)
    refused("chunk: expected an integer of at least 1, got 0", chunk=0)


def test_batches_do_not_change_the_noise(lenet):
    images, labels = (tensor[:20] for tensor in fk.data.digits())
    whole = noise(lenet, images, labels, size=1.0)
    parts = noise(lenet, images, labels, size=1.0, chunk=7)
    assert torch.equal(whole.images, parts.images)
