"""The signs of a bad evaluation, each on a network that has it, and the planted neighbours."""

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis import plant, warning_signs
from foolkit.models.disguises import Settled

EPSILON = 0.2
SIGNS = {
    "answers at random": "shaken", "ends in a softmax": "softmax", "gradients of zero": "rounded",
    "better without gradient": "steep", "optimises to answer": "settled",
}  # fmt: skip


@pytest.fixture(scope="module")
def some():
    images, labels = fk.models.comparison_digits()
    return images[:40], labels[:40]


@pytest.fixture(scope="module")
def plain():
    return fk.models.load("fc64-softmax")


def looked_at(net, some):
    found = warning_signs(net, *some, epsilon=0.1, steps=10, queries=60)
    assert [sign.name for sign in found] == list(SIGNS)
    return {sign.name: sign for sign in found}


def test_an_honest_network_shows_no_sign(some, plain):
    assert not any(sign.seen for sign in looked_at(plain, some).values())


@pytest.mark.parametrize("name", SIGNS)
def test_each_sign_is_seen_on_a_network_that_has_it(some, plain, name):
    found = looked_at(fk.models.disguised(plain, SIGNS[name]), some)
    if name == "better without gradient":  # the ratio of logits undoes a steep softmax
        assert found["gradients of zero"].seen
        name = "gradients of zero"
    assert found[name].seen, found[name]
    assert found[name].found
    facts = {"answers at random", "ends in a softmax", "optimises to answer"}
    assert {one for one in facts if found[one].seen} == facts & {name}


def test_a_random_search_that_beats_the_gradient_is_seen(some, plain):
    found = looked_at(fk.models.disguised(plain, "rounded"), some)
    assert found["better without gradient"].seen


def test_gradients_are_counted_for_each_answer_and_only_then(some, plain):
    assert looked_at(Settled(plain), some)["optimises to answer"].found == "2 gradients an answer"
    assert torch.autograd.grad.__module__ == "torch.autograd"
    assert torch.autograd.backward.__module__ == "torch.autograd"


def test_a_network_with_any_door_is_looked_at(some, plain):
    class Tuple(nn.Module):
        def forward(self, images):
            return (plain(images), torch.zeros(1))

    assert not any(sign.seen for sign in looked_at(Tuple(), some).values())


def along(loss="cross-entropy"):
    def attack(net, images, labels):
        return fk.gradients.pgd(net, images, labels, epsilon=EPSILON, steps=10, loss=loss)

    return attack


@pytest.fixture(scope="module")
def planted(some):
    lenet = fk.models.load("lenet")
    return {
        kind: plant(net, some[0][:8], epsilon=EPSILON, inside=60)
        for kind, net in {
            "plain": lenet,
            "steep": fk.models.disguised(lenet, "steep"),
            "rounded": fk.models.disguised(lenet, "rounded"),
        }.items()
    }


def test_what_is_planted_is_there_and_within_the_box(some, planted):
    for made in planted.values():
        logits = made.net(made.neighbours)
        assert logits.shape == (8, 2)
        assert (logits.argmax(1) == 1).all()
        assert (made.net(made.images).argmax(1) == 0).all()
        assert (made.neighbours - made.images).abs().max() <= EPSILON + 1e-6
        assert not made.by_chance.any()
        assert made.share_found(lambda *_, made=made: made.neighbours).value == 1
        assert made.share_found(lambda net, images, labels: images).value == 0


def test_its_logits_are_as_far_apart_as_those_of_the_network(some, planted):
    two = fk.models.load("lenet")(some[0][:8]).topk(2).values
    lead = two[:, 0] - two[:, 1]
    for kind, times in (("plain", 1), ("steep", 1e4)):
        made = planted[kind].net(planted[kind].images)
        torch.testing.assert_close(made[:, 0] - made[:, 1], times * lead, rtol=1e-3, atol=0)


def test_an_image_is_read_by_its_own_line_in_any_batch(planted):
    made = planted["plain"]
    together = made.net(made.neighbours)
    alone = torch.cat([made.net(one[None]) for one in made.neighbours.flip(0)]).flip(0)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*exactly zero")
def test_an_attack_that_works_finds_them_and_one_that_is_blinded_does_not(planted):
    assert planted["plain"].share_found(along()).value == 1
    assert planted["steep"].share_found(along()).value == 0
    assert planted["steep"].share_found(along("margin")).value == 1
    assert planted["rounded"].share_found(along("margin")).value == 0
    square = planted["rounded"].share_found(
        lambda *given: fk.gradients.square(*given, epsilon=EPSILON, steps=200, progress=False)
    )
    assert square.value == 1


def test_an_attack_that_leaves_the_box_is_refused(planted):
    with pytest.raises(ValueError, match=r"attack: expected changes of up to 0\.2, got one of"):
        planted["plain"].found(lambda net, images, labels: 1 - images)
    with pytest.raises(ValueError, match="attack: expected 8 images, got 3"):
        planted["plain"].found(lambda net, images, labels: images[:3])


def test_images_that_share_a_box_are_refused(some, plain):
    with pytest.raises(ValueError, match=r"images: expected them farther than 1\.2"):
        plant(plain, some[0], epsilon=0.6)
    with pytest.raises(ValueError, match="images: expected them farther"):
        plant(plain, some[0][[0, 0]], epsilon=0.1)


def test_what_does_not_fit_is_named(some, plain):
    for bad in ({"epsilon": 0}, {"reach": 1}, {"depth": 0}, {"inside": 1}):
        with pytest.raises((TypeError, ValueError), match=next(iter(bad))):
            plant(plain, some[0][:2], **{"epsilon": 0.1, **bad})
    with pytest.raises(ValueError, match="epsilon"):
        warning_signs(plain, *some, epsilon=0)
    with pytest.raises(ValueError, match="labels"):
        warning_signs(plain, some[0], some[1][:3], epsilon=0.1)
