"""The grey convolution is ``nn.Conv2d``: its outputs and all its gradients."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, hessian, jacrev, jvp, vmap

from foolkit.models import LeNet
from foolkit.models.pixel_gradient import GreyConv2d, pixel_gradient

# PyTorch's own forward mode still goes through it
SCRIPT = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


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


@SCRIPT
def test_forward_mode_where_the_pixels_need_a_gradient(pair):
    images = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pair[0], images, check_forward_ad=True)


def of_all(net, images):
    """The gradient of each image's first output, by three ways of ``torch.func``."""
    yield grad(lambda x: net(x)[:, 0].sum())(images)
    yield vmap(grad(lambda x: net(x[None])[0, 0]))(images)
    yield grad(lambda x: vmap(lambda y: net(y[None])[0])(x)[:, 0].sum())(images)


def test_the_lenet_of_torch_func():
    ours, plain = LeNet().double(), LeNet().double()
    plain.conv1 = nn.Conv2d(1, 20, 5).double()
    plain.load_state_dict(ours.state_dict())
    images = torch.rand(3, 1, 28, 28, dtype=torch.float64)
    expected = torch.autograd.grad(plain(pixels := images.requires_grad_())[:, 0].sum(), pixels)[0]
    images = images.detach()
    for found in of_all(ours, images):
        torch.testing.assert_close(found, expected)
    jacobian = jacrev(ours)(images)
    torch.testing.assert_close(jacobian, jacrev(plain)(images))
    torch.testing.assert_close(jacobian[:, 0].sum(0), expected)


@SCRIPT
def test_torch_func_where_the_second_derivative_is_not_zero(pair):
    nets = [nn.Sequential(layer, nn.Tanh(), nn.Flatten()) for layer in pair]
    images = torch.rand(2, 1, 8, 8, dtype=torch.float64)
    weights = [dict(net.named_parameters()) for net in nets]

    def slope(net, weights, x):
        return grad(lambda y: functional_call(net, weights, (y[None],)).sum())(x)

    for way in (
        lambda net, _: hessian(lambda x: net(x).sum())(images[:1]),
        lambda net, _: jacrev(jacrev(lambda x: net(x).sum()))(images[:1]),
        lambda net, w: jvp(lambda x: slope(net, w, x), (images[0],), (images[1],))[1],
        # each image's own gradient of the weights, of the pixels' gradient
        lambda net, w: vmap(
            grad(lambda w, x: slope(net, w, x).square().sum()), in_dims=(None, 0)
        )(w, images)["0.weight"],
    ):  # fmt: skip
        ours, plain = (way(net, w) for net, w in zip(nets, weights, strict=True))
        assert plain.abs().max() > 1e-3
        torch.testing.assert_close(ours, plain)


def test_only_asked_for_gradients_are_computed(pair):
    images = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    torch.autograd.grad(pair[0](images).sum(), images)
    assert pair[0].weight.grad is None


def test_memory_layout_does_not_matter():
    slope, weight = torch.randn(2, 4, 24, 24), torch.randn(4, 1, 5, 5)
    strided = slope.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(pixel_gradient(slope, weight), pixel_gradient(strided, weight))
