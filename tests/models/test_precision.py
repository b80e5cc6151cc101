import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models.precision import FINALISTS, check_precision, confidences, device_of


@pytest.mark.parametrize("precision", ["auto", "half", torch.float32])
def test_other_precisions_are_refused(precision):
    check_precision("float32")
    check_precision("bfloat16")
    with pytest.raises(ValueError, match="precision: expected one of 'float32', 'bfloat16', got"):
        check_precision(precision)


def test_device_of_a_network_without_parameters():
    assert device_of(nn.Flatten()) == torch.device("cpu")


@torch.inference_mode()
def test_in_float32_all_images_are_asked_about():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:200]
    confidence, finalists = confidences(net, images, "float32", 10)
    assert finalists is None
    assert torch.equal(confidence, net(images).softmax(1))


@torch.inference_mode()
def test_the_screen_finds_the_best_and_answers_in_float32():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:200]
    exact = net(images).softmax(1)
    confidence, finalists = confidences(net, images, "bfloat16", 10)
    assert confidence.shape == (10 * FINALISTS, 10)
    assert confidence.dtype == torch.float32
    assert torch.allclose(confidence, exact[finalists], atol=1e-5)
    # within bfloat16's error of the best; digits are far apart, so most are the best itself
    assert (confidence.amax(0) >= exact.amax(0) - 1e-3).all()


@torch.inference_mode()
@pytest.mark.parametrize("count", [30, 40])
def test_a_screen_that_saves_nothing_is_not_made(count):
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:count]
    seen = []
    net.register_forward_hook(lambda net, given, logits: seen.append(logits.dtype))
    confidence, finalists = confidences(net, images, "bfloat16", 10)
    assert finalists is None
    assert seen == [torch.float32]
    assert torch.equal(confidence, net(images).softmax(1))
