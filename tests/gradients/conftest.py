import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.gradients.problem import Problem


@pytest.fixture(scope="session")
def lenet():
    return fk.models.load("lenet")


@pytest.fixture(scope="session")
def digits(lenet):
    """Held-out digits that the shipped LeNet gets right."""
    images, labels = (tensor[:240] for tensor in fk.data.digits())
    right = fk.models.predict(lenet, images).argmax(1) == labels
    return images[right], labels[right]


def linear(classes: int, seed: int = 0) -> nn.Module:
    """Logits ``W x + b`` of images [1, 6, 6]: everything about it is known."""
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(36, classes)
    with torch.no_grad():
        layer.weight.copy_(2 * torch.randn(layer.weight.shape, generator=generator))
        layer.bias.copy_(-layer.weight.sum(1) / 2)
        layer.bias[0] += 10  # grey is class 0, and all other classes are as far
    return nn.Sequential(nn.Flatten(), layer)


class Curved(nn.Module):
    """A small network with two layers, dropout, and a normalisation of its own."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first, self.drop, self.last = nn.Linear(36, 16), nn.Dropout(0.5), nn.Linear(16, 4)
        with torch.no_grad():
            for weight in self.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator) / 3)

    def forward(self, images):
        pixels = (images.flatten(1) - 0.5) / 0.25
        return self.last(self.drop(torch.tanh(self.first(pixels))))


@pytest.fixture
def two():
    return linear(2)


@pytest.fixture
def five():
    return linear(5)


@pytest.fixture
def curved():
    return Curved()


def near_grey(n: int, spread: float = 0.1, seed: int = 1) -> torch.Tensor:
    """Images [n, 1, 6, 6] around grey, so that a small change meets no bound."""
    generator = torch.Generator().manual_seed(seed)
    return 0.5 + spread * (2 * torch.rand((n, 1, 6, 6), generator=generator) - 1)


@pytest.fixture
def grey():
    return near_grey(12)


@pytest.fixture
def spread():
    """Images all over [0, 1], some pixels at its ends."""
    return (near_grey(12, 0.7, seed=2)).clamp(0, 1)


def answers(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network says now."""
    return fk.models.predict(net, images).argmax(1)


@pytest.fixture
def says():
    return answers


@pytest.fixture
def problem(curved, spread):
    return Problem.checked(curved, spread, answers(curved, spread))


def half_spaces(net, images, labels):
    """Of a linear network: margins f_k < 0 ``[N, K-1]`` and normals w_k ``[N, K-1, D]``."""
    weight, bias = net[1].weight.detach(), net[1].bias.detach()
    logits = images.flatten(1) @ weight.T + bias
    others = torch.stack([torch.arange(len(bias))[torch.arange(len(bias)) != y] for y in labels])
    return (
        logits.gather(1, others) - logits.gather(1, labels[:, None]),
        weight[others] - weight[labels][:, None],
    )


@pytest.fixture
def boundaries():
    return half_spaces


def nearest_in_box(net, images, labels):
    """``[N]``: L2 distance to the nearest other class of a linear network, within [0, 1].

    On the way to one half-space the shortest change is ``clip(t w)``, for the least t that
    gets there: found by bisection, in float64.
    """
    margins, normals = (tensor.double() for tensor in half_spaces(net, images, labels))
    pixels = images.flatten(1).double()[:, None]
    low, high = margins.new_zeros(margins.shape), margins.new_full(margins.shape, 1e3)
    for _ in range(80):
        middle = (low + high) / 2
        change = (pixels + middle[..., None] * normals).clamp(0, 1) - pixels
        there = margins + (change * normals).sum(2) >= 0
        low, high = torch.where(there, low, middle), torch.where(there, middle, high)
    change = (pixels + high[..., None] * normals).clamp(0, 1) - pixels
    reached = margins + (change * normals).sum(2) >= -1e-9
    return torch.where(reached, change.norm(dim=2), torch.inf).amin(1).float()


@pytest.fixture
def nearest():
    return nearest_in_box
