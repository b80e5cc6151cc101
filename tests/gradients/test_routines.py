"""What every routine promises."""

import numpy as np
import pytest
import torch
from torch import nn

from foolkit.gradients import (
    Perturbed,
    apgd,
    ascent,
    blind,
    carlini_wagner,
    deepfool,
    ensemble,
    few_pixels,
    fgsm,
    fmn,
    lbfgs,
    noise,
    pgd,
    square,
)


def paint(net, images, labels, *, targeted=True, **options):
    """Ascent begins at images too."""
    assert targeted
    return ascent(net, labels, start=images, steps=8, progress=False, **options)


ROUTINES = {
    "fgsm": lambda *a, **k: fgsm(*a, epsilon=0.2, **k),
    "pgd": lambda *a, **k: pgd(
        *a, epsilon=0.2, steps=5, random_start=False, progress=False, **k
    ),
    "deepfool": lambda *a, **k: deepfool(*a, progress=False, **k),
    "carlini_wagner": lambda *a, **k: carlini_wagner(
        *a, search_steps=3, steps=20, progress=False, **k
    ),
    "lbfgs": lambda *a, **k: lbfgs(*a, progress=False, **k),
    "noise": lambda *a, **k: noise(*a, size=0.5, **k),
    "blind": lambda *a, **k: blind(*a, epsilon=0.3, generations=30, **k),
    "apgd": lambda *a, **k: apgd(*a, epsilon=0.2, steps=8, progress=False, **k),
    "apgd, L2": lambda *a, **k: apgd(
        *a, epsilon=0.8, norm="2", loss="margin", steps=8, progress=False, **k
    ),
    "fmn": lambda *a, **k: fmn(*a, steps=20, progress=False, **k),
    "fmn, Linf": lambda *a, **k: fmn(*a, norm="inf", steps=20, progress=False, **k),
    "square": lambda *a, **k: square(*a, epsilon=0.3, steps=30, progress=False, **k),
    "square, L2": lambda *a, **k: square(
        *a, epsilon=1.0, norm="2", steps=30, progress=False, **k
    ),
    "ensemble": lambda *a, **k: ensemble(
        *a, epsilon=0.15, steps=8, queries=20, progress=False, **k
    ),
    "few_pixels": lambda *a, **k: few_pixels(
        *a, pixels=3, population=12, generations=4, progress=False, **k
    ),
    "ascent": paint,
}  # fmt: skip
DRAW = {
    **{
        name: ROUTINES[name]
        for name in (
            "noise",
            "blind",
            "apgd",
            "apgd, L2",
            "square",
            "square, L2",
            "few_pixels",
        )
    },
    **{
        f"pgd, L{norm}": lambda *a, norm=norm, size=size, **k: pgd(
            *a, epsilon=size, norm=norm, steps=3, restarts=2, progress=False, **k
        )
        for norm, size in (("inf", 0.05), ("2", 0.3), ("1", 1.0))
    },
}


@pytest.fixture(params=ROUTINES)
def routine(request):
    return ROUTINES[request.param]


@pytest.fixture
def goals(curved, spread, says):
    return (says(curved, spread) + 1) % 4


def test_the_verdict_is_that_of_a_fresh_look(routine, curved, spread, goals):
    result = routine(curved, spread, goals, targeted=True)
    assert isinstance(result, Perturbed)
    assert len(result) == 12
    assert torch.equal(result.originals, spread)
    curved.eval()
    with torch.no_grad():
        shares = curved(result.images).softmax(1)
        from_files = curved(result.files.float() / 255).softmax(1)
        read = from_files.argmax(1)
    assert ((result.files.float() - 255 * result.images).abs() < 1 + 1e-3).all()
    assert torch.equal(result.predicted_8bit, read)
    assert torch.allclose(result.confidence_8bit, from_files.amax(1), atol=1e-6)
    assert torch.equal(result.predicted, shares.argmax(1))
    assert torch.allclose(result.confidence, shares.amax(1), atol=1e-6)
    assert torch.allclose(result.label_confidence, shares[torch.arange(12), goals], atol=1e-6)
    assert torch.equal(result.success, shares.argmax(1) == goals)
    assert torch.equal(result.success_8bit, read == goals)
    change = (result.images - spread).flatten(1)
    assert torch.equal(result.perturbation.flatten(1), change)
    assert torch.allclose(result.l2, change.norm(dim=1))
    assert torch.allclose(result.linf, change.abs().amax(1))
    assert torch.allclose(result.rms, change.square().mean(1).sqrt(), atol=1e-7)
    assert torch.equal(result.l0, (change != 0).sum(1))


def test_the_network_is_left_as_it_was(routine, curved, spread, goals):
    curved.train()
    curved.drop.eval()
    before = {name: tensor.clone() for name, tensor in curved.state_dict().items()}
    result = routine(curved, spread, goals, targeted=True)
    assert curved.training
    assert curved.first.training
    assert not curved.drop.training
    assert all(weight.grad is None and weight.requires_grad for weight in curved.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in curved.state_dict().items())
    assert not result.images.requires_grad
    # dropout was off
    again = routine(curved.eval(), spread, goals, targeted=True)
    assert torch.equal(result.images, again.images)


def test_the_arguments_are_left_as_they_were(routine, curved, spread, goals):
    images, labels = spread.clone(), goals.clone()
    mask = torch.ones(1, 1, 6, 6, dtype=torch.bool)
    routine(curved, images, labels, targeted=True, mask=mask)
    assert torch.equal(images, spread)
    assert torch.equal(labels, goals)
    assert mask.all()
    assert images.grad is None


def test_inference_mode(routine, curved, spread, goals):
    plain = routine(curved, spread, goals, targeted=True)
    with torch.inference_mode():
        images, labels, mask = spread.clone(), goals.clone(), torch.ones_like(spread).bool()
        inside = routine(curved, images, labels, targeted=True, mask=mask)
    outside = routine(curved, images, labels, targeted=True, mask=mask)
    for result in (inside, outside):
        assert torch.equal(result.images, plain.images)
        assert not result.images.is_inference()


def test_each_image_by_itself(routine, curved, spread, goals):
    """No image matters to another, but for rounding, which can send a search another way."""
    whole = routine(curved, spread, goals, targeted=True)
    parts = routine(curved, spread, goals, targeted=True, chunk=5)
    same = (whole.images - parts.images).abs().amax((1, 2, 3)) < 2e-3
    assert same.sum() >= 10
    assert torch.equal(whole.success, parts.success)
    if routine not in (
        *DRAW.values(),
        ROUTINES["ensemble"],
    ):  # what is drawn for an image depends on its place
        alone = routine(curved, spread[2:3], goals[2:3], targeted=True)
        assert torch.allclose(whole.images[2:3], alone.images, atol=2e-3)


@pytest.mark.parametrize("name", DRAW)
def test_what_is_drawn_depends_on_the_seed_alone(name, curved, spread, says):
    """Not on the chunk, and an integer of NumPy or a generator is as good a seed."""
    labels = says(curved, spread)
    given = curved, spread, labels
    whole = DRAW[name](*given, seed=3)
    assert whole.l2.min() > 0
    for chunk in (1, 5, 12):
        parts = DRAW[name](*given, seed=3, chunk=chunk)
        assert torch.allclose(parts.images, whole.images, atol=1e-5)
        assert torch.equal(parts.queries, whole.queries)
    for seed in (np.int32(3), torch.Generator().manual_seed(3)):
        assert torch.equal(DRAW[name](*given, seed=seed).images, whole.images)
    assert not torch.allclose(DRAW[name](*given, seed=4).images, whole.images, atol=1e-3)
    with pytest.raises(TypeError, match="seed: expected an integer"):
        DRAW[name](*given, seed=1.5)


def test_an_empty_mask_changes_nothing(routine, curved, spread, goals):
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    result = routine(curved, spread, goals, targeted=True, mask=mask)
    assert torch.equal(result.images, spread)
    assert not result.success.any()
    assert not result.l0.any()


def test_colour_in_channels_last_and_a_pixel_counts_once(routine):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3))
    images = torch.rand(4, 3, 6, 6).contiguous(memory_format=torch.channels_last)
    result = routine(net, images, torch.tensor([0, 1, 2, 0]), targeted=True)
    change = result.images != images
    assert torch.equal(result.l0, change.any(1).sum((1, 2)))
    assert (result.l0 <= 36).all()


def test_integer_labels_of_either_size(routine, curved, spread, goals):
    result = routine(curved, spread, goals.int(), targeted=True)
    assert torch.equal(result.images, routine(curved, spread, goals, targeted=True).images)
    assert result.labels.dtype == torch.int64


def test_a_frozen_network(routine, curved, spread, goals):
    expected = routine(curved, spread, goals, targeted=True).images
    curved.requires_grad_(False)
    assert torch.equal(routine(curved, spread, goals, targeted=True).images, expected)


def test_bad_input_is_named(routine, curved, spread, goals):
    with pytest.raises(ValueError, match="expected values in"):
        routine(curved, spread * 255, goals, targeted=True)
    with pytest.raises(ValueError, match=r": expected classes 0 to 3, got 1[01] to 13"):
        routine(curved, spread, goals + 10, targeted=True)
    with pytest.raises(TypeError, match="mask: expected a bool tensor"):
        routine(curved, spread, goals, targeted=True, mask=spread)
