import pytest
import torch

from foolkit.gradients import deepfool
from foolkit.gradients.deepfool import NEAR


@pytest.mark.parametrize("classes", ["two", "five"])
@pytest.mark.parametrize(("norm", "dual"), [("2", 2), ("inf", 1)])
def test_one_step_to_the_nearest_boundary_of_a_linear_network(
    request, grey, says, boundaries, classes, norm, dual
):
    net = request.getfixturevalue(classes)
    labels = says(net, grey)
    margins, normals = boundaries(net, grey, labels)
    distance = (margins.abs() / torch.linalg.vector_norm(normals, dual, dim=2)).amin(1)
    result = deepfool(net, grey, labels, norm=norm, progress=False)
    assert result.success.all()
    assert result.queries.eq(2).all()
    found = result.l2 if norm == "2" else result.linf
    assert torch.allclose(found, 1.02 * (distance + NEAR), rtol=1e-4)
    closer = deepfool(net, grey, labels, norm=norm, overshoot=0.001, progress=False)
    assert (closer.images - grey).abs().sum() < (result.images - grey).abs().sum()


def test_candidates_are_the_likeliest_rivals(five, grey, says, boundaries):
    labels = says(five, grey)
    margins, normals = boundaries(five, grey, labels)
    first = margins.argmax(1, keepdim=True)
    distance = margins.abs() / normals.norm(dim=2)
    result = deepfool(five, grey, labels, candidates=2, progress=False)
    assert torch.allclose(result.l2, 1.02 * (distance.gather(1, first)[:, 0] + NEAR), rtol=1e-4)
    assert (result.l2 >= deepfool(five, grey, labels, progress=False).l2 - 1e-5).all()
    with pytest.raises(ValueError, match="candidates: expected an integer of at least 2, got 1"):
        deepfool(five, grey, labels, candidates=1)


def test_three_finalists_find_the_same_on_lenet(lenet, digits):
    images, labels = (tensor[:16] for tensor in digits)
    paper = deepfool(lenet, images, labels, progress=False)
    fewer = deepfool(lenet, images, labels, finalists=3, progress=False)
    assert torch.allclose(fewer.l2, paper.l2, rtol=1e-3)
    with pytest.raises(ValueError, match="finalists: expected an integer of at least 1, got 0"):
        deepfool(lenet, images, labels, finalists=0)


def test_targeted(lenet, digits):
    images, labels = (tensor[:16] for tensor in digits)
    goals = (labels + 3) % 10
    result = deepfool(lenet, images, goals, targeted=True, progress=False)
    assert result.success.all()
    assert torch.equal(result.predicted, goals)
    assert (result.l2 > deepfool(lenet, images, labels, progress=False).l2 * 0.99).all()


def test_stays_in_the_box_and_on_the_mask(five, spread, says):
    mask = torch.zeros(12, 1, 6, 6, dtype=torch.bool)
    mask[..., :3, :] = True
    result = deepfool(five, spread, says(five, spread), mask=mask, progress=False)
    assert result.success.float().mean() > 0.8
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert not ((result.images != spread) & ~mask).any()


def test_what_cannot_be_reached_comes_back_as_it_was(five, spread, says):
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    mask[..., 0, 0] = True
    labels = says(five, spread)
    result = deepfool(five, spread, labels, mask=mask, steps=5, progress=False)
    failed = ~result.success
    assert failed.sum() >= 6
    assert torch.equal(result.images[failed], spread[failed])


def test_no_worse_than_foolbox(lenet, digits):
    foolbox = pytest.importorskip("foolbox")
    images, labels = (tensor[:40] for tensor in digits)
    model = foolbox.PyTorchModel(lenet, bounds=(0, 1))
    for norm, attack, order in (
        ("2", foolbox.attacks.L2DeepFoolAttack(), 2),
        ("inf", foolbox.attacks.LinfDeepFoolAttack(), torch.inf),
    ):
        result = deepfool(lenet, images, labels, norm=norm, progress=False)
        _, theirs, fooled = attack(model, images, labels, epsilons=None)
        assert fooled.all()
        assert result.success.all()
        change = (theirs - images).flatten(1)
        median = torch.linalg.vector_norm(change, order, dim=1).median()
        ours = (result.l2 if norm == "2" else result.linf).median()
        assert ours <= 1.03 * median
