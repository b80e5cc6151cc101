import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.gradients import Attacked, apgd, ensemble, pgd
from foolkit.gradients.ensemble import BEFORE, STANDS


@pytest.mark.parametrize(("norm", "dual"), [("inf", 1), ("2", 2)])
def test_the_robust_accuracy_of_a_linear_network_is_known(two, grey, says, boundaries, norm, dual):
    labels = says(two, grey)
    margins, normals = boundaries(two, grey, labels)
    distance = margins[:, 0].abs() / torch.linalg.vector_norm(normals[:, 0], dual, dim=1)
    epsilon = float(distance.sort().values[5:7].mean())
    result = ensemble(two, grey, labels, epsilon=epsilon, norm=norm, queries=20, progress=False)
    assert torch.equal(result.breaker == STANDS, distance > epsilon)
    assert result.robust_accuracy == float((distance > epsilon).float().mean())


def test_it_says_who_broke_what(tmp_path):
    net = fk.models.load("lenet-pgd")
    images, labels = (tensor[:60] for tensor in fk.data.digits())
    wrong = labels.clone()
    wrong[:5] = (wrong[:5] + 1) % 10
    options = {"epsilon": 0.25, "progress": False, "seed": 1}
    result = ensemble(net, images, wrong, steps=20, queries=40, **options)
    assert result.breaker[:5].eq(BEFORE).all()
    stands = result.breaker == STANDS
    assert torch.equal(stands, ~result.success)
    assert torch.equal(result.images[stands], images[stands])
    assert (result.linf <= 0.25 + 1e-6).all()
    broken = result.breaker >= 0
    assert sum(result.broken_by().values()) == int(broken.sum())
    assert torch.equal(broken, result.fooled)
    # the first attack had all images to itself
    first = apgd(net, images[5:], wrong[5:], steps=20, **options)
    assert result.broken_by()["apgd-ce"] >= first.fooled.sum() - 2
    assert result.robust_accuracy <= pgd(net, images, wrong, steps=20, **options).robust_accuracy
    result.save(tmp_path / "made.safetensors")
    assert torch.equal(Attacked.load(tmp_path / "made.safetensors").breaker, result.breaker)


def test_a_hidden_gradient_is_left_to_the_search(lenet, digits):
    class Rounded(nn.Module):
        """Steps of an eighth: the gradient is zero wherever there is one."""

        def forward(self, images):
            return lenet((8 * images).round() / 8 + 0 * images)

    images, labels = (tensor[:16] for tensor in digits)
    with pytest.warns(UserWarning, match="is exactly zero"):
        result = ensemble(
            Rounded(), images, labels, epsilon=0.25, steps=5, queries=150, progress=False
        )
    assert result.broken_by()["square"] >= 5


def test_errors(five, grey, says):
    labels = says(five, grey)
    for name in ("steps", "queries", "goals", "chunk"):
        with pytest.raises(ValueError, match=f"{name}: expected an integer of at least 1, got 0"):
            ensemble(five, grey, labels, epsilon=0.1, **{name: 0})
    with pytest.raises(ValueError, match="epsilon: expected at most 1"):
        ensemble(five, grey, labels, epsilon=8)
