import pytest
import torch

from foolkit.gradients import deepfool, fmn


@pytest.mark.parametrize(("norm", "dual"), [("2", 2), ("inf", 1)])
def test_the_distance_to_the_boundary_of_a_linear_network(two, grey, says, boundaries, norm, dual):
    labels = says(two, grey)
    margins, normals = boundaries(two, grey, labels)
    distance = margins[:, 0].abs() / torch.linalg.vector_norm(normals[:, 0], dual, dim=1)
    result = fmn(two, grey, labels, norm=norm, steps=200, progress=False)
    assert result.success.all()
    found = result.l2 if norm == "2" else result.linf
    assert (found >= distance * 0.999).all()
    assert (found <= distance * 1.05 + 1e-3).all()


def test_the_nearest_of_several_within_the_box(five, spread, says, nearest):
    labels = says(five, spread)
    result = fmn(five, spread, labels, steps=200, progress=False)
    least = nearest(five, spread, labels)
    assert (result.l2[result.success] >= least[result.success] * 0.999).all()
    assert (result.l2[result.success] / least[result.success]).median() < 1.1


@pytest.mark.parametrize("norm", ["2", "inf"])
def test_no_farther_than_deepfool_or_foolbox(lenet, digits, norm):
    foolbox = pytest.importorskip("foolbox")
    images, labels = (tensor[:40] for tensor in digits)
    result = fmn(lenet, images, labels, norm=norm, progress=False)
    assert result.success.float().mean() >= 0.95
    found = (result.l2 if norm == "2" else result.linf).median()
    other = deepfool(lenet, images, labels, norm=norm, progress=False)
    assert found <= 1.02 * (other.l2 if norm == "2" else other.linf).median()
    attack = {"2": foolbox.attacks.L2FMNAttack, "inf": foolbox.attacks.LInfFMNAttack}[norm]
    model = foolbox.PyTorchModel(lenet, bounds=(0, 1))
    theirs = attack(steps=100)(model, images, labels, epsilons=None)[1]
    size = torch.linalg.vector_norm((theirs - images).flatten(1), float(norm), dim=1)
    assert found <= 1.03 * size.median()


def test_what_never_fooled_comes_back_as_it_was(five, spread, says):
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    mask[..., 0, 0] = True
    result = fmn(five, spread, says(five, spread), mask=mask, steps=10, progress=False)
    assert (~result.success).sum() >= 6
    assert torch.equal(result.images[~result.success], spread[~result.success])


def test_a_goal_is_farther_than_any(lenet, digits):
    images, labels = (tensor[:16] for tensor in digits)
    goals = (labels + 3) % 10
    result = fmn(lenet, images, goals, targeted=True, progress=False)
    assert result.success.float().mean() > 0.9
    any_class = fmn(lenet, images, labels, progress=False)
    there = result.success & any_class.success
    assert result.l2[there].median() > any_class.l2[there].median()


def test_errors(five, grey, says):
    labels = says(five, grey)
    with pytest.raises(ValueError, match="norm"):
        fmn(five, grey, labels, norm="1")
    with pytest.raises(ValueError, match="step_size"):
        fmn(five, grey, labels, step_size=0)
