"""Motifs placed in cells: what is drawn, what is added up, and what is compared."""

import math

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis.motifs import KINDS
from foolkit.bank import motifs as stored
from foolkit.models import Classifier


class Adding(nn.Module):
    """Ten logits, each the sum of the pixels with weights of its own: gains add up exactly."""

    def __init__(self):
        super().__init__()
        draws = torch.Generator().manual_seed(0)
        self.register_buffer("weight", torch.randn(784, 10, generator=draws) / 10)

    def forward(self, images):
        return images.flatten(1) @ self.weight


def classifier(module):
    return Classifier(module, input_shape=(1, 28, 28), classes=list("0123456789"), name="it").eval()


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_log_odds_are_those_of_the_confidence(lenet):
    images, labels = fk.data.digits()
    found = fk.analysis.log_odds(lenet, images[:200], labels[:200], batch=64)
    p = fk.models.predict(lenet, images[:200]).double().gather(1, labels[:200, None])[:, 0]
    between = (p > 1e-3) & (p < 1 - 1e-3)  # farther out float32 has few digits left
    assert int(between.sum()) > 10
    assert torch.allclose(found.double()[between], torch.logit(p[between]), atol=1e-3)


def test_motifs_lie_in_their_cells_and_nowhere_else():
    motifs = draw(3, 4, 2, 5, 6)
    placed = torch.tensor([[True, False, False, True], [False] * 4, [True] * 4])
    images = fk.analysis.place_motifs(motifs, placed, fill=0.25)
    assert images.shape == (3, 2, 10, 12)
    assert torch.equal(images[0, :, :5, :6], motifs[0, 0])
    assert torch.equal(images[0, :, 5:, 6:], motifs[0, 3])
    assert (images[0, :, :5, 6:] == 0.25).all()
    assert (images[1] == 0.25).all()
    assert torch.equal(images[2, :, 5:, :6], motifs[2, 2])
    with pytest.raises(ValueError, match="P a square number"):
        fk.analysis.place_motifs(motifs[:, :3], placed[:, :3])
    with pytest.raises(ValueError, match="placed: expected bool"):
        fk.analysis.place_motifs(motifs, placed[:, :3])


def test_found_motifs_raise_the_log_odds_of_their_class_singly(lenet):
    classes = torch.tensor([0, 3, 8])
    found = fk.analysis.find_motifs(lenet, classes, steps=40)
    assert found.shape == (3, 1, 7, 7)
    assert torch.equal((found * 255).round() / 255, found)
    motifs = torch.stack([found, draw(3, 1, 7, 7)], 1)  # beside each a random one
    other = fk.analysis.fill_cells(lenet, motifs[:, :1].expand(-1, 1, -1, -1, -1), counts=(1,))
    assert other.gain.shape == (3, 16)
    black = torch.zeros(16, 1, 28, 28)
    for k, motif in zip(classes.tolist(), motifs, strict=True):
        gains = []
        for one in motif:
            spread = one.expand(16, 16, 1, 7, 7)
            alone = fk.analysis.place_motifs(spread, torch.eye(16, dtype=torch.bool))
            own = torch.full((16,), k)
            gain = fk.analysis.log_odds(lenet, alone, own) - fk.analysis.log_odds(lenet, black, own)
            gains.append(float(gain.mean()))
        assert gains[0] > gains[1] + 0.3
    again = fk.analysis.find_motifs(lenet, classes, steps=40)
    assert torch.equal(found, again)
    with pytest.raises(ValueError, match="cells: expected a square number whose grid divides"):
        fk.analysis.find_motifs(lenet, classes, cells=9)


def test_where_evidence_adds_up_copies_equal_the_sum_and_different_motifs(lenet):
    """Of a linear network the own logit is a sum; the log-odds then too, if the rest is fixed."""

    class OneRises(nn.Module):
        def forward(self, images):
            own = images.sum((1, 2, 3)) / 20
            return torch.cat([own[:, None], own.new_zeros(len(own), 9)], 1)

    net = classifier(OneRises())
    motifs = draw(1, 16, 1, 7, 7)
    placed = fk.analysis.fill_cells(net, motifs, counts=(1, 4, 16))
    assert placed.ground.shape == (16,)
    assert torch.allclose(placed.ground, torch.tensor(-math.log(9)), atol=1e-5)
    for kind in ("copies", "different"):
        assert torch.allclose(placed.log_odds[kind], placed.added[kind], atol=1e-3), kind
    assert torch.allclose(placed.log_odds["shuffled"], placed.log_odds["copies"], atol=1e-3)
    assert torch.allclose(placed.log_odds["other"], placed.log_odds["copies"], atol=1e-3)
    every = placed.log_odds["different"][:, -1]
    assert torch.allclose(every, every[:1].expand(16), atol=1e-3)  # all motifs, in any order


def test_all_kinds_fill_the_same_cells_the_best_first():
    seen = []

    class Watched(Adding):
        def forward(self, images):
            seen.append(images.detach().clone())
            return super().forward(images)

    net = classifier(Watched())
    motifs = draw(10, 2, 1, 7, 7) * 0.9 + 0.1  # nowhere black
    placed = fk.analysis.fill_cells(net, motifs, counts=(3,))
    kinds = seen[-len(KINDS) :]
    masks = [(images > 0).squeeze(1) for images in kinds]
    assert all(torch.equal(masks[0], mask) for mask in masks)
    assert (masks[0].flatten(1).sum(1) == 3 * 49).all()
    cells = masks[0].unflatten(1, (4, 7)).unflatten(3, (4, 7)).any(2).any(3).flatten(1)
    best = placed.gain.view(10, 2, 16).mean(1).topk(3).indices
    assert torch.equal(cells.view(10, 2, 16)[:, 0].nonzero()[:, 1].view(10, 3), best.sort().values)
    assert torch.allclose(kinds[0].sum((1, 2, 3)), kinds[2].sum((1, 2, 3)), atol=1e-3)
    random = fk.analysis.fill_cells(net, motifs, counts=(3,), order="random", seed=1)
    assert not torch.allclose(random.log_odds["copies"], placed.log_odds["copies"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"counts": (0, 4)}, "counts: expected numbers from 1 to 16"),
        ({"counts": (17,)}, "counts: expected numbers from 1 to 16"),
        ({"order": "worst"}, "order"),
        ({"motifs": draw(10, 2, 1, 5, 5)}, "motifs: expected squares whose grid"),
    ],
)
def test_bad_arguments_are_named(lenet, changed, message):
    with pytest.raises(ValueError, match=message):
        fk.analysis.fill_cells(lenet, **{"motifs": draw(10, 2, 1, 7, 7), **changed})


def test_worth_of_a_cell_is_what_erasing_it_costs(lenet):
    images, labels = fk.data.digits()
    images, labels = images[:4], labels[:4]
    worth = fk.analysis.worth_of_cells(lenet, images, labels)
    assert worth.shape == (4, 16)
    mask = torch.zeros(4, 28, 28, dtype=torch.bool)
    mask[:, 7:14, 14:21] = True  # the second row's third cell
    erased = fk.analysis.erase_masked(images, mask)
    fall = fk.analysis.log_odds(lenet, images, labels) - fk.analysis.log_odds(lenet, erased, labels)
    assert torch.allclose(worth[:, 6], fall, atol=1e-5)
    with pytest.raises(ValueError, match="cells"):
        fk.analysis.worth_of_cells(lenet, images, labels, cells=9)


def test_pairs_are_near_and_of_one_group():
    values, others = torch.tensor([0.0, 1.0, 5.0, 2.0]), torch.tensor([1.1, 0.2, 4.0, 2.05])
    groups, other_groups = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 0, 0])
    first, second = fk.analysis.nearest_pairs(values, others, groups, other_groups, within=0.5)
    assert first.tolist() == [0, 1]
    assert second.tolist() == [1, 0]


@pytest.mark.parametrize("name", stored.NETWORKS)
def test_stored_motifs_are_evidence_at_their_best_cells(name):
    motifs = stored.load(name)
    assert motifs.shape == (10, stored.EACH, 1, 7, 7)
    net = fk.models.load(name)
    few = motifs[:, :2]
    found = fk.analysis.fill_cells(net, few, counts=(1, 4))
    assert (found.gain.amax(1) > 0).float().mean() > 0.8
    gained = found.log_odds["copies"][:, 0] - found.ground
    assert gained.mean() > 0.5
    with pytest.raises(ValueError, match="network"):
        stored.load("vgg")
