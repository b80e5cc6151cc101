"""ODIN against its definition; without a step, at T = 1, it is the maximum softmax."""

import math

import pytest
import torch

import foolkit as fk
from foolkit.analysis import ODIN, MaxSoftmax


@pytest.fixture(scope="module")
def net():
    return fk.models.load("lenet")


@pytest.fixture(scope="module")
def images():
    return fk.models.comparison_digits()[0][:50]


def test_without_temperature_and_step_it_is_the_maximum_softmax(net, images):
    found = ODIN(net, temperature=1.0, epsilon=0.0).score(images)
    wanted = MaxSoftmax(net).score(images) + math.log(9)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("temperature", [10.0, 1000.0])
def test_it_is_that_of_the_definition(net, images, temperature):
    start = images.clone().requires_grad_()
    log_p = (net(start).double() / temperature).log_softmax(1).amax(1)
    slope = torch.autograd.grad(log_p.sum(), start)[0]
    with torch.no_grad():
        p = (net(images + 0.01 * slope.sign()).double() / temperature).softmax(1).amax(1)
    wanted = temperature * torch.log(9 * p / (1 - p))
    found = ODIN(net, temperature=temperature, epsilon=0.01).score(images).double()
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)
    assert (found > ODIN(net, temperature=temperature, epsilon=0.0).score(images)).all()


def test_attacks_can_go_through_it(net, images):
    seen = images.clone().requires_grad_()
    ODIN(net)(seen).sum().backward()
    assert seen.grad.abs().sum() > 0


def test_bad_input_is_named(net):
    with pytest.raises(ValueError, match="temperature: expected a number > 0"):
        ODIN(net, temperature=0.0)
    with pytest.raises(ValueError, match="epsilon: expected a number >= 0"):
        ODIN(net, epsilon=-1.0)
