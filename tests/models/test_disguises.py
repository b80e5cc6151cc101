"""Defences that look strong: they answer as the network does, and their gradients lie."""

from typing import get_args

import pytest
import torch

import foolkit as fk
from foolkit.models.disguises import HEIGHT, LEVELS, Disguise

KINDS = get_args(Disguise)


@pytest.fixture(scope="module")
def some():
    images, labels = fk.models.comparison_digits()
    return images[:60], labels[:60]


@pytest.fixture(scope="module")
def plain():
    return fk.models.load("fc64-softmax")


def slope(net, images):
    images = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(net(images), net(images).argmax(1), reduction="sum")
    return torch.autograd.grad(loss, images)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_digits_are_read_nearly_as_before(some, plain, kind):
    assert fk.models.disguised(plain, kind).name == f"fc64-softmax, {kind}"
    net = fk.models.disguised(fk.models.load("lenet"), kind)  # which a shift hardly harms
    assert net.classes == plain.classes
    torch.manual_seed(0)  # of the one that draws
    right = fk.models.predict(net, some[0]).argmax(1) == some[1]
    assert right.float().mean() > 0.85


def test_each_hides_the_gradient_in_its_own_way(some, plain):
    images = some[0][:20]
    honest = slope(plain, images)

    def flat(kind):
        return (slope(fk.models.disguised(plain, kind), images) == 0).flatten(1).all(1)

    assert not (honest == 0).flatten(1).all(1).any()
    assert flat("rounded").all()
    assert flat("steep").float().mean() > 0.9
    inner = (
        images.clamp(0.2, 0.8)
        + torch.rand(images.shape, generator=torch.Generator().manual_seed(0)) / 10
    )  # between black and white, where the ripple is not the same everywhere
    lying = slope(fk.models.disguised(plain, "rippled"), inner)
    agree = lying.sign() == slope(plain, inner).sign()
    assert 0.4 < agree.float().mean() < 0.65


def test_the_ripple_and_the_rounding_are_not_seen(some):
    class Look(torch.nn.Module):
        def forward(self, images):
            return images.flatten(1)

    plain = fk.models.Classifier(Look(), input_shape=(1, 28, 28), classes=784, name="look")
    for kind, most in (("rippled", HEIGHT), ("rounded", 0.5 / (LEVELS - 1))):
        seen = fk.models.disguised(plain, kind)(some[0]).view_as(some[0])
        assert (seen - some[0]).abs().max() <= most + 1e-6


def test_a_settled_network_answers_in_inference_mode_and_is_surer(some, plain):
    net = fk.models.disguised(plain, "settled")
    surer = fk.models.predict(net, some[0]).amax(1) - fk.models.predict(plain, some[0]).amax(1)
    assert surer.mean() > 0


def test_a_shaken_network_is_refused_until_it_is_frozen(some, plain):
    net = fk.models.disguised(plain, "shaken")
    with pytest.raises(ValueError, match="a second pass differs"):
        fk.gradients.fgsm(net, *some, epsilon=0.1)
    made = fk.gradients.fgsm(fk.models.frozen(net), *some, epsilon=0.1)
    assert made.success.any()


def test_frozen_answers_are_the_same_and_leave_the_generator_alone(some, plain):
    net = fk.models.disguised(plain, "shaken")
    torch.manual_seed(5)
    first = torch.rand(3)
    torch.manual_seed(5)
    fixed = fk.models.frozen(net, seed=2)
    one, other = fixed(some[0]), fixed(some[0])
    assert torch.equal(one, other)
    assert torch.equal(torch.rand(3), first)
    assert not torch.equal(one, fk.models.frozen(net, seed=3)(some[0]))


def test_a_mean_of_draws_is_the_mean_of_their_probabilities(some, plain):
    net = fk.models.disguised(plain, "shaken")
    mean = fk.models.frozen(net, samples=3, seed=2)(some[0]).softmax(1)
    torch.manual_seed(2)
    alone = torch.stack([net(some[0]).softmax(1) for _ in range(3)]).mean(0)
    torch.testing.assert_close(mean, alone)
    torch.testing.assert_close(
        fk.models.frozen(plain, samples=2)(some[0]).softmax(1), plain(some[0]).softmax(1)
    )


def test_what_does_not_fit_is_named(plain):
    with pytest.raises(ValueError, match="kind: expected one of 'steep'"):
        fk.models.disguised(plain, "strong")
    with pytest.raises(TypeError, match="net: expected a foolkit"):
        fk.models.disguised(plain.module, "steep")
    with pytest.raises(TypeError, match="net: expected a foolkit"):
        fk.models.frozen(plain.module)
    with pytest.raises(ValueError, match="samples"):
        fk.models.frozen(plain, samples=0)
