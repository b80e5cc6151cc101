import os

import pytest
import torch

import foolkit as fk
from foolkit.models.train import RECIPES, Recipe, accuracy, fit


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


def test_available_and_unknown():
    assert "lenet" in fk.models.available()
    with pytest.raises(ValueError, match="name: no network 'lenett'; shipped are .*lenet"):
        fk.models.load("lenett")


def test_every_shipped_network_has_a_recipe_and_a_card():
    assert set(fk.models.available()) == set(RECIPES)
    for name in fk.models.available():
        card = fk.models.card(name)
        assert card["name"] == name
        assert Recipe(**{k: card[k] for k in Recipe.__dataclass_fields__}) == RECIPES[name]


def test_lenet_is_the_papers(lenet):
    assert sum(p.numel() for p in lenet.parameters()) == 431_080
    kinds = [type(m).__name__ for m in lenet.module]
    convolutions = ["GreyConv2d", "MaxPool2d", "Conv2d", "MaxPool2d"]
    assert kinds == [*convolutions, "Flatten", "Linear", "ReLU", "Linear"]
    assert not lenet.training


def test_weights_are_float16_numbers(lenet):
    assert all(torch.equal(p.half().float(), p) for p in lenet.parameters())


def test_accuracy_on_the_held_out_digits_is_the_cards(lenet):
    measured = accuracy(lenet, *fk.data.digits())
    assert measured >= 0.985
    assert measured == pytest.approx(fk.models.card("lenet")["accuracy_held_out"], abs=0.001)


@pytest.mark.skipif(not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set")
def test_accuracy_on_the_official_test_set_is_the_cards(lenet):
    measured = accuracy(lenet, *fk.data.mnist("test"))
    assert measured >= 0.99
    assert measured == pytest.approx(fk.models.card("lenet")["accuracy_test"], abs=0.001)


def test_logits_agree_over_batch_sizes_and_threads(lenet):
    images = fk.data.digits()[0][:200]
    with torch.inference_mode():
        together = lenet(images)
        scale = together.abs().max()
        apart = torch.cat([lenet(part) for part in images.split(7)])
        threads = torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            alone = lenet(images)
        finally:
            torch.set_num_threads(threads)
    assert (together - apart).abs().max() < 1e-5 * scale
    assert (together - alone).abs().max() < 1e-5 * scale


def test_the_recipe_learns():
    images, labels = fk.data.digits()
    torch.manual_seed(0)
    net = fk.models.LeNet()
    fit(net, images[:4000], labels[:4000], Recipe("LeNet", epochs=5), progress=False)
    assert accuracy(net, images[4000:], labels[4000:]) > 0.93
