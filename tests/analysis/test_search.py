"""A search by picture, and wallpapers behind objects."""

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis.search import Behind, Embedding, Search, discs, in_front

SHAPE = (3, 16, 16)


class Net(nn.Module):
    """Its features are the mean colours, of a layer that has places."""

    def __init__(self, parts=1):
        super().__init__()
        self.colours, self.last, self.parts = nn.Identity(), nn.Linear(3, 4), parts

    def forward(self, images):
        seen = [self.colours(part) for part in images.chunk(self.parts)]
        return self.last(torch.cat(seen).mean((2, 3)))


@pytest.fixture
def pictures():
    """Twelve of one colour each."""
    colours = torch.rand(12, 3, generator=torch.Generator().manual_seed(0))
    return colours[:, :, None, None].expand(-1, *SHAPE).contiguous()


@pytest.fixture
def search(pictures):
    return Search(Embedding(Net(), "colours"), pictures).eval()


def test_features_are_the_mean_of_a_layer_however_the_network_parts_its_images():
    images = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(1))
    for parts in (1, 2, 5):
        net = Net(parts)
        embedding = Embedding(net, "colours")
        assert torch.allclose(embedding(images), images.mean((2, 3)), atol=1e-6)
        assert not net.colours._forward_hooks


def test_the_features_of_squeezenet_do_not_depend_on_the_batch():
    net = fk.models.load("squeezenet1_1", input_shape=(3, 64, 64))
    embedding = Embedding(net, "module.fires.7")
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        together, apart = embedding(images), torch.cat([embedding(one[None]) for one in images])
    assert together.shape == (6, 512)
    assert torch.allclose(together, apart, atol=1e-4)


def test_every_picture_finds_itself_first(search, pictures):
    found = search.top(pictures, 3)
    assert found.shape == (12, 3)
    assert found[:, 0].tolist() == list(range(12))
    logits = search(pictures)
    assert torch.allclose(logits.diagonal(), torch.full((12,), 20.0), atol=1e-4)
    assert logits.abs().max() <= 20 + 1e-4


def test_the_cosine_is_that_of_the_definition(search, pictures):
    query = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(2))
    middle = pictures.mean((0, 2, 3))
    one = query.mean((2, 3)) - middle
    others = pictures.mean((2, 3)) - middle
    cosine = nn.functional.cosine_similarity(one, others)
    assert torch.allclose(search(query)[0] / 20, cosine, atol=1e-5)


def test_an_object_covers_the_wallpaper_where_it_is_opaque():
    objects = torch.zeros(2, 4, 16, 16)
    objects[0, 0], objects[0, 3, :8] = 1, 1  # red, above
    objects[1, 1], objects[1, 3] = 1, 0.25  # a green veil
    wallpapers = torch.rand(3, 3, 8, 4, generator=torch.Generator().manual_seed(3))
    shown = in_front(objects, wallpapers)
    assert shown.shape == (3, 2, 3, 16, 16)
    red = torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 8, 16)
    assert torch.equal(shown[0, 0, :, :8], red)
    assert torch.equal(shown[0, 0, :, 8:], wallpapers[0].repeat(1, 1, 4))
    veiled = 0.25 * torch.tensor([0.0, 1, 0])[:, None, None] + 0.75 * wallpapers[2].repeat(1, 2, 4)
    assert torch.allclose(shown[2, 1], veiled)


def test_a_disc_has_the_size_asked_for_and_lies_in_the_middle():
    pictures = torch.ones(1, 3, 64, 64)
    for size in (0.25, 0.5, 0.9):
        made = discs(pictures, size)
        opaque = made[0, 3]
        assert made.shape == (1, 4, 64, 64)
        side = round(64 * size)
        area = torch.pi * (side / 2 - 0.5) ** 2  # its edge is soft, half a pixel inside
        assert abs(float(opaque.sum()) - area) < 0.02 * area
        assert torch.equal(opaque, opaque.flip(0))
        assert torch.equal(opaque, opaque.T)
        assert torch.equal(made[0, 0] > 0, made[0, 2] > 0)


def test_behind_is_the_mean_of_what_is_said_of_every_object(search):
    objects = discs(torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(4)), 0.6)
    net = Behind(search, objects, copies=2)
    assert net.input_shape == (3, 8, 8)
    assert net.classes == search.classes
    wallpapers = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    each = [search(in_front(one[None], wallpapers)[:, 0]).log_softmax(1) for one in objects]
    assert torch.allclose(net(wallpapers), torch.stack(each).mean(0), atol=1e-5)


def test_wallpapers_are_bred_and_painted_and_drag_a_new_object(search, pictures):
    """The object alone finds something else; the goal is the picture it finds last."""
    shapes = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(6))
    training, new = discs(shapes[:3], 0.5), discs(shapes[3:], 0.5)
    net = Behind(search, training, copies=2).eval()
    plain = in_front(new, torch.full((1, 3, 8, 8), 0.5))[:, 0]
    goal = search(plain).argmin(1)
    painted = fk.gradients.ascent(net, goal, steps=60, step_size=0.05, threshold=None,
                                  progress=False).images  # fmt: skip
    bred = fk.evolve(net, fk.encodings.Pixels(net.input_shape), generations=60, batch=40,
                     progress=False).images[goal]  # fmt: skip
    for made in (painted, bred):
        assert goal.item() in search.top(in_front(new, made)[:, 0], 3)[0]
    assert goal.item() not in search.top(plain, 3)[0]


def test_bad_input_is_named(search, pictures):
    with pytest.raises(ValueError, match="layer: expected one of 'colours', 'last'"):
        Embedding(Net(), "edges")
    with pytest.raises(ValueError, match="pictures: expected an integer of at least 2"):
        Search(Embedding(Net(), "colours"), pictures[:1])
    with pytest.raises(ValueError, match="sharpness: expected a number > 0"):
        Search(Embedding(Net(), "colours"), pictures, sharpness=0)
    with pytest.raises(ValueError, match="k: expected an integer of at most 12"):
        search.top(pictures, 13)
    with pytest.raises(ValueError, match="size: expected a number between 0 and 1"):
        discs(pictures, 1.5)
    with pytest.raises(ValueError, match="wallpapers: expected 3 channels and divisors of 16"):
        in_front(discs(pictures, 0.5), pictures[:, :, :5])
    with pytest.raises(ValueError, match="copies: expected a divisor of 16 and 16"):
        Behind(search, discs(pictures, 0.5), copies=3)


def test_a_layer_that_answers_for_other_numbers_is_refused():
    class Folding(Net):
        def forward(self, images):
            self.colours(torch.cat([images, images]))
            return self.last(images.mean((2, 3)))

    with pytest.raises(ValueError, match="answer once for each of 2 images, got 4"):
        Embedding(Folding(), "colours")(torch.rand(2, *SHAPE))
