"""Intervals against scipy, against closed forms, and against what they promise to cover."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from foolkit.analysis import (
    Interval,
    auroc,
    bootstrap,
    exact_interval,
    exact_share,
    mean_interval,
    pair_intervals,
)
from foolkit.analysis.intervals import count_units, draw_counts


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


# ---- the type ------------------------------------------------------------------------------------


def test_one_format_is_that_of_all_three_numbers():
    one = Interval(0.83, 0.71, 0.9, 0.95)
    assert str(one) == f"{one}" == "0.830 [0.710, 0.900]"
    assert f"{one:.1%}" == "83.0 % [71.0, 90.0]"
    assert f"{one:.2f}" == "0.83 [0.71, 0.90]"
    assert str(Interval(math.nan, math.nan, math.nan, 0.95)) == "none"
    assert f"{Interval(0.83, math.nan, math.nan, 0.95):.0%}" == "83 % [–, –]"


def test_one_of_many():
    many = exact_interval(torch.tensor([[0, 3], [7, 30]]), 30)
    assert many[1, 0] == exact_interval(7, 30)
    assert f"{many[0, 1]:.0%}" == "10 % [2, 27]"


# ---- shares --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hits", [0, 1, 7, 50, 99, 100])
def test_the_exact_interval_is_that_of_the_beta_distribution(hits):
    found = exact_interval(hits, 100, 0.9)
    assert (found.value, found.level) == (hits / 100, 0.9)
    low = stats.beta.ppf(0.05, hits, 101 - hits) if hits else 0
    high = stats.beta.isf(0.05, hits + 1, 100 - hits) if hits < 100 else 1
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6)
    assert exact_share(torch.arange(100) < hits, 0.9) == found


def test_none_and_all_are_two_sided_too():
    none, every = exact_interval(torch.tensor([0, 30]), 30)[0], exact_interval(30, 30)
    assert (none.low, none.high) == (0, pytest.approx(1 - 0.025 ** (1 / 30)))
    assert (every.low, every.high) == (pytest.approx(0.025 ** (1 / 30)), 1)
    assert exact_interval(0, 10_000).high == pytest.approx(3.7 / 10_000, rel=0.01)


@pytest.mark.parametrize("share", [0.03, 0.5])
def test_the_exact_interval_covers_at_least_its_level(share):
    """Summed over all outcomes: no simulation is needed."""
    hits = np.arange(41)
    found = exact_interval(torch.from_numpy(hits), 40)
    holds = (found.low.numpy() <= share) & (share <= found.high.numpy())
    assert 0.95 <= stats.binom.pmf(hits, 40, share)[holds].sum() < 1


# ---- any statistic -------------------------------------------------------------------------------


def test_bootstrap_is_the_normal_interval_of_a_mean():
    sample = torch.randn(400, generator=draws()) + 5
    found = bootstrap(torch.mean, sample, resamples=2000)
    half = 1.96 * float(sample.std()) / math.sqrt(400)
    assert found.value == float(sample.mean())
    assert found.low == pytest.approx(found.value - half, abs=0.15 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.15 * half)
    wider = bootstrap(torch.mean, sample, resamples=2000, level=0.99)
    assert wider.low < found.low < found.high < wider.high
    assert bootstrap(torch.mean, sample, seed=3) == bootstrap(torch.mean, sample, seed=3)
    assert bootstrap(torch.mean, sample, seed=3) != bootstrap(torch.mean, sample, seed=4)


def test_bootstrap_is_scipys():
    sample = torch.randn(50, generator=draws())
    found = bootstrap(torch.median, sample, seed=5)
    oracle = stats.bootstrap(
        (sample.numpy(),), lambda s: float(torch.from_numpy(s).median()), n_resamples=1000,
        batch=100, vectorized=False, method="percentile", rng=5,
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_bootstrap_keeps_pairs_together_unless_told():
    ones, numbers = torch.ones(7), torch.arange(50.0)

    def gap(a, b):
        return float((a - b).abs().max())

    assert bootstrap(gap, numbers, 2 * numbers, resamples=20).low > 40  # up to 49 in pairs
    same = bootstrap(gap, numbers, numbers, resamples=20)
    assert (same.low, same.high) == (0, 0)
    found = bootstrap(auroc, numbers, 20 * ones, resamples=20, paired=False)
    assert 0.4 < found.low < found.high < 0.8


def test_bootstrap_of_rows_and_of_a_single_member():
    rows = torch.randn(30, 2, 3, generator=draws())
    found = bootstrap(lambda r: float(r[:, 1, 2].double().mean()), rows)
    assert found == bootstrap(lambda r: float(r.mean()), rows[:, 1, 2].double())
    lone = bootstrap(torch.mean, torch.tensor([2.0]))
    assert lone.value == 2
    assert math.isnan(lone.low)
    assert math.isnan(lone.high)


# ---- networks, runs, images ----------------------------------------------------------------------


def test_whole_units_are_drawn_as_many_as_there_are():
    networks = torch.tensor([7, 7, 7, 7, 2, 2, 9])
    runs = torch.tensor([4, 4, 5, 6, 4, 5, 4])
    counts = draw_counts([networks, runs], 3000, np.random.default_rng(0))
    assert torch.equal(counts[:, 0], counts[:, 1])  # images of one run
    of_run = torch.cat([counts[:, :1], counts[:, 2:]], 1)
    of_network = torch.stack([of_run[:, :3].sum(1) / 3, of_run[:, 3:5].sum(1) / 2, of_run[:, 5]], 1)
    assert torch.equal(of_network, of_network.round())  # one that is drawn brings as many runs
    assert (of_network.sum(1) == 3).all()
    assert torch.allclose(counts.mean(0), torch.ones(7).double(), atol=0.1)
    assert count_units([networks, runs]) == 6


def test_each_time_that_a_network_is_drawn_its_runs_are_drawn_anew():
    """Against plain Python: the variance of a mean over three networks of four runs."""
    values = torch.randn(12, generator=draws()).double()
    networks = torch.arange(3).repeat_interleave(4)
    counts = draw_counts([networks, torch.arange(12)], 20_000, np.random.default_rng(1))
    ours = (counts @ values / 12).var()
    rng, theirs = np.random.default_rng(2), []
    for _ in range(5000):
        chosen = [4 * g + rng.integers(4, size=4) for g in rng.integers(3, size=3)]
        theirs.append(float(values[np.concatenate(chosen)].mean()))
    assert float(ours) == pytest.approx(np.var(theirs), rel=0.08)


def test_a_flat_mean_is_the_flat_bootstrap():
    values = torch.randn(200, generator=draws())
    found, flat = mean_interval(values, resamples=4000), bootstrap(torch.mean, values)
    width = flat.high - flat.low
    assert found.value == pytest.approx(flat.value, abs=1e-6)
    assert found.low == pytest.approx(flat.low, abs=0.06 * width)
    assert found.high == pytest.approx(flat.high, abs=0.06 * width)


def test_images_of_a_run_are_one_observation():
    values = torch.randn(12, generator=draws()).repeat_interleave(10)
    told = mean_interval(values, runs=torch.arange(12).repeat_interleave(10))
    untold = mean_interval(values)
    assert untold.high - untold.low < 0.6 * (told.high - told.low)
    once = mean_interval(values[::10])
    assert (told.low, told.high) == pytest.approx((once.low, once.high))


def test_the_interval_covers_the_truth():
    """Networks, runs and images each add their own normal part to a mean of 0."""
    held, random = 0, draws()
    networks = torch.arange(12).repeat_interleave(20)
    runs = torch.arange(60).repeat_interleave(4)
    for seed in range(200):
        parts = [torch.randn(n, generator=random) for n in (12, 60, 240)]
        values = parts[0][networks] + parts[1][runs] + parts[2]
        found = mean_interval(values, networks=networks, runs=runs, resamples=400, seed=seed)
        held += found.low <= 0 <= found.high
    assert 0.86 * 200 <= held <= 0.99 * 200  # a little less than 95 %: networks are but twelve


def test_a_share_on_which_all_agree_is_that_of_the_runs():
    runs, networks = torch.arange(6).repeat_interleave(10), torch.arange(3).repeat_interleave(20)
    for value in (False, True):
        hits = torch.full((60,), value)
        assert mean_interval(hits, networks=networks, runs=runs) == exact_interval(6 * value, 6)
    numbers = mean_interval(torch.ones(60), networks=networks, runs=runs)  # no share
    assert (numbers.low, numbers.high) == (1, 1)


def test_of_a_single_run_no_interval_is_known():
    found = mean_interval(torch.arange(5.0), runs=torch.zeros(5, dtype=torch.int64))
    assert found.value == 2
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_many_means_share_their_draws():
    values = [torch.randn(40, generator=draws(1)), torch.rand(40, generator=draws(2)) < 0.3]
    many = mean_interval(values, runs=torch.arange(40) // 4, seed=2)
    for number, row in enumerate(values):
        one = mean_interval(row, runs=torch.arange(40) // 4, seed=2)
        assert many[number] == one
    assert many[0] != mean_interval(values[0], runs=torch.arange(40) // 4, seed=3)
    generator = draws(5)
    first, second = (mean_interval(values[0], seed=generator) for _ in range(2))
    assert first != second
    assert first == mean_interval(values[0], seed=draws(5))


def test_long_samples_go_in_stretches(monkeypatch):
    values = torch.randn(300, generator=draws())
    whole = mean_interval(values, resamples=500)
    monkeypatch.setattr("foolkit.analysis.intervals.AT_ONCE", 7_000)
    parts = mean_interval(values, resamples=500)
    width = whole.high - whole.low
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.1 * width)


# ---- bad input -----------------------------------------------------------------------------------

HALF = torch.full((4,), 0.5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: exact_interval(torch.tensor([3]), 2), ValueError, "hits: expected 0 to 2"),
        (lambda: exact_interval(torch.tensor([0.5]), 2), TypeError, "hits: expected int"),
        (lambda: exact_interval(0.5, 2), TypeError, "hits: expected an int"),
        (lambda: exact_interval(1, 0), ValueError, "trials: expected"),
        (lambda: exact_interval(1, 2, 95), ValueError, "level: .* got 95"),
        (lambda: exact_share(HALF), TypeError, r"hits: expected a bool tensor \[N\]"),
        (lambda: bootstrap(torch.mean, HALF, level=95), ValueError, "level: .* got 95"),
        (lambda: bootstrap(torch.mean, HALF, seed="a"), TypeError, "seed: .* got 'a'"),
        (lambda: bootstrap(auroc, HALF, HALF[:3]), ValueError, r"one length .* \[4, 3\]"),
        (lambda: bootstrap(torch.mean), ValueError, r"samples: .* \[\]"),
        (lambda: mean_interval(HALF, runs=torch.zeros(3).long()), ValueError, "runs: expected sh"),
        (lambda: mean_interval(HALF[None]), ValueError, r"values: expected a tensor \[N\]"),
        (lambda: mean_interval([]), ValueError, "values: expected at least one"),
        (lambda: mean_interval(HALF, resamples=0), ValueError, "resamples"),
    ],
)  # fmt: skip
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- pairs of networks ---------------------------------------------------------------------------


def two_way(designs, seeds, generator, effect=1.0):
    """Pairs whose mean is that of the design effects of both, and 0.5 more within a design."""
    groups = torch.arange(designs).repeat_interleave(seeds)
    of = effect * torch.randn(designs, generator=generator)[groups]
    values = of[:, None] + of + 0.1 * torch.randn(len(groups), len(groups), generator=generator)
    return values + 0.5 * (groups[:, None] == groups), groups


def test_means_of_pairs_leave_out_a_network_with_itself():
    values, groups = two_way(3, 2, draws())
    found = pair_intervals(values, groups)
    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    within = [float(values[i, j]) for i, j in pairs if groups[i] == groups[j]]
    across = [float(values[i, j]) for i, j in pairs if groups[i] != groups[j]]
    assert found.within.value == pytest.approx(sum(within) / 6, rel=1e-5)
    assert found.across.value == pytest.approx(sum(across) / 24, rel=1e-5)
    assert found.difference.value == pytest.approx(found.within.value - found.across.value)
    hidden = values.clone().fill_diagonal_(math.nan)
    assert pair_intervals(hidden, groups) == found


def test_intervals_of_pairs_cover_what_holds_for_all_designs():
    """Of designs drawn from one population the mean over pairs is 0.5 and 0."""
    hits = torch.zeros(3)
    for seed in range(100):
        found = pair_intervals(*two_way(12, 3, draws(seed)), resamples=400)
        parts = zip((found.within, found.across, found.difference), (0.5, 0.0, 0.5), strict=True)
        hits += torch.tensor([one.low <= mean <= one.high for one, mean in parts])
    assert bool((hits >= 80).all())  # a bootstrap of a dozen is somewhat narrow
    assert bool((hits[:2] <= 99).all())


def test_a_bootstrap_of_single_pairs_would_be_far_too_narrow():
    values, groups = two_way(8, 3, draws(1))
    found = pair_intervals(values, groups).across
    alone = bootstrap(torch.mean, values[groups[:, None] != groups])
    assert found.high - found.low > 3 * (alone.high - alone.low)


def test_pairs_that_are_all_alike_have_no_known_width():
    groups = torch.tensor([0, 0, 1, 1])
    found = pair_intervals(torch.ones(4, 4), groups)
    assert (found.within.value, found.across.value) == (1, 1)
    assert math.isnan(found.within.low)
    assert math.isnan(found.difference.high)


def test_pairs_refuse_what_they_cannot_mean():
    groups = torch.tensor([0, 0, 1, 1])
    with pytest.raises(ValueError, match=r"values: expected a tensor \[M, M\]"):
        pair_intervals(torch.ones(4, 3), groups)
    broken = torch.ones(4, 4)
    broken[0, 1] = math.nan
    with pytest.raises(ValueError, match="values: expected a number of every pair"):
        pair_intervals(broken, groups)
    with pytest.raises(ValueError, match="within"):
        pair_intervals(torch.ones(4, 4), torch.arange(4))
    with pytest.raises(ValueError, match="across"):
        pair_intervals(torch.ones(4, 4), torch.zeros(4, dtype=torch.int64))
