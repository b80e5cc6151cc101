"""What is stored of photographs is what the network says of them."""

import os
from pathlib import Path

import pytest
import torch

import foolkit as fk
from foolkit.bank import photographs
from foolkit.models.imagenet import programs

SAMPLES = Path(os.environ.get("FOOLKIT_DATA") or "nowhere", "imagenet", "samples")
needs_samples = pytest.mark.skipif(not (SAMPLES.is_dir() and programs()), reason="no samples")


@pytest.fixture(scope="module")
def net():
    return fk.models.load("squeezenet1_1")


def test_the_attacks_keep_their_sizes_and_the_noise_is_as_long(net):
    images, _ = fk.data.embedded_photographs(net.input_shape)
    images = images[:2]
    labels = fk.models.predict(net, images).argmax(1)
    made = photographs.attacked(net, images, labels)
    assert list(made) == [
        *(f"one step, {n}" for n in (1, 2, 4, 8)), *(f"noise, {n}" for n in (1, 2, 4, 8)),
        "five steps, 1",
    ]  # fmt: skip
    for size in photographs.SIZES:
        step, noise = made[f"one step, {size}"], made[f"noise, {size}"]
        assert step.linf.max() <= size / 255 + 1e-6
        assert torch.allclose(noise.l2, step.l2, rtol=0.02)
    assert made["five steps, 1"].linf.max() <= 1 / 255 + 1e-6


def test_what_is_stored_is_of_the_photographs_that_were_read_right():
    stored = photographs.stored()
    lengths = {len(flags) for flags in stored.values()}
    assert len(lengths) == 1
    assert 55 <= lengths.pop() <= 70
    share = {kind: float(flags.float().mean()) for kind, flags in stored.items()}
    assert share["five steps, 1"] > 0.9
    for size in photographs.SIZES:
        assert share[f"one step, {size}"] > share[f"noise, {size}"] + 0.3


@needs_samples
def test_the_samples_attacked_again_give_what_is_stored(net):
    images, labels = fk.data.sample_photographs(net.input_shape)
    right = fk.models.predict(net, images).argmax(1) == labels
    few = right.nonzero()[:8, 0]
    again = photographs.flags(net, images[few], labels[few], {})
    stored = photographs.stored()
    for kind, flags in again.items():
        if not kind.startswith(("noise", "right")):  # noise is drawn for all at once
            assert (flags == stored[kind][: len(few)]).float().mean() >= 0.85, kind
