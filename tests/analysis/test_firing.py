import pytest
import torch
from scipy.stats import pearsonr, percentileofscore
from torch import nn

import foolkit as fk
from foolkit.analysis.firing import Reference, activations
from foolkit.analysis.scramble import shuffle_tiles


@pytest.fixture(scope="module")
def net():
    return fk.models.load("lenet")


@pytest.fixture(scope="module")
def real():
    images, labels = fk.data.digits()
    return images[:600], labels[:600]


def test_activations_are_the_layers_outputs(net, real):
    images = real[0][:7]
    found = activations(net, images, chunk=3)
    assert list(found) == ["module.conv1", "module.conv2", "module.fc1"]
    with torch.inference_mode():
        first = net.module.conv1(images)
        second = net.module.conv2(net.module.pool1(first))
    assert torch.allclose(found["module.conv1"], first, atol=1e-5)
    assert torch.allclose(found["module.conv2"], second, atol=1e-4)
    assert found["module.fc1"].shape == (7, 500)


def test_the_network_is_left_as_it_was(real):
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(1, 2, 3)

        def forward(self, images):
            self.first(images)
            raise RuntimeError("on purpose")

    module = Fails().train()
    with pytest.raises(RuntimeError, match="on purpose"):
        activations(module, real[0][:2], ["first"])
    assert not module.first._forward_hooks
    assert module.training
    assert module.first.training


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["conv9"], "layers: expected some of .*module.conv1.*, got 'conv9'"),
        ([], "layers: expected at least one name"),
        ("module.conv1", "layers: expected a sequence of names, got 'module.conv1'"),
    ],
)
def test_layers_are_checked(net, real, layers, message):
    with pytest.raises((TypeError, ValueError), match=message):
        activations(net, real[0][:2], layers)


def test_a_layer_that_runs_twice_is_refused(real):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, images):
            return self.first(self.first(images)).flatten(1)

    with pytest.raises(ValueError, match="layers: expected one output an image of 'first'"):
        activations(Twice(), real[0][:2], ["first"])


def test_firing_against_scipy(net, real):
    images, labels = real[0][:300], real[1][:300]
    reference = Reference(net, images, labels, layers=["module.conv2"])
    shown, goals = images[:3].flip(3), torch.tensor([4, 0, 9])
    firing = reference.firing(shown, goals)
    all_real = activations(net, images, ["module.conv2"])["module.conv2"].flatten(2)
    found = activations(net, shown, ["module.conv2"])["module.conv2"].flatten(2)
    rest = all_real.transpose(0, 1).flatten(1).median(1).values[:, None]
    for measured, of in (
        (firing.peak, lambda a: a.amax(2)),
        (firing.total, lambda a: (a - rest).abs().mean(2)),
    ):
        expected = [
            sum(percentileofscore(of(all_real)[:, c], of(found)[i, c]) for c in range(50)) / 50
            for i in range(3)
        ]
        assert measured[0].tolist() == pytest.approx(expected, abs=0.3)
    means = torch.stack([all_real[labels == k].mean(0) for k in range(10)])
    usual = means.mean(0).mean(1)
    for i, goal in enumerate(goals):
        which = pearsonr(found[i].mean(1) - usual, means[goal].mean(1) - usual).statistic
        centred = [a - a.mean(1, keepdim=True) for a in (found[i], means[goal])]
        where = pearsonr(*(a.flatten() for a in centred)).statistic
        assert float(firing.which[0, i]) == pytest.approx(which, abs=1e-3)
        assert float(firing.where[0, i]) == pytest.approx(where, abs=1e-3)


def test_real_images_are_in_the_middle_and_agree(net, real):
    reference = Reference(net, *real)
    firing = reference.firing(*real)
    assert firing.layers == ("module.conv1", "module.conv2", "module.fc1")
    assert torch.allclose(firing.peak.mean(1), torch.full((3,), 50.0), atol=0.2)
    assert torch.allclose(firing.total.mean(1), torch.full((3,), 50.0), atol=0.2)
    assert firing.where[2].isnan().all()
    assert firing.where[:2].mean() > 0.5


def test_shuffled_digits_fire_in_the_wrong_places(net, real):
    images, labels = (t[1000:1600] for t in fk.data.digits())
    reference = Reference(net, *real)
    before, after = (
        reference.firing(shown, labels) for shown in (images, shuffle_tiles(images, 4))
    )
    assert before.where[0].mean() > 0.5
    assert after.where[0].mean() < 0.15
    assert after.peak[0].mean() > 35


def test_a_class_without_an_image_is_an_error(net, real):
    with pytest.raises(ValueError, match="labels: expected every class, got none of 0"):
        Reference(net, real[0], real[1].clamp_min(1))
