"""Photographs that libraries carry, and samples with known classes."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from foolkit.data import (
    embedded_photographs,
    photograph_pieces,
    photographs,
    sample_photographs,
)
from foolkit.data.photographs import carried

SHAPE = (3, 64, 64)
SAMPLES = Path(os.environ.get("FOOLKIT_DATA") or "nowhere", "imagenet", "samples")


def test_fourteen_photographs_are_at_hand_with_author_and_licence():
    images, photographs = embedded_photographs(SHAPE)
    assert images.shape == (len(photographs), *SHAPE) == (14, *SHAPE)
    assert [one.title for one in photographs[:3]] == ["temple", "flower", "Grace Hopper"]
    assert len({one.title for one in photographs}) == 14
    assert {one.licence for one in photographs} == {"CC0 1.0", "CC BY 2.0", "public domain"}
    assert all(one.author for one in photographs)
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.flatten(1).std(1).min() > 0.04  # pictures, not plain areas
    grey, _ = embedded_photographs((1, 28, 28))
    assert grey.shape == (14, 1, 28, 28)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        embedded_photographs((2, 28, 28))


def test_the_first_three_are_those_of_the_outsiders():
    """Two ways to the same files."""
    images, _ = embedded_photographs(SHAPE)
    for image, picture in zip(images, carried(), strict=False):
        fitted = ImageOps.fit(picture, (64, 64), Image.Resampling.BILINEAR)
        assert torch.equal(image, torch.from_numpy(np.array(fitted)).permute(2, 0, 1) / 255)


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(
        "foolkit.extras.find_spec", lambda name: None if name == "skimage" else True
    )
    with pytest.raises(ModuleNotFoundError, match=r"skimage.*foolkit\[photographs\]"):
        embedded_photographs(SHAPE)


def test_without_samples_pieces_of_them_stand_in(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOLKIT_DATA", str(tmp_path))
    images, classes = sample_photographs(SHAPE, 7)
    assert images.shape == (7, *SHAPE)
    assert classes is None
    assert torch.equal(images, sample_photographs(SHAPE, 7)[0])
    assert not torch.equal(images, sample_photographs(SHAPE, 7, seed=1)[0])
    assert sample_photographs(SHAPE)[0].shape[0] == 3


def test_samples_know_their_classes_by_their_names(tmp_path, monkeypatch):
    folder = tmp_path / "imagenet" / "samples"
    folder.mkdir(parents=True)
    for number in (0, 9, 291):
        pixels = np.full((80, 70, 3), number % 256, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}_thing.png")
    monkeypatch.setenv("FOOLKIT_DATA", str(tmp_path))
    images, classes = sample_photographs(SHAPE)
    assert sorted(classes.tolist()) == [0, 9, 291]
    assert ((images[:, 0, 0, 0] * 255).round().long() == classes % 256).all()
    assert len(sample_photographs(SHAPE, 2)[0]) == 2
    with pytest.raises(ValueError, match="at most 3"):
        sample_photographs(SHAPE, 4)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples in $FOOLKIT_DATA/imagenet")
def test_the_samples_show_what_their_names_say():
    """Two in three of thirty, by the quickest network; it reads 78 % of such photographs."""
    from foolkit.models.imagenet import programs
    from foolkit.models.loading import load

    net = load(programs()["mobilenet_v1"])
    images, classes = sample_photographs(net.input_shape, 30)
    with torch.inference_mode():
        assert (net(images).argmax(1) == classes).float().mean() > 0.6


def ramp():
    """Every level of 8 bits, 16 x 16."""
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("a.png", lambda levels: levels),
        ("b.png", lambda levels: levels.astype(np.uint16) * 257),
        ("c.tif", lambda levels: levels.astype(np.uint16) * 257),
        ("d.tiff", lambda levels: (levels.astype(np.uint16) * 257).astype(">u2")),
        ("e.tiff", lambda levels: levels.astype(np.float32) / 255),
    ],
)
def test_pictures_of_every_depth_are_the_same(tmp_path, name, values):
    Image.fromarray(values(ramp())).save(tmp_path / name)
    images, names = photographs(tmp_path, (1, 16, 16))
    assert names == (name,)
    assert torch.equal(images[0, 0] * 255, torch.from_numpy(ramp()).float())
    assert photographs(tmp_path, (3, 16, 16))[0].shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (ramp().astype(np.int32) * 1000, "whole numbers of 32 bits"),
        (ramp().astype(np.float32), r"real numbers from 0 to 255, expected \[0, 1\]"),
        (ramp() / np.float32(255) * np.nan, "real numbers from nan"),
    ],
)
def test_numbers_of_unknown_range_are_refused(tmp_path, values, message):
    Image.fromarray(values).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match=f"images: expected a picture, got .*a.tiff .*{message}"):
        photographs(tmp_path, (1, 16, 16))


def test_too_many_pixels_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    for side in (16, 40):  # Pillow warns of the first, and refuses the second
        Image.fromarray(np.zeros((side, side), np.uint8)).save(tmp_path / "a.png")
        with pytest.raises(ValueError, match="at most 200 pixels, got .*a.png"):
            photographs(tmp_path, (1, 16, 16))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_pipes_and_hidden_names_are_passed_over_and_odd_names_are_told(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "._b.png").write_bytes(b"macOS")
    odd = os.fsencode(tmp_path) + b"/c\xff.png"
    Image.fromarray(ramp()).save(tmp_path / "d.png")
    os.rename(tmp_path / "d.png", odd)
    _, names = photographs(tmp_path, (1, 16, 16))
    assert names == ("c\ufffd.png",)
    for most in (0, -1):
        with pytest.raises(ValueError, match="most: expected an integer of at least 1"):
            photographs(tmp_path, (1, 16, 16), most=most)


def test_folders_in_a_folder(tmp_path):
    for folder in ("cat", "dog"):
        (tmp_path / folder).mkdir()
        Image.fromarray(ramp()).save(tmp_path / folder / "one.png")
    _, names = photographs(tmp_path, (1, 16, 16))
    assert names == ("cat/one.png", "dog/one.png")
    Image.fromarray(ramp()).save(tmp_path / "own.png")
    assert photographs(tmp_path, (1, 16, 16))[1] == ("own.png",)


def test_pieces_come_of_each_photograph_in_turn_and_follow_the_seed():
    images, photograph = photograph_pieces(30, (3, 40, 20), seed=4)
    assert images.shape == (30, 3, 40, 20)
    assert photograph.tolist() == [i % 14 for i in range(30)]
    assert images.min() >= 0
    assert images.max() <= 1
    assert torch.equal(images[:9], photograph_pieces(9, (3, 40, 20), seed=4)[0])
    assert not torch.equal(images, photograph_pieces(30, (3, 40, 20), seed=5)[0])
    drawn = torch.Generator().manual_seed(0)
    first = photograph_pieces(14, (1, 28, 28), seed=drawn)[0]
    assert not torch.equal(first, photograph_pieces(14, (1, 28, 28), seed=drawn)[0])


def test_pieces_of_some_photographs_and_none_smaller_than_asked_for():
    images, photograph = photograph_pieces(6, SHAPE, titles=["cat", "grass"], seed=0)
    assert photograph.tolist() == [5, 13] * 3
    assert images.shape == (6, *SHAPE)
    # the whole shorter side of a photograph is all there is
    largest, _ = photograph_pieces(8, SHAPE, titles=["grass"], least=10_000, seed=0)
    assert torch.equal(largest[0], embedded_photographs(SHAPE)[0][13])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 0, "shape": SHAPE}, "n: expected"),
        ({"n": 1, "shape": SHAPE, "least": 0}, "least: expected"),
        ({"n": 1, "shape": SHAPE, "titles": ["dog"]}, "titles: expected one of"),
        ({"n": 1, "shape": (2, 4, 4)}, "1 or 3 channels"),
    ],
)
def test_bad_pieces_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        photograph_pieces(**arguments)
