"""Letters, small digits and pieces of photographs: shapes, ranges, seeds, what they show."""

import pytest
import torch

import foolkit as fk
from foolkit.data import crops, letters, small_digits


@pytest.mark.parametrize("made", [letters, small_digits, lambda: crops(30)])
def test_they_are_images_with_something_on_them(made):
    images, groups = made()
    assert images.shape[1:] == (1, 28, 28)
    assert images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1  # noqa: PT018
    assert len(groups) == len(images)
    assert groups.dtype == torch.int64
    assert images.flatten(1).unique(dim=0).shape[0] > 0.9 * len(images)


def test_ink_lies_as_in_mnist():
    """Within 20x20, and its centre of mass within a pixel of the middle."""
    place = torch.arange(28.0)
    for images in (letters()[0], small_digits()[0]):
        ink = images[:, 0]
        for axis in (1, 2):
            along = ink.sum(3 - axis)
            middle = (along * place).sum(1) / along.sum(1)
            assert ((middle - 13.5).abs() < 1).float().mean() > 0.95
            used = along > 0
            length = 28 - used.int().argmax(1) - used.flip(1).int().argmax(1)
            assert length.max() <= 20


def test_letters_are_grouped_by_letter():
    images, letter = letters("AB", ("DejaVuSans", "DejaVuSerif"))
    assert letter.tolist() == [0, 1, 0, 1]
    assert not torch.equal(images[0], images[1])


def test_small_digits_are_digits():
    """A network that never saw them reads most of them, and fewer than of MNIST."""
    images, labels = small_digits()
    right = (fk.models.predict(fk.models.load("lenet"), images).argmax(1) == labels).float().mean()
    assert 0.5 < right < 0.99


def test_crops_follow_the_seed_and_take_the_photographs_in_turn():
    one, which = crops(9, seed=1)
    assert torch.equal(one, crops(9, seed=1)[0])
    assert not torch.equal(one, crops(9, seed=2)[0])
    assert which.tolist() == [0, 1, 2] * 3


def test_bad_arguments():
    with pytest.raises(ValueError, match="fonts: expected some of DejaVu.*got 'Arial'"):
        letters("A", ("Arial",))
    with pytest.raises(ValueError, match="characters: expected some that leave ink"):
        letters(" ")
    with pytest.raises(ValueError, match="characters: expected at least one"):
        letters("")
    with pytest.raises(ValueError, match="n: expected"):
        crops(0)
