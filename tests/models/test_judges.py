import copy

import pytest
import torch

import foolkit as fk
from foolkit.models.judges import (
    JUDGES,
    LEAST,
    Judge,
    comparison_digits,
    comparison_indices,
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


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_is_a_classifier(name):
    judge, card = fk.models.load(name), fk.models.card(name)
    assert (judge.name, judge.input_shape, len(judge.classes)) == (name, (1, 28, 28), 10)
    images, labels = comparison_digits()
    with torch.inference_mode():
        logits = judge(images)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    confidence = fk.models.predict(judge, images, batch=300)
    assert torch.allclose(confidence, logits.softmax(1), atol=1e-6)
    measured = float((confidence.argmax(1) == labels).double().mean())
    assert measured == pytest.approx(card["accuracy_held_out"], abs=0.003)
    assert measured > {"knn": 0.9, "svm-linear": 0.88, "svm-rbf": 0.94, "tree": 0.7}[name]
    # the softmax of the logits gives scikit-learn's probabilities back
    given = torch.from_numpy(judge.module.estimator.predict_proba(images.flatten(1).numpy()))
    assert (confidence - given).abs().max() < 20 * LEAST
    assert torch.equal(copy.deepcopy(judge)(images[:20]), logits[:20])


@pytest.mark.parametrize("name", ["svm-rbf", "tree"])
def test_attacks_that_need_a_gradient_refuse_it_by_name(name):
    judge = fk.models.load(name)
    images, labels = (tensor[:4] for tensor in comparison_digits())
    gradients = fk.gradients
    for attack in (
        lambda: gradients.fgsm(judge, images, labels, epsilon=0.1),
        lambda: gradients.pgd(judge, images, labels, epsilon=0.1, progress=False),
        lambda: gradients.lbfgs(judge, images, labels, progress=False),
        lambda: gradients.deepfool(judge, images, labels, progress=False),
        lambda: gradients.carlini_wagner(judge, images, labels, progress=False),
        lambda: gradients.ascent(judge, labels, progress=False),
    ):
        with pytest.raises(TypeError, match=f"net: expected a network.* '{name}' .* has none"):
            attack()


def test_what_needs_no_gradient_takes_a_judge():
    judge = fk.models.load("knn")
    images, labels = (tensor[:8] for tensor in comparison_digits())
    assert fk.gradients.noise(judge, images, labels, size=1.0).images.shape == images.shape
    elites = fk.evolve(
        judge, fk.encodings.Pixels(judge.input_shape), generations=2, batch=20, progress=False
    )
    again = fk.models.predict(judge, elites.images).diagonal()
    assert torch.allclose(elites.confidence, again, atol=1e-5)


def test_an_estimator_of_ones_own():
    from sklearn.naive_bayes import GaussianNB

    images, labels = torch.rand(30, 1, 2, 3), torch.arange(3).repeat(10)
    judge = Judge(GaussianNB().fit(images.flatten(1).numpy(), labels.numpy()), "bayes")
    net = fk.models.Classifier(judge, input_shape=(1, 2, 3), classes=3, name="bayes")
    confidence = fk.models.predict(net, images)
    given = torch.from_numpy(judge.estimator.predict_proba(images.flatten(1).numpy())).float()
    assert torch.allclose(confidence, given, atol=1e-5)
    judge(images.clone())
    with pytest.raises(TypeError, match="'bayes' is a GaussianNB of scikit-learn"):
        judge(images.requires_grad_())
    with torch.no_grad():
        assert judge(images).shape == (30, 3)
