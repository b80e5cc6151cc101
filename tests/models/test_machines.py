import pytest
import torch

import foolkit as fk
from foolkit.models.estimators import estimator
from foolkit.models.machines import Machine

MACHINES = ("svm-linear", "svm-rbf")


def standing_alone(name):
    """A machine whose logits are the log-odds of each class by itself."""
    net = fk.models.load(name)
    net.module.read = "score"
    return net


@pytest.fixture(scope="module", params=MACHINES)
def both(request):
    """A machine as a network, and as scikit-learn's estimator."""
    return standing_alone(request.param), estimator(request.param)


@pytest.fixture(scope="module")
def images():
    return fk.models.comparison_digits()[0][:300]


def test_margins_are_scikit_learns(both, images):
    machine, estimator = both
    (inner,) = estimator.calibrated_classifiers_
    given = torch.from_numpy(inner.estimator.decision_function(images.flatten(1).numpy()))
    assert given.abs().max() > 1
    assert (machine.module.margins(images) - given).abs().max() < 1e-4


def test_confidences_divided_by_their_sum_are_scikit_learns(both, images):
    machine, estimator = both
    alone = fk.analysis.class_scores(machine, images, "independent")
    given = torch.from_numpy(estimator.predict_proba(images.flatten(1).numpy()))
    assert (alone / alone.sum(1, keepdim=True) - given).abs().max() < 1e-4


def test_the_gradient_is_the_margins_slope(both, images):
    machine, _ = both
    point = images[:1].double().requires_grad_()
    machine = machine.module.double()
    try:
        assert torch.autograd.gradcheck(machine, (point,), fast_mode=True)
    finally:
        machine.float()


def test_attacks_have_its_gradient(both, images):
    machine, _ = both
    labels = fk.models.comparison_digits()[1][:300]
    fooled = fk.gradients.fgsm(machine, images, labels, epsilon=0.25)
    noise = fk.gradients.noise(machine, images, labels, size=fooled.l2)
    assert fooled.success.float().mean() > noise.success.float().mean() + 0.5


def test_a_linear_machine_has_a_gradient_in_closed_form(images):
    machine = standing_alone("svm-linear")
    point = images[:5].clone().requires_grad_()
    (slope,) = torch.autograd.grad(machine.module.margins(point)[:, 3].sum(), point)
    assert torch.allclose(slope.flatten(1), machine.module.weights[3].expand(5, -1), atol=1e-6)


def test_only_the_kernel_machine_forgets_far_away(images):
    far = images[:20] + 1e3 * fk.analysis.random_directions(20, (1, 28, 28), seed=0)
    linear, kernel = (standing_alone(name) for name in MACHINES)
    with torch.no_grad():
        assert linear.module.margins(far).abs().max() > 10
        offset = kernel.module.offset.expand(20, -1)
        assert torch.allclose(kernel.module.margins(far), offset, atol=1e-5)
    assert fk.analysis.class_scores(kernel, far, "independent").max() < 0.5


@pytest.mark.parametrize("name", MACHINES)
def test_as_loaded_the_softmax_is_scikit_learns(name, images):
    confidence = fk.models.predict(fk.models.load(name), images)
    given = torch.from_numpy(estimator(name).predict_proba(images.flatten(1).numpy()))
    assert (confidence - given).abs().max() < 1e-4
    assert torch.equal(confidence.argmax(1), given.argmax(1))


def test_another_reading_is_an_error():
    with pytest.raises(ValueError, match="read: expected one of 'softmax', 'score'"):
        Machine(torch.zeros(2, 3), torch.zeros(2), torch.zeros(2, 2), read="margin")
