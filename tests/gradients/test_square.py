import pytest
from torch import nn

import foolkit as fk
from foolkit.gradients import noise, square
from foolkit.gradients.square import two_hills


@pytest.mark.parametrize(("norm", "epsilon"), [("inf", 0.2), ("2", 2.5)])
def test_it_fools_more_than_noise_and_stays_in_its_ball(lenet, digits, norm, epsilon):
    images, labels = (tensor[:40] for tensor in digits)
    found = square(lenet, images, labels, epsilon=epsilon, norm=norm, steps=200, progress=False)
    control = noise(lenet, images, labels, size=epsilon, norm=norm)
    assert found.success.float().mean() > control.success.float().mean() + 0.2
    assert ((found.linf if norm == "inf" else found.l2) <= epsilon * (1 + 1e-5)).all()
    assert 0 <= found.images.min() <= found.images.max() <= 1
    assert found.queries[~found.success].eq(201).all()
    assert found.queries[found.success].float().mean() < 201


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_it_asks_for_logits_only(digits, norm):
    class Opaque(nn.Module):
        def forward(self, images):
            return fk.models.load("lenet")(images).detach()

    images, labels = (tensor[:16] for tensor in digits)
    epsilon = {"inf": 0.3, "2": 5.0}[norm]
    found = square(Opaque(), images, labels, epsilon=epsilon, norm=norm, steps=100, progress=False)
    assert found.success.float().mean() > 0.5


@pytest.mark.parametrize("side", [3, 5, 8])
def test_two_hills_of_unit_length(side):
    hills = two_hills(side)
    assert hills.square().sum().sqrt() == pytest.approx(1, abs=1e-5)
    assert (hills[: side // 2] > 0).all()
    assert (hills[side // 2 :] < 0).all()


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_as_strong_as_torchattacks(norm):
    torchattacks = pytest.importorskip("torchattacks")
    net = fk.models.load("lenet-pgd")
    images, labels = (tensor[:100] for tensor in fk.data.digits())
    epsilon = {"inf": 0.3, "2": 3.0}[norm]
    ours = square(net, images, labels, epsilon=epsilon, norm=norm, steps=150, progress=False)
    attack = torchattacks.Square(net, norm=f"L{norm}", eps=epsilon, n_queries=150)
    theirs = fk.models.predict(net, attack(images, labels)).argmax(1) == labels
    # both draw, and each image decides by chance within a narrow band
    assert abs(ours.robust_accuracy - float(theirs.float().mean())) <= 0.08


def test_errors(lenet, digits):
    images, labels = (tensor[:2] for tensor in digits)
    with pytest.raises(ValueError, match="first"):
        square(lenet, images, labels, epsilon=0.1, first=0)
    with pytest.raises(ValueError, match="steps"):
        square(lenet, images, labels, epsilon=0.1, steps=0)
    with pytest.raises(ValueError, match="norm"):
        square(lenet, images, labels, epsilon=0.1, norm="1")
