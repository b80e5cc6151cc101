import pytest
import torch

from foolkit.gradients import carlini_wagner


@pytest.mark.parametrize("classes", ["two", "five"])
def test_nearest_point_of_a_linear_network(request, says, nearest, classes, grey):
    net = request.getfixturevalue(classes)
    labels = says(net, grey)
    least = nearest(net, grey, labels)
    result = carlini_wagner(net, grey, labels, steps=100, learning_rate=0.03, progress=False)
    assert result.success.all()
    assert (result.l2 >= least * 0.999).all()
    assert (result.l2 / least).median() <= 1.02


def test_kappa_asks_for_a_lead(five, grey, says):
    labels = says(five, grey)
    options = {"search_steps": 4, "steps": 60, "progress": False}
    plain = carlini_wagner(five, grey, labels, **options)
    result = carlini_wagner(five, grey, labels, kappa=2.0, **options)
    assert result.success.all()
    assert (result.l2 > plain.l2).all()
    with torch.no_grad():
        logits = five(result.images)
    own = logits.gather(1, labels[:, None])[:, 0]
    assert (logits.amax(1) - own >= 2 * 0.999).all()


def test_targeted_and_on_the_mask(curved, spread, says):
    goals = (says(curved, spread) + 1) % 4
    mask = torch.ones(1, 1, 6, 6, dtype=torch.bool)
    mask[..., 5] = False
    result = carlini_wagner(
        curved, spread, goals, targeted=True, mask=mask, steps=40, progress=False
    )
    assert result.success.float().mean() > 0.8
    assert not ((result.images != spread) & ~mask).any()
    failed = ~result.success
    assert torch.equal(result.images[failed], spread[failed])


def test_a_c_too_small_grows(two, grey, says):
    labels = says(two, grey)
    options = {"search_steps": 8, "steps": 60, "learning_rate": 0.02, "progress": False}
    own = carlini_wagner(two, grey, labels, **options)
    paper = carlini_wagner(two, grey, labels, initial_c=1e-3, **options)
    assert paper.success.all()
    assert torch.allclose(paper.l2, own.l2, rtol=0.1)


def test_wrong_already_costs_nothing(curved, spread, says):
    wrong = (says(curved, spread) + 1) % 4
    result = carlini_wagner(curved, spread, wrong, search_steps=2, steps=10, progress=False)
    assert result.success.all()
    assert not result.l2.any()


def test_giving_up_early_saves_passes_and_little_else(lenet, digits):
    images, labels = (tensor[:8] for tensor in digits)
    options = {"search_steps": 3, "steps": 60, "progress": False}
    early = carlini_wagner(lenet, images, labels, **options)
    whole = carlini_wagner(lenet, images, labels, abort_early=False, **options)
    assert whole.queries.eq(1 + 3 * 60).all()
    assert (early.queries <= whole.queries).all()
    assert early.success.all()
    assert early.l2.median() <= 1.05 * whole.l2.median()


def test_no_worse_than_foolbox(lenet, digits):
    foolbox = pytest.importorskip("foolbox")
    images, labels = (tensor[:12] for tensor in digits)
    attack = foolbox.attacks.L2CarliniWagnerAttack(
        binary_search_steps=5, steps=60, stepsize=0.1, initial_const=1.0
    )
    model = foolbox.PyTorchModel(lenet, bounds=(0, 1))
    _, theirs, fooled = attack(model, images, labels, epsilons=None)
    same = {"search_steps": 5, "steps": 60, "learning_rate": 0.1, "initial_c": 1.0}
    result = carlini_wagner(lenet, images, labels, **same, abort_early=False, progress=False)
    assert fooled.all()
    assert result.success.all()
    assert result.l2.mean() <= 1.02 * (theirs - images).flatten(1).norm(dim=1).mean()


def test_options_are_checked_by_name(curved, spread, says):
    labels = says(curved, spread)
    for name, value in (("kappa", -1), ("initial_c", 0), ("learning_rate", 0), ("steps", 0)):
        with pytest.raises(ValueError, match=f"{name}: expected .* got {value}"):
            carlini_wagner(curved, spread, labels, **{name: value})
