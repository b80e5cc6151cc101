"""The grey convolution is ``nn.Conv2d``: its outputs and all its gradients."""

import pytest
import torch
from torch import nn

from foolkit.models.pixel_gradient import GreyConv2d, pixel_gradient


@pytest.fixture
def pair():
    """A grey convolution and an ordinary one with the same weights, in float64."""
    torch.manual_seed(0)
    ours, plain = GreyConv2d(3).double(), nn.Conv2d(1, 3, 5).double()
    plain.load_state_dict(ours.state_dict())
    return ours, plain


@pytest.mark.parametrize("size", [(28, 28), (8, 12), (4 + 5, 4 + 6)], ids=str)
def test_outputs_and_gradients_are_those_of_the_plain_convolution(pair, size):
    images = torch.rand(5, 1, *size, dtype=torch.float64)
    slope = torch.randn(5, 3, size[0] - 4, size[1] - 4, dtype=torch.float64)
    found = []
    for layer in pair:
        pixels = images.clone().requires_grad_()
        maps = layer(pixels)
        grads = torch.autograd.grad(maps, [pixels, layer.weight, layer.bias], slope)
        found.append([maps.detach(), *grads])
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain)


def test_without_a_gradient_for_the_pixels_it_is_the_plain_convolution(pair):
    ours, plain = pair
    images = torch.rand(2, 1, 28, 28, dtype=torch.float64)
    assert torch.equal(ours(images), plain(images))


def test_can_be_differentiated_twice(pair):
    images = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pair[0], images)
    assert torch.autograd.gradgradcheck(pair[0], images)


def test_only_asked_for_gradients_are_computed(pair):
    images = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    torch.autograd.grad(pair[0](images).sum(), images)
    assert pair[0].weight.grad is None


def test_memory_layout_does_not_matter():
    slope, weight = torch.randn(2, 4, 24, 24), torch.randn(4, 1, 5, 5)
    strided = slope.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(pixel_gradient(slope, weight), pixel_gradient(strided, weight))
