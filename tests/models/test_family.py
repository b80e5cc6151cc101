"""The family of small networks: every member is what its card says."""

import pytest
import torch

import foolkit as fk
from foolkit.models import family
from foolkit.models.train import accuracy
from tools.bank.family import RECIPES, recipe


@pytest.mark.parametrize("name", family.NAMES)
def test_member_reads_digits_as_well_as_its_card_says(name):
    net = fk.models.load(f"family/{name}")
    images, labels = fk.data.digits()
    card = family.card(name)
    # of 500 digits: the standard error of a share of 0.98 is 0.006
    assert abs(accuracy(net, images[:500], labels[:500]) - card["accuracy_held_out"]) < 0.025
    assert card["accuracy_held_out"] > 0.96
    assert card["parameters"] == sum(p.numel() for p in net.parameters())
    assert not net.training
    assert net.name == f"family/{name}"


def test_three_seeds_of_every_design_are_different_networks():
    x = torch.rand((4, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for design in family.DESIGNS:
            answers = [fk.models.load(f"family/{design}-{seed}")(x) for seed in family.SEEDS]
            assert not torch.allclose(answers[0], answers[1], atol=0.1)
            assert not torch.allclose(answers[1], answers[2], atol=0.1)


def test_every_design_has_words_and_a_recipe_that_the_cards_repeat():
    assert set(family.DESIGNS) == set(family.WORDS) == set(RECIPES)
    for name in family.NAMES:
        made, said = recipe(name), family.card(name)
        assert (said["seed"], said["epochs"]) == (made.seed, made.epochs)
        assert said["architecture"] == family.WORDS[family.design_of(name)]


def test_the_designs_of_the_family_have_a_usable_gradient():
    x = torch.rand((2, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    for design in family.DESIGNS:
        net = fk.models.load(f"family/{design}-1")
        pixels = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(pixels).logsumexp(1).sum(), pixels)
        step = 1e-2 * torch.sign(slope)
        with torch.inference_mode():
            rise = (net(x + step).logsumexp(1) - net(x - step).logsumexp(1)).sum()
        assert slope.shape == x.shape
        assert float(rise) > 0


def test_an_unknown_member_is_refused_with_the_list_of_those_there_are():
    with pytest.raises(ValueError, match="no member 'tanh-9' of the family; it has lenet-1"):
        fk.models.load("family/tanh-9")
    with pytest.raises(ValueError, match="input_shape"):
        fk.models.load("family/tanh-1", input_shape=(3, 28, 28))
