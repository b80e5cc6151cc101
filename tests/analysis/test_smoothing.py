"""Certificates against closed forms, their error rate, and attacks within the radius."""

import math

import pytest
import torch
from scipy.stats import binomtest, norm
from torch import nn

import foolkit as fk
from foolkit.analysis import ABSTAIN, Smoothed, smoothed_certify, smoothed_predict
from foolkit.analysis.smoothing import count_answers


class Half(nn.Module):
    """Two half-spaces: class 1 where the first pixel is above ``at``. Its smoothing is exact."""

    def __init__(self, at=0.0):
        super().__init__()
        self.at = at

    def forward(self, images):
        away = images.flatten(1)[:, 0] - self.at
        return torch.stack([-away, away], 1)


def pixel(*values):
    return torch.tensor(values).view(-1, 1, 1, 1)


@pytest.fixture(scope="module")
def some():
    images, labels = fk.models.comparison_digits()
    return images[:60], labels[:60]


@pytest.fixture(scope="module")
def net():
    return fk.bank.certified.network("noise-0.5")


def test_of_a_half_space_the_radius_is_the_distance():
    """Of a linear classifier the theorem is tight (Cohen et al. 2019, section 3.1)."""
    images = pixel(0.1, 0.2, 0.5, 0.9)
    found = smoothed_certify(Half(), images, sigma=0.4, samples=20_000, seed=0)
    away = images.flatten().double()
    assert (found.classes == 1).all()
    assert (found.radius <= away).all()  # at alpha = .001 each
    torch.testing.assert_close(found.radius, away, rtol=0.25, atol=0.02)


def test_the_bound_is_the_exact_one_sided_one(net, some):
    found = smoothed_certify(net, some[0][:5], sigma=0.5, samples=50, selecting=10, seed=3)
    generator = torch.Generator().manual_seed(3)
    chosen = count_answers(net, some[0][:5], 0.5, 10, generator).argmax(1)
    hits = count_answers(net, some[0][:5], 0.5, 50, generator).gather(1, chosen[:, None])[:, 0]
    for place, k in enumerate(hits.tolist()):
        # the lower end of the two-sided interval of level 1 - 2 alpha
        wanted = binomtest(k, 50).proportion_ci(0.998, method="exact").low
        assert float(found.least[place]) == pytest.approx(wanted, abs=1e-9)


def test_a_certificate_is_wrong_no_more_often_than_alpha_says():
    """The true radius is known: how many of 2,000 certificates exceed it?"""
    images = pixel(0.3).expand(2000, 1, 1, 1)
    found = smoothed_certify(Half(), images, sigma=0.5, samples=100, alpha=0.05, seed=1)
    wrong = int((found.radius > 0.3).sum())
    assert binomtest(wrong, 2000, 0.05, alternative="greater").pvalue > 1e-4
    assert wrong > 20  # nor is it idle: the bound is a sharp one


def test_it_abstains_on_the_boundary_and_no_radius_exceeds_what_samples_allow():
    images = pixel(0.5)
    found = smoothed_certify(Half(0.5), images, sigma=0.3, samples=500)
    assert found.classes.tolist() == [ABSTAIN]
    assert found.radius.tolist() == [0.0]
    assert smoothed_predict(Half(0.5), images, sigma=0.3, samples=500).tolist() == [ABSTAIN]
    sure = smoothed_certify(Half(-100.0), images, sigma=0.3, samples=500, alpha=0.01)
    assert float(sure.radius) == pytest.approx(0.3 * norm.ppf(0.01 ** (1 / 500)))


def test_predict_abstains_where_the_binomial_test_does():
    images = pixel(0.5, 0.52, 0.55, 0.6, 0.9)
    generator = torch.Generator().manual_seed(5)
    counts = count_answers(Half(0.5), images, 0.3, 200, generator)
    found = smoothed_predict(Half(0.5), images, sigma=0.3, samples=200, alpha=0.01, seed=5)
    for row, answer in zip(counts.tolist(), found.tolist(), strict=True):
        sure = binomtest(max(row), sum(row), 0.5).pvalue <= 0.01
        assert answer == (row.index(max(row)) if sure else ABSTAIN)


def test_counts_follow_the_seed_and_add_up(net, some):
    first, again, other = (
        count_answers(net, some[0][:7], 0.5, 30, torch.Generator().manual_seed(seed), chunk=64)
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first.sum(1) == 30).all()
    assert first.shape == (7, 10)


def test_the_attack_finds_nothing_within_the_certified_radius(net, some):
    """PGD through the noise, as long as each certificate; the answer is *Predict*'s."""
    images, labels = some
    found = smoothed_certify(net, images, sigma=0.5, samples=500, seed=0)
    proved = (found.classes == labels) & (found.radius > 0.3)
    assert proved.float().mean() > 0.5
    for low in (0.3, 0.6, 0.9):
        within = proved & (found.radius >= low)
        attacked = fk.gradients.pgd(
            net, images[within], labels[within], epsilon=low, norm="2", steps=10, samples=8,
            transform=lambda x, g: x + 0.5 * torch.randn(x.shape, generator=g), progress=False,
        )  # fmt: skip
        answers = smoothed_predict(net, attacked.images, sigma=0.5, samples=500, seed=1)
        assert ((answers == labels[within]) | (answers == ABSTAIN)).all()
        assert (answers == labels[within]).float().mean() > 0.9


def test_the_stand_in_is_the_mean_over_its_draws(net, some):
    stand_in = Smoothed(net, (1, 28, 28), sigma=0.5, samples=3, seed=4)
    noise = 0.5 * torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        wanted = torch.stack([net(some[0] + one).softmax(1) for one in noise]).mean(0)
        torch.testing.assert_close(stand_in(some[0]).exp(), wanted, rtol=1e-3, atol=1e-5)


def test_certified_accuracy_falls_with_the_radius(net, some):
    found = smoothed_certify(net, some[0], sigma=0.5, samples=200)
    shares = [float(found.right(some[1], r).float().mean()) for r in (0, 0.25, 0.5, 1.0, 5.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.8
    assert shares[-1] == 0
    assert math.isclose(found.sigma, 0.5)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"sigma": 0.0}, "sigma: expected a number > 0"),
        ({"samples": 0}, "samples: expected an integer of at least 1"),
        ({"alpha": 1.0}, "alpha: expected a number between 0 and 1"),
        ({"chunk": 0}, "chunk"),
    ],
)
def test_bad_input_is_named(some, net, wrong, match):
    for routine in (smoothed_certify, smoothed_predict):
        with pytest.raises(ValueError, match=match):
            routine(net, some[0], **{"sigma": 0.5, **wrong})


def test_bad_images_and_labels_are_named(some, net):
    with pytest.raises(ValueError, match="images"):
        smoothed_certify(net, some[0] + 1, sigma=0.5)
    with pytest.raises(ValueError, match="selecting"):
        smoothed_certify(net, some[0], sigma=0.5, selecting=0)
    found = smoothed_certify(net, some[0][:3], sigma=0.5, samples=10)
    with pytest.raises(ValueError, match="radius"):
        found.right(some[1][:3], -1.0)
    with pytest.raises(ValueError, match="labels"):
        found.right(some[1][:2])
