"""Scores against closed forms and scikit-learn; thresholds; what is refused as input."""

import math

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from sklearn.neighbors import NearestNeighbors
from torch import nn

import foolkit as fk
from foolkit.analysis import (
    Energy,
    FeatureNeighbours,
    Guarded,
    Mahalanobis,
    MaxScore,
    MaxSoftmax,
    PixelNeighbours,
    acceptance_threshold,
    score_all,
)

KINDS = ("max softmax", "energy", "Mahalanobis", "pixels", "features", "RBF score")


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


@pytest.fixture(scope="module")
def split():
    """Digits to fit on, to set the threshold with, and to compare: images and labels of each."""
    images, labels = fk.data.digits()
    index = fk.models.estimators.fitted_indices(labels)
    first, then = index[:800], index[800:1200]
    return (
        (images[first], labels[first]),
        (images[then], labels[then]),
        (fk.models.comparison_digits()[0][:300]),
    )


@pytest.fixture(scope="module")
def detectors(lenet, split):
    made = (
        MaxSoftmax(lenet), Energy(lenet), Mahalanobis(lenet), PixelNeighbours(),
        FeatureNeighbours(lenet), MaxScore(fk.models.load("rbf")),
    )  # fmt: skip
    return {name: d.fit(*split[0]) for name, d in zip(KINDS, made, strict=True)}


def noise(n, seed=0):
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def features(net, images):
    """What goes into LeNet's last layer."""
    with torch.inference_mode():
        return nn.Sequential(*list(net.module)[:-1])(images)


# ---- scores --------------------------------------------------------------------------------------


def test_max_softmax_is_the_log_odds_of_the_confidence(detectors, lenet, split):
    with torch.inference_mode():
        confidence = lenet(split[2]).double().softmax(1).amax(1)
    odds = torch.log(confidence / (1 - confidence))
    torch.testing.assert_close(
        detectors["max softmax"].score(split[2]).double(), odds, rtol=1e-4, atol=1e-3
    )


def test_no_ties_where_confidence_is_rounded_to_one():
    class Sure(nn.Module):
        def forward(self, images):
            z = 30 + 10 * images.flatten(1).mean(1)
            return torch.stack([z, 0 * z, 0 * z], 1)

    images = torch.linspace(0, 1, 5).view(5, 1, 1, 1)
    assert (Sure()(images).softmax(1).amax(1) == 1).all()
    assert (Sure()(images).sigmoid().amax(1) == 1).all()
    for kind in (MaxSoftmax, MaxScore):
        assert (kind(Sure()).score(images).diff() > 0).all()


def test_max_score_is_the_highest_of_scores_that_stand_alone(detectors, split):
    detector = detectors["RBF score"]
    highest = fk.analysis.class_scores(detector.net, split[2], "independent").amax(1)
    torch.testing.assert_close(detector.score(split[2]).sigmoid().double(), highest)
    assert (detector.score(noise(50)).sigmoid() < 1e-6).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 10.0])
def test_energy_is_that_of_the_definition(lenet, split, temperature):
    with torch.inference_mode():
        logits = lenet(split[2]).double()
    wanted = temperature * (logits / temperature).exp().sum(1).log()
    found = Energy(lenet, temperature).score(split[2]).double()
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.3])
def test_mahalanobis_is_that_of_scikit_learn(split, shrinkage):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.Tanh(), nn.Linear(20, 10))
    nn.init.normal_(net[1].weight, std=0.3)
    (images, labels), _, compared = split
    detector = Mahalanobis(net, shrinkage=shrinkage).fit(images, labels)
    with torch.no_grad():
        known, seen = net[:3](images).double().numpy(), net[:3](compared).double().numpy()
    means = np.stack([known[labels.numpy() == k].mean(0) for k in range(10)])
    off = known - means[labels.numpy()]
    oracle = LedoitWolf if shrinkage is None else EmpiricalCovariance
    covariance = oracle(assume_centered=True).fit(off).covariance_
    if shrinkage:
        identity = np.eye(20) * np.trace(covariance) / 20
        covariance = (1 - shrinkage) * covariance + shrinkage * identity
    inverse = np.linalg.inv(covariance)
    away = seen[:, None] - means
    wanted = -np.einsum("nki,ij,nkj->nk", away, inverse, away).min(1)
    np.testing.assert_allclose(detector.score(compared).numpy(), wanted, rtol=1e-3)


def test_neighbours_are_those_of_scikit_learn(detectors, lenet, split):
    (known, _), _, compared = split
    for name, seen in (
        ("pixels", lambda x: x.flatten(1)),
        ("features", lambda x: nn.functional.normalize(features(lenet, x), dim=1)),
    ):
        oracle = NearestNeighbors(n_neighbors=5).fit(seen(known).numpy())
        wanted = oracle.kneighbors(seen(compared).numpy())[0][:, 4]
        found = detectors[name].score(compared).numpy()
        np.testing.assert_allclose(-found, wanted, rtol=1e-4, atol=1e-5)


def test_a_known_image_is_its_own_nearest_neighbour(split):
    detector = PixelNeighbours(k=1).fit(split[0][0])
    assert (detector.score(split[0][0][:20]) == 0).all()


def test_a_named_layer_is_the_one_that_is_heard(lenet, split):
    """LeNet's last layer hears its ReLU: named or not, it is the same."""
    named = FeatureNeighbours(lenet, layer="module.relu").fit(*split[0])
    default = FeatureNeighbours(lenet).fit(*split[0])
    torch.testing.assert_close(named.score(split[2]), default.score(split[2]))
    other = FeatureNeighbours(lenet, layer="module.pool1").fit(*split[0])
    assert not torch.equal(other.score(split[2]), default.score(split[2]))


def test_together_they_say_what_each_says_alone(detectors, split):
    together = score_all(detectors, split[2], chunk=128)
    for name, detector in detectors.items():
        alone = detector.score(split[2], chunk=128)
        torch.testing.assert_close(together[name], alone, rtol=1e-5, atol=1e-4)
        assert not alone.requires_grad


@pytest.mark.parametrize("name", KINDS)
def test_scores_do_not_depend_on_the_company_of_an_image(detectors, split, name):
    whole = detectors[name].score(split[2][:60])
    parts = detectors[name].score(split[2][:60], chunk=7)
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", KINDS)
def test_gradients_go_through(detectors, split, name):
    """And lead to a better score: attacks can use them."""
    detector = detectors[name]
    images = noise(4).requires_grad_(True)
    before = detector(images)
    (slope,) = torch.autograd.grad(before.sum(), images)
    size = torch.linalg.vector_norm(slope.flatten(1), dim=1).view(-1, 1, 1, 1)
    assert (size > 0).all()
    after = detector(images + 0.02 * slope / size)
    assert (after > before).all()


@pytest.mark.parametrize("name", ["pixels", "features", "RBF score"])
def test_distances_tell_digits_from_noise(detectors, split, name):
    told = fk.analysis.auroc(detectors[name].score(split[2]), detectors[name].score(noise(200)))
    assert told > 0.95


def test_the_network_is_left_as_it_was(lenet, split):
    net = fk.models.load("lenet").train()
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())
    Mahalanobis(net).fit(*split[0]).score(split[2])
    assert net.training
    assert hooks == sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


def test_a_fitted_detector_can_be_saved_and_loaded(lenet, split):
    detector = PixelNeighbours().fit(split[0][0][:50])
    again = PixelNeighbours()
    again.register_buffer("known", torch.empty(50, 784))
    again.load_state_dict(detector.state_dict())
    assert torch.equal(again.score(split[2][:9]), detector.score(split[2][:9]))


# ---- thresholds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 99, 100, 1001])
@pytest.mark.parametrize("accepted", [0.95, 0.8, 1.0])
def test_threshold_accepts_the_share_and_no_higher_one_does(n, accepted):
    values = torch.randn(n, generator=torch.Generator().manual_seed(n))
    least = acceptance_threshold(values, accepted)
    assert (values >= least).double().mean() >= accepted - 1e-12
    assert (values > least).double().mean() < accepted


def test_threshold_needs_enough_scores():
    with pytest.raises(ValueError, match="scores: expected at least 20, to accept 0.95"):
        acceptance_threshold(torch.zeros(19))
    with pytest.raises(ValueError, match="scores: expected finite numbers"):
        acceptance_threshold(torch.full((30,), torch.nan))
    with pytest.raises(TypeError, match=r"scores: expected a floating-point tensor \[N\]"):
        acceptance_threshold(torch.zeros(30, 2))


# ---- the network behind its guard ----------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_guarded_confidence_is_the_networks_where_accepted(detectors, lenet, split, name):
    guarded = Guarded(lenet, detectors[name], split[1][0])
    images = torch.cat([split[2][:100], noise(50)])
    accepted, alone = guarded.accepts(images), fk.models.predict(lenet, images)
    found = fk.models.predict(guarded, images)
    assert found.shape == (150, 11)
    torch.testing.assert_close(found.sum(1), torch.ones(150), rtol=0, atol=1e-5)
    assert accepted[:100].float().mean() > 0.8
    torch.testing.assert_close(found[accepted, :10], alone[accepted], rtol=1e-5, atol=2e-6)
    assert (found[~accepted, :10] <= 0.5 + 1e-6).all()
    assert ((found[:, 10] < 0.5) == accepted)[found[:, 10] != 0.5].all()
    assert guarded.classes[-1] == "refused"


def test_guarded_confidence_has_a_slope_even_far_away(detectors, lenet, split):
    """Evolution and gradients can climb it: nothing underflows, and better is higher."""
    guarded = Guarded(lenet, detectors["pixels"], split[1][0])
    blend = torch.linspace(0, 1, 6).view(6, 1, 1, 1)
    images = (1 - blend) * noise(1) + blend * split[0][0][:1]
    refused = fk.models.predict(guarded, images)[:, 10]
    assert (refused[:5].diff() < 0).all()  # the last two are accepted
    images = noise(3).requires_grad_(True)
    (slope,) = torch.autograd.grad(guarded(images)[:, 3].sum(), images)
    assert slope.isfinite().all()
    assert (slope.flatten(1).norm(dim=1) > 0).all()


def test_evolution_and_ascent_take_a_guarded_network(detectors, lenet, split):
    guarded = Guarded(lenet, detectors["energy"], split[1][0])
    code = fk.encodings.Pixels((1, 28, 28), eta=1.0)
    elites = fk.evolve(guarded, code, generations=3, batch=20, progress=False)
    assert elites.classes[-1] == "refused"
    assert elites.confidence.shape == (11,)
    painted = fk.gradients.ascent(guarded, torch.arange(10), steps=60, progress=False)
    certain = painted.trajectory[-1] > 0.5
    assert certain.any()
    assert guarded.accepts(painted.images[certain]).all()


def test_guarded_refuses_what_cannot_be_calibrated(detectors, lenet, split):
    with pytest.raises(ValueError, match="scores: expected at least 20"):
        Guarded(lenet, detectors["pixels"], split[2][:10])
    with pytest.raises(ValueError, match="images: expected such as have different scores"):
        Guarded(lenet, detectors["pixels"], split[2][:1].repeat(30, 1, 1, 1))
    with pytest.raises(TypeError, match="detector: expected a Detector, got LeNet"):
        Guarded(lenet, lenet.module, split[2])


# ---- what is refused as input --------------------------------------------------------------------


def test_too_few_images(lenet, split):
    images, labels = split[0]
    with pytest.raises(ValueError, match=r"images: expected at least 5 \(k neighbours\), got 4"):
        PixelNeighbours().fit(images[:4])
    with pytest.raises(ValueError, match="images: expected at least 2 of each class, got"):
        Mahalanobis(lenet).fit(images[:12], labels[:12])
    with pytest.raises(TypeError, match="labels: expected an int64 tensor of 800 classes"):
        Mahalanobis(lenet).fit(images)


def test_a_covariance_without_inverse(lenet, split):
    """Fewer images than features, or features that never change."""
    images, labels = split[0]
    with pytest.raises(ValueError, match="no inverse: 400 images give it rank .* of 500"):
        Mahalanobis(lenet, shrinkage=0).fit(images[:400], labels[:400])

    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(4, 10)

        def forward(self, images):
            return self.last(torch.ones(len(images), 4))

    with pytest.raises(ValueError, match="no inverse: 800 images give it rank 0 of 4"):
        Mahalanobis(Constant()).fit(images, labels)


def test_not_fitted(lenet, split):
    for detector in (PixelNeighbours(), FeatureNeighbours(lenet), Mahalanobis(lenet)):
        with pytest.raises(RuntimeError, match=r"call fit\(images, labels\) first"):
            detector.score(split[2][:2])


def test_bad_arguments(lenet, split):
    with pytest.raises(ValueError, match="temperature"):
        Energy(lenet, 0.0)
    with pytest.raises(ValueError, match="shrinkage"):
        Mahalanobis(lenet, shrinkage=1.5)
    with pytest.raises(ValueError, match="layer: expected one of 'module', .*got 'fc9'"):
        Mahalanobis(lenet, layer="fc9")
    with pytest.raises(ValueError, match="layer: the network has no linear layer"):
        FeatureNeighbours(nn.Flatten())
    with pytest.raises(TypeError, match="net: expected a torch.nn.Module"):
        MaxSoftmax("lenet")
    with pytest.raises(TypeError, match=r"net: expected a torch.nn.Module, got str"):
        MaxScore("rbf")
    with pytest.raises(ValueError, match="k: expected"):
        PixelNeighbours(k=0)
    with pytest.raises(ValueError, match=r"images: expected values in \[0, 1\]"):
        PixelNeighbours().fit(split[0][0] * 255)
    with pytest.raises(ValueError, match="expected"):
        MaxSoftmax(lenet).score(torch.zeros(2, 3, 8, 8))
    body = nn.Sequential(nn.Flatten(), nn.Linear(784, 4), nn.Linear(4, 10))
    nn.init.constant_(body[1].weight, math.nan)
    with pytest.raises(ValueError, match="net: expected finite features"):
        Mahalanobis(body).fit(*split[0])
