import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit import cli
from foolkit._torchvision import import_torchvision
from foolkit.evolution.elites import read_png
from foolkit.models import Classifier, cropped
from foolkit.models.crops import cut


class Counting(nn.Module):
    """A small network that is sure of itself, and remembers the largest batch."""

    def __init__(self, shape=(3, 6, 5)):
        super().__init__()
        torch.manual_seed(0)
        channels, height, width = shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 4, 3), nn.Tanh(), nn.Flatten(),
            nn.Linear(4 * (height - 2) * (width - 2), 7),
        )  # fmt: skip
        self.largest = self.calls = 0

    def forward(self, images):
        self.largest, self.calls = max(self.largest, len(images)), self.calls + 1
        return 20 * self.layers(images)


@pytest.fixture
def net():
    return Classifier(Counting(), input_shape=(3, 6, 5), classes=7, name="seven").eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(23, 3, 9, 9, generator=torch.Generator().manual_seed(1))


def oversample(image, height, width):
    """Ten crops ``[10, height, width, C]`` of ``[H, W, C]``: Caffe's, in plain NumPy."""
    tall, wide = image.shape[:2]
    crops = []
    for top in (0, tall - height):
        for left in (0, wide - width):
            crops.append(image[top : top + height, left : left + width])
    top, left = int(tall / 2 - height / 2), int(wide / 2 - width / 2)
    crops.append(image[top : top + height, left : left + width])
    return np.stack(crops + [crop[:, ::-1] for crop in crops])


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def plainly(net, image):
    """The mean of ten softmax outputs, of one image ``[C, H, W]``."""
    _, height, width = net.input_shape
    seen = oversample(image.permute(1, 2, 0).numpy(), height, width)
    with torch.inference_mode():
        logits = net(torch.from_numpy(seen.transpose(0, 3, 1, 2).copy()))
    return softmax(logits.double().numpy()).mean(0)


def test_its_softmax_is_the_mean_over_caffes_ten_crops(net, images):
    many = cropped(net, size=9, chunk=30)
    said = fk.models.predict(many, images)
    expected = np.stack([plainly(net, image) for image in images])
    assert np.allclose(said.numpy(), expected, atol=1e-6)
    one = fk.models.predict(net, images[:, :, 1:7, 2:7])
    assert (said - one).abs().max() > 0.1  # ten say something else than one
    assert torch.allclose(many(images).exp().sum(1), torch.ones(23), atol=1e-6)


@pytest.mark.parametrize("size", [(9, 9), (8, 10), (6, 5), (7, 6)])
def test_the_crops_themselves(size):
    """256 - 227 is odd: the centre is where Caffe has it, and its mirror is of the same pixels."""
    images = torch.rand(2, 3, *size)
    seen = cut(images, 6, 5, 10)
    for n, image in enumerate(images):
        expected = oversample(image.permute(1, 2, 0).numpy(), 6, 5)
        assert np.array_equal(seen[:, n].numpy(), expected.transpose(0, 3, 1, 2))
    assert torch.equal(cut(images, 6, 5, 1)[0], seen[4])


def test_where_the_margins_are_even_torchvision_cuts_the_same():
    import_torchvision()
    from torchvision.transforms.functional import ten_crop

    images = torch.rand(2, 3, 8, 9)
    ours = cut(images, 6, 5, 10).flatten(1).sort(0).values
    theirs = torch.stack(ten_crop(images, [6, 5])).flatten(1).sort(0).values
    assert torch.equal(ours, theirs)


def test_one_crop_is_the_network_on_the_centre(net, images):
    one = cropped(net, size=9, crops=1)
    centre = fk.models.predict(net, images[:, :, 1:7, 2:7])
    assert torch.allclose(fk.models.predict(one, images), centre, atol=1e-6)


def test_gradients_are_those_of_the_mean_and_memory_is_bounded(net, images):
    def slope(answer):
        pixels = images.clone().requires_grad_()
        return torch.autograd.grad(answer(pixels)[:, 2].sum(), pixels)[0]

    def mean(pixels):
        return torch.stack([net(c).softmax(1) for c in cut(pixels, 6, 5, 10)]).mean(0).log()

    expected = slope(mean)
    assert expected.abs().max() > 0.1
    net.module.largest = net.module.calls = 0
    found = slope(cropped(net, size=9, chunk=45))
    assert net.module.largest == 40
    assert net.module.calls == 2 * 6  # forgotten, and computed again on the way back
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)
    whole = slope(cropped(net, size=9, chunk=230))
    assert net.module.largest == 230
    assert torch.allclose(found, whole, rtol=1e-3, atol=1e-4)


def test_certainty_stays_finite_and_is_not_rounded_to_it():
    class Sure(nn.Module):
        def forward(self, images):
            left = images[:, 0, 0, 0] > 0.5  # of one crop only
            return torch.stack([left * 400.0, ~left * 400.0], 1)

    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 0, 0] = 1
    net = cropped(Classifier(Sure(), input_shape=(1, 3, 3), classes=2, name="sure"), size=5)
    assert torch.allclose(net(image).exp(), torch.tensor([[0.1, 0.9]]))
    assert net(torch.zeros(1, 1, 5, 5)).tolist()[0] == pytest.approx([-400, 0])


def test_names_and_errors(net):
    made = cropped(net, size=9)
    assert (made.name, made.input_shape) == ("seven, 10 crops of 9", (3, 9, 9))
    assert made.classes == net.classes
    assert cropped(net, size=9, crops=1).name == "seven, the centre of 9"
    assert not made.training
    with pytest.raises(TypeError, match="net: expected a foolkit.models.Classifier, got Linear"):
        cropped(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="size: expected at least 6, as 'seven' takes 6 x 5 pixel"):
        cropped(net, size=5)
    with pytest.raises(ValueError, match="crops: expected 10 or 1, got 5"):
        cropped(net, size=9, crops=5)
    with pytest.raises(ValueError, match="chunk: expected an integer of at least 10, got 9"):
        cropped(net, size=9, chunk=9)
    with pytest.raises(ValueError, match=r"images: expected shape \[N, 3, 9, 9\]"):
        made(torch.rand(1, 3, 6, 5))


def test_evolution_takes_it_and_goes_on_only_with_the_same_crops(net, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    code = fk.encodings.CPPN((3, 9, 9))
    options = {"batch": 20, "progress": False, "precision": "float32"}
    fk.evolve(cropped(net, 9), code, generations=2, checkpoint=path, **options)
    with pytest.raises(ValueError, match=r"network is 'seven, 10 crops of 9' there"):
        fk.evolve(cropped(net, 9, crops=1), code, generations=4, checkpoint=path, **options)
    elites = fk.evolve(cropped(net, 9), code, generations=4, checkpoint=path, **options)
    whole = fk.evolve(cropped(net, 9), code, generations=4, **options)
    assert torch.equal(elites.images, whole.images)
    means = np.stack([plainly(net, image) for image in elites.images])
    assert np.allclose(means.diagonal(), elites.confidence, atol=1e-5)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def test_the_command_line_records_the_crops_and_resumes(net, tmp_path, capsys):
    path, out = tmp_path / "seven.pt2", tmp_path / "run"
    free = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(net.module.layers, (torch.rand(2, 3, 6, 5),), dynamic_shapes=free)
    torch.export.save(program, path)
    options = ["--model", path, "--batch", 20, "--precision", "float32", "--quiet"]
    crops = ["--crops", 10, "--size", 9]
    assert run("evolve", *options, *crops, "--generations", 2, "--out", out) == 0
    config = json.loads((out / "config.json").read_text())
    assert (config["crops"], config["size"]) == (10, 9)
    assert run("evolve", *options, *crops, "--generations", 3, "--out", out) == 0
    assert "generation 3" in capsys.readouterr().out
    assert read_png(next((out / "images").glob("*.png"))).shape == (3, 9, 9)
    assert run("evolve", *options, "--crops", 1, "--size", 9, "--out", out) == 2
    assert "holds another run: generations" not in (said := capsys.readouterr().err)
    assert "crops is 10 there, 1 here" in said
    assert run("transfer", out, "--model", path, *crops, "--quiet", "--out", tmp_path / "t") == 0
    assert "% of the images the same class" in capsys.readouterr().out
    assert json.loads((tmp_path / "t" / "config.json").read_text())["crops"] == 10
    new = ["--out", tmp_path / "new"]
    assert run("evolve", *options, "--size", 9, *new) == 2
    assert "--size is that of the images which --crops cuts from" in capsys.readouterr().err
    assert run("evolve", *options, "--crops", 3, *new) == 2
    assert "crops: expected 10 or 1, got 3" in capsys.readouterr().err
    assert run("evolve", *options, "--crops", 10, "--size", 4, *new) == 2
    assert "size: expected at least 6" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set")
def test_a_network_of_imagenet_on_photographs():
    folder = Path(os.environ["FOOLKIT_DATA"], "imagenet")
    net = fk.models.load(folder / "mobilenet_v1.pt2")
    paths = sorted((folder / "samples").glob("*.jpg"))[:100:25]
    photographs = torch.stack([read_png(path) for path in paths])
    photographs = nn.functional.interpolate(photographs, 256, mode="bilinear").clamp(0, 1)
    said = fk.models.predict(cropped(net), photographs)
    expected = np.stack([plainly(net, image) for image in photographs])
    assert np.abs(said.numpy() - expected).max() < 1e-4
    assert np.array_equal(said.argmax(1).numpy(), expected.argmax(1))
