import copy

import numpy as np
import pytest
import torch

import foolkit as fk
from foolkit.models.estimators import (
    ESTIMATORS,
    Estimator,
    comparison_digits,
    comparison_indices,
    estimator,
    fitted_indices,
)


def test_fitted_and_compared_are_disjoint():
    images, labels = fk.data.digits()
    fitted, compared = fitted_indices(labels), comparison_indices(labels)
    assert labels[fitted].bincount().tolist() == [400] * 10
    assert labels[compared].bincount().tolist() == [100] * 10
    assert torch.equal(torch.cat([fitted, compared]).sort().values, torch.arange(5000))
    known = {image.numpy().tobytes() for image in images[fitted]}
    given, truth = comparison_digits()
    assert not any(image.numpy().tobytes() in known for image in given)
    assert torch.equal(given, images[compared])
    assert torch.equal(truth, labels[compared])
    assert torch.equal(compared[:800], torch.arange(800))  # as its docstring promises


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_is_a_classifier(name):
    net, card = fk.models.load(name), fk.models.card(name)
    assert (net.name, net.input_shape, len(net.classes)) == (name, (1, 28, 28), 10)
    images, labels = comparison_digits()
    with torch.inference_mode():
        logits = net(images)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    confidence = fk.models.predict(net, images, chunk=300)
    assert torch.allclose(confidence, logits.softmax(1), atol=1e-6)
    measured = float((confidence.argmax(1) == labels).double().mean())
    assert measured == pytest.approx(card["accuracy_held_out"], abs=0.003)
    assert measured > {"knn": 0.9, "svm-linear": 0.88, "svm-rbf": 0.94, "tree": 0.7}[name]
    # the softmax of the logits gives scikit-learn's probabilities back
    given = torch.from_numpy(estimator(name).predict_proba(images.flatten(1).numpy()))
    assert (confidence - given).abs().max() < 1e-5
    assert torch.equal(copy.deepcopy(net)(images[:20]), logits[:20])


@pytest.mark.parametrize("name", ["knn", "tree"])
def test_attacks_that_need_a_gradient_refuse_it_by_name(name):
    net = fk.models.load(name)
    images, labels = (tensor[:4] for tensor in comparison_digits())
    gradients = fk.gradients
    for attack in (
        lambda: gradients.fgsm(net, images, labels, epsilon=0.1),
        lambda: gradients.pgd(net, images, labels, epsilon=0.1, progress=False),
        lambda: gradients.lbfgs(net, images, labels, progress=False),
        lambda: gradients.deepfool(net, images, labels, progress=False),
        lambda: gradients.carlini_wagner(net, images, labels, progress=False),
        lambda: gradients.ascent(net, labels, progress=False),
    ):
        with pytest.raises(TypeError, match=f"net: expected a network.* '{name}' .* has none"):
            attack()


def test_what_needs_no_gradient_takes_an_estimator():
    net = fk.models.load("knn")
    images, labels = (tensor[:8] for tensor in comparison_digits())
    assert fk.gradients.noise(net, images, labels, size=1.0).images.shape == images.shape
    elites = fk.evolve(
        net, fk.encodings.Pixels(net.input_shape), generations=2, batch=20, progress=False
    )
    again = fk.models.predict(net, elites.images).diagonal()
    assert torch.allclose(elites.confidence, again, atol=1e-5)


def test_an_estimator_of_ones_own():
    from sklearn.naive_bayes import GaussianNB

    images, labels = torch.rand(30, 1, 2, 3), torch.arange(3).repeat(10)
    bayes = Estimator(GaussianNB().fit(images.flatten(1).numpy(), labels.numpy()), "bayes")
    net = fk.models.Classifier(bayes, input_shape=(1, 2, 3), classes=3, name="bayes")
    confidence = fk.models.predict(net, images)
    given = torch.from_numpy(bayes.estimator.predict_proba(images.flatten(1).numpy())).float()
    assert torch.allclose(confidence, given, atol=1e-5)
    bayes(images.clone())
    with pytest.raises(TypeError, match="'bayes' is a GaussianNB of scikit-learn"):
        bayes(images.requires_grad_())
    with torch.no_grad():
        assert bayes(images).shape == (30, 3)


def test_an_estimator_without_probabilities_is_refused_by_name():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    with pytest.raises(TypeError, match="estimator: expected one with predict_proba, LinearSVC"):
        Estimator(make_pipeline(StandardScaler(), LinearSVC()), "pipeline")


def test_evolution_meets_no_plateau_far_from_a_class():
    """Probabilities of 1e-12 and 1e-9 are told apart, so that there is a way up."""

    class Steep:
        def predict_proba(self, pixels):
            share = 10.0 ** (-12 + 6 * pixels.mean(1))
            return np.stack([1 - share, share], 1)

    net = Estimator(Steep(), "steep")
    dark, bright = net(torch.zeros(1, 1, 4, 4)), net(torch.ones(1, 1, 4, 4))
    assert float(dark[0, 1]) < float(bright[0, 1]) - 10
