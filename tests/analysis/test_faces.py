from dataclasses import replace

import pytest
import torch

import foolkit as fk
from foolkit.analysis import auroc, logits_apart
from foolkit.data.faces import NOTHING, drawing
from foolkit.models.faces import load_face_net

SHARED = ("all", "outline", "parts", "none")


@pytest.fixture(scope="module")
def net():
    return load_face_net("pooled", "order")


def test_all_together_it_is_the_network(net):
    given = drawing(20, "scrambled", seed=2)
    with torch.inference_mode():
        expected = net(given.images())
    assert torch.allclose(logits_apart(net, given, "all"), expected, atol=1e-5)


def test_a_single_thing_is_seen_alike_in_every_way(net):
    given = drawing(20, seed=3)
    kinds = torch.full_like(given.kinds, NOTHING)
    with torch.inference_mode():
        outlines = net(replace(given, kinds=kinds).images())
    for shared in SHARED:
        found = logits_apart(net, replace(given, kinds=kinds), shared)
        assert torch.allclose(found, outlines, atol=1e-4)
    kinds[:, 4] = given.kinds[:, 4]  # the nose, in the middle: far from the outline
    given.places[:, 4] = 0
    with torch.inference_mode():
        noses = net(replace(given, kinds=kinds).images())
    for shared in SHARED:
        found = logits_apart(net, replace(given, kinds=kinds), shared)
        assert torch.allclose(found, noses, atol=1e-4)


def test_apart_the_places_make_no_difference(net):
    given = drawing(10, seed=4)
    moved = given.places.clone()
    moved[:, 5] += torch.tensor([2.0, -4.0])  # by whole poolings, towards the nose
    after = replace(given, places=moved)
    apart = [logits_apart(net, one, "none") for one in (given, after)]
    together = [logits_apart(net, one, "all") for one in (given, after)]
    assert torch.allclose(*apart, atol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_what_a_pooled_network_knows_of_order_it_knows_from_shared_windows(seed):
    net = load_face_net("pooled", "order", seed=seed)
    pairs = [drawing(500, what, seed=7) for what in ("face", "scrambled")]
    told = {}
    for shared in SHARED:
        face, scrambled = (logits_apart(net, one, shared).diff(dim=1)[:, 0] for one in pairs)
        told[shared] = auroc(face, scrambled)
    assert told["all"] > 0.7
    assert abs(told["none"] - 0.5) < 0.06
    assert told["all"] > max(told["outline"], told["parts"])
    assert min(told["outline"], told["parts"]) > 0.53


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: logits_apart(load_face_net("whole"), drawing(1)), TypeError, "net: .* pooled"),
        (lambda: logits_apart(fk.models.load("lenet"), drawing(1)), TypeError, "net: .* pooled"),
        (
            lambda: logits_apart(load_face_net("pooled"), drawing(1), "some"),
            ValueError,
            "shared: expected one of 'all', 'outline', 'parts', 'none', got 'some'",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
