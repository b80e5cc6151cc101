import pytest
import torch

import foolkit as fk
from foolkit.gradients import apgd, pgd
from foolkit.gradients.apgd import checkpoints


def norm_of(result, norm):
    return result.linf if norm == "inf" else result.l2


def test_checkpoints_are_those_of_the_paper():
    """Shares 0, .22, .41, .57, .70, .80, .87, .93, .99 of the steps (section 3.1)."""
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(5) == [2, 3, 4, 5]


@pytest.mark.parametrize(("norm", "dual"), [("inf", 1), ("2", 2)])
def test_exactly_the_images_fall_whose_boundary_is_inside(two, grey, says, boundaries, norm, dual):
    labels = says(two, grey)
    margins, normals = boundaries(two, grey, labels)
    distance = margins[:, 0].abs() / torch.linalg.vector_norm(normals[:, 0], dual, dim=1)
    epsilon = float(distance.sort().values[5:7].mean())  # no image lies just at it
    assert ((distance / epsilon - 1).abs() > 1e-3).all()
    result = apgd(two, grey, labels, epsilon=epsilon, norm=norm, progress=False)
    assert torch.equal(result.success, distance < epsilon)
    assert 0 < result.success.sum() < len(grey)
    assert (norm_of(result, norm) <= epsilon * (1 + 1e-5)).all()


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_what_stands_is_at_the_highest_loss(two, grey, says, boundaries, norm):
    labels = says(two, grey)
    epsilon = {"inf": 0.01, "2": 0.05}[norm]
    margins, normals = boundaries(two, grey, labels)
    result = apgd(two, grey, labels, epsilon=epsilon, norm=norm, loss="margin", progress=False)
    stands = ~result.success
    assert stands.sum() >= 6
    gain = boundaries(two, result.images, labels)[0][:, 0] - margins[:, 0]
    dual = 1 if norm == "inf" else 2
    most = epsilon * torch.linalg.vector_norm(normals[:, 0], dual, dim=1)
    assert (gain <= most * 1.001).all()
    assert (gain[stands] >= most[stands] * 0.98).all()


@pytest.mark.parametrize("norm", ["inf", "2"])
@pytest.mark.parametrize("loss", ["cross-entropy", "dlr"])
def test_no_fewer_than_pgd_and_never_outside(lenet, digits, norm, loss):
    images, labels = (tensor[:100] for tensor in digits)
    epsilon = {"inf": 0.1, "2": 1.5}[norm]
    options = {"epsilon": epsilon, "norm": norm, "loss": loss, "steps": 30, "progress": False}
    ours, plain = apgd(lenet, images, labels, **options), pgd(lenet, images, labels, **options)
    assert ours.success.sum() >= plain.success.sum() - 3
    assert (norm_of(ours, norm) <= epsilon * (1 + 1e-5)).all()
    assert ours.images.min() >= 0
    assert ours.images.max() <= 1
    # an image that fools is done
    assert ours.queries[~ours.success].eq(32).all()
    assert ours.queries[ours.success].float().mean() < 25


def test_a_goal_is_reached(lenet, digits):
    images, labels = (tensor[:24] for tensor in digits)
    goals = (labels + 1) % 10
    result = apgd(lenet, images, goals, epsilon=0.3, targeted=True, steps=30, progress=False)
    assert result.success.float().mean() > 0.75
    assert torch.equal(result.success, result.predicted == goals)


def test_restarts_fool_no_fewer(curved, spread, says):
    labels = says(curved, spread)
    options = {"epsilon": 0.08, "steps": 3, "seed": 5, "progress": False}
    once = apgd(curved, spread, labels, **options)
    often = apgd(curved, spread, labels, restarts=5, **options)
    assert (often.success >= once.success).all()
    assert torch.equal(often.images[once.success], once.images[once.success])


def test_through_a_transformation_all_steps_are_taken(lenet, digits):
    images, labels = (tensor[:10] for tensor in digits)

    def shaken(images, generator):
        noise = torch.randn(images.shape, generator=generator)
        return (images + 0.1 * noise).clamp(0, 1)

    result = apgd(lenet, images, labels, epsilon=0.3, transform=shaken, samples=2, steps=10,
                  progress=False)  # fmt: skip
    assert result.queries.eq(24).all()
    assert result.success.float().mean() > 0.7


@pytest.mark.parametrize("name", ["lenet", "lenet-pgd"])
def test_as_robust_as_torchattacks_finds_it(name):
    """The share that stands, under as many steps by the authors' program."""
    torchattacks = pytest.importorskip("torchattacks")
    net = fk.models.load(name)
    images, labels = (tensor[:100] for tensor in fk.data.digits())
    epsilon = {"lenet": 0.1, "lenet-pgd": 0.25}[name]
    ours = apgd(net, images, labels, epsilon=epsilon, steps=40, progress=False)
    theirs = torchattacks.APGD(net, eps=epsilon, steps=40)(images, labels)
    accuracy = (fk.models.predict(net, theirs).argmax(1) == labels).float().mean()
    assert ours.robust_accuracy <= accuracy + 0.02


def test_errors(five, grey, says):
    labels = says(five, grey)
    with pytest.raises(ValueError, match="epsilon"):
        apgd(five, grey, labels, epsilon=-0.1)
    with pytest.raises(ValueError, match="epsilon: expected at most 1"):
        apgd(five, grey, labels, epsilon=8)
    with pytest.raises(ValueError, match="norm"):
        apgd(five, grey, labels, epsilon=0.1, norm="1")
    with pytest.raises(ValueError, match="restarts"):
        apgd(five, grey, labels, epsilon=0.1, restarts=0)
