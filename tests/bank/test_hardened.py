"""Trainings on the worst image of a box: resumed exactly, and stored as they are read."""

import dataclasses

import pytest
import torch

import foolkit as fk
from foolkit.bank import hardened, store
from tools.bank import hardened as program


@pytest.mark.parametrize("name", ["PGD-40, rectified", "TRADES", "one step"])
def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch, name):
    images, labels = fk.data.digits()
    kind = hardened.TRAININGS[name]
    short = dataclasses.replace(kind, phases=((2, 1), (1, 3)))
    monkeypatch.setitem(program.TRAININGS, name, short)
    monkeypatch.setattr(program, "WATCHED", 20)
    some = images[:300], labels[:300]
    (tmp_path / "whole").mkdir()
    whole, passes = program.train(name, 0, *some, tmp_path / "whole")

    def stop_at_the_second(path, net, optimizer, done):
        keep_pass(path, net, optimizer, done)
        if done == 2:
            raise KeyboardInterrupt

    keep_pass = program.keep_pass
    monkeypatch.setattr(program, "keep_pass", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        program.train(name, 0, *some, tmp_path)
    monkeypatch.setattr(program, "keep_pass", keep_pass)
    resumed, again = program.train(name, 0, *some, tmp_path)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(torch.tensor(again), torch.tensor(passes), atol=1e-3, rtol=0)
    assert len(passes) == 3


def test_the_rough_copy_follows_the_weights():
    net = fk.models.load("lenet").module
    rough = program.Rough(net)
    images = fk.models.comparison_digits()[0][:50]
    with torch.no_grad():
        for weight in rough.net.parameters():
            weight.zero_()
        assert rough(images).abs().max() == 0
        rough.follow()
        exact = net(images)
        assert (rough(images).argmax(1) == exact.argmax(1)).float().mean() > 0.95
        torch.testing.assert_close(rough(images), exact, rtol=0.1, atol=0.5)


def test_curves_are_shares_after_each_pass():
    for name, passes in hardened.curves().items():
        plan = sum(count for count, _ in hardened.TRAININGS[name].phases)
        assert passes.shape == (len(hardened.seeds(name)), plan, len(hardened.MEASURED))
        assert passes.min() >= 0
        assert passes.max() <= 1
        assert (passes[:, -1, 0] > 0.9).all()  # each has learned to read


def test_an_attack_leaves_no_more_than_was_right_before():
    for name, right in hardened.verdicts().items():
        assert set(right) == set(hardened.ATTACKS)
        for attack in hardened.ATTACKS:
            assert right[attack].shape == (len(hardened.seeds(name)), hardened.WATCHED)
            assert not bool((right[attack] & ~right["clean"]).any())


@pytest.mark.parametrize("name", [name for name in hardened.FORTY if hardened.seeds(name)])
def test_the_network_that_is_kept_is_the_first_that_was_judged(name):
    images, labels = (part[: hardened.WATCHED] for part in fk.models.comparison_digits())
    right = fk.models.predict(hardened.network(name), images).argmax(1) == labels
    stored = hardened.verdicts()[name]["clean"][hardened.seeds(name).index(0)]
    assert (right == stored).double().mean() > 0.99  # but for images on the boundary


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match="name: expected one of 'PGD-40, rectified'"):
        hardened.network("one step")
    assert len((store.PLACE / hardened.FILE).read_bytes()) < 100_000
