"""Bounds hold for whatever image of the box; a proof is never beaten by an attack."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import foolkit as fk
from foolkit.analysis import certified_in_box, interval_bounds, least_margins


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def some_net(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Dropout(0.5)), nn.Linear(8, 4),
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def boxes():
    return fk.bank.certified.network("boxes")


@pytest.fixture(scope="module")
def some():
    images, labels = fk.models.comparison_digits()
    return images[:100], labels[:100]


@given(seed=st.integers(0, 1000), size=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_no_random_image_of_the_box_leaves_the_bounds(seed, size):
    net, generator = some_net(seed), draws(seed)
    corners = torch.rand(2, 5, 1, 8, 8, generator=generator)
    low = corners[0] * (1 - size)
    high = low + size * corners[1]
    bottom, top = interval_bounds(net, low, high)
    labels = torch.arange(5) % 4
    least = least_margins(net, low, high, labels)
    assert (bottom <= top + 1e-6).all()
    inside = low + (high - low) * torch.rand(2000, 5, 1, 8, 8, generator=generator)
    inside[:1000] = torch.where(inside[:1000] > (low + high) / 2, high, low)  # corners of the box
    logits = net(inside.flatten(0, 1)).view(2000, 5, 4)
    assert (logits >= bottom - 1e-5).all()
    assert (logits <= top + 1e-5).all()
    own = logits.gather(2, labels.expand(2000, 5)[..., None])
    assert (own - logits >= least - 1e-5).all()
    # one linear layer the fewer: never looser
    loose = bottom.gather(1, labels[:, None]) - top
    others = torch.ones(5, 4).scatter(1, labels[:, None], 0).bool()
    assert (least >= loose - 1e-5)[others].all()


def test_of_one_linear_layer_bounds_are_reached():
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 3))
    low, high = torch.full((1, 1, 3, 3), 0.2), torch.full((1, 1, 3, 3), 0.7)
    bottom, top = interval_bounds(net, low, high)
    for k in range(3):
        rising = net[1].weight[k].view(1, 1, 3, 3) > 0
        most = net(torch.where(rising, high, low))[0, k]
        least = net(torch.where(rising, low, high))[0, k]
        torch.testing.assert_close(
            torch.stack([bottom[0, k], top[0, k]]), torch.stack([least, most])
        )


def test_a_box_without_width_is_the_image(boxes, some):
    bottom, top = interval_bounds(boxes, some[0], some[0])
    logits = boxes(some[0])
    torch.testing.assert_close(bottom, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(top, logits, rtol=1e-4, atol=1e-4)
    right = logits.argmax(1) == some[1]
    assert torch.equal(certified_in_box(boxes, *some, 0.0), right)


@pytest.mark.parametrize("epsilon", [0.1, 0.3])
def test_no_attack_gets_within_a_proof(boxes, some, epsilon):
    proved = certified_in_box(boxes, *some, epsilon)
    assert proved.float().mean() > 0.5
    attacked = fk.gradients.pgd(
        boxes, *some, epsilon=epsilon, loss="margin", steps=40, restarts=3, progress=False
    )
    assert not (attacked.success & proved).any()
    random = some[0] + epsilon * (2 * torch.rand(20, *some[0].shape, generator=draws()) - 1)
    answers = fk.models.predict(boxes, random.clamp(0, 1).flatten(0, 1)).argmax(1).view(20, -1)
    assert (answers == some[1])[:, proved].all()


def test_larger_boxes_have_fewer_proofs_and_the_plain_network_none(boxes, some):
    sizes = [0.05, 0.1, 0.2, 0.3, 0.4]
    counts = [int(certified_in_box(boxes, *some, size).sum()) for size in sizes]
    assert counts == sorted(counts, reverse=True)
    plain = fk.bank.certified.network("plain")
    assert not certified_in_box(plain, *some, 0.1).any()
    assert certified_in_box(plain, *some, 0.0).float().mean() > 0.9


def test_it_says_what_it_cannot_bound(some):
    with pytest.raises(TypeError, match="net: expected layers in a row .* got BatchNorm2d"):
        interval_bounds(nn.Sequential(nn.BatchNorm2d(1)), *[some[0]] * 2)
    with pytest.raises(TypeError, match="net: expected a Linear layer at the end, got ReLU"):
        certified_in_box(nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.ReLU()), *some, 0.1)
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"))
    with pytest.raises(TypeError, match="padding by zeros, got 'circular'"):
        interval_bounds(net, *[some[0]] * 2)
    with pytest.raises(ValueError, match="epsilon: expected a number in"):
        certified_in_box(fk.bank.certified.network("plain"), *some, 2.0)
    with pytest.raises(ValueError, match="labels"):
        certified_in_box(fk.bank.certified.network("plain"), some[0], some[1][:5], 0.1)
