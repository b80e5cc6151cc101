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


def test_where_takes_whole_genomes():
    mask = torch.tensor([True, False] * 3)
    mixed = genomes().where(mask, PixelGenomes(-genomes().pixels))
    assert torch.equal(mixed.pixels[::2], genomes().pixels[::2])
    assert torch.equal(mixed.pixels[1::2], -genomes().pixels[1::2])


def test_clone_shares_nothing():
    g = genomes()
    g.clone().pixels.zero_()
    assert g.pixels.sum() > 0


def test_out_of_range_is_an_error():
    with pytest.raises(IndexError):
        genomes()[torch.tensor([6])]
