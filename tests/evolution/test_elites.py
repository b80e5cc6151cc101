import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import foolkit as fk
from foolkit.encodings import Pixels
from foolkit.evolution import Elites, read_png
from foolkit.files import load_tensors, save_tensors


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


@pytest.fixture(scope="module")
def elites(lenet):
    return fk.evolve(lenet, Pixels(lenet.input_shape), generations=20, seed=0, progress=False)


@pytest.mark.parametrize("seed", range(5))
def test_all_ten_digits_are_bred_and_survive_the_png(lenet, tmp_path, seed):
    """The claim of the paper, with margin: ten elites at 0.9999 within 400 generations."""
    bred = fk.evolve(
        lenet, Pixels(lenet.input_shape), generations=400, seed=seed, until=0.9999, progress=False
    )
    bred.export(tmp_path, lenet)
    pixels = [np.array(Image.open(path)) for path in sorted(tmp_path.glob("*.png"))]
    images = torch.from_numpy(np.stack(pixels))[:, None].float() / 255
    logits = lenet(images)
    assert logits.dtype == torch.float32
    confidence = logits.softmax(1).diagonal()
    assert len(confidence) == 10
    assert (confidence >= 0.9999).all()
    half = bred.history.confidence[:201][-1]  # at generation 200, or at the end if it came before
    assert (half >= 0.9999).sum() >= 9


def test_save_and_load(elites, tmp_path):
    elites.save(tmp_path / "elites.safetensors")
    loaded = Elites.load(tmp_path / "elites.safetensors")
    assert loaded.classes == elites.classes
    assert type(loaded.genomes) is type(elites.genomes)
    for name in ("images", "confidence", "born", "parent", "parent_born"):
        assert torch.equal(getattr(loaded, name), getattr(elites, name))
    assert torch.equal(loaded.history.confidence, elites.history.confidence)
    assert torch.equal(loaded.genomes.pixels, elites.genomes.pixels)


def test_load_refuses_other_files(lenet, tmp_path):
    path = tmp_path / "run.safetensors"
    fk.evolve(lenet, Pixels(lenet.input_shape), generations=1, progress=False, checkpoint=path)
    with pytest.raises(ValueError, match="path: expected a file of elites, got 'MAP-Elites'"):
        Elites.load(path)


def test_load_refuses_genomes_that_nobody_knows(elites, tmp_path):
    path = tmp_path / "elites.safetensors"
    elites.save(path)
    tensors, facts = load_tensors(path, "path")
    save_tensors(path, tensors, {**facts, "genomes": "Spirals"})
    with pytest.raises(ValueError, match=r"path: expected genomes of a known kind \(.*Pixel"):
        Elites.load(path)


def test_load_knows_a_kind_of_a_kind(elites, tmp_path):
    class Engraved(fk.encodings.PixelGenomes):
        pass

    path = tmp_path / "elites.safetensors"
    replace(elites, genomes=Engraved(elites.genomes.pixels)).save(path)
    assert type(Elites.load(path).genomes) is Engraved


def test_load_refuses_images_that_are_not_of_8_bits(elites, tmp_path):
    path = tmp_path / "elites.safetensors"
    elites.save(path)
    tensors, facts = load_tensors(path, "path")
    assert tensors["images"].dtype == torch.uint8
    save_tensors(path, {**tensors, "images": elites.images}, facts)
    with pytest.raises(ValueError, match="expected images in 8-bit numbers, got torch.float32"):
        Elites.load(path)


@pytest.mark.parametrize("name", ["images", "confidence", "born", "genomes.pixels"])
def test_load_refuses_a_file_without_one_of_its_tensors(elites, tmp_path, name):
    path = tmp_path / "elites.safetensors"
    elites.save(path)
    tensors, facts = load_tensors(path, "path")
    for odd in (
        {n: t for n, t in tensors.items() if n != name},
        {**tensors, name: tensors[name][:3]},
    ):
        save_tensors(path, odd, facts)
        with pytest.raises(ValueError, match="path: expected .*genomes"):
            Elites.load(path)


def test_export_says_what_the_network_says(tmp_path):
    """An elite's class is not always the one that the network names."""
    biased = torch.nn.Linear(36, 3)
    with torch.no_grad():
        biased.bias.copy_(torch.tensor([0.0, 50.0, 0.0]))
    net = torch.nn.Sequential(torch.nn.Flatten(), biased)
    bred = fk.evolve(net, Pixels((1, 6, 6)), generations=2, progress=False)
    bred.export(tmp_path, net, chunk=2)
    listing = json.loads((tmp_path / "elites.json").read_text())
    assert [row["class"] for row in listing] == list("012")
    assert [row["predicted"] for row in listing] == list("111")
    assert listing[0]["confidence"] < 0.01
    assert listing[0]["predicted_confidence"] > 0.99


@pytest.mark.parametrize("channels", [2, 5])
def test_images_of_other_channels_survive_the_png(tmp_path, channels):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16 * channels, 3))
    bred = fk.evolve(net, Pixels((channels, 4, 4)), generations=3, progress=False)
    assert torch.allclose(bred.export(tmp_path, net), bred.confidence, atol=1e-6)


def test_export_writes_the_very_images(lenet, elites, tmp_path):
    confidence = elites.export(tmp_path / "new" / "folder", lenet)
    assert torch.allclose(confidence, elites.confidence, atol=1e-6)
    listing = json.loads((tmp_path / "new" / "folder" / "elites.json").read_text())
    assert [row["class"] for row in listing] == list("0123456789")
    for row, image in zip(listing, elites.images, strict=True):
        assert torch.equal(read_png(tmp_path / "new" / "folder" / row["file"]), image)


def test_export_notices_another_network(lenet, elites, tmp_path):
    other = fk.models.Classifier(fk.models.LeNet(), input_shape=(1, 28, 28), classes=10, name="o")
    with pytest.raises(RuntimeError, match="another network"):
        elites.export(tmp_path, other)


def test_export_to_an_unwritable_folder(lenet, elites, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="folder: expected a folder that can be written"):
        elites.export(tmp_path / "file" / "below", lenet)


def test_colour_survives_the_png(tmp_path):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    net = fk.models.Classifier(module, input_shape=(3, 4, 4), classes=["a/b", "c d", "é"], name="c")
    bred = fk.evolve(net, Pixels((3, 4, 4)), generations=3, progress=False)
    assert torch.allclose(bred.export(tmp_path, net), bred.confidence, atol=1e-6)
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_elites_move(elites):
    assert elites.to("cpu").images.device.type == "cpu"
    assert len(elites) == 10


def test_a_short_word_for_many_numbers(elites):
    assert repr(elites) == (
        f"Elites(10 classes, generation {len(elites.history.confidence) - 1}, median"
        f" confidence {float(elites.history.median[-1]):.4f})"
    )
