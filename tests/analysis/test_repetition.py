import pytest
import torch

import foolkit as fk
from foolkit.analysis import (
    ablate,
    autocorrelation,
    erase_masked,
    find_repeats,
    mean_interval,
    tile_motif,
    tiled_repeats,
)
from foolkit.analysis.repetition import FILLS, background, random_regions


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def spots(n, size, channels=1, seed=0):
    """Motifs with a bright spot inside a dark border."""
    motifs = torch.zeros(n, channels, *size)
    inside = (n, channels, size[0] - 4, size[1] - 4)
    motifs[:, :, 2:-2, 2:-2] = 0.4 + 0.6 * torch.rand(inside, generator=seeded(seed))
    return motifs


@pytest.mark.parametrize(
    ("size", "motif", "copies", "channels"),
    [((28, 28), (7, 7), 16, 1), ((28, 28), (9, 9), 9, 1), ((28, 28), (14, 14), 4, 1),
     ((32, 40), (8, 10), 16, 3), ((224, 224), (56, 56), 16, 3)],
)  # fmt: skip
def test_planted_repeats_are_found(size, motif, copies, channels):
    images = tile_motif(spots(6, motif, channels), copies, size)
    found, planted = find_repeats(images), tiled_repeats(6, copies, motif, size)
    assert torch.allclose(found.period, planted.period, atol=0.2)
    assert (found.strength > 0.6).all()
    assert (found.count == copies).all()
    inked = images.amax(1) > 0
    assert (found.copy[inked] == planted.copy[inked]).all()


def test_planted_repeats_are_found_under_noise():
    images = tile_motif(spots(20, (7, 7)), 16)
    noisy = (images + 0.1 * torch.randn(images.shape, generator=seeded(1))).clamp(0, 1)
    found = find_repeats(noisy)
    assert torch.allclose(found.period, torch.tensor([[7.0, 7.0]]).double(), atol=0.3)


def test_boxes_hold_the_copies():
    found = find_repeats(tile_motif(spots(2, (9, 9)), 9))
    boxes = found.boxes(1)
    assert boxes.shape == (9, 4)
    for number, (top, left, bottom, right) in enumerate(boxes.tolist()):
        assert (found.copy[1, top:bottom, left:right] == number).all()
        assert 8 <= bottom - top <= 10
        assert 8 <= right - left <= 10
    assert len(found[:1]) == 1


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("period", [4.4, 5.0, 9.33, 13.5])
def test_stripes_have_a_period_across_and_none_along(axis, period):
    wave = (0.5 + 0.5 * (2 * torch.pi * torch.arange(28) / period).cos()).float()
    image = wave.view(1, 1, -1, 1) if axis == 2 else wave.view(1, 1, 1, -1)
    found = find_repeats(image.expand(1, 1, 28, 28).contiguous())
    assert float(found.period[0, axis - 2]) == pytest.approx(period, abs=0.15)
    assert found.period[0, 3 - axis].isnan()
    assert 28 / period - 1 <= int(found.count) <= 28 / period + 1
    for top, left, bottom, right in found.boxes(0).tolist():
        assert (right - left, bottom - top)[axis - 2] == 28  # a copy is as long as the image


def test_noise_slopes_bars_and_one_colour_do_not_repeat():
    noise = torch.rand((500, 1, 28, 28), generator=seeded())
    slope = torch.linspace(0, 1, 28).expand(1, 1, 28, 28).contiguous()
    bar = torch.zeros(1, 1, 28, 28)
    bar[..., 10:14] = 1
    grey = torch.full((1, 1, 28, 28), 0.5)
    found = find_repeats(torch.cat([noise, slope, bar, grey]))
    assert (found.count == 0).all()
    assert found.period.isnan().all()
    assert (found.copy == -1).all()
    assert found.boxes(0).shape == (0, 4)


def test_few_digits_repeat():
    assert (find_repeats(fk.data.digits()[0][:1000]).count >= 2).float().mean() < 0.03


def test_autocorrelation_is_pearsons():
    images = torch.rand((3, 2, 9, 12), generator=seeded())
    r = autocorrelation(images, 3)
    assert r.shape == (3, 8)
    assert torch.allclose(r[:, 0], torch.ones(3).double())
    pair = []
    for part in (images[1, :, :, :-4], images[1, :, :, 4:]):
        pair.append((part - part.mean((1, 2), keepdim=True)).flatten())
    assert float(r[1, 4]) == pytest.approx(float(torch.corrcoef(torch.stack(pair))[0, 1]), abs=1e-5)
    turned = autocorrelation(images.transpose(2, 3).contiguous(), 2)
    assert torch.allclose(r, turned)


def test_small_images_do_not_repeat():
    for size in ((1, 1), (2, 3), (3, 3)):  # with four lags a random image may have a period
        assert int(find_repeats(torch.rand(1, 1, *size, generator=seeded())).count) == 0


@pytest.mark.parametrize("fill", FILLS)
def test_erasing_changes_only_the_mask(fill):
    images = torch.rand((4, 3, 12, 16), generator=seeded())
    masks = torch.zeros(4, 12, 16, dtype=torch.bool)
    masks[0, 2:6, 3:9] = True
    masks[1] = True
    erased = erase_masked(images, masks, fill)
    kept = ~masks[:, None].expand_as(images)
    assert torch.equal(erased[kept], images[kept])
    assert torch.equal(erased[2:], images[2:])
    filled = erased[0, :, 2:6, 3:9]
    assert torch.allclose(filled * 255, (filled * 255).round(), atol=1e-3)
    assert (filled != images[0, :, 2:6, 3:9]).float().mean() > 0.9


def test_what_each_fill_fills_with():
    image = torch.zeros(1, 1, 16, 16)
    image[..., :4] = 1
    image[..., 12:] = 51 / 255
    masks = torch.zeros(1, 16, 16, dtype=torch.bool)
    masks[0, :, 2:6] = True
    assert float(background(image)) == 0
    assert (erase_masked(image, masks, "background")[masks[:, None]] == 0).all()
    level = (255 * image.mean()).round() / 255
    assert (erase_masked(image, masks, "mean")[masks[:, None]] == level).all()
    nearest = erase_masked(image, masks, "neighbour")[0, 0, 0]
    assert nearest[2:4].tolist() == [1, 1]
    assert nearest[4:6].tolist() == [0, 0]
    blurred = erase_masked(image, masks, "blur")[0, 0, 8]
    assert ((blurred[2:6] > 0) & (blurred[2:6] < 1)).all()
    assert (blurred[2:5] >= blurred[3:6]).all()


def test_tiles():
    motif = torch.rand((2, 3, 5, 7), generator=seeded())
    for copies, side in ((1, 1), (4, 2), (9, 3), (16, 4)):
        images = tile_motif(motif, copies, (24, 33), fill=0.25)
        assert images.shape == (2, 3, 24, 33)
        top, left = (24 - 5 * side) // 2, (33 - 7 * side) // 2
        last = images[:, :, top + 5 * (side - 1) :, left + 7 * (side - 1) :][:, :, :5, :7]
        assert torch.equal(last, motif)
        assert int((images[0, 0] != 0.25).sum()) == copies * 35
    assert (tiled_repeats(2, 16, (5, 7), (24, 33)).copy[0] >= 0).sum() == 16 * 35


def test_regions_are_random_and_exactly_as_large():
    area = torch.tensor([1, 7, 49, 300] * 50)
    pieces = torch.tensor([1, 1, 2, 3] * 50)
    regions = random_regions(area, pieces, torch.zeros(1, 20, 25), seeded())
    assert torch.equal(regions.sum((1, 2)), area)
    assert torch.equal(regions, random_regions(area, pieces, torch.zeros(1, 20, 25), seeded()))


def test_regions_favour_no_place():
    area, pieces = torch.full((4000,), 49), torch.full((4000,), 1)
    regions = random_regions(area, pieces, torch.zeros(1, 14, 14), seeded())
    share = regions.float().mean(0)
    assert float(share.mean()) == pytest.approx(0.25)
    assert float((share - 0.25).abs().max()) < 6 * (0.25 * 0.75 / 4000) ** 0.5


class Ink(torch.nn.Module):
    """Two logits whose difference is the sum of the pixels: every pixel is worth the same."""

    def forward(self, images):
        ink = images.sum((1, 2, 3))
        return torch.stack([torch.zeros_like(ink), ink], 1)


class Whole(torch.nn.Module):
    """A logit that counts the 7 x 7 cells of which every pixel is white."""

    def forward(self, images):
        cells = torch.nn.functional.avg_pool2d(images, 7)
        number = (cells > 0.999).float().sum((1, 2, 3))
        return torch.stack([number, torch.zeros_like(number)], 1)


def test_where_every_pixel_counts_a_copy_is_worth_its_ink():
    images, repeats = tile_motif(torch.ones(6, 1, 7, 7), 4), tiled_repeats(6, 4, (7, 7))
    run, ones = torch.arange(6), torch.ones(6, dtype=torch.long)
    done = ablate(Ink(), images, ones, repeats, erased=3, fill="background")
    for erased in (1, 2, 3):
        fall = done.drop(run, erased=erased)
        assert fall.value == fall.low == fall.high == 49 * erased
        assert done.drop(run, erased=erased, kind="area").value < 49 * erased  # some hit the black
    assert done.log_odds["copies"].shape == (6, 4)


def test_where_whole_copies_count_cutting_through_many_costs_more():
    images, repeats = torch.ones(20, 1, 28, 28), tiled_repeats(20, 16, (7, 7))
    images[:, :, 27, 21:] = 0  # one copy is broken already, and the mean is not white
    run, zeros = torch.arange(20) // 2, torch.zeros(20, dtype=torch.long)
    done = ablate(Whole(), images, zeros, repeats, draws=8)
    assert done.drop(run).value == pytest.approx(15 / 16, abs=0.08)
    against = done.drop(run, against="area")
    assert against.high < -0.5
    assert against.images == 20
    assert against.runs == 10


def test_erasing_stops_before_the_last_copy():
    motifs = spots(4, (14, 14))
    images = torch.cat([tile_motif(motifs[:2], 4), tile_motif(spots(2, (7, 7)), 16)])
    few, many = tiled_repeats(2, 4, (14, 14)), tiled_repeats(2, 16, (7, 7))
    both = type(few)(*(torch.cat([getattr(few, n), getattr(many, n)])
                       for n in ("period", "strength", "copy", "count")))  # fmt: skip
    ones = torch.ones(4, dtype=torch.long)
    done = ablate(Ink(), images, ones, both, erased=4, draws=2)
    assert done.log_odds["copies"][:2, 4].isnan().all()
    assert not done.log_odds["copies"][2:].isnan().any()
    assert done.drop(torch.tensor([0, 0, 1, 2]), erased=4).runs == 2


def test_contrast_control_is_nearer_in_contrast_than_the_area_control():
    images = tile_motif(spots(10, (9, 9)), 9)
    repeats, ones = tiled_repeats(10, 9, (9, 9)), torch.ones(10, dtype=torch.long)
    done = ablate(Ink(), images, ones, repeats, fill="background", candidates=16)
    away = {
        kind: (done.log_odds[kind] - done.log_odds["copies"])[:, 1].abs().mean()
        for kind in ("area", "contrast")
    }
    assert away["contrast"] < away["area"]


def test_interval_is_bootstrapped_over_runs_not_images():
    """Ten identical images of a run are one."""
    fall = torch.tensor([0.0, 1.0, 2.0]).repeat_interleave(10)
    values = torch.stack([torch.zeros(30), -fall], 1)
    done = fk.analysis.Ablation({"copies": values}, {"copies": values})
    drop = done.drop(torch.arange(3).repeat_interleave(10))
    assert (drop.value, drop.runs, drop.images) == (1.0, 3, 30)
    of_runs = mean_interval(torch.tensor([0.0, 1.0, 2.0]))
    assert (drop.low, drop.high) == (of_runs.low, of_runs.high)
    assert drop.share == pytest.approx(2 / 3)
    assert f"{drop:.2f}" == f"1.00 [{drop.low:.2f}, {drop.high:.2f}]"


def test_is_reproducible_and_does_not_depend_on_the_chunk():
    net = fk.models.load("lenet")
    images, repeats = tile_motif(spots(8, (7, 7)), 16), tiled_repeats(8, 16, (7, 7))
    classes = torch.arange(8)
    one, two = (ablate(net, images, classes, repeats, chunk=c, draws=2) for c in (500, 7))
    for kind in one.log_odds:
        assert torch.allclose(one.log_odds[kind], two.log_odds[kind], atol=1e-3)
    sure = fk.models.predict(net, images)[classes, classes]
    assert torch.allclose(one.confidence["copies"][:, 0], sure, atol=1e-5)
    other = ablate(net, images, classes, repeats, draws=2, seed=1)
    assert not torch.equal(one.log_odds["copies"], other.log_odds["copies"])


def test_breeding_under_forced_repetition_is_harder_on_lenet():
    """The chapter's main figure of merit, with margin, on runs of its own."""
    net, reached = fk.models.load("lenet"), {}
    for copies in (1, 16):
        side = 28 // int(copies**0.5)
        motif = fk.encodings.CPPN((1, side, side))

        class Wallpaper:
            shape, genomes = net.input_shape, motif.genomes
            sample, vary = motif.sample, motif.vary

            def render(self, genes, motif=motif, copies=copies):
                return tile_motif(motif.render(genes), copies)

        found = fk.evolve(net, Wallpaper(), generations=6, batch=100, seed=900,
                          progress=False)  # fmt: skip
        reached[copies] = found.confidence.mean()
    assert reached[1] > reached[16] + 0.1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda i, r: find_repeats(i * 3), ValueError, "images: expected values"),
        (lambda i, r: find_repeats(i, strength=2), ValueError, "strength: expected"),
        (lambda i, r: find_repeats(i, prominence=-1), ValueError, "prominence: expected"),
        (lambda i, r: autocorrelation(i, 1), ValueError, "axis: expected 2"),
        (lambda i, r: erase_masked(i, r.copy >= 0, "white"), ValueError, "fill: expected one of"),
        (lambda i, r: erase_masked(i, r.copy), ValueError, "masks: expected a bool"),
        (lambda i, r: erase_masked(i, r.copy[:1] >= 0), ValueError, "masks: expected a bool"),
        (lambda i, r: tile_motif(i, 4), ValueError, "copies: expected a square number"),
        (
            lambda i, r: tile_motif(i[:, :, :5, :5], 5),
            ValueError,
            "copies: expected a square number",
        ),
        (lambda i, r: tile_motif(i, 1, fill=2), ValueError, "fill: expected"),
        (lambda i, r: tiled_repeats(1, 16, (9, 9)), ValueError, "copies: expected"),
        (lambda i, r: ablate(Ink(), i, torch.ones(2).long(), r[:1]), ValueError, "repeats: exp"),
        (lambda i, r: ablate(Ink(), i, torch.ones(2), r), TypeError, "classes: expected"),
        (lambda i, r: ablate(Ink(), i, torch.full((2,), 2), r), ValueError, "classes: expected"),
        (lambda i, r: ablate(Ink(), i, torch.ones(2).long(), r, erased=0), ValueError, "erased"),
        (lambda i, r: ablate(Ink(), i, torch.ones(2).long(), r, draws=0), ValueError, "draws"),
        (lambda i, r: ablate(Ink(), i, torch.ones(2).long(), r, fill="x"), ValueError, "fill"),
        (
            lambda i, r: ablate(Ink(), i, torch.ones(2).long(), find_repeats(i * 0)),
            ValueError,
            "images: expected at least two copies in each, got 0 in image 0",
        ),
        (
            lambda i, r: ablate(Ink(), i, torch.ones(2).long(), r).drop(
                torch.zeros(2).long(), erased=2
            ),
            ValueError,
            "erased: expected at most 1",
        ),
        (
            lambda i, r: ablate(Ink(), i, torch.ones(2).long(), r).drop(
                torch.zeros(2).long(), kind="all"
            ),
            ValueError,
            "kind: expected one of",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    images = tile_motif(spots(2, (7, 7)), 16)
    with pytest.raises(error, match=message):
        call(images, tiled_repeats(2, 16, (7, 7)))


def test_repeats_found_in_small_are_those_of_the_large_image():
    large = tile_motif(spots(2, (32, 32)), 9, (96, 96))
    small = torch.nn.functional.avg_pool2d(large, 4)
    found = find_repeats(small).enlarged(4)
    assert found.copy.shape == (2, 96, 96)
    assert found.count.tolist() == [9, 9]
    assert torch.allclose(found.period, torch.full((2, 2), 32.0).double(), atol=2)
    with pytest.raises(ValueError, match="times"):
        found.enlarged(0)


def test_log_odds_are_those_of_the_confidence():
    lenet = fk.models.load("lenet")
    images, labels = fk.data.digits()
    found = fk.analysis.log_odds(lenet, images[:200], labels[:200], chunk=64)
    p = fk.models.predict(lenet, images[:200]).double().gather(1, labels[:200, None])[:, 0]
    between = (p > 1e-3) & (p < 1 - 1e-3)  # farther out float32 has few digits left
    assert int(between.sum()) > 10
    assert torch.allclose(found.double()[between], torch.logit(p[between]), atol=1e-3)
    with pytest.raises(ValueError, match="classes"):
        fk.analysis.log_odds(lenet, images[:3], torch.tensor([0, 1, 10]))
    with pytest.raises(ValueError, match="chunk"):
        fk.analysis.log_odds(lenet, images[:3], labels[:3], chunk=0)
