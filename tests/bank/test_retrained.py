"""Rounds of retraining: what is stored is what the last networks say."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import retrained, store
from foolkit.files import as_bytes
from tools.bank import retrained as program


@pytest.fixture(scope="module")
def rounds():
    return retrained.load()


def test_it_holds_all_rounds_of_every_chain(rounds):
    count = len(retrained.CHAINS)
    assert len(rounds) == retrained.ROUNDS + 1
    for made in rounds:
        assert made.images.shape == (count * retrained.RUNS * 10, 1, 28, 28)
        assert len(made.runs.unique()) == count * retrained.RUNS
        assert made.classes.bincount().tolist() == [count * retrained.RUNS] * 10
        assert torch.equal((made.images * 255).round() / 255, made.images)
        assert int(made.reached.max()) <= retrained.GENERATIONS
        assert torch.equal(made.confidence >= retrained.ENOUGH, made.reached >= 0)
        assert made.accuracy.min() > 0.97


def test_the_file_is_small():
    assert len((store.PLACE / retrained.FILE).read_bytes()) < 2e6


@pytest.mark.parametrize("chain", retrained.CHAINS)
def test_what_is_stored_is_what_the_networks_say(rounds, chain):
    place = retrained.CHAINS.index(chain)
    for number, net in ((0, fk.models.load(chain)), (-1, retrained.network(chain))):
        made = rounds[number]
        mine = made.chains == place
        said = fk.models.predict(net, made.images[mine])
        own = said.gather(1, made.classes[mine][:, None])[:, 0]
        assert (own - made.confidence[mine]).abs().max() < 1e-3


@pytest.mark.parametrize("chain", retrained.CHAINS)
def test_the_last_network_reads_digits_and_knows_what_it_was_shown(rounds, chain):
    net = retrained.network(chain)
    assert net.classes == (*map(str, range(10)), retrained.FOOLING)
    images, labels = fk.models.comparison_digits()
    assert (fk.models.predict(net, images).argmax(1) == labels).float().mean() > 0.97
    place = retrained.CHAINS.index(chain)
    first = rounds[0].images[rounds[0].chains == place]
    assert (fk.models.predict(net, first).argmax(1) == 10).float().mean() > 0.9


def test_an_unknown_chain_is_refused():
    with pytest.raises(ValueError, match="chain: expected one of 'lenet', 'lenet-b'"):
        retrained.network("lenet-c")


def test_breeding_keeps_what_was_ever_certain():
    net = fk.models.load("fc64-softmax")
    made, ever = program.breed(net, runs=2, seed=0, generations=20)
    assert made["images"].shape == (20, 28, 28)
    assert made["images"].dtype == torch.uint8
    there = made["reached"] >= 0
    assert torch.equal(there, made["confidence"] >= retrained.ENOUGH)
    assert len(ever) >= int(there.sum())
    said = fk.models.predict(net, ever.float().div(255)[:, None])
    assert said.amax(1).min() > retrained.ENOUGH - 1e-3


def test_retraining_learns_the_new_class(rounds):
    images, labels = fk.data.digits()
    shown = as_bytes(rounds[0].images[:200, 0])
    net = program.retrain(images[:2000], labels[:2000], shown, seed=0)
    said = fk.models.predict(net, rounds[0].images[200:])
    assert (said.argmax(1) == 10).float().mean() > 0.5
