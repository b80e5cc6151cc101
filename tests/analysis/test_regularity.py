import zlib

import pytest
import torch

from foolkit.analysis import compressed_size, recurrence, symmetry, variance_in_bars


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def stripes():
    """One image of vertical bars, 28 x 28."""
    return (torch.arange(28) % 7 < 3).float().expand(1, 1, 28, 28).contiguous()


def test_noise_does_not_compress_and_stripes_do():
    noise = torch.rand((3, 1, 28, 28), generator=seeded())
    size = compressed_size(torch.cat([noise, stripes()]))
    assert size.dtype == torch.int64
    assert (size[:3] > 780).all()
    assert size[3] < 50
    levels = (noise[0] * 255).round().to(torch.uint8)
    assert size[0] == len(zlib.compress(bytes(levels.flatten().tolist()), 9))


@pytest.mark.parametrize(
    ("name", "flip"),
    [
        ("left-right", lambda t: t.flip(3)),
        ("top-bottom", lambda t: t.flip(2)),
        ("half turn", lambda t: t.rot90(2, (2, 3))),
    ],
)
def test_symmetry_is_the_correlation_with_the_mirror_image(name, flip):
    images = torch.rand((5, 1, 9, 8), generator=seeded())
    pairs = torch.stack([images.flatten(1), flip(images).flatten(1)], 1)
    expected = torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs])
    assert torch.allclose(symmetry(images)[name].float(), expected, atol=1e-5)
    whole = (images + flip(images)) / 2
    assert torch.allclose(symmetry(whole)[name], torch.ones(5).double())
    anti = (images - flip(images)) / 2 + 0.5
    assert torch.allclose(symmetry(anti)[name], -torch.ones(5).double(), atol=1e-5)


def test_colours_are_not_mixed_by_symmetry():
    images = torch.rand((4, 3, 8, 8), generator=seeded())
    assert torch.allclose(
        symmetry((images + images.flip(3)) / 2)["left-right"], torch.tensor(1.0).double()
    )


def test_bars_of_stripes_noise_and_one_colour():
    turned = stripes().transpose(2, 3).contiguous()
    level, upright = variance_in_bars(torch.cat([turned, stripes()])).T
    assert level.tolist() == pytest.approx([1, 0], abs=1e-6)
    assert upright.tolist() == pytest.approx([0, 1], abs=1e-6)
    noise = torch.rand((400, 1, 28, 28), generator=seeded())
    assert variance_in_bars(noise).mean(0).tolist() == pytest.approx([1 / 28] * 2, rel=0.1)
    one_colour = torch.full((1, 1, 28, 28), 0.3)
    assert variance_in_bars(one_colour).tolist() == [[0, 0]]
    assert symmetry(one_colour)["half turn"].item() == 1


@pytest.mark.parametrize("degree", [20, 45, 60, 110, 160])
def test_bars_finds_the_slant(degree):
    up, right = torch.meshgrid(27.0 - torch.arange(28), torch.arange(28.0), indexing="ij")
    angle = torch.deg2rad(torch.tensor(float(degree)))
    away = (right - 13.5) * angle.sin() - (up - 13.5) * angle.cos()
    found = variance_in_bars((away.abs() < 3).float()[None, None], range(0, 180, 5))[0]
    assert 5 * int(found.argmax()) == pytest.approx(degree, abs=5)
    assert found.max() > 0.85
    assert torch.allclose(
        variance_in_bars((away.abs() < 3).float()[None, None], [degree + 180])[0],
        found[degree // 5],
        atol=0.1,
    )


def test_recurrence_finds_what_was_put_in_and_nothing_else():
    measured = torch.randn((20, 5, 6, 6), generator=seeded())
    measured += 3 * torch.randn((20, 1, 6, 6), generator=seeded(1))  # of the run, not of a class
    measured[:, 2, 1, 4] += 3
    found = recurrence(measured, permutations=200)
    assert found.runs == 20
    assert found.p[2, 1, 4] == pytest.approx(1 / 201)
    assert (found.p <= 0.05).sum() <= 5  # the place itself, and the four classes that lack it
    assert found.excess[2, 1, 4] == pytest.approx(3 * 4 / 5, abs=0.8)
    assert torch.allclose(found.excess.sum(0), torch.zeros(6, 6), atol=1e-5)


def test_recurrence_corrects_for_all_comparisons():
    """Of 100 data sets without any effect about five have a p of 0.05 or less anywhere."""
    hits = 0
    for seed in range(100):
        measured = torch.randn((8, 4, 12), generator=seeded(seed))
        hits += bool((recurrence(measured, permutations=99, seed=seed).p <= 0.05).any())
    assert hits <= 12  # chance of more than 12: below 0.2 %


def test_recurrence_does_not_depend_on_order_scale_or_constants():
    measured = torch.rand((10, 3, 7), generator=seeded())
    measured[:, :, 0] = 0.5  # a place where nothing varies
    found = recurrence(measured, permutations=50)
    assert (found.p[:, 0] == 1).all()
    again = recurrence(5 * measured + 2, permutations=50)
    assert torch.equal(found.p, again.p)
    assert torch.allclose(5 * found.excess, again.excess, atol=1e-5)
    assert recurrence(measured[:1], permutations=50).p.min() > 0.05  # one run proves nothing
    single = recurrence(measured[:, :, 1], permutations=50)
    assert single.excess.shape == single.p.shape == (3,)


@pytest.mark.parametrize("function", [compressed_size, symmetry, variance_in_bars])
def test_bad_images(function):
    with pytest.raises(ValueError, match="images: expected"):
        function(torch.full((1, 1, 4, 4), 2.0))
    with pytest.raises(TypeError, match="images: expected"):
        function([1, 2])


def test_bad_measurements():
    with pytest.raises(ValueError, match="measured: expected a tensor"):
        recurrence(torch.rand(5))
    with pytest.raises(ValueError, match="measured: expected a tensor"):
        recurrence(torch.rand(5, 1, 3))
    with pytest.raises(ValueError, match="permutations: expected"):
        recurrence(torch.rand(5, 2), permutations=0)
