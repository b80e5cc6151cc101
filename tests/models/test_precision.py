import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models.precision import (
    FINALISTS,
    SLACK,
    check_precision,
    confidences,
    device_of,
    log_odds,
)


@pytest.mark.parametrize("precision", ["auto", "half", torch.float32])
def test_other_precisions_are_refused(precision):
    check_precision("float32")
    check_precision("bfloat16")
    with pytest.raises(ValueError, match="precision: expected one of 'float32', 'bfloat16', got"):
        check_precision(precision)


def test_device_of_a_network_without_parameters():
    assert device_of(nn.Flatten()) == torch.device("cpu")


def test_log_odds_tell_certainties_apart():
    logits = torch.tensor([[0.0, 1.0], [0.0, 12.0], [0.0, 16.0], [0.0, 200.0]])
    odds = log_odds(logits.log_softmax(1))
    assert torch.allclose(odds[:3, 1], logits[:3, 1], rtol=0.02)
    assert odds[3, 1] == torch.inf


NOBODY = torch.zeros(10)  # elites that everybody beats


@torch.inference_mode()
def test_in_float32_all_images_are_asked_about():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:200]
    confidence, finalists = confidences(net, images, "float32", NOBODY)
    assert finalists is None
    assert torch.equal(confidence, net(images).softmax(1))


@torch.inference_mode()
def test_the_screen_finds_the_best_and_answers_in_float32():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:200]
    exact = net(images).softmax(1)
    confidence, finalists = confidences(net, images, "bfloat16", NOBODY)
    assert 10 <= len(finalists) <= 10 * FINALISTS
    assert confidence.shape == (len(finalists), 10)
    assert confidence.dtype == torch.float32
    assert torch.allclose(confidence, exact[finalists], atol=1e-5)
    # within bfloat16's error of the best; digits are far apart, so most are the best itself
    assert (confidence.amax(0) >= exact.amax(0) - 1e-3).all()


@torch.inference_mode()
def test_the_screen_hands_on_whoever_beats_an_elite_and_few_others():
    net, images = fk.models.load("lenet"), 0.3 * fk.data.digits()[0][:2000]  # less certain of them
    exact = log_odds(net(images).log_softmax(1))
    best = exact.amax(0)
    elites = torch.linspace(-1, 1, 10) + best  # above and below the best of each class
    _, finalists = confidences(net, images, "bfloat16", elites.sigmoid())
    winners = exact.argmax(0)[best > elites]
    assert len(winners) >= 4
    assert set(winners.tolist()) <= set(finalists.tolist())
    near = (exact > elites - 2 * SLACK).any(1).nonzero()[:, 0]
    assert set(finalists.tolist()) <= set(near.tolist())


@torch.inference_mode()
def test_where_nobody_can_win_the_float32_network_is_not_asked():
    net, images = fk.models.load("lenet"), fk.data.digits()[0][:40]
    seen = []
    net.register_forward_hook(lambda net, given, logits: seen.append(len(given[0])))
    confidence, finalists = confidences(net, images, "bfloat16", torch.ones(10))
    assert confidence.shape == (0, 10)
    assert len(finalists) == 0
    assert seen == [40]  # by the screen
