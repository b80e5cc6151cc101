import pytest
import torch

import foolkit as fk
from foolkit.data.faces import BLOB, FACE, KINDS, NOTHING, PLACES, Drawing, drawing, faces

WHATS = ("face", "missing", "blobs", "scrambled")


@pytest.mark.parametrize("what", WHATS)
def test_pictures_keep_the_contract(what):
    images = faces(20, what, seed=1)
    fk.analysis.cut_tiles(images, 2)  # checks them
    assert images.shape == (20, 1, 32, 32)
    assert torch.equal(images, faces(20, what, seed=1))
    assert not torch.equal(images, faces(20, what, seed=2))
    assert images.flatten(1).amax(1).min() > 0.5


def test_kinds_are_what_they_are_called():
    face = torch.tensor(FACE)
    assert (drawing(50).kinds == face).all()
    for what, instead in (("missing", NOTHING), ("blobs", BLOB)):
        kinds = drawing(300, what).kinds
        assert ((kinds == face) | (kinds == instead)).all()
        assert set((kinds == instead).sum(1).tolist()) == {1, 2, 3}
    kinds = drawing(300, "scrambled").kinds
    assert torch.equal(kinds.sort(1).values, face.sort().values.expand(300, 6))
    assert int((kinds != face).sum(1).min()) == 4


def one(kind, place=(0.5, 0.5), scale=1.0, turn=0.0):
    """A single part, without an outline to speak of."""
    return Drawing(
        kinds=torch.tensor([[kind]]),
        places=torch.tensor([[place]]),
        scales=torch.tensor([[scale]]),
        turns=torch.tensor([[turn]]),
        greys=torch.tensor([[1.0, 0, 0, 0, 0, 0, 0.0]]),
        radii=torch.tensor([[12.0, 14.0]]),
    ).images()[0, 0]


@pytest.mark.parametrize("kind", range(1, len(KINDS)))
def test_a_part_moves_by_whole_pixels_and_turns(kind):
    image = one(kind)
    assert image.sum() > 3
    moved = one(kind, (3.5, -4.5))
    assert torch.allclose(moved, image.roll((-5, 3), (0, 1)), atol=1e-5)
    turned = one(kind, (0.5, 0.5), turn=torch.pi / 2)
    assert torch.allclose(turned[1:, 1:], image[1:, 1:].rot90(-1), atol=1e-4)
    assert one(kind, scale=1.15).sum() > image.sum()


def test_nothing_is_nothing_and_a_blob_is_a_disc():
    assert one(NOTHING).sum() == 0
    assert float(one(BLOB).sum()) == pytest.approx(torch.pi * 1.5**2, rel=0.05)


def test_parts_lie_inside_the_outline():
    places = torch.tensor(PLACES)
    assert ((places / torch.tensor([12.0, 14.2])).norm(dim=1) < 0.8).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: faces(0), ValueError, "n: expected an integer of at least 1, got 0"),
        (lambda: faces(2, "cats"), ValueError, "what: expected one of 'face', .*, got 'cats'"),
        (lambda: faces(2, seed=-1), ValueError, "seed: expected"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_brightest_of_the_layers_is_the_picture():
    given = drawing(20, "missing", seed=3)
    layers = given.layers()
    assert layers.shape == (20, 7, 32, 32)
    assert torch.equal(layers.amax(1, keepdim=True), given.images())
    assert (layers[:, :6].flatten(2).sum(2) > 0).equal(given.kinds != NOTHING)
    assert layers[:, 6, 16].gt(0).sum(1).max() <= 6  # the outline: two lines across a row
