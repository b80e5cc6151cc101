"""Networks that want other images, or give other answers: what is said of them makes them fit."""

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models.adapted import LEAST, adapted

SHAPE = (3, 5, 4)


@pytest.fixture
def images():
    return torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0))


def plain(classes=4):
    torch.manual_seed(1)
    layer = nn.Linear(60, classes)
    with torch.no_grad():
        layer.weight.mul_(20)
    return nn.Sequential(nn.Flatten(), layer).eval()


def named(module, classes=4, **more):
    return fk.models.Classifier(module, input_shape=SHAPE, classes=classes, name="it", **more)


def test_a_network_of_normalised_images(images):
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    shown = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    net = named(plain(), mean=mean, std=std)
    assert torch.allclose(net(images), plain()(shown), atol=1e-5)
    loaded = fk.models.load(plain(), input_shape=SHAPE, mean=mean, std=std)
    assert torch.equal(loaded(images), net(images))
    one = named(plain(), mean=0.5, std=0.25)
    assert torch.allclose(one(images), plain()(4 * images - 2), atol=1e-4)
    half = named(plain().double(), mean=0.5)
    assert half(images).dtype == torch.float32
    labels = fk.models.predict(net, images).argmax(1)
    found = fk.gradients.pgd(net, images, labels, epsilon=0.5)
    assert found.success.all()


def test_a_network_of_another_range_and_order(images):
    mean, std = (103.9, 116.8, 123.7), (57.0, 57.1, 57.4)
    net = named(plain(), mean=mean, std=std, pixel_range=(0, 255), channels="BGR")
    shown = (255 * images.flip(1) - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(
        3, 1, 1
    )
    assert torch.allclose(net(images), plain()(shown), rtol=1e-4, atol=1e-3)
    signed = named(plain(), pixel_range=(-1, 1))
    assert torch.allclose(signed(images), plain()(2 * images - 1), atol=1e-4)


def test_a_network_with_channels_last(images):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = plain()

        def forward(self, shown):
            assert shown.shape[1:] == (5, 4, 3)
            return self.inner(shown.permute(0, 3, 1, 2))

    net = named(Last(), layout="NHWC", mean=0.5)
    assert torch.allclose(net(images), plain()(images - 0.5), atol=1e-4)


def test_a_program_with_channels_last(tmp_path, images):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = plain()

        def forward(self, shown):
            return self.inner(shown.permute(0, 3, 1, 2)).softmax(1)

    shown = images.permute(0, 2, 3, 1).contiguous()
    path = tmp_path / "last.pt2"
    torch.export.save(torch.export.export(Last().eval(), (shown,)), path)
    net = fk.models.load(path, layout="NHWC", outputs="probabilities")
    assert net.input_shape == SHAPE
    assert torch.allclose(net(images).softmax(1), plain()(images).softmax(1), atol=1e-5)


def test_probabilities_are_as_good_as_logits(images):
    """The same elites, with the network's own confidence; else e / (e + 3) is the most."""
    ends = nn.Sequential(plain(), nn.Softmax(1))
    net, logits = named(ends, outputs="probabilities"), named(plain())
    assert torch.allclose(
        fk.models.predict(net, images), fk.models.predict(logits, images), atol=1e-6
    )
    options = {"generations": 5, "batch": 20, "progress": False}
    ours, theirs = (fk.evolve(n, fk.encodings.Pixels(SHAPE), **options) for n in (net, logits))
    assert torch.allclose(ours.confidence, theirs.confidence, atol=1e-4)
    assert ours.confidence.max() > 2.7183 / 5.7183
    zero = adapted(nn.Softmax(1), 1, outputs="probabilities")(torch.tensor([[0.0, -1e4]]))
    assert zero.tolist()[0] == pytest.approx([0, float(torch.tensor(LEAST).log())])


def test_yes_or_no_to_many_labels_is_refused(images):
    net = named(nn.Sequential(plain(), nn.Sigmoid()), outputs="probabilities")
    with pytest.raises(ValueError, match="outputs: expected probabilities that add up to one.*lab"):
        net(images)
    with pytest.raises(ValueError, match="outputs: expected probabilities that add up to one"):
        fk.models.load(
            nn.Sequential(plain(), nn.Sigmoid()), input_shape=SHAPE, outputs="probabilities"
        )


@pytest.mark.parametrize("flat", [False, True])
def test_one_logit_is_two_classes(images, flat):
    class One(nn.Module):
        def __init__(self, end):
            super().__init__()
            self.inner, self.end = plain(1), end

        def forward(self, shown):
            answers = self.end(self.inner(shown))
            return answers[:, 0] if flat else answers

    expected = plain(1)(images).sigmoid()[:, 0]
    for net in (
        named(One(nn.Identity()), 2),
        named(One(nn.Sigmoid()), ["no", "yes"], outputs="probabilities"),
        fk.models.load(One(nn.Identity()), input_shape=SHAPE),
    ):
        assert net(images).shape == (6, 2)
        assert torch.allclose(fk.models.predict(net, images)[:, 1], expected, atol=1e-5)
        labels = fk.models.predict(net, images).argmax(1)
        assert fk.gradients.deepfool(net, images, labels, progress=False).success.all()
    with pytest.raises(ValueError, match="classes: the network 'it' has 3 class names"):
        named(One(nn.Identity()), 3)(images)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mean": (0.1, 0.2)}, ValueError, "mean: expected 3 numbers, one a channel, got 2"),
        ({"std": 0}, ValueError, "std: expected a number > 0, got 0"),
        ({"std": "0.5"}, TypeError, "std: expected a number or one a channel, got '0.5'"),
        ({"mean": float("nan")}, ValueError, "mean: expected a number"),
        ({"pixel_range": (1, 0)}, ValueError, "pixel_range: expected black below white, got 1"),
        ({"pixel_range": (0, 1, 2)}, ValueError, "pixel_range: expected two numbers, got 3"),
        ({"pixel_range": 255}, TypeError, "pixel_range: expected two numbers, got 255"),
        ({"channels": "GBR"}, ValueError, "channels: expected one of 'RGB', 'BGR', got 'GBR'"),
        ({"layout": "HWC"}, ValueError, "layout: expected one of 'NCHW', 'NHWC', got 'HWC'"),
        ({"outputs": "softmax"}, ValueError, "outputs: expected one of 'logits', 'probabilities'"),
    ],
)
def test_what_does_not_fit(options, error, message):
    with pytest.raises(error, match=message):
        named(plain(), **options)
    if error is ValueError:
        with pytest.raises(ValueError, match=message):
            fk.models.load(plain(), input_shape=SHAPE, **options)


def test_networks_that_have_their_own_are_not_given_another():
    with pytest.raises(ValueError, match="mean: expected none, as 'lenet' has its own, got 0.5"):
        fk.models.load("lenet", mean=0.5)
