import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis import Robustness, exact_interval, robustness

ATTACKS = ("clean", "noise", "fgsm", "pgd", "transfer", "evolution", "without limit")


@pytest.fixture(scope="module")
def some():
    images, labels = fk.models.comparison_digits()
    return images[:60], labels[:60]


@pytest.fixture(scope="module")
def plain(some):
    net, other = fk.models.load("fc64-softmax"), fk.models.load("fc64-softmax-b")
    return robustness(
        net, *some, epsilon=0.1, strangers=[other], steps=10, restarts=2, generations=60
    )


class Steep(nn.Module):
    """The same answers from a softmax so steep that its gradient underflows."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        return 1e4 * self.net(images)


def test_an_honest_network_shows_no_sign(plain):
    assert tuple(plain.right) == ATTACKS
    value = {name: plain.accuracy(name).value for name in ATTACKS}
    assert value["clean"] > 0.9
    assert value["noise"] > 0.85
    assert value["pgd"] <= value["fgsm"] < value["noise"]
    assert value["pgd"] < value["transfer"]
    assert value["without limit"] == 0
    assert plain.worst().value <= value["pgd"]
    assert not any(plain.masked().values())
    assert not any(plain.masked("fgsm").values())


def test_a_steep_softmax_masks_its_gradient(some):
    net = fk.models.load("fc64-softmax")
    found = robustness(  # and its zero gradients are no warning here: they are a sign, below
        Steep(net), *some, epsilon=0.1, strangers=[net], steps=10, restarts=2, generations=60
    )
    assert found.accuracy("fgsm").value > 0.85  # it looks robust
    assert found.accuracy("transfer").value < 0.4  # and is not
    signs = found.masked()
    assert signs["transfer beats pgd"]
    assert signs["evolution beats pgd"]
    assert signs["without limit some images stay right"]
    assert signs["gradients that are exactly zero"]
    assert not signs["one step beats many"]
    assert found.worst().value <= found.accuracy("transfer").value


def test_beating_needs_more_than_chance():
    yes = torch.ones(100, dtype=torch.bool)

    def made(first, second):
        """``first`` fools so many images at the front, ``second`` at the back."""
        fgsm, pgd = yes.clone(), yes.clone()
        fgsm[:first] = False
        pgd[100 - second :] = False
        right = {"fgsm": fgsm, "pgd": pgd, "without limit": ~yes}
        return Robustness(right, 0.1, ~yes).masked()["one step beats many"]

    assert made(20, 5)
    assert not made(7, 5)
    assert not made(0, 0)
    assert not made(5, 20)


def test_worst_counts_an_image_once_and_not_the_check_without_limit():
    right = {
        "fgsm": torch.tensor([True, True, False, True]),
        "pgd": torch.tensor([True, False, True, True]),
        "without limit": torch.zeros(4, dtype=torch.bool),
    }
    found = Robustness(right, 0.1, torch.zeros(4, dtype=torch.bool))
    assert found.worst().value == 0.5
    assert found.accuracy("fgsm").value == 0.75


def test_shares_have_exact_intervals():
    right = {"pgd": torch.arange(30) < 7, "fgsm": torch.ones(30, dtype=torch.bool)}
    found = Robustness(right, 0.1, torch.zeros(30, dtype=torch.bool))
    assert found.accuracy("fgsm") == exact_interval(30, 30)
    assert found.worst(0.9) == exact_interval(7, 30, 0.9)


def test_without_strangers_there_is_no_transfer(some):
    net = fk.models.load("softmax-1")
    found = robustness(
        net, some[0][:8], some[1][:8], epsilon=0.1, steps=2, restarts=1, generations=2
    )
    assert "transfer" not in found.right
    assert not any(name.startswith("transfer") for name in found.masked())
    with pytest.raises(ValueError, match="epsilon"):
        robustness(net, *some, epsilon=0)
    with pytest.raises(ValueError, match="restarts"):
        robustness(net, *some, epsilon=0.1, restarts=0)
