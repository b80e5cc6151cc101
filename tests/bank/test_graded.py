"""The graded defences: what is stored is an attack within its box, and can be made again."""

import numpy as np
import pytest
import torch

import foolkit as fk
from foolkit.bank import graded
from tools.bank import graded as program


@pytest.fixture(scope="module")
def digits():
    return tuple(part[: graded.DIGITS] for part in fk.models.comparison_digits())


@pytest.mark.parametrize("name", graded.NETWORKS)
def test_what_is_stored_lies_in_the_box(digits, name):
    for attack in graded.ATTACKS[name]:
        made = graded.images(name, attack)
        assert made.shape == digits[0].shape
        assert (made - digits[0]).abs().max() <= graded.EPSILON + 1e-6
        assert torch.equal((made * 255).round() / 255, made)


def test_a_small_part_is_made_again_as_it_was_stored(digits):
    made = program.part("plain", "ratio", 5)["plain/ratio"]
    net = graded.network("plain")
    for images in (torch.from_numpy(made).float().div(255)[:, None], digits[0][:5]):
        assert graded.read_rightly(net, images, digits[1][:5]).shape == (5,)
    fooled = ~graded.read_rightly(net, graded.images("plain", "ratio"), digits[1])
    assert fooled.float().mean() > 0.8
    signs = program.part("softmax", "signs", 5)
    assert signs["softmax/signs/seen"].tolist() == [False, True, False, False, False]
    assert np.char.str_len(signs["softmax/signs/found"]).min() > 0


def test_the_signs_are_those_of_five_checks():
    for name in graded.NETWORKS:
        found = graded.signs(name)
        assert [sign.name for sign in found] == [sign.name for sign in graded.signs("plain")]
        assert len(found) == 5
        assert any(sign.seen for sign in found) == (name not in ("plain", "trained"))


def test_a_random_network_is_judged_by_fresh_draws(digits):
    images, labels = (part[:30] for part in digits)
    net = graded.network(graded.RANDOM)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one = graded.read_rightly(net, images, labels, seed=1)
    assert torch.equal(one, graded.read_rightly(net, images, labels, seed=1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert one.float().mean() > 0.8


def test_unknown_names_are_named():
    with pytest.raises(ValueError, match="name: expected one of 'plain', 'trained'"):
        graded.network("strong")
    with pytest.raises(ValueError, match="attack: expected one of 'steps', 'ratio', 'square'"):
        graded.images("plain", "expectation")
