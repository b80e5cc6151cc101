import copy
import math

import pytest
import torch

import foolkit as fk
from foolkit.models import RBF, Classifier, nearest_digits
from foolkit.models.train import LOSSES, Recipe, fit


@pytest.fixture(scope="module")
def digits():
    return fk.models.comparison_digits()


def small(read="score", per_class=3):
    """A machine of four classes with random centres, and random widths for every pixel."""
    draws = torch.Generator().manual_seed(0)
    net = RBF(read, per_class, 4)
    with torch.no_grad():
        net.centres.copy_(torch.rand(net.centres.shape, generator=draws))
        net.log_precision.copy_(torch.randn(net.log_precision.shape, generator=draws) - 5)
    return net


def test_the_exponent_is_the_quadratic_form_of_the_best_centre():
    net, images = small(), torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        apart = images.flatten(1).double()[:, None, None] - net.centres.double()
        square = (apart.square() * net.log_precision.double().exp()[:, None]).sum(3)
        assert torch.allclose(net.exponents(images).double(), square.amin(2), rtol=1e-5)


def test_the_sigmoid_of_a_score_logit_is_the_score_and_a_softmax_divides_by_the_sum():
    net, images = small(), torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        score = (-net.exponents(images).double()).exp()
        assert torch.allclose(net(images).double().sigmoid(), score, rtol=1e-4)
        shared = copy.deepcopy(net)
        shared.read = "softmax"
        divided = score / score.sum(1, keepdim=True)
        assert torch.allclose(shared(images).double().softmax(1), divided, rtol=1e-4)


def test_at_a_centre_the_score_is_nearly_one_and_far_away_nothing():
    net = small()
    at = net.centres[:, 1].detach().view(4, 1, 28, 28)
    with torch.no_grad():
        logits = net(at)
        assert logits.isfinite().all()
        assert (logits.argmax(1) == torch.arange(4)).all()
        assert (logits.sigmoid().diagonal() > 0.999).all()
        far = net(at + 1e4)
    assert far.isfinite().all()
    assert (far.sigmoid() == 0).all()


def test_gradients_are_finite_everywhere_and_right():
    net = small().double()
    at = net.centres[:1, 0].detach().view(1, 1, 28, 28)  # on a centre
    for images in (at, at + 0.3, at + 1e3):
        point = images.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(point).sum(), point)
        assert slope.isfinite().all()
    point = (at + 0.2).requires_grad_()
    assert torch.autograd.gradcheck(net, (point,), fast_mode=True)


def test_placing_puts_centres_among_the_digits_and_follows_the_seed(digits):
    images, labels = digits
    nets = [RBF(per_class=5) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        net.place(images, labels, seed)
    assert torch.equal(nets[0].centres, nets[1].centres)
    assert not torch.equal(nets[0].centres, nets[2].centres)
    with torch.no_grad():
        score = nets[0](images).sigmoid()
    assert (score.argmax(1) == labels).float().mean() > 0.8
    assert 0.3 < score.gather(1, labels[:, None]).median() < 0.7


def test_a_class_with_fewer_digits_than_centres_is_an_error(digits):
    images, labels = (tensor[:50] for tensor in digits)
    with pytest.raises(ValueError, match="labels: expected at least 30 of each class"):
        RBF(per_class=30).place(images, labels)
    with pytest.raises(ValueError, match="labels: expected classes 0 to 1"):
        RBF(classes=2).place(images, labels)
    with pytest.raises(TypeError, match="images: expected float32"):
        RBF().place(images.double(), labels)
    with pytest.raises(ValueError, match="seed: expected"):
        RBF().place(images, labels, -1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"read": "sum"}, "read: expected one of"),
        ({"per_class": 0}, "per_class: expected an integer of at least 1"),
        ({"classes": 1}, "classes: expected an integer of at least 2"),
    ],
)
def test_bad_settings_are_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        RBF(**arguments)


def test_the_losses_are_what_they_say():
    logits = torch.tensor([[2.0, 0.5, -1.0], [0.0, 3.0, 2.5]], dtype=torch.float64)
    labels = torch.tensor([0, 1])
    chance = logits.sigmoid()
    each = torch.where(torch.eye(3)[labels].bool(), chance, 1 - chance).log().sum(1)
    assert torch.allclose(LOSSES["sigmoids"](logits, labels), -each.mean())
    short = torch.tensor(0.5 / 3 / 2).double()  # the last class is half a margin too near, once
    assert torch.allclose(LOSSES["hinge"](logits, labels), short)
    assert LOSSES["softmax"](logits, labels) > 0


@pytest.mark.parametrize(("read", "loss"), [("score", "sigmoids"), ("softmax", "softmax")])
def test_both_recipes_learn(digits, read, loss):
    images, labels = digits
    net = RBF(read, 3)
    net.place(images[:800], labels[:800])
    before = LOSSES[loss](net(images[:800]), labels[:800]).item()
    recipe = Recipe(
        "RBF", epochs=3, batch=50, optimizer="adam", learning_rate=5e-3, weight_decay=0, loss=loss
    )
    fit(net, images[:800], labels[:800], recipe, progress=False)
    with torch.no_grad():
        assert LOSSES[loss](net(images[:800]), labels[:800]).item() < 0.9 * before
        assert (net(images[800:]).argmax(1) == labels[800:]).float().mean() > 0.75


@pytest.mark.parametrize("ending", ["", "-b", "-c"])
def test_only_the_scores_that_stand_alone_keep_silent_on_noise(ending):
    draws = torch.Generator().manual_seed(0)
    noise = torch.randn(500, 1, 28, 28, generator=draws)
    alone = fk.analysis.class_scores(fk.models.load("rbf" + ending), noise, "independent")
    shared = fk.analysis.class_scores(fk.models.load("rbf-softmax" + ending), noise)
    assert fk.analysis.mistakes_on_rubbish(alone).share == 0
    assert alone.max() < 1e-3
    assert fk.analysis.mistakes_on_rubbish(shared).share > 0.5


def test_nearest_digits_are_nearest(digits):
    images, labels = digits
    known, truth = images[:600], labels[:600]
    order = torch.cat([(truth == k).nonzero()[:40, 0] for k in range(10)])
    net = nearest_digits(known[order], truth[order])
    assert not any(p.requires_grad for p in net.parameters())
    asked = images[600:700]
    with torch.no_grad():
        score = net(asked).sigmoid()
    distance, index = fk.analysis.nearest_images(asked, known[order])
    assert torch.equal(score.argmax(1), truth[order][index[:, 0]])
    # exp(-d^2 / w^2): one half at the same distance everywhere
    width = distance[:, 0].square() / -score.amax(1).double().log()
    assert torch.allclose(width, width.mean().expand_as(width), rtol=1e-3)
    net = nearest_digits(known[order], truth[order], share=0.5)
    with torch.no_grad():
        own = torch.cdist(known[order].flatten(1), known[order].flatten(1))
        own[truth[order][:, None] != truth[order]] = math.inf
        apart = own.fill_diagonal_(math.inf).amin(1)
        half = (math.log(2) / net.log_precision.exp()[0, 0]).sqrt()
    assert 0.45 < (apart <= half).float().mean() < 0.55


def test_nearest_digits_refuse_what_does_not_fit(digits):
    images, labels = (tensor[:60] for tensor in digits)
    with pytest.raises(ValueError, match="labels: expected equally many of each class"):
        nearest_digits(images, labels)
    with pytest.raises(ValueError, match="share: expected a number between 0 and 1"):
        nearest_digits(images, labels, share=1.0)
    with pytest.raises(TypeError, match="images: expected float32"):
        nearest_digits(images.double(), labels)


def test_a_wrapped_one_is_a_classifier(digits):
    net = Classifier(small(), input_shape=(1, 28, 28), classes=4, name="small")
    adversarial = fk.gradients.fgsm(
        net, digits[0][:8], torch.zeros(8, dtype=torch.int64), epsilon=0.1
    )
    assert adversarial.linf.max() <= 0.1 + 1e-6
