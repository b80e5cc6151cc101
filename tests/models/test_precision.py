import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models.precision import FINALISTS, choose_precision, device_of, judge


def test_auto_is_resolved_and_nonsense_refused():
    assert choose_precision("auto", torch.device("cpu")) in ("float32", "bfloat16")
    assert choose_precision("float32", torch.device("cpu")) == "float32"
    with pytest.raises(ValueError, match="precision: expected .* got 'half'"):
        choose_precision("half", torch.device("cpu"))


def test_device_of_a_network_without_parameters():
    assert device_of(nn.Flatten()) == torch.device("cpu")


@torch.inference_mode()
def test_float32_judges_all():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:200]
    confidence, judged = judge(net, images, "float32", 10)
    assert judged is None
    assert torch.equal(confidence, net(images).softmax(1))


@torch.inference_mode()
def test_the_screen_finds_the_best_and_answers_in_float32():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:200]
    exact = net(images).softmax(1)
    confidence, judged = judge(net, images, "bfloat16", 10)
    assert confidence.shape == (10 * FINALISTS, 10)
    assert confidence.dtype == torch.float32
    assert torch.allclose(confidence, exact[judged], atol=1e-5)
    # within bfloat16's error of the best; digits are far apart, so most are the best itself
    assert (confidence.amax(0) >= exact.amax(0) - 1e-3).all()


@torch.inference_mode()
@pytest.mark.parametrize("count", [30, 40])
def test_a_screen_that_saves_nothing_is_not_made(count):
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:count]
    seen = []
    net.register_forward_hook(lambda net, given, logits: seen.append(logits.dtype))
    confidence, judged = judge(net, images, "bfloat16", 10)
    assert judged is None
    assert seen == [torch.float32]
    assert torch.equal(confidence, net(images).softmax(1))
