import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import foolkit as fk
from foolkit.analysis.scramble import (
    cut_tiles,
    fade_seams,
    mosaic,
    orders,
    paste_tiles,
    scramble,
    seam_step,
    shuffle_tiles,
)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 4),
    channels=st.integers(1, 3),
    grid=st.integers(2, 5),
    high=st.integers(1, 4),
    wide=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_tiles_are_moved_and_nothing_else(n, channels, grid, high, wide, seed):
    images = torch.rand(n, channels, grid * high, grid * wide)
    assert torch.equal(paste_tiles(cut_tiles(images, grid)), images)
    shuffled = shuffle_tiles(images, grid, seed=seed)
    assert shuffled.shape == images.shape
    for before, after in zip(cut_tiles(images, grid), cut_tiles(shuffled, grid), strict=True):
        assert not torch.equal(before, after)
        pairs = (before[:, None] == after[None]).flatten(2).all(2)
        assert (pairs.sum(0) == 1).all()
        assert (pairs.sum(1) == 1).all()


def test_a_tile_is_where_it_says():
    images = torch.arange(2 * 28 * 28).view(2, 1, 28, 28) / 2000
    assert torch.equal(cut_tiles(images, 4)[1, 6], images[1, :, 7:14, 14:21])


def test_orders_are_uniform_but_never_the_old_one():
    found = orders(4600, 4, seed=0)
    assert torch.equal(found.sort(1).values, torch.arange(4).expand(4600, 4))
    assert not found.eq(torch.arange(4)).all(1).any()
    _, counts = found.unique(dim=0, return_counts=True)
    assert len(counts) == 23
    chi2 = float(((counts - 200) ** 2 / 200).sum())
    assert chi2 < 48.3  # the 99.9th percentile with 22 degrees of freedom


def test_seeds():
    images = torch.rand(5, 1, 8, 8)
    assert torch.equal(shuffle_tiles(images, 4, seed=3), shuffle_tiles(images, 4, seed=3))
    assert not torch.equal(shuffle_tiles(images, 4, seed=3), shuffle_tiles(images, 4, seed=4))


def test_cropping_is_asked_for():
    images = torch.rand(2, 3, 11, 13)
    with pytest.raises(ValueError, match="grid: expected a divisor of 11 and 13, got 4"):
        shuffle_tiles(images, 4)
    cropped = shuffle_tiles(images, 4, crop=True)
    assert cropped.shape == (2, 3, 8, 12)
    assert torch.equal(
        cropped.flatten(1).sort(1).values, images[:, :, :8, :12].flatten(1).sort(1).values
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: shuffle_tiles(x, 1), ValueError, "grid: expected an integer of at least 2"),
        (lambda x: shuffle_tiles(x, 2.0), TypeError, "grid: expected an integer"),
        (lambda x: cut_tiles(x, 29), ValueError, "grid: expected at most 28 tiles across, got 29"),
        (lambda x: cut_tiles(x * 2, 2), ValueError, "images: expected values in"),
        (lambda x: paste_tiles(x), ValueError, "tiles: expected"),
        (lambda x: mosaic(x, torch.tensor([0, 1]), 2), ValueError, "labels: .* twice, got 0 once"),
        (lambda x: mosaic(x, torch.tensor([0]), 2), ValueError, "labels: expected shape"),
        (lambda x: mosaic(x, [0, 0], 2), TypeError, "labels: expected an int64 tensor"),
        (lambda x: mosaic(x, torch.zeros(2).long(), 1), ValueError, "grid: expected"),
        (lambda x: fade_seams(x, 2, width=0), ValueError, "width: expected"),
        (lambda x: seam_step(x, 1), ValueError, "grid: expected"),
        (lambda x: orders(3, 1), ValueError, "tiles: expected an integer of at least 2"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call(torch.ones(2, 1, 28, 28))


def test_a_mosaic_takes_each_tile_from_another_image_of_the_class():
    n, grid = 300, 2
    labels = torch.arange(n) % 3
    # every tile says which image, and which place, it came from
    told = (torch.arange(n)[:, None] * 4 + torch.arange(4)) / 2000
    images = paste_tiles(told[:, :, None, None, None].expand(n, 4, 1, 3, 3))
    told = (
        (cut_tiles(mosaic(images, labels, grid, seed=4), grid)[:, :, 0, 0, 0] * 2000).round().long()
    )
    source, place = told // 4, told % 4
    assert torch.equal(place, torch.arange(4).expand(n, 4))
    assert torch.equal(labels[source], labels[:, None].expand(n, 4))
    assert (source != torch.arange(n)[:, None]).all()
    assert len(source.unique()) > 0.9 * n
    assert torch.equal(mosaic(images, labels, 2, seed=4), mosaic(images, labels, 2, seed=4))
    assert not torch.equal(mosaic(images, labels, 2, seed=4), mosaic(images, labels, 2, seed=5))
    pair = mosaic(images[:2], torch.zeros(2, dtype=torch.int64), 2)
    assert torch.equal(pair, images[:2].flip(0))


def test_fading_darkens_the_edges_of_tiles_alone():
    white = torch.ones(1, 1, 12, 12)
    row = torch.tensor([0.25, 0.75, 1, 1, 0.75, 0.25])
    assert torch.equal(fade_seams(white, 2, width=2)[0, 0, 2], row.repeat(2))
    assert torch.equal(fade_seams(white, 2)[0, 0, :, 3], torch.tensor([0.5, 1, 1, 1, 1, 0.5] * 2))
    images = torch.rand(20, 1, 12, 12)
    after = fade_seams(shuffle_tiles(images, 3, seed=6), 3, width=2)
    assert torch.equal(after, shuffle_tiles(fade_seams(images, 3, width=2), 3, seed=6))


def test_the_step_at_a_seam():
    stripes = (torch.arange(12) // 3 % 2).float().expand(2, 1, 12, 12).contiguous()
    assert seam_step(stripes, 4).tolist() == [0.5, 0.5]  # at the upright seams, not at the others
    assert seam_step(stripes, 6).tolist() == pytest.approx([0.1, 0.1])  # at one of five
    assert seam_step(torch.ones(1, 1, 12, 12), 3).tolist() == [0.0]


def test_it_is_the_order_and_not_the_seams():
    net = fk.models.load("lenet")
    images, labels = (t[:1000] for t in fk.data.digits())

    def right(shown):
        return float((fk.models.predict(net, shown).argmax(1) == labels).float().mean())

    for grid in (2, 4, 7):
        patched = mosaic(images, labels, grid)
        assert seam_step(patched, grid).mean() > 1.5 * seam_step(images, grid).mean()
        assert right(patched) > 0.7
        faded = fade_seams(images, grid)
        assert right(faded) > 0.9
        assert seam_step(shuffle_tiles(faded, grid), grid).mean() < 0.12
        assert right(shuffle_tiles(faded, grid)) < 0.4


def test_digits_lose_their_name_and_keep_their_confidence():
    net = fk.models.load("lenet")
    images, labels = (t[:1000] for t in fk.data.digits())
    found = scramble(net, images, labels)
    assert list(found) == [1, 2, 4, 7]
    assert torch.equal(found[1].images, images)
    for one in found.values():
        confidences = fk.models.predict(net, one.images)
        assert torch.equal(one.confidence, confidences.amax(1))
        assert torch.equal(one.in_label, confidences[torch.arange(1000), labels])
        assert one.accuracy == float((confidences.argmax(1) == labels).double().mean())
    assert found[1].accuracy > 0.97
    for grid in (2, 4, 7):
        assert found[grid].accuracy < 0.4
        assert 0.65 < found[grid].mean_confidence < 0.85
        assert 0.02 < float((found[grid].confidence >= 0.99).double().mean()) < 0.3
    assert found[7].accuracy < found[2].accuracy
    with pytest.raises(ValueError, match="labels"):
        scramble(net, images, labels[:10])
