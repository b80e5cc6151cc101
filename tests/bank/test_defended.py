"""Forgeries bred against defended networks: what is stored is what the networks say."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import defended, store
from tools.bank import defended as program


@pytest.fixture(scope="module")
def bred():
    return defended.load()


def test_it_holds_thirty_runs_of_every_network_and_encoding(bred):
    assert set(bred) == {(n, e) for n in defended.NETWORKS for e in ("direct", "cppn")}
    for (_, encoding), part in bred.items():
        assert part.images.shape == (10 * defended.KEPT, 1, 28, 28)
        assert len(part.confidence) == len(part.reached) == 300
        assert part.runs.bincount().tolist() == [10] * 30
        assert part.classes.bincount().tolist() == [30] * 10
        assert torch.equal((part.images * 255).round() / 255, part.images)
        assert int(part.reached.max()) <= defended.GENERATIONS[encoding]
        assert torch.equal(part.confidence >= defended.ENOUGH, part.reached >= 0)


def test_the_file_is_small():
    assert len((store.PLACE / defended.FILE).read_bytes()) < 5e5


@pytest.mark.parametrize("network", defended.NETWORKS)
def test_what_is_stored_is_what_the_network_says(bred, network):
    net = fk.models.load(network)
    for encoding in ("direct", "cppn"):
        part = bred[network, encoding]
        said = fk.models.predict(net, part.images)
        own = said.gather(1, part.classes[: len(part.images), None])[:, 0]
        assert (own - part.confidence[: len(own)]).abs().max() < 1e-3


def test_making_a_part_anew_has_its_form():
    made = program.make("lenet", "cppn", runs=1)
    assert made["images"].shape == (10, 28, 28)
    stored = defended.load()["lenet", "cppn"].confidence[:10]
    assert (torch.from_numpy(made["confidence"]) - stored).abs().quantile(0.5) < 0.05
