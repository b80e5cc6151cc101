import pytest
import torch

import foolkit as fk
from foolkit.gradients import Patch, Placed, patch
from foolkit.gradients.patch import covered, laid


@pytest.fixture(scope="module")
def split(lenet):
    images, labels = fk.data.digits()
    right = fk.models.predict(lenet, images[:900]).argmax(1) == labels[:900]
    images, labels = images[:900][right], labels[:900][right]
    return (images[:600], labels[:600]), (images[600:], labels[600:])


def test_it_is_read_wherever_it_lies_and_noise_is_not(lenet, split):
    own, (images, labels) = split
    made = patch(lenet, *own, target=8, size=12, steps=120, progress=False)
    assert made.pixels.shape == (1, 12, 12)
    assert 0 <= made.pixels.min() <= made.pixels.max() <= 1
    images, labels = images[labels != 8], labels[labels != 8]
    judged = made.judged(lenet, images, labels)
    assert judged.targeted
    noise = Patch(torch.rand(1, 12, 12, generator=torch.Generator().manual_seed(0)), target=8)
    control = noise.judged(lenet, images, labels)
    assert judged.fooled.float().mean() > control.fooled.float().mean() + 0.15
    assert (judged.l0 <= 144).all()


def test_without_a_target_it_leads_away(lenet, split):
    own, (images, labels) = split
    made = patch(lenet, *own, target=None, size=12, steps=80, progress=False)
    assert made.target is None
    black = Patch(torch.zeros(1, 12, 12)).judged(lenet, images, labels)
    assert made.judged(lenet, images, labels).robust_accuracy < black.robust_accuracy - 0.1


def test_where_it_lies():
    images = torch.rand(3, 2, 9, 8)
    pixels = torch.rand(2, 3, 3)
    corners = torch.tensor([[0, 0], [6, 5], [2, 1]])
    places = Placed(corners, torch.zeros(3), torch.ones(3))
    seen = Patch(pixels).apply(images, places)
    for image, before, (top, left) in zip(seen, images, corners.tolist(), strict=True):
        inside = torch.zeros(9, 8, dtype=torch.bool)
        inside[top : top + 3, left : left + 3] = True
        assert torch.equal(image[:, inside], pixels.flatten(1))
        assert torch.equal(image[:, ~inside], before[:, ~inside])
    assert torch.equal(Patch(pixels).apply(images, (6, 5))[1], seen[1])


def test_a_disc_leaves_its_corners_clear():
    cover = covered(9, "disc")
    assert cover[4].all()
    assert cover[:, 4].all()
    assert not cover[0, 0]
    assert torch.equal(cover, cover.T)
    assert torch.equal(cover, cover.flip(0))
    images = torch.zeros(1, 1, 12, 12)
    seen = Patch(torch.ones(1, 9, 9), shape="disc").apply(images, (1, 2))
    assert torch.equal(seen[0, 0, 1:10, 2:11].bool(), cover)
    assert seen.sum() == cover.sum()


def test_a_quarter_turn_and_a_scale():
    images = torch.zeros(2, 1, 15, 15)
    pixels = torch.rand(1, 5, 5)
    corners = torch.tensor([[4, 6], [4, 6]])
    turned = Placed(corners, torch.tensor([90.0, -90.0]), torch.ones(2))
    seen = laid(images, pixels, "square", turned)
    for image, times in zip(seen, (1, -1), strict=True):
        expected = torch.zeros(1, 15, 15)
        expected[:, 4:9, 6:11] = torch.rot90(pixels, times, (1, 2))
        assert torch.allclose(image, expected, atol=1e-5)
    half = Placed(corners, torch.zeros(2), torch.tensor([2.0, 0.6]))
    large, small = laid(images, torch.ones(1, 5, 5), "square", half)[:, 0]
    assert large[3:10, 5:12].eq(1).all()  # 10 pixels wide about the same centre
    assert large.sum() == pytest.approx(100, rel=0.15)
    assert small.sum() == pytest.approx(9, rel=0.3)


def test_places_are_in_the_image_and_follow_the_seed():
    made = Patch(torch.rand(1, 5, 5), turn=30, scales=(0.5, 1.5))
    images = torch.rand(500, 1, 9, 12)
    places = made.places(images, seed=4)
    assert places.corners.amin(0).tolist() == [0, 0]
    assert places.corners.amax(0).tolist() == [4, 7]
    assert -30 <= places.turns.min() < -25 < 25 < places.turns.max() <= 30
    assert 0.5 <= places.scales.min() < 0.55 < 1.45 < places.scales.max() <= 1.5
    again = made.places(images, seed=torch.Generator().manual_seed(4))
    assert torch.equal(places.corners, again.corners)
    assert torch.equal(places[3:5].turns, places.turns[3:5])


def test_made_for_turns_it_stands_them_better(lenet, split):
    own, (images, labels) = split
    images, labels = images[labels != 3], labels[labels != 3]
    options = {"target": 3, "size": 13, "steps": 100, "progress": False}
    upright, any_way = patch(lenet, *own, **options), patch(lenet, *own, turn=180, **options)
    places = any_way.places(images, seed=5)
    shares = [
        made.judged(lenet, images, labels, places).fooled.float().mean()
        for made in (upright, any_way)
    ]
    assert shares[1] > shares[0]


def test_the_seed_alone_decides_and_nothing_is_left_behind(curved, spread, says):
    labels = says(curved, spread)
    options = {"target": None, "size": 3, "steps": 5, "batch": 4, "progress": False}
    one = patch(curved, spread, labels, seed=2, **options)
    with torch.inference_mode():
        again = patch(curved, spread, labels, seed=torch.Generator().manual_seed(2), **options)
    assert torch.equal(one.pixels, again.pixels)
    assert not torch.equal(one.pixels, patch(curved, spread, labels, seed=3, **options).pixels)
    assert not one.pixels.requires_grad
    assert all(weight.grad is None for weight in curved.parameters())


def test_errors(curved, spread, says):
    labels = says(curved, spread)
    for message, options in (
        ("size: expected an integer of at most 6", {"size": 7}),
        ("shape: expected one of 'square', 'disc'", {"shape": "star"}),
        ("target: expected an integer of at most 3", {"target": 4}),
        ("turn: expected a number", {"turn": 200}),
        ("scales: expected a number", {"scales": (0, 1)}),
        ("scales: expected a number", {"scales": (1, 0.5)}),
        ("steps: expected an integer of at least 1", {"steps": 0}),
        ("step_size: expected a number > 0", {"step_size": 0}),
    ):
        with pytest.raises(ValueError, match=message):
            patch(curved, spread, labels, **{"target": 1, "size": 3, **options})
    with pytest.raises(ValueError, match="labels: expected images of other classes than 1"):
        patch(curved, spread, torch.ones(12, dtype=torch.int64), target=1, size=3)
    small = Patch(torch.rand(1, 5, 5))
    with pytest.raises(ValueError, match="top from 0 to 1, got 2 to 2"):
        small.apply(spread, (2, 0))
    with pytest.raises(ValueError, match="images: expected 1 channels and at least 5 x 5"):
        small.apply(torch.rand(1, 1, 4, 4), (0, 0))
    with pytest.raises(ValueError, match="places: expected 12, one an image, got 3"):
        small.apply(spread, small.places(spread[:3]))
    with pytest.raises(ValueError, match="places: expected top and left"):
        small.apply(spread, (1, 2, 3))
