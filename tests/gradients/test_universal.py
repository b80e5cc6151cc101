import pytest
import torch

import foolkit as fk
from foolkit.gradients import Universal, deepfool, noise, universal
from foolkit.gradients.sign import project


@pytest.fixture(scope="module")
def split(lenet):
    images, labels = fk.data.digits()
    right = fk.models.predict(lenet, images[:1100]).argmax(1) == labels[:1100]
    images, labels = images[:1100][right], labels[:1100][right]
    return (images[:600], labels[:600]), (images[600:], labels[600:])


def share(result):
    return float(result.success.float().mean())


def test_it_fools_on_digits_it_never_saw_and_random_signs_do_not(lenet, split):
    own, others = split
    found = universal(lenet, *own, epsilon=0.3, progress=False)
    assert found.change.abs().max() <= 0.3 + 1e-6
    judged = found.judged(lenet, *others)
    control = noise(lenet, *others, size=0.3, norm="inf", kind="sign")
    assert share(judged) > share(control) + 0.3
    assert found.fooled == pytest.approx(share(found.judged(lenet, *own)), abs=0.15)
    assert torch.equal(judged.images, (others[0] + found.change).clamp(0, 1))
    assert 0 <= judged.images.min() <= judged.images.max() <= 1
    assert "30%" not in repr(found)
    assert "epsilon=0.3" in repr(found)


def test_as_strong_as_the_papers_algorithm(lenet, split):
    """Algorithm 1 of Moosavi-Dezfooli et al.: image by image, with DeepFool."""
    (images, labels), others = split
    images, labels = images[:60], labels[:60]
    change = torch.zeros(1, 1, 28, 28)
    for _ in range(2):
        for image, label in zip(images.split(1), labels.split(1), strict=True):
            moved = (image + change).clamp(0, 1)
            if fk.models.predict(lenet, moved).argmax(1) == label:
                step = deepfool(lenet, moved, label, steps=20, candidates=4, progress=False)
                change = project(change + step.perturbation, "inf", 0.3)
    theirs = Universal(change[0], 0.3).judged(lenet, *others)
    ours = universal(lenet, images, labels, epsilon=0.3, progress=False, batch=30)
    assert share(ours.judged(lenet, *others)) > share(theirs) - 0.05
    assert share(theirs) > share(noise(lenet, *others, size=0.3, norm="inf", kind="sign"))


def test_in_l2(lenet, split):
    own, others = split
    found = universal(lenet, *own, epsilon=6.0, norm=2, passes=4, progress=False)
    assert found.norm == "2"
    assert found.change.norm() <= 6 * (1 + 1e-5)
    assert share(found.judged(lenet, *others)) > 0.2


def test_towards_a_goal(lenet, split):
    (images, _), (others, truth) = split
    goal = torch.full((len(images),), 8)
    found = universal(lenet, images, goal, epsilon=0.35, targeted=True, passes=5, progress=False)
    judged = found.judged(lenet, others, torch.full((len(others),), 8))
    assert judged.targeted
    eights = float((truth == 8).float().mean())
    assert share(judged) > eights + 0.2


def test_the_seed_alone_decides_and_the_mask_holds(curved, spread, says):
    labels = says(curved, spread)
    mask = torch.zeros(1, 6, 6, dtype=torch.bool)
    mask[:, :3] = True
    options = {"epsilon": 0.2, "passes": 3, "batch": 5, "progress": False}
    one = universal(curved, spread, labels, mask=mask, seed=3, **options)
    assert not one.change[:, 3:].any()
    assert one.change[:, :3].any()
    again = universal(curved, spread, labels, mask=mask, seed=3, **options)
    assert torch.equal(one.change, again.change)
    draws = torch.Generator().manual_seed(3)
    drawn = universal(curved, spread, labels, mask=mask, seed=draws, **options)
    assert torch.equal(one.change, drawn.change)
    assert all(weight.grad is None for weight in curved.parameters())


def test_errors(five, grey, says):
    labels = says(five, grey)
    for message, options in (
        ("epsilon: expected at most 1", {"epsilon": 8}),
        ("norm: expected one of", {"epsilon": 0.1, "norm": "1"}),
        ("passes: expected an integer of at least 1", {"epsilon": 0.1, "passes": 0}),
        ("batch: expected an integer of at least 1", {"epsilon": 0.1, "batch": 0}),
        ("step_size: expected a number > 0", {"epsilon": 0.1, "step_size": 0}),
        ("loss: expected one of", {"epsilon": 0.1, "loss": "hinge"}),
        ("mask: expected one for all images", {
            "epsilon": 0.1, "mask": torch.ones(12, 1, 6, 6, dtype=torch.bool)}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            universal(five, grey, labels, **options)
    with pytest.raises(ValueError, match="images: expected shape"):
        Universal(torch.zeros(1, 6, 6), 0.1).apply(torch.rand(2, 1, 5, 5))
    dead = Dead()
    with pytest.warns(UserWarning, match="is exactly zero"):
        universal(dead, grey, torch.zeros(12, dtype=torch.int64), epsilon=0.1, passes=1)


class Dead(torch.nn.Module):
    def forward(self, images):
        return torch.tensor([3.0, -1, 0]).expand(len(images), 3) + 0 * images.flatten(1)[:, :3]
