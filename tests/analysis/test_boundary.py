import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis import answers_on_plane, distance_along


@pytest.fixture
def halfspace():
    """Class 1 where the first pixel is above the second by more than 0.5."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([[0.0, 0, 0, 0], [8, -8, 0, 0]]))
        net[1].bias.copy_(torch.tensor([0.0, -4]))
    return net


def test_distance_to_a_flat_boundary(halfspace):
    images = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(0)) * 0.4
    draws = torch.Generator().manual_seed(1)
    directions = torch.randn(5, 30, 1, 2, 2, generator=draws)
    found = distance_along(halfspace, images, directions, reach=20, halvings=12, chunk=7)
    x, d = images.flatten(1), directions.flatten(2)
    d = d / d.norm(dim=2, keepdim=True)
    expected = (0.5 - (x[:, 0] - x[:, 1]))[:, None] / (d[:, :, 0] - d[:, :, 1])
    expected[(expected < 0) | (expected > 20)] = torch.inf
    near = expected < 19.5
    assert torch.allclose(found[near], expected[near], atol=20 / 32 / 2**12 + 1e-4)
    assert (found[expected.isinf()].isinf()).all()
    assert near.any()
    assert expected.isinf().any()


def test_lengths_of_directions_do_not_matter_and_they_can_be_shared(halfspace):
    images = torch.zeros(3, 1, 2, 2)
    shared = torch.randn(4, 1, 2, 2, generator=torch.Generator().manual_seed(3))
    shared = shared.expand(3, -1, -1, -1, -1)
    one = distance_along(halfspace, images, shared, reach=10)
    assert torch.equal(one, distance_along(halfspace, images, 4 * shared, reach=10))
    assert one.shape == (3, 4)


def test_the_class_differs_where_the_distance_says():
    net = fk.models.load("lenet")
    images = fk.data.digits()[0][:10]
    way = torch.randn(10, 3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    found = distance_along(net, images, way, reach=30)
    way = way / way.flatten(2).norm(dim=2).view(10, 3, 1, 1, 1)
    there = images[:, None] + found.nan_to_num(posinf=0).view(10, 3, 1, 1, 1) * way
    with torch.no_grad():
        own, seen = net(images).argmax(1), net(there.flatten(0, 1)).argmax(1).view(10, 3)
    assert ((seen != own[:, None]) == found.isfinite()).all()
    assert found.isfinite().any()


def test_plane_shows_the_flat_boundary(halfspace):
    centre = torch.full((1, 1, 2, 2), 0.5)
    towards = torch.tensor([1.0, -1, 0, 0]).view(1, 1, 2, 2)
    aside = torch.tensor([1.0, -1, 1, 0]).view(1, 1, 2, 2)  # not perpendicular: it is made so
    seen = answers_on_plane(
        halfspace, centre, towards, aside, across=(-1, 2), along=(-1, 1), points=31
    )
    assert seen.predicted.shape == seen.confidence.shape == seen.inside.shape == (31, 31)
    expected = (seen.across > 0.5 / 2**0.5).long().expand(31, 31)
    assert torch.equal(seen.predicted, expected)
    assert (seen.confidence >= 0.5).all()
    on_axis = seen.inside[:, 10]  # across = 0: the third pixel alone changes
    assert torch.equal(on_axis, seen.along.abs() <= 0.5 + 1e-6)


def test_both_leave_the_mode_as_it_was(halfspace):
    halfspace.train()
    centre = torch.full((1, 1, 2, 2), 0.5)
    answers_on_plane(halfspace, centre, torch.randn(1, 1, 2, 2), torch.randn(1, 1, 2, 2), points=3)
    distance_along(halfspace, centre, torch.randn(1, 1, 1, 2, 2), reach=1)
    assert halfspace.training


def test_bad_input(halfspace):
    images, way = torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 1, 2, 2)
    with pytest.raises(TypeError, match="net: expected a torch.nn.Module, got str"):
        distance_along("lenet", images, way, reach=1)
    with pytest.raises(ValueError, match=r"directions: expected shape \[2, M, 1, 2, 2\]"):
        distance_along(halfspace, images, way[:1], reach=1)
    with pytest.raises(TypeError, match="directions: expected a torch.Tensor"):
        distance_along(halfspace, images, None, reach=1)
    with pytest.raises(ValueError, match="directions: expected finite directions, none of length"):
        distance_along(halfspace, images, 0 * way, reach=1)
    with pytest.raises(ValueError, match="reach: expected a number > 0, got -1"):
        distance_along(halfspace, images, way, reach=-1)
    with pytest.raises(ValueError, match="images: expected values in"):
        distance_along(halfspace, images + 2, way, reach=1)
    with pytest.raises(ValueError, match="centre: expected one image"):
        answers_on_plane(halfspace, images, images, images)
    one = images[:1]
    with pytest.raises(ValueError, match="first: expected finite directions"):
        answers_on_plane(halfspace, one, one, one + 1)
    with pytest.raises(ValueError, match="second: expected a direction that is not parallel"):
        answers_on_plane(halfspace, one, one + 1, one - 2)
    with pytest.raises(ValueError, match=r"second: expected a direction \[1, 1, 2, 2\], got \[4\]"):
        answers_on_plane(halfspace, one, one + 1, torch.ones(4))
    with pytest.raises(ValueError, match="along: expected two increasing numbers"):
        answers_on_plane(halfspace, one, one + 1, way[0], along=(1, 1))
