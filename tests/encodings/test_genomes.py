import pytest
import torch

from foolkit.encodings import PixelGenomes


def genomes(n=6):
    return PixelGenomes(torch.arange(n * 4.0).view(n, 1, 2, 2))


def test_indexing_is_the_tensors():
    g = genomes()
    assert len(g) == 6
    index = torch.tensor([3, 3, 0])
    assert torch.equal(g[index].pixels, g.pixels[index])
    assert torch.equal(g[1:3].pixels, g.pixels[1:3])
    assert torch.equal(g[-1].pixels, g.pixels[-1:])
    mask = torch.tensor([True, False] * 3)
    assert torch.equal(g[mask].pixels, g.pixels[mask])


@pytest.mark.parametrize("count", [0, 1, 16, 40])
def test_rows_are_replaced_by_others_of_another_batch(count):
    mine, theirs = genomes(50), PixelGenomes(-torch.rand(7, 1, 2, 2))
    draws = torch.Generator().manual_seed(count)
    rows = torch.randperm(50, generator=draws)[:count]
    index = torch.randint(7, (count,), generator=draws)
    expected = mine.pixels.clone()
    expected[rows] = theirs.pixels[index]
    mine.replace(rows, theirs, index)
    assert torch.equal(mine.pixels, expected)


def test_clone_shares_nothing():
    g = genomes()
    g.clone().pixels.zero_()
    assert g.pixels.sum() > 0


def test_out_of_range_is_an_error():
    with pytest.raises(IndexError):
        genomes()[torch.tensor([6])]
