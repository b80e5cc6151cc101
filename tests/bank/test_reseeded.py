"""The shipped trainings from other seeds: what is stored is what the networks say."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import reseeded, store
from tools.bank import reseeded as program


def test_it_holds_three_networks_of_every_training():
    for name, right in reseeded.withstood().items():
        assert name in reseeded.NETWORKS
        for stood in right.values():
            assert stood.shape == (len(reseeded.SEEDS), reseeded.ATTACKED)
            assert (stood & ~right["clean"]).double().mean() < 0.01  # mistakes are seldom mended
        assert (right["pgd 0.3"] & ~right["fgsm 0.3"]).double().mean() < 0.02
        assert right["clean"].double().mean() > 0.95
    for made in reseeded.fooled().values():
        assert made.shape == (len(reseeded.SEEDS), reseeded.RUNS, 10)
    for right in reseeded.crossed().values():
        assert right.shape == (len(reseeded.SEEDS), reseeded.ATTACKED)
    for sure in reseeded.confident().values():
        assert 0 <= float(sure.min()) <= float(sure.max()) <= 1


def test_the_file_is_small():
    assert len((store.PLACE / reseeded.FILE).read_bytes()) < 3e5


@pytest.mark.parametrize("name", reseeded.NETWORKS)
def test_the_first_of_each_training_is_the_shipped_network(name):
    net = fk.models.load(name)
    images, labels = (part[: reseeded.ATTACKED] for part in fk.models.comparison_digits())
    right = fk.models.predict(net, images).argmax(1) == labels
    made = fk.gradients.fgsm(net, images, labels, epsilon=reseeded.SIZES["goodfellow"])
    stored = reseeded.withstood()[name]
    assert (right == stored["clean"][0]).double().mean() > 0.99  # but for those on a boundary
    assert (~made.success == stored["fgsm"][0]).double().mean() > 0.98
    sure = float(made.confidence[made.success].mean())
    assert abs(sure - float(reseeded.confident()[name][0])) < 0.02


@pytest.mark.parametrize("name", ["lenet", "lenet-exposed"])
def test_scores_are_those_of_the_network(name):
    rate = fk.analysis.MaxSoftmax(fk.models.load(name)).score
    digits = fk.models.comparison_digits()[0][: reseeded.DRAWN]
    found = reseeded.scores(name)
    assert set(found) == {"digits", "held", *reseeded.OUTSIDERS}
    torch.testing.assert_close(found["digits"][0], rate(digits), atol=0.05, rtol=0.01)
    torch.testing.assert_close(found["negatives"][0], rate(1 - digits), atol=0.05, rtol=0.01)


def test_a_network_is_trained_once(tmp_path, monkeypatch):
    digits, labels = fk.data.digits()
    monkeypatch.setattr(program, "training_digits", lambda split: (digits[:640], labels[:640]))
    first = program.network("lenet-fgsm", 4, tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    program.network.cache_clear()
    again = program.network("lenet-fgsm", 4, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    some = digits[:20]
    assert torch.equal(fk.models.predict(first, some), fk.models.predict(again, some))
    assert torch.equal(
        fk.models.predict(program.network("lenet-fgsm", 0, tmp_path), some),
        fk.models.predict(fk.models.load("lenet-fgsm"), some),
    )
    program.network.cache_clear()


def test_what_is_reached_from_nothing_is_told_by_run_and_class(monkeypatch):
    monkeypatch.setattr(program, "RUNS", 2)
    monkeypatch.setattr(program, "UNTIL", {"direct": 3, "cppn": 3})
    found = program.reached(fk.models.load("fc64-softmax"), 0)
    assert {way: made.shape for way, made in found.items()} == dict.fromkeys(reseeded.WAYS, (2, 10))
