import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from foolkit.checks import check_choice, check_number
from foolkit.gradients.carlini_wagner import _f
from foolkit.gradients.lbfgs import goal_loss
from foolkit.gradients.problem import (
    Problem,
    attacking,
    check_sizes,
    gradient,
)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(
    "objective",
    [
        lambda part: lambda logits: cross_entropy(logits, part.labels, reduction="none"),
        goal_loss,
        lambda part: _f(part, 0.5),
    ],
    ids=["cross-entropy", "goal", "margin"],
)
def test_gradients_against_finite_differences_in_float64(curved, spread, says, objective, targeted):
    labels = (says(curved, spread) + targeted) % 4
    part = Problem.checked(curved, spread, labels, targeted)
    value = objective(part)
    with attacking(curved):
        logits, values, slope = gradient(curved, spread, value)
        double = curved.double()
        assert torch.allclose(logits, double(spread.double()).float(), atol=1e-5)
        assert torch.allclose(values, value(double(spread.double())).float(), atol=1e-4)
        step = 1e-6 * torch.eye(36, dtype=torch.float64)
        differences = [
            value(double(spread.double() + d.view(1, 1, 6, 6)))
            - value(double(spread.double() - d.view(1, 1, 6, 6)))
            for d in step
        ]
    expected = torch.stack(differences, 1) / 2e-6
    assert torch.allclose(slope.flatten(1).double(), expected, rtol=1e-3, atol=1e-4)


def test_gradient_of_a_sum_can_be_written_to(spread):
    class Bright(nn.Module):
        def forward(self, images):
            total = images.sum((1, 2, 3))
            return torch.stack([total, 18 - total], 1)

    slope = gradient(Bright(), spread, lambda logits: logits[:, 0])[2]
    assert torch.equal(slope.mul_(2), torch.full_like(spread, 2))


def test_a_network_without_gradients_is_refused(spread):
    class Steps(nn.Module):
        def forward(self, images):
            return (images.flatten(1)[:, :3] > 0.5).float()

    with pytest.raises(ValueError, match="net: expected logits that can be differentiated"):
        gradient(Steps(), spread, lambda logits: logits[:, 0])


def test_margin_and_fooled():
    logits = torch.tensor([[3.0, 1, 2], [3, 1, 2], [1, 1, 0]])
    labels = torch.tensor([0, 2, 0])
    part = Problem(nn.Identity(), torch.zeros(3, 1, 1, 1), labels, 3)
    goal = Problem(nn.Identity(), torch.zeros(3, 1, 1, 1), labels, 3, targeted=True)
    assert part.margin(logits).tolist() == [-1, 1, 0]
    assert goal.margin(logits).tolist() == [1, -1, 0]
    assert part.fooled(logits).tolist() == [False, True, False]
    assert goal.fooled(logits).tolist() == [True, False, False]
    assert not part.fooled(torch.full((3, 3), math.nan)).any()


def test_parts_and_bounds(problem):
    parts = list(problem.split(5))
    assert [len(part) for part in parts] == [5, 5, 2]
    assert torch.equal(torch.cat([part.labels for part in parts]), problem.labels)
    low, high = problem.bounds()
    assert torch.equal(low, -problem.images)
    assert torch.equal(high, 1 - problem.images)
    mask = torch.zeros(1, 6, 6, dtype=torch.bool)
    mask[:, :2] = True
    masked = Problem.checked(problem.net, problem.images, problem.labels, mask=mask)
    for bound in masked[torch.tensor([3, 1])].bounds():
        assert not bound[:, :, 2:].any()
        assert bound[:, :, :2].any()


def test_input_is_checked_by_name(curved, spread):
    labels = torch.zeros(12, dtype=torch.long)

    def refused(error, message, net=curved, images=spread, labels=labels, mask=None):
        with pytest.raises(error, match=message):
            Problem.checked(net, images, labels, mask=mask)

    refused(TypeError, "net: expected a torch.nn.Module, got function", net=lambda x: x)
    refused(TypeError, "images: expected float32 .* got torch.uint8", images=spread.byte())
    refused(ValueError, r"images: expected values in \[0, 1\], got .* to 25", images=spread * 25)
    refused(ValueError, r"images: expected shape \[N, C, H, W\], got \[6, 6\]", images=spread[0, 0])
    refused(ValueError, "images: expected them on cpu, .* got meta", net=curved, images=_meta())
    refused(TypeError, "labels: expected an int64 tensor of 12 classes", labels=labels.float())
    refused(ValueError, r"labels: expected shape \[12\].* got \[3\]", labels=labels[:3])
    refused(ValueError, "labels: expected classes 0 to 3, got 4 to 4", labels=labels + 4)
    refused(TypeError, "mask: expected a bool tensor, .* got torch.float32", mask=spread)
    refused(ValueError, r"mask: expected a shape .* \[12, 1, 6, 6\], got \[5\]", mask=_five())
    refused(ValueError, r"net: expected logits \[N, K\].* got \[2, 1, 6, 6\]", net=nn.Identity())
    broken = nn.Sequential(nn.Flatten(), nn.Linear(36, 2))
    nn.init.constant_(broken[1].weight, math.nan)
    refused(FloatingPointError, "net: expected finite logits", net=broken)


def _five():
    return torch.ones(5, dtype=torch.bool)


class _meta(torch.Tensor):
    """Images that say they are elsewhere."""

    def __new__(cls):
        return torch.rand(12, 1, 6, 6).as_subclass(cls)

    @property
    def device(self):
        return torch.device("meta")


def test_numbers_are_checked_by_name():
    with pytest.raises(TypeError, match="kappa: expected a number >= 0, got 'x'"):
        check_number("x", "kappa", least=0)
    with pytest.raises(TypeError, match="kappa: expected a number >= 0, got True"):
        check_number(True, "kappa", least=0)
    with pytest.raises(ValueError, match="rate: expected a number > 0, got 0"):
        check_number(0, "rate", above=0)
    with pytest.raises(ValueError, match="rate: expected a number > 0, got nan"):
        check_number(math.nan, "rate", above=0)
    with pytest.raises(ValueError, match="norm: expected one of '1', '2', got 'L2'"):
        check_choice("L2", ("1", "2"), "norm")
    with pytest.raises(ValueError, match="epsilon: expected at least one number"):
        check_sizes([], "epsilon")
    assert check_sizes((0.1, 1), "epsilon") == [0.1, 1]
    assert check_sizes(0.1, "epsilon") == [0.1]
