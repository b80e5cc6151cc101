import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import foolkit as fk
from foolkit.models.defences import (
    exposed,
    fast_gradient_sign,
    noisy,
    photograph_pieces,
    projected_gradient,
    shuffled,
    tradeoff,
    worst_in_box,
)
from foolkit.models.lenet import LeNet
from foolkit.models.train import RECIPES, Defended, Recipe, accuracy, fit, objective


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def some():
    images, labels = fk.data.digits()
    return images[:64], labels[:64]


@pytest.fixture(scope="module")
def net():
    return fk.models.load("fc64-softmax").module


class Seen(nn.Module):
    """Hands images on to a network, and remembers them."""

    def __init__(self, net):
        super().__init__()
        self.net, self.images = net, []

    def forward(self, images):
        self.images.append(images.detach())
        return self.net(images)


@pytest.mark.parametrize("kind", ["sign", "uniform"])
def test_noise_stays_in_its_box_and_follows_the_generator(net, some, kind):
    seen = Seen(net)
    for seed in (0, 0, 1):
        noisy(seen, *some, epsilon=0.2, kind=kind, generator=draws(seed))
    one, again, other = seen.images
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    change = (one - some[0]).abs()
    assert change.max() <= 0.2 + 1e-6
    assert one.min() >= 0
    assert one.max() <= 1
    # black pixels can only rise: half of them by all of it, or by a uniform part of it
    rise = one[some[0] == 0]
    assert float((rise > 0).float().mean()) == pytest.approx(0.5, abs=0.02)
    assert float(rise.mean()) == pytest.approx(0.1 if kind == "sign" else 0.05, rel=0.05)


def test_the_fast_gradient_sign_is_the_attacks(net, some):
    images, labels = some
    changed = fk.gradients.fgsm(net, images, labels, epsilon=0.1).images
    both = (cross_entropy(net(images), labels), cross_entropy(net(changed), labels))
    for share in (0.0, 0.5, 1.0):
        wanted = share * both[0] + (1 - share) * both[1]
        found = fast_gradient_sign(net, images, labels, epsilon=0.1, share=share)
        assert found.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_projected_gradient_is_harder_than_noise_and_stays_in_its_box(net, some):
    images, labels = some
    seen = Seen(net)
    loss = projected_gradient(seen, images, labels, epsilon=0.1, steps=5, generator=draws())
    last = seen.images[-1]
    assert len(seen.images) == 6
    assert (last - images).abs().max() <= 0.1 + 1e-6
    assert 0 <= last.min() <= last.max() <= 1
    control = noisy(net, images, labels, epsilon=0.1, kind="sign", generator=draws())
    assert loss > 5 * control
    # more steps along the gradient find no less
    more = projected_gradient(net, images, labels, epsilon=0.1, steps=20, generator=draws())
    assert more > 0.98 * loss


def test_the_worst_image_of_a_box_is_sought_as_the_papers_do(net, some):
    images, labels = some

    def loss(changed):
        with torch.no_grad():
            return float(cross_entropy(net(changed), labels))

    box = {"net": net, "images": images, "labels": labels, "epsilon": 0.1}
    one = worst_in_box(**box, steps=1, length=0.1, generator=None)
    torch.testing.assert_close(one, fk.gradients.fgsm(net, images, labels, epsilon=0.1).images)
    drawn = worst_in_box(**box, steps=1, length=0.125, generator=draws())
    many = worst_in_box(**box, steps=40, length=0.01, generator=draws())
    for changed in (one, drawn, many):
        assert (changed - images).abs().max() <= 0.1 + 1e-6
        assert changed.min() >= 0
        assert changed.max() <= 1
    assert not torch.equal(drawn, one)
    assert loss(images) < loss(drawn)
    assert loss(one) < loss(many)


def test_a_rectified_lenet_takes_the_plain_ones_weights(some):
    plain, rectified = LeNet().eval(), LeNet(rectified=True).eval()
    rectified.load_state_dict(plain.state_dict())
    with torch.no_grad():
        first = plain.pool1(plain.conv1(some[0])).relu()  # behind the pool or before it: the same
        torch.testing.assert_close(first, plain.pool1(plain.conv1(some[0]).relu()))
        second = plain.pool2(plain.conv2(first)).relu()
        wanted = plain.fc2(plain.fc1(second.flatten(1)).relu())
        torch.testing.assert_close(rectified(some[0]), wanted)


def test_a_uniform_answer_to_outliers_is_the_least_that_exposure_asks(some):
    images, labels = some
    pieces = torch.rand(8, 1, 28, 28)

    class Uniform(nn.Module):
        def forward(self, given):
            return torch.zeros(len(given), 10)

    found = exposed(Uniform(), images, labels, generator=draws(), pieces=pieces)
    assert found.item() == pytest.approx(1.5 * math.log(10), rel=1e-5)  # of digits, half as much


def test_pieces_are_of_two_photographs_alone():
    pieces = photograph_pieces(50)
    assert pieces.shape == (50, 1, 28, 28)
    everything, source = fk.data.crops(100)
    portrait = {piece.numpy().tobytes() for piece in everything[source == 2]}
    assert not any(piece.numpy().tobytes() in portrait for piece in pieces)


def test_shuffled_tiles_are_the_same_tiles(some):
    images = torch.arange(28 * 28.0).view(1, 1, 28, 28).repeat(3, 1, 1, 1)
    moved = shuffled(images, draws())
    assert not torch.equal(moved[0], moved[1])
    assert torch.equal(moved.flatten(1).sort(1).values, images.flatten(1))
    rows = moved.view(3, 4, 7, 4, 7)
    assert torch.equal(rows[..., 1:] - rows[..., :-1], torch.ones_like(rows[..., 1:]))
    assert torch.equal(rows[:, :, 1:] - rows[:, :, :-1], torch.full_like(rows[:, :, 1:], 28))
    assert torch.equal(moved, shuffled(images, draws()))


@pytest.mark.parametrize("defence", ["noise", "fgsm", "pgd", "exposed"])
def test_each_defence_learns_the_digits_and_leaves_no_gradient(defence):
    images, labels = fk.data.digits()
    recipe = Defended(
        "LeNet", epochs=3, optimizer="adam", learning_rate=2e-3, weight_decay=0.0,
        defence=defence, epsilon=0.1, steps=2, growing=0.5,
    )  # fmt: skip
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    fit(net, images[:2500], labels[:2500], recipe, progress=False)
    assert accuracy(net, images[4000:], labels[4000:]) > 0.8


def test_epsilon_grows_to_its_end(some):
    recipe = Defended("LeNet", defence="pgd", epsilon=0.3, steps=1, growing=0.5)
    loss, most = objective(recipe), []
    for behind in (0.0, 0.25, 0.5, 1.0):
        seen = Seen(fk.models.load("fc64-softmax").module)
        loss(seen, *some, draws(), behind)
        most.append(float((seen.images[-1] - some[0]).abs().max()))
    assert most == pytest.approx([0, 0.15, 0.3, 0.3], abs=1e-5)


def test_recipes_say_how_they_defend():
    defended = {name: r for name, r in RECIPES.items() if isinstance(r, Defended)}
    assert {name: r.defence for name, r in defended.items()} == {
        f"lenet-{defence}": defence for defence in ("noise", "fgsm", "pgd", "exposed")
    }
    assert all(r.split == "train" and r.architecture == "LeNet" for r in defended.values())
    assert not isinstance(RECIPES["lenet"], Defended)
    assert isinstance(RECIPES["lenet"], Recipe)


def test_the_loss_of_trades_is_accuracy_and_a_divergence(net, some):
    images, labels = some
    clean = cross_entropy(net(images), labels).item()
    assert tradeoff(net, images, images, labels, beta=3.0).item() == pytest.approx(clean, abs=1e-5)
    changed = (images + 0.1).clamp(0, 1)
    p, q = net(images).softmax(1).double(), net(changed).softmax(1).double()
    apart = (p * (p.log() - q.log())).sum(1).mean().item()
    assert apart > 0
    found = tradeoff(net, images, changed, labels, beta=3.0).item()
    assert found == pytest.approx(clean + 3 * apart, rel=1e-3)


def test_steps_away_from_the_own_answer_find_more_divergence_than_noise(net, some):
    images, labels = some
    with torch.no_grad():
        said = net(images).softmax(1)
    how = {"epsilon": 0.1, "length": 0.02, "generator": draws()}
    changed = worst_in_box(net, images, said, steps=10, **how)
    assert (changed - images).abs().max() <= 0.1 + 1e-6
    stayed = worst_in_box(net, images, said, steps=0, **how)
    found = [tradeoff(net, images, x, labels, beta=1.0).item() for x in (changed, stayed)]
    assert found[0] > found[1] + 0.1
