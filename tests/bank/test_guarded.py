"""Forgeries bred against detectors: what is stored is what the guarded networks say."""

import numpy as np
import pytest
import torch

import foolkit as fk
from foolkit.bank import VICTIMS, guarded, store
from tools.bank import guarded as program
from tools.bank.program import make_parts


@pytest.fixture(scope="module")
def bred():
    return guarded.load()


@pytest.fixture(scope="module")
def detectors():
    """Of the fully connected network, which is the quickest."""
    return guarded.detectors(fk.models.load("fc100-100-10"))


def test_it_holds_thirty_runs_of_every_guard_and_encoding(bred):
    assert set(bred) == {(g, e) for g in guarded.GUARDS for e in ("direct", "cppn", "painted")}
    for (_, encoding), part in bred.items():
        each = guarded.PAINTED if encoding == "painted" else 10 * guarded.RUNS
        assert part.images.shape == (3 * each, 1, 28, 28)
        assert len(part.runs.unique()) == 3 * (each if encoding == "painted" else guarded.RUNS)
        assert part.networks.bincount().tolist() == [each] * 3
        assert part.classes.bincount().tolist() == [3 * each // 10] * 10
        assert torch.equal((part.images * 255).round() / 255, part.images)
        assert int(part.reached.max()) <= guarded.GENERATIONS[encoding]
        sure = part.confidence >= guarded.ENOUGH
        assert (part.images[part.confidence <= 0.5] == 0).all()
        if encoding == "painted":  # on to 99.99 %, of the image of 8 bits
            assert sure[part.reached >= 0].all()
        else:
            assert torch.equal(sure, part.reached >= 0)


def test_the_file_is_small():
    assert len((store.PLACE / guarded.FILE).read_bytes()) < 3e6


@pytest.mark.parametrize("guard", guarded.GUARDS)
def test_what_is_stored_gets_past_its_guard(bred, detectors, guard):
    place = VICTIMS.index("fc100-100-10")
    net = fk.models.load("fc100-100-10")
    if guard != "none":
        net = fk.analysis.Guarded(net, detectors[guard], guarded.detector_digits()[2])
    for encoding in guarded.GENERATIONS:
        part = bred[guard, encoding]
        mine = (part.networks == place) & (part.confidence > 0.5)
        if not mine.any():
            assert encoding == "direct"
            assert guard in ("pixel neighbours", "generative judge", "RBF score")
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


def test_what_is_painted_is_judged_as_an_image_of_eight_bits():
    made = program.paint(fk.models.load("softmax-1"), 30)
    assert made["images"].shape == (guarded.PAINTED, 28, 28)
    assert made["images"].dtype == np.uint8
    images = torch.from_numpy(made["images"])[:, None].float() / 255
    said = fk.models.predict(fk.models.load("softmax-1"), images)
    own = said[torch.arange(guarded.PAINTED), torch.arange(guarded.PAINTED) % 10]
    past = torch.from_numpy(made["confidence"]) > 0.5
    assert past.any()
    torch.testing.assert_close(own[past], torch.from_numpy(made["confidence"])[past])


def test_parts_that_were_made_are_not_made_again(tmp_path, monkeypatch):
    made = []

    def make(network, kind, runs):
        made.append((network, kind, runs))
        if len(made) == 2:
            raise KeyboardInterrupt
        return {"numbers": np.arange(runs)}

    parts = [("one", "direct"), ("other", "direct")]
    monkeypatch.setattr("sys.argv", ["x", "--out", f"{tmp_path}", "--checkpoints", f"{tmp_path}/c"])
    with pytest.raises(KeyboardInterrupt):
        make_parts("guarded", None, "all.npz", 3, parts, make)
    make_parts("guarded", None, "all.npz", 3, parts, make)
    assert made == [("one", "direct", 3), ("other", "direct", 3), ("other", "direct", 3)]
    with np.load(tmp_path / "all.npz") as stored:
        assert sorted(stored.files) == ["one/direct/numbers", "other/direct/numbers"]


def test_breed_refuses_an_unknown_encoding():
    with pytest.raises(ValueError, match="encoding: expected one of 'direct', 'cppn'"):
        program.breed(fk.models.load("softmax-1"), "spline", generations=1, seed=0)
