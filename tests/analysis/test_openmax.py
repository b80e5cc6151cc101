"""OpenMax against its definition, step by step, and what it refuses."""

import numpy as np
import pytest
import torch
from scipy.stats import weibull_min
from torch import nn

import foolkit as fk
from foolkit.analysis import OpenMax, score_all


@pytest.fixture(scope="module")
def known():
    images, labels, _ = fk.bank.guarded.detector_digits()
    return images[:1000], labels[:1000]


@pytest.fixture(scope="module")
def detector(known):
    return OpenMax(fk.models.load("lenet")).fit(*known)


def test_it_is_that_of_the_definition(detector, known):
    net = detector.net
    with torch.inference_mode():
        fitted = net(known[0]).double().numpy()
        images = torch.cat([known[0][:20], torch.rand(20, 1, 28, 28)])
        logits = net(images).double().numpy()
    labels, wanted = known[1].numpy(), []
    means, laws = [], []
    for k in range(10):
        own = fitted[(labels == k) & (fitted.argmax(1) == k)]
        means.append(own.mean(0))
        tail = np.sort(np.linalg.norm(own - own.mean(0), axis=1))[-20:]
        laws.append(weibull_min(*weibull_min.fit(tail, floc=0)))
    for z in logits:
        unknown, changed = 0.0, z.copy()
        for rank, k in enumerate(np.argsort(-z)[:3]):
            lost = z[k] * laws[k].cdf(np.linalg.norm(z - means[k])) * (3 - rank) / 3
            changed[k] -= lost
            unknown += lost
        odds = np.exp(np.append(changed, unknown))
        p = odds[:10].max() / odds.sum()
        wanted.append(np.log(p / (1 - p)))
    np.testing.assert_allclose(detector.score(images).numpy(), wanted, rtol=0.02, atol=0.02)


def test_it_is_one_of_the_detectors(detector, known):
    images = known[0][:30].clone().requires_grad_()
    detector(images).sum().backward()
    assert images.grad.abs().sum() > 0
    scores = detector.score(known[0][:30])
    torch.testing.assert_close(score_all({"one": detector}, known[0][:30])["one"], scores)
    torch.testing.assert_close(detector(known[0][:30]).detach(), scores, rtol=1e-3, atol=1e-3)


def test_bad_input_is_named(known):
    net = fk.models.load("lenet")
    with pytest.raises(TypeError, match="labels: expected an int64 tensor of 1000 classes"):
        OpenMax(net).fit(known[0])
    with pytest.raises(ValueError, match="images: expected at least 20 .tail. of each class"):
        OpenMax(net).fit(known[0][:50], known[1][:50])
    with pytest.raises(ValueError, match="alpha: expected at most 10"):
        OpenMax(net, alpha=11).fit(*known)
    with pytest.raises(ValueError, match="tail"):
        OpenMax(net, tail=1)
    with pytest.raises(TypeError, match="net"):
        OpenMax("lenet")
    with pytest.raises(RuntimeError, match="OpenMax: call fit"):
        OpenMax(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))).score(known[0][:2])
