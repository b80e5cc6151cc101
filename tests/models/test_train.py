import os

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models.train import (
    RECIPES,
    TRAINING_DIGITS,
    Recipe,
    accuracy,
    distort,
    fit,
    main,
    training_indices,
)


def test_the_halves_are_disjoint_and_complete():
    one, other = training_indices("half-1"), training_indices("half-2")
    assert len(one) == len(other) == TRAINING_DIGITS // 2
    assert not torch.isin(one, other).any()
    assert torch.equal(torch.cat([one, other]).sort().values, training_indices("train"))
    assert torch.equal(one, training_indices("half-1"))
    with pytest.raises(ValueError, match="split: expected .* got 'half-3'"):
        training_indices("half-3")


def test_which_network_learned_from_which_half():
    halves = {name: recipe.split for name, recipe in RECIPES.items() if recipe.split != "train"}
    assert halves == {
        "lenet-half-1": "half-1",
        "lenet-half-2": "half-2",
        "fc100-100-10-half-1": "half-1",
        "fc123-456-10-half-1": "half-1",
        "fc100-100-10-half-2": "half-2",
    }


@pytest.mark.skipif(not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set")
def test_no_training_digit_is_an_embedded_one():
    images, labels = fk.data.mnist("train")
    assert len(images) == TRAINING_DIGITS
    embedded = {image.numpy().tobytes() for image in fk.data.digits()[0]}
    assert len(embedded) == 5000
    assert not any(image.numpy().tobytes() in embedded for image in images)
    for half in ("half-1", "half-2"):
        counts = labels[training_indices(half)].bincount()
        assert counts.min() > 0.4 * labels.bincount().min()


def test_the_recipe_learns_and_repeats_itself():
    images, labels = fk.data.digits()
    weights = []
    for _ in range(2):
        torch.manual_seed(0)
        net = fk.models.LeNet()
        fit(net, images[:2500], labels[:2500], Recipe("LeNet", epochs=4), progress=False)
        weights.append(net.state_dict())
    assert accuracy(net, images[4000:], labels[4000:]) > 0.88
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("decayed", ["all", "weights"])
def test_decay_reaches_what_it_should(optimizer, decayed):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    nn.init.constant_(net[1].bias, 5.0)  # the same for all classes: only decay can move the mean
    recipe = Recipe(
        "FC10", epochs=3, batch=10, optimizer=optimizer, learning_rate=0.01, weight_decay=1.0,
        decayed=decayed,
    )  # fmt: skip
    images = torch.zeros(50, 1, 28, 28)
    before = net[1].weight.norm()
    fit(net, images, torch.arange(10).repeat(5), recipe, progress=False)
    assert net[1].weight.norm() < 0.99 * before
    assert (net[1].bias.mean() < 4.99) == (decayed == "all")


def test_distortions_are_small_and_follow_the_generator():
    images = fk.data.digits()[0][:64]
    made = [distort(images, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert made[0].shape == images.shape
    assert made[0].min() >= 0
    assert made[0].max() <= 1 + 1e-6
    # the middle of the ink moves by at most the shift, the turn and the scale of its place
    x = torch.arange(28.0)

    def middle(some):
        ink = some[:, 0]
        mass = ink.sum((1, 2))
        return torch.stack([(ink.sum(1) @ x) / mass, (ink.sum(2) @ x) / mass])

    moved = (middle(made[0]) - middle(images)).abs()
    assert moved.max() < 4
    assert 0.5 < moved.mean() < 2


def test_the_command_trains_what_is_named(monkeypatch, tmp_path, capsys):
    named = []
    arguments = ["train", "softmax-1", "tree", "--out", str(tmp_path / "new")]
    monkeypatch.setattr("sys.argv", arguments)
    main(lambda name, folder: named.append((name, folder)) or {"name": name})
    assert named == [("softmax-1", tmp_path / "new"), ("tree", tmp_path / "new")]
    assert "softmax-1" in capsys.readouterr().out
