"""Forgeries bred against detectors: what is stored is what the guarded networks say."""

import numpy as np
import pytest
import torch

import foolkit as fk
from foolkit.bank import VICTIMS, guarded, store
from tools.bank import guarded as program


@pytest.fixture(scope="module")
def bred():
    return guarded.load()


@pytest.fixture(scope="module")
def detectors():
    """Of the fully connected network, which is the quickest."""
    return guarded.detectors(fk.models.load("fc100-100-10"))


def test_it_holds_thirty_runs_of_every_guard_and_encoding(bred):
    assert set(bred) == {(g, e) for g in guarded.GUARDS for e in ("direct", "cppn")}
    for (_, encoding), part in bred.items():
        assert part.images.shape == (300, 1, 28, 28)
        assert len(part.runs.unique()) == 30
        assert part.networks.bincount().tolist() == [100, 100, 100]
        assert part.classes.bincount().tolist() == [30] * 10
        assert torch.equal((part.images * 255).round() / 255, part.images)
        assert int(part.reached.max()) <= guarded.GENERATIONS[encoding]
        sure = part.confidence >= guarded.ENOUGH
        assert torch.equal(sure, part.reached >= 0)
        assert (part.images[part.confidence <= 0.5] == 0).all()


def test_the_file_is_small():
    assert len((store.PLACE / guarded.FILE).read_bytes()) < 2e6


@pytest.mark.parametrize("guard", guarded.GUARDS)
def test_what_is_stored_gets_past_its_guard(bred, detectors, guard):
    place = VICTIMS.index("fc100-100-10")
    net = fk.models.load("fc100-100-10")
    if guard != "none":
        net = fk.analysis.Guarded(net, detectors[guard], guarded.detector_digits()[2])
    for encoding in ("direct", "cppn"):
        part = bred[guard, encoding]
        mine = (part.networks == place) & (part.confidence > 0.5)
        if not mine.any():
            assert (guard, encoding) == ("pixel neighbours", "direct")
            continue
        said = fk.models.predict(net, part.images[mine])
        own = said.gather(1, part.classes[mine][:, None])[:, 0]
        near = (own - part.confidence[mine]).abs() < 1e-3
        assert near.double().mean() > 0.98  # one that is just accepted may tip elsewhere


def test_digits_of_detectors_are_apart():
    known, labels, held = guarded.detector_digits()
    compared = fk.models.comparison_digits()[0]
    assert (len(known), len(labels), len(held)) == (2000, 2000, 1000)
    assert labels.bincount().min() > 150
    everything = torch.cat([known, held, compared]).flatten(1)
    assert len(everything.unique(dim=0)) == 4000


def test_making_a_part_anew_gives_what_is_stored():
    """Bit for bit only on one machine: the first generation is the same anywhere."""
    made = program.make("fc100-100-10", "energy", "cppn", runs=1)
    assert made["images"].shape == (10, 28, 28)
    assert made["images"].dtype == np.uint8
    stored = guarded.load()["energy", "cppn"]
    first = (stored.networks == VICTIMS.index("fc100-100-10")) & (stored.runs == stored.runs[100])
    then = stored.confidence[first]
    assert (torch.from_numpy(made["confidence"]) - then).abs().quantile(0.5) < 0.05


def test_breed_refuses_an_unknown_encoding():
    with pytest.raises(ValueError, match="encoding: expected one of 'direct', 'cppn'"):
        program.breed(fk.models.load("softmax-1"), "spline", generations=1, seed=0)
