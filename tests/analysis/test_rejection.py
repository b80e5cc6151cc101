"""AUROC and shares accepted against scikit-learn; intervals that cover; and what they refuse."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from foolkit.analysis import rejection


def normal(*shape, seed=0, mean=0.0):
    return mean + torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_values_are_those_of_scikit_learn():
    inside, held, outside = normal(3, 200), normal(3, 400, seed=1), normal(3, 150, seed=2, mean=-1)
    found = rejection(inside, held, outside, resamples=50)
    areas, shares = [], []
    for ours, cal, theirs in zip(inside, held, outside, strict=True):
        truth = torch.cat([torch.ones(200), torch.zeros(150)])
        areas.append(roc_auc_score(truth, torch.cat([ours, theirs])))
        shares.append(float((theirs >= cal.sort().values[20]).double().mean()))
    assert found.auroc.value == pytest.approx(sum(areas) / 3, abs=1e-9)
    assert found.accepted.value == pytest.approx(sum(shares) / 3, abs=1e-9)
    for estimate in (found.auroc, found.accepted):
        assert estimate.low < estimate.value < estimate.high
    assert (found.runs, found.networks) == (150, 3)


def test_flat_and_crossed_outsiders_have_the_same_values():
    inside, held, outside = normal(2, 90), normal(2, 90, seed=1), normal(2, 40, seed=2)
    crossed = rejection(inside, held, outside, resamples=20)
    which = torch.arange(2).repeat_interleave(40)
    flat = rejection(inside, held, outside.flatten(), networks=which, resamples=20)
    assert flat.auroc.value == pytest.approx(crossed.auroc.value)
    assert flat.accepted.value == pytest.approx(crossed.accepted.value)
    assert (flat.runs, crossed.runs) == (80, 40)


def test_images_of_one_run_are_one_observation():
    """Ten copies of every image add nothing, if their runs are told."""
    inside, held, outside = normal(1, 300), normal(1, 300, seed=1), normal(1, 20, seed=2)
    once = rejection(inside, held, outside, resamples=400)
    copies = outside.repeat_interleave(10, 1)
    told = rejection(inside, held, copies, runs=torch.arange(20).repeat_interleave(10),
                     resamples=400)  # fmt: skip
    untold = rejection(inside, held, copies, resamples=400)

    def width(found):
        return found.auroc.high - found.auroc.low

    assert width(told) == pytest.approx(width(once), rel=0.05)
    assert width(untold) < 0.6 * width(told)


def test_networks_that_disagree_widen_the_interval():
    inside, held = normal(3, 300), normal(3, 300, seed=1)
    alike = normal(3, 300, seed=2, mean=-1)
    apart = alike + torch.tensor([[-2.0], [0.0], [2.0]])

    def width(outside):
        found = rejection(inside, held, outside, resamples=200).auroc
        return found.high - found.low

    assert width(apart) > 3 * width(alike)


def test_interval_covers_the_truth():
    """Digits N(0, 1), outsiders N(-1, 1): the AUROC is Phi(1 / sqrt 2) = 0.7602."""
    hits = 0
    for seed in range(60):
        found = rejection(
            normal(1, 100, seed=3 * seed), normal(1, 100, seed=3 * seed + 1),
            normal(1, 60, seed=3 * seed + 2, mean=-1), resamples=200, seed=seed,
        )  # fmt: skip
        hits += found.auroc.low <= 0.7602 <= found.auroc.high
    assert 48 <= hits <= 60  # of 60 at 95 %: fewer than 48 would be one in a million


def test_no_overlap_has_the_exact_interval():
    found = rejection(normal(2, 50), normal(2, 50, seed=1), normal(2, 30, mean=-99), resamples=20)
    assert (found.auroc.value, found.accepted.value) == (1, 0)
    assert found.accepted.high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert found.auroc.low == pytest.approx(0.025 ** (1 / 30))
    assert str(found.accepted) == "0.000 [0.000, 0.116]"


def test_bad_arguments():
    inside, held, outside = normal(2, 50), normal(2, 50, seed=1), normal(2, 30)
    with pytest.raises(ValueError, match="outside: expected scores of 2 networks"):
        rejection(inside, held, outside[:1])
    with pytest.raises(TypeError, match="networks: expected whose score each is"):
        rejection(inside, held, outside[0])
    with pytest.raises(ValueError, match="networks: expected outsiders of every network"):
        rejection(inside, held, outside[0], networks=torch.zeros(30, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"inside: expected scores \[V, D\]"):
        rejection(inside[0], held, outside)
    with pytest.raises(ValueError, match="level"):
        rejection(inside, held, outside, level=1.0)
    with pytest.raises(ValueError, match="runs: expected shape"):
        rejection(inside, held, outside, runs=torch.zeros(3, dtype=torch.int64))
