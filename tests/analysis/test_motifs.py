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
            gains.append(float(gain.topk(8).values.mean()))  # the better half of the cells
        assert gains[0] > gains[1] + 0.3
    again = fk.analysis.find_motifs(lenet, classes, steps=40)
    assert torch.equal(found, again)
    with pytest.raises(ValueError, match="cells: expected a square number whose grid divides"):
        fk.analysis.find_motifs(lenet, classes, cells=9)
    with pytest.raises(ValueError, match="tried: expected at most 16"):
        fk.analysis.find_motifs(lenet, classes, tried=17)
    with pytest.raises(ValueError, match="alike"):
        fk.analysis.find_motifs(lenet, classes, alike=1)


def test_motifs_of_a_class_are_kept_apart():
    """Of a linear network the best motif is one and the same: only the price tells them apart."""
    net = classifier(Adding())
    pairs = ~torch.eye(6, dtype=torch.bool)
    largest = {}
    for alike in (0.2, 0.99):
        found = fk.analysis.find_motifs(net, torch.zeros(6).long(), alike=alike, steps=80)
        largest[alike] = float(found.flatten(1).corrcoef()[pairs].max())
    assert largest[0.2] < 0.35
    assert largest[0.99] > 0.6
    singly = fk.analysis.find_motifs(net, torch.arange(6), alike=0.2, steps=80)
    freely = fk.analysis.find_motifs(net, torch.arange(6), alike=0.99, steps=80)
    assert torch.equal(singly, freely)  # of six classes nobody pays


def test_where_evidence_adds_up_copies_equal_the_sum_and_different_motifs():
    """One logit rises with the ink and the rest stands still: all sums are exact."""

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


def test_logits_of_a_linear_network_add_up_and_its_log_odds_do_not():
    motifs = draw(10, 3, 1, 7, 7)
    placed = fk.analysis.fill_cells(classifier(Adding()), motifs, counts=(2, 9), order="random")
    for kind in ("copies", "different"):
        assert torch.allclose(placed.logit[kind], placed.logit_added[kind], atol=1e-3), kind
    assert not torch.allclose(placed.log_odds["copies"], placed.added["copies"], atol=0.1)


def test_over_a_class_copies_and_different_motifs_add_up_to_the_same(lenet):
    motifs = draw(10, 4, 1, 7, 7)
    placed = fk.analysis.fill_cells(lenet, motifs, counts=(1, 5))
    for added in (placed.added, placed.logit_added):
        means = [added[kind].view(10, 4, 2).mean(1) for kind in ("copies", "different")]
        assert torch.allclose(*means, atol=1e-3)
    one = [
        placed.log_odds[kind].view(10, 4, 2)[:, :, 0].mean(1) for kind in ("copies", "different")
    ]
    assert torch.allclose(*one, atol=1e-3)  # a single motif has nothing to differ from


def test_a_block_of_copies_and_an_enlarged_one_cover_the_same_pixels():
    seen = []

    class Watched(Adding):
        def forward(self, images):
            seen.append(images.detach().clone())
            return super().forward(images)

    motifs = draw(10, 2, 1, 7, 7) * 0.9 + 0.1  # nowhere black
    found = fk.analysis.fill_blocks(classifier(Watched()), motifs, sides=(3, 4))

    assert found["copies"].shape == found["enlarged"].shape == (20, 2)
    copies, enlarged = seen[:4], seen[4:8]
    for a, b in zip(copies, enlarged, strict=True):
        assert torch.equal(a > 0, b > 0)
        assert torch.allclose(a.sum((1, 2, 3)), b.sum((1, 2, 3)), rtol=1e-4)
    assert torch.equal(copies[0][0, 0, :7, 7:14], motifs[0, 0, 0])
    assert torch.equal(enlarged[0][0, 0, 0:21:3, 0:21:3], motifs[0, 0, 0])
    assert len(seen) == 10
    means = torch.stack([fk.analysis.log_odds(classifier(Adding()), images,
                                              torch.arange(10).repeat_interleave(2))
                         for images in copies]).mean(0)  # fmt: skip
    assert torch.allclose(found["copies"][:, 0], means, atol=1e-4)
    with pytest.raises(ValueError, match="sides: expected an integer of at most 4"):
        fk.analysis.fill_blocks(classifier(Adding()), motifs, sides=(5,))


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
        ({"counts": (0, 4)}, "counts: expected an integer of at least 1"),
        ({"counts": (17,)}, "counts: expected an integer of at most 16"),
        ({"order": "worst"}, "order"),
        ({"motifs": draw(10, 2, 1, 5, 5)}, "motifs: expected squares whose grid"),
    ],
)
def test_bad_arguments_are_named(lenet, changed, message):
    with pytest.raises(ValueError, match=message):
        fk.analysis.fill_cells(lenet, **{"motifs": draw(10, 2, 1, 7, 7), **changed})


def test_worth_of_a_region_is_what_erasing_it_costs(lenet):
    motifs = draw(2, 1, 7, 7)
    images = torch.cat(
        [fk.analysis.tile_motif(motifs[:1], 16), fk.analysis.tile_motif(motifs[1:], 4)]
    )
    several = [fk.analysis.tiled_repeats(1, copies, (7, 7)) for copies in (16, 4)]
    parts = zip(*([r.period, r.strength, r.copy, r.count] for r in several), strict=True)
    repeats = fk.analysis.Repeats(*(torch.cat(part) for part in parts))
    classes = torch.tensor([3, 8])
    worth = fk.analysis.worth_of_regions(lenet, images, classes, repeats, fill="background")
    assert worth.shape == (2, 16)
    assert worth[1, 4:].isnan().all()
    assert not worth[1, :4].isnan().any()
    mask = torch.zeros(2, 28, 28, dtype=torch.bool)
    mask[0, 7:14, 14:21] = True  # the second row's third copy
    mask[1, 7:14, 14:21] = True  # the first row's second, of four in the middle
    erased = fk.analysis.erase_masked(images, mask, "background")
    fall = fk.analysis.log_odds(lenet, images, classes)
    fall = fall - fk.analysis.log_odds(lenet, erased, classes)
    assert torch.allclose(torch.stack([worth[0, 6], worth[1, 1]]), fall, atol=1e-5)
    with pytest.raises(ValueError, match="repeats: expected those of 1 images"):
        fk.analysis.worth_of_regions(lenet, images[:1], classes[:1], repeats)


def test_pairs_are_near_of_one_group_and_disjoint():
    values, others = torch.tensor([0.0, 1.0, 5.0, 2.0]), torch.tensor([1.1, 0.2, 4.0, 2.05])
    groups, other_groups = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 0, 0])
    first, second = fk.analysis.matched_pairs(values, others, groups, other_groups, within=0.5)
    assert first.tolist() == [0, 1]
    assert second.tolist() == [1, 0]
    alone = torch.zeros(3).long()
    first, second = fk.analysis.matched_pairs(
        torch.tensor([0.0, 0.1, 0.4]), torch.tensor([0.05, 0.9]), alone, alone[:2], within=0.6
    )
    assert len(first) == len(second.unique()) == 2  # as many pairs as there can be
    assert second.tolist()[first.tolist().index(2)] == 1  # only the last comes near enough


@pytest.mark.parametrize("name", stored.NETWORKS)
def test_stored_motifs_are_evidence_at_their_best_cells_and_differ(name):
    motifs = stored.load(name)
    assert motifs.shape == (10, stored.EACH, 1, 7, 7)
    pairs = ~torch.eye(stored.EACH, dtype=torch.bool)
    alike = torch.stack([each.flatten(1).corrcoef()[pairs] for each in motifs])
    assert alike.mean() < 0.3
    assert (alike < 0.5).float().mean() > 0.98
    net = fk.models.load(name)
    few = motifs[:, :2]
    found = fk.analysis.fill_cells(net, few, counts=(1, 4))
    gained = (found.log_odds["copies"][:, 0] - found.ground).view(10, 2).mean(1)
    assert (gained > 0).sum() >= 9  # where the motifs of a class gain most on average
    assert gained.mean() > 1
    assert (motifs.flatten(2).amax(2) > 0.5).float().mean() > 0.98  # none is left black
    with pytest.raises(ValueError, match="network"):
        stored.load("vgg")
