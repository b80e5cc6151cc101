"""A network of large images before small ones."""

import pytest
import torch

import foolkit as fk


def test_each_pixel_is_a_square():
    net = fk.models.load("lenet")
    small = fk.models.enlarged(net, 4)
    assert small.input_shape == (1, 7, 7)
    assert small.classes == net.classes
    images = torch.rand(5, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    squares = images.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(small(images), net(squares))


def test_evolution_takes_it():
    net = fk.models.enlarged(fk.models.load("softmax-1"), 2)
    elites = fk.evolve(net, fk.encodings.Pixels(net.input_shape), generations=2, batch=10,
                       progress=False)  # fmt: skip
    assert elites.images.shape == (10, 1, 14, 14)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="times: expected a divisor of 28 and 28, got 3"):
        fk.models.enlarged(fk.models.load("lenet"), 3)
    with pytest.raises(TypeError, match="expected input_shape and classes"):
        fk.models.enlarged(torch.nn.Flatten(), 2)
