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


@pytest.mark.parametrize("budget", retrained.BUDGETS)
def test_it_holds_all_rounds_of_every_chain(budget):
    count, spent = len(retrained.CHAINS), retrained.BUDGETS[budget]
    rounds = retrained.load(budget)
    assert len(rounds) == spent.rounds + 1
    for made in rounds:
        assert made.images.shape == (count * spent.runs * 10, 1, 28, 28)
        assert len(made.runs.unique()) == count * spent.runs
        assert made.classes.bincount().tolist() == [count * spent.runs] * 10
        assert torch.equal((made.images * 255).round() / 255, made.images)
        assert int(made.reached.max()) <= spent.generations
        assert torch.equal(made.confidence >= retrained.ENOUGH, made.reached >= 0)
        assert made.accuracy.min() > 0.97
    assert len((store.PLACE / spent.file).read_bytes()) < 2e6


def test_the_class_grows_from_round_to_round():
    learned = torch.stack([made.learned for made in retrained.load("long")])
    assert not learned[0].any()
    assert (learned.diff(dim=0) > 0).all()


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


def test_an_unknown_chain_or_budget_is_refused():
    with pytest.raises(ValueError, match="budget: expected one of 'short', 'long'"):
        retrained.load("endless")
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


def test_a_chain_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch):
    budget = retrained.Budget("tiny.npz", rounds=2, runs=1, first=2, generations=15)
    digits = [part[:500] for part in fk.data.digits()]
    monkeypatch.setattr(program, "mnist", lambda split: digits)
    monkeypatch.setattr(program, "EPOCHS", 1)
    whole, _ = program.chain("lenet", 0, budget, tmp_path / "whole")

    def stop(*_):
        keep(*_)
        raise KeyboardInterrupt

    keep = program.keep_round
    monkeypatch.setattr(program, "keep_round", stop)
    for _ in range(budget.rounds):  # after each round
        with pytest.raises(KeyboardInterrupt):
            program.chain("lenet", 0, budget, tmp_path)
    monkeypatch.setattr(program, "keep_round", keep)
    resumed, _ = program.chain("lenet", 0, budget, tmp_path)
    assert set(resumed) == set(whole)
    for name, column in whole.items():
        assert (resumed[name] == column).all(), name
