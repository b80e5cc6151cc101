"""Rays, shares, bends and nearest images, against closed forms and other libraries."""

import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

import foolkit as fk
from foolkit.analysis import (
    answers_along_rays,
    bend_from_tangent,
    class_shares,
    nearest_images,
    random_directions,
)


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


def random_images(n, seed=0):
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def linear(weight):
    """A network whose logits are ``weight @ pixels``."""
    layer = nn.Linear(weight.shape[1], len(weight), bias=False)
    layer.weight.data = weight
    return nn.Sequential(nn.Flatten(), layer)


# ---- shares --------------------------------------------------------------------------------------


def test_room_counts_what_a_known_network_says():
    """Class 1 exactly where the mean pixel is above one half: half of all uniform images."""

    class Brightness(nn.Module):
        def forward(self, images):
            z = 1000 * (images.flatten(1).mean(1) - 0.5)
            return torch.stack([torch.zeros_like(z), z, torch.full_like(z, -50.0)], 1)

    found = class_shares(
        Brightness(), images=4000, levels=(0.0, 0.5, 1.0), shape=(1, 8, 8), progress=False
    )
    assert found.hits[0].sum() == 4000
    assert torch.equal(found.hits[1], found.hits[0])  # of two classes one has a half
    assert (found.hits[2] <= found.hits[1]).all()
    interval = found.interval(0.9999)
    assert interval.low[0, 1] < 0.5 < interval.high[0, 1]
    assert found.hits[0, 2] == 0
    assert torch.allclose(found.total, found.share.sum(1))


def test_room_does_not_depend_on_other_random_numbers_and_follows_its_seed(lenet):
    first = class_shares(lenet, images=300, progress=False)
    torch.rand(10)
    again = class_shares(lenet, images=300, progress=False)
    other = class_shares(lenet, images=300, seed=1, progress=False)
    assert torch.equal(first.hits, again.hits)
    assert not torch.equal(first.hits, other.hits)
    assert first.images == 300


def test_room_takes_draws_of_ones_own(lenet):
    seen = []

    def black(count, generator):
        seen.append(count)
        return torch.zeros(count, 1, 28, 28)

    found = class_shares(lenet, black, images=250, chunk=100, progress=False)
    assert seen == [100, 100, 50]
    assert found.hits[0].max() == 250


@pytest.mark.parametrize("draw", ["uniform", "coins", "smooth"])
def test_draws_are_images_of_their_kind(draw):
    from foolkit.analysis.space import DRAWS

    images = DRAWS[draw]((1, 28, 28), 200, torch.Generator().manual_seed(0))
    fk.checks.check_images(images, (1, 28, 28))
    neighbours = torch.corrcoef(
        torch.stack([images[..., :-1].flatten(), images[..., 1:].flatten()])
    )[0, 1]
    if draw == "smooth":
        assert neighbours > 0.5
        assert torch.allclose(images.flatten(1).amin(1), torch.zeros(200))
        assert torch.allclose(images.flatten(1).amax(1), torch.ones(200))
    else:
        assert abs(float(neighbours)) < 0.02
        assert images.mean() == pytest.approx(0.5, abs=0.01)
    assert (draw == "coins") == bool(((images == 0) | (images == 1)).all())


# ---- rays ----------------------------------------------------------------------------------------


def test_rays_of_a_linear_network_have_a_closed_form():
    weight = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]])
    start = torch.full((1, 1, 2, 2), 0.5)
    way = torch.tensor([3.0, 0, 0, 0]).view(1, 1, 2, 2)  # its length does not count
    confidence, answer = answers_along_rays(linear(weight), start, way, (0, 1, 2, 100))
    expected = [1 / (1 + math.exp(-0.5 - t)) for t in (0, 1, 2, 100)]
    assert confidence[0].tolist() == pytest.approx(expected, rel=1e-6)
    assert answer[0].tolist() == [0, 0, 0, 0]


def test_far_out_a_network_of_rectifiers_is_certain_and_a_bounded_one_is_not(lenet):
    digits, _ = fk.models.comparison_digits()
    way = random_directions(100, (1, 28, 28))
    far, _ = answers_along_rays(lenet, digits[:100], way, (1e5,))
    assert (far > 0.99).float().mean() > 0.95
    bounded, _ = answers_along_rays(fk.models.load("fc100-100-10"), digits[:100], way, (1e4, 1e5))
    assert (bounded[:, 1] > 0.99).float().mean() < 0.8
    assert (bounded[:, 0] - bounded[:, 1]).abs().median() < 0.02  # nothing changes any more


def test_directions_have_length_one_and_no_preference():
    way = random_directions(2000, (1, 4, 4), seed=3)
    assert torch.allclose(torch.linalg.vector_norm(way.flatten(1), dim=1), torch.ones(2000))
    assert way.mean(0).abs().max() < 5 * 0.25 / math.sqrt(2000)


# ---- bends ---------------------------------------------------------------------------------------


def test_a_linear_network_does_not_bend():
    weight = torch.randn(3, 784, generator=torch.Generator().manual_seed(0))
    found = bend_from_tangent(
        linear(weight), random_images(5), random_directions(5, (1, 28, 28)), (0.1, 10.0)
    )
    assert found.max() < 1e-3


def test_a_square_bends_as_it_should():
    class Square(nn.Module):
        def forward(self, images):
            z = images.flatten(1).sum(1) ** 2
            return torch.stack([z, -z], 1)

    start = torch.full((1, 1, 1, 1), 0.5)
    found = bend_from_tangent(Square(), start, torch.ones(1, 1, 1, 1), (0.1, 1.0))
    # (x + t)^2 - x^2 = 2xt + t^2, the tangent is 2xt: what is off is t / (2x + t)
    assert found[0].tolist() == pytest.approx([0.1 / 1.1, 0.5], rel=1e-4)


def test_where_nothing_changes_the_bend_is_undefined():
    found = bend_from_tangent(
        linear(torch.zeros(2, 784)), random_images(1), random_images(1, 1), (1.0,)
    )
    assert found.isnan().all()


# ---- the nearest ---------------------------------------------------------------------------------


def test_nearest_is_that_of_scikit_learn():
    reference, images = random_images(300), random_images(40, seed=1)
    distance, index = nearest_images(images, reference, k=3, chunk=7)
    peer = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(
        reference.flatten(1).double().numpy()
    )
    expected, places = peer.kneighbors(images.flatten(1).double().numpy())
    assert torch.equal(index, torch.from_numpy(places))
    assert torch.allclose(distance.double(), torch.from_numpy(expected), rtol=1e-5)


def test_an_image_is_its_own_nearest_at_no_distance():
    reference, _ = fk.data.digits()
    distance, index = nearest_images(reference[:50], reference[:500])
    assert torch.equal(index[:, 0], torch.arange(50))
    assert distance.max() == 0


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: class_shares("lenet"), TypeError, "net: expected a torch.nn.Module, got str"),
        (lambda net: class_shares(net, "pink"), ValueError, "draw: expected one of 'uniform'"),
        (lambda net: class_shares(net, images=0), ValueError, "images: expected an integer"),
        (lambda net: class_shares(net, levels=()), ValueError, "levels: expected at least one"),
        (lambda net: class_shares(net, levels=(90,)), ValueError, "levels: expected a number in"),
        (lambda net: class_shares(nn.Flatten()), ValueError, "shape: expected"),
        (
            lambda net: class_shares(
                net, lambda n, g: torch.full((n, 1, 28, 28), 2.0), progress=False
            ),
            ValueError,
            "draw: expected values in",
        ),
        (
            lambda net: answers_along_rays(net, random_images(2), random_images(1), (1,)),
            ValueError,
            "directions: expected",
        ),
        (
            lambda net: answers_along_rays(net, random_images(1), random_images(1) * 0, (1,)),
            ValueError,
            "directions: .* none of length 0",
        ),
        (
            lambda net: answers_along_rays(net, random_images(1), random_images(1), ()),
            ValueError,
            "lengths",
        ),
        (
            lambda net: answers_along_rays(net, random_images(1), random_images(1), (-1,)),
            ValueError,
            "lengths",
        ),
        (
            lambda net: bend_from_tangent(net, random_images(1), random_images(1), (0,)),
            ValueError,
            "lengths",
        ),
        (
            lambda net: nearest_images(random_images(2), random_images(2), k=3),
            ValueError,
            "k: expected",
        ),
        (
            lambda net: nearest_images(random_images(2), torch.rand(2, 1, 8, 8)),
            ValueError,
            "reference",
        ),
        (lambda net: random_directions(0, (1, 28, 28)), ValueError, "count: expected"),
    ],
)
def test_bad_arguments_are_named(lenet, call, error, message):
    with pytest.raises(error, match=message):
        call(lenet)
