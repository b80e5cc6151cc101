"""Intervals: one type, one exact interval of a share, one bootstrap of networks, runs and images.

What is drawn is the unit of replication, never what lies within it: ten elites of one run have
ancestors in common, and the runs on one network have the network in common.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np
import torch
from torch import Tensor

from foolkit.checks import (
    MOST_DRAWS,
    check_between,
    check_count,
    check_dense,
    check_flag,
    check_kind,
    check_labels,
    check_tensor,
)
from foolkit.seeds import Seed, check_seed

Number = TypeVar("Number", float, Tensor)
AT_ONCE = 10_000_000  # numbers of one stretch of the bootstrap: 80 MB of weights


@dataclass(frozen=True)
class Interval(Generic[Number]):
    """An estimate and the ends of its interval; or float64 tensors of many, of one shape.

    As text ``0.830 [0.710, 0.900]``; a format of numbers is that of all three, and per cent are
    written once: ``f"{found:.1%}"`` is ``83.0 % [71.0, 90.0]``. What is not known is a dash.

    Attributes:
        value: the estimate; NaN where nothing was measured.
        low, high: the ends, always two-sided; NaN where no interval is known.
        level: of confidence, in (0, 1).
    """

    value: Number
    low: Number
    high: Number
    level: float

    def __getitem__(self: Interval[Tensor], index: int | tuple[int, ...]) -> Interval[float]:
        """One of many."""
        value, low, high = (float(part[index]) for part in (self.value, self.low, self.high))
        return Interval(value, low, high, self.level)

    def __format__(self, form: str) -> str:
        if isinstance(self.value, Tensor):
            return repr(self)
        if self.value != self.value:
            return "none"
        form, times, unit = form or ".3f", 1, ""
        if form.endswith("%"):
            form, times, unit = form[:-1] + "f", 100, " %"
        value, low, high = (
            format(times * v, form) if v == v else "–" for v in (self.value, self.low, self.high)
        )
        return f"{value}{unit} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self)


@overload
def exact_interval(hits: Tensor, trials: int, level: float = 0.95) -> Interval[Tensor]: ...
@overload
def exact_interval(
    hits: int | np.integer[Any], trials: int, level: float = 0.95
) -> Interval[float]: ...
def exact_interval(
    hits: int | np.integer[Any] | Tensor, trials: int, level: float = 0.95
) -> Interval[float] | Interval[Tensor]:
    """A share with its interval by the binomial distribution itself (Clopper and Pearson 1934).

    Each side has half of the error, also where nothing or everything was hit: to choose one side
    after the fact is not exact. Of no hit the upper end is ``1 - ((1 - level) / 2)^(1 / trials)``,
    at 95 % about ``3.7 / trials``.

    Args:
        hits: an integer, or an integer tensor of any shape, 0 to ``trials``.
        trials: independent ones.
        level: of confidence, in (0, 1).

    Returns:
        Of a tensor an interval of tensors of its shape, else of numbers.

    Raises:
        TypeError, ValueError: not what is said above.
    """
    from scipy.stats import binomtest  # slow to import

    trials = check_count(trials, "trials")
    check_between(level, "level")
    level = float(level)
    if isinstance(hits, Tensor):
        check_dense(hits, "hits")
        if hits.is_floating_point() or hits.is_complex() or hits.dtype == torch.bool:
            raise TypeError(f"hits: expected integers, got {hits.dtype}")
        seen = hits.flatten().tolist()
    else:
        try:
            seen = [operator.index(hits)]
        except TypeError:
            raise TypeError(f"hits: expected an integer, got {hits!r}") from None
    if seen and not 0 <= min(seen) <= max(seen) <= trials:
        raise ValueError(f"hits: expected 0 to {trials} (trials), got {min(seen)} to {max(seen)}")
    ends = {n: binomtest(n, trials).proportion_ci(level, method="exact") for n in set(seen)}
    rows = [(n / trials, float(ends[n].low), float(ends[n].high)) for n in seen]
    if not isinstance(hits, Tensor):
        return Interval(*rows[0], level)
    value, low, high = torch.tensor(rows, dtype=torch.float64).view(-1, 3).T
    return Interval(value.view(hits.shape), low.view(hits.shape), high.view(hits.shape), level)


def exact_share(hits: Tensor, level: float = 0.95) -> Interval[float]:
    """The share of True in bool ``[N]``, N independent trials: see ``exact_interval``."""
    if not isinstance(hits, Tensor) or hits.dtype != torch.bool or hits.ndim != 1:
        came = f"{hits.dtype} {list(hits.shape)}" if isinstance(hits, Tensor) else repr(hits)
        raise TypeError(f"hits: expected a bool tensor [N], got {came}")
    check_tensor(hits, "hits", 1)
    return exact_interval(int(hits.sum()), len(hits), level)


def bootstrap(
    statistic: Callable[..., float],
    *samples: Tensor,
    resamples: int = 1000,
    level: float = 0.95,
    paired: bool = True,
    seed: Seed = 0,
) -> Interval[float]:
    """Any statistic of samples, with the percentile interval of a bootstrap (Efron 1979).

    By ``scipy.stats.bootstrap``; members are drawn one by one. For means over images that hang
    together in runs and networks there is ``mean_interval``.

    Args:
        statistic: of tensors to a number.
        samples: tensors with a leading dimension to draw from, with replacement.
        resamples: how often.
        level: of the interval, in (0, 1).
        paired: the same members are drawn of every sample (confidences and whether they were
            right); otherwise of each its own (digits and noise).
        seed: of the draws, which are made on the CPU.

    Returns:
        The ends are NaN if a sample has a single member.

    Raises:
        TypeError, ValueError: not what is said above.
    """
    from scipy import stats  # slow to import

    if not callable(statistic):
        raise TypeError(f"statistic: expected a function, got {type(statistic).__name__}")
    resamples = check_count(resamples, "resamples", most=MOST_DRAWS)
    check_between(level, "level")
    check_flag(paired, "paired")
    for sample in samples:
        check_kind(sample, Tensor, "samples")
        check_dense(sample, "samples")
        if not sample.ndim:
            raise ValueError(f"samples: expected tensors with members, got {sample!r}")
    sizes = [len(sample) for sample in samples]
    if not sizes or min(sizes) == 0 or (paired and len(set(sizes)) > 1):
        equal = "of one length " if paired else ""
        raise ValueError(f"samples: expected tensors {equal}with members, got lengths {sizes}")

    def of_places(*places: np.ndarray) -> float:
        drawn = [torch.from_numpy(place) for place in places] * (len(samples) if paired else 1)
        return float(statistic(*(s[i.to(s.device)] for s, i in zip(samples, drawn, strict=True))))

    value = float(statistic(*samples))
    if min(sizes) < 2:
        return Interval(value, float("nan"), float("nan"), level)
    # places are drawn, not members: samples may have any shape, on any device
    places = tuple(np.arange(size) for size in (sizes[:1] if paired else sizes))
    rng = rng_of(seed)
    with warnings.catch_warnings():  # of its standard error, which is not read
        warnings.filterwarnings(
            "ignore", "Degrees of freedom|invalid value|The BCa", RuntimeWarning
        )
        values = stats.bootstrap(
            places, of_places, n_resamples=resamples, batch=min(resamples, 100), vectorized=False,
            confidence_level=level, method="percentile", rng=rng,
        ).bootstrap_distribution  # fmt: skip
    low, high = percentiles(torch.from_numpy(np.atleast_1d(values)), level).tolist()
    return Interval(value, low, high, level)


@overload
def mean_interval(
    values: Tensor,
    *,
    networks: Tensor | None = None,
    runs: Tensor | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: Seed = 0,
) -> Interval[float]: ...
@overload
def mean_interval(
    values: Sequence[Tensor],
    *,
    networks: Tensor | None = None,
    runs: Tensor | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: Seed = 0,
) -> Interval[Tensor]: ...
def mean_interval(
    values: Tensor | Sequence[Tensor],
    *,
    networks: Tensor | None = None,
    runs: Tensor | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: Seed = 0,
) -> Interval[float] | Interval[Tensor]:
    """A mean over images, with a bootstrap interval over networks and then their runs.

    In each resample as many networks are drawn, with replacement, as there are; then, each time a
    network was drawn, as many of its runs as it has; a run brings all of its images. (The drawn
    numbers of a network's runs are kept, not the runs, for all resamples at once:
    ``scipy.stats.bootstrap`` knows no levels.) With few networks such an interval is too narrow.

    **A share of 0 or 1.** Where values are bool and all are alike, resampling has no width. The
    interval is then the exact one of so many runs, none or all of them hits: ``exact_interval``.
    Of a single run no interval is known: NaN.

    Args:
        values: of each image, ``[N]``; bool for a share, for example whether it was accepted. A
            list of such tensors has all means at once, with the same draws.
        networks: int64 ``[N]``; by default all are of one.
        runs: int64 ``[N]``; by default each image is its own. Equal numbers on different networks
            are different runs.
        resamples, level, seed: of the bootstrap.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    if not isinstance(values, Tensor | Sequence):
        came = type(values).__name__
        raise TypeError(f"values: expected a tensor [N], or a list of such, got {came}")
    rows = [values] if isinstance(values, Tensor) else list(values)
    for row in rows:
        if not isinstance(row, Tensor) or row.ndim != 1 or not 0 < len(row) == len(rows[0]):
            came = list(row.shape) if isinstance(row, Tensor) else type(row).__name__
            raise ValueError(f"values: expected a tensor [N], got {came}")
        check_tensor(row, "values", 1)
    if not rows:
        raise ValueError("values: expected at least one tensor [N], got none")
    resamples = check_count(resamples, "resamples", most=MOST_DRAWS)
    check_between(level, "level")
    size, most = len(rows[0]), torch.iinfo(torch.int64).max
    for name, numbers in (("networks", networks), ("runs", runs)):
        if numbers is not None:
            check_labels(numbers, size, most, name)
    levels = [networks] if networks is not None else []
    levels.append(torch.arange(size) if runs is None else runs)
    table = torch.stack([row.detach().cpu().double() for row in rows], 1)
    rng, means = rng_of(seed), []
    for start in range(0, resamples, step := max(1, AT_ONCE // size)):
        weights = draw_counts(levels, min(step, resamples - start), rng)
        means.append(weights @ table / weights.sum(1, keepdim=True))
    units = count_units(levels)
    found = [
        with_ends(float(value), drawn, units, level, share=row.dtype == torch.bool)
        for row, value, drawn in zip(rows, table.mean(0), torch.cat(means).T, strict=True)
    ]
    if isinstance(values, Tensor):
        return found[0]
    ends = [(one.value, one.low, one.high) for one in found]
    value, low, high = torch.tensor(ends, dtype=torch.float64).view(-1, 3).T.contiguous()
    return Interval(value, low, high, level)


@dataclass(frozen=True)
class Pairs:
    """A figure of ordered pairs of networks: how one fares on what was made on another.

    Attributes:
        within: its mean over pairs of one group, as a rule one design.
        across: and over pairs of different groups.
        difference: the first less the second.
    """

    within: Interval[float]
    across: Interval[float]
    difference: Interval[float]


def pair_intervals(
    values: Tensor,
    groups: Tensor,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: Seed = 0,
) -> Pairs:
    """Means over ordered pairs of networks, with bootstrap intervals over the networks.

    M networks make M (M - 1) pairs, and a pair is no unit: each network is in 2 (M - 1) of them. So
    groups are drawn, and then networks of each; a pair counts as often as its first network was
    drawn, times its second. (The bootstrap of the vertices of a graph: Snijders and Borgatti 1999,
    Connections 22. A network and its own copy are no pair.)

    Args:
        values: ``[M, M]``, from row to column, without NaN; the diagonal is not read.
        groups: int64 ``[M]``.
        resamples, level, seed: of the bootstrap.

    Returns:
        The ends are NaN where all pairs are alike: to draw them again shows no width.

    Raises:
        TypeError, ValueError: not what is said above; no two networks of one group, or one group.
    """
    if not isinstance(values, Tensor) or values.ndim != 2 or values.shape[0] != values.shape[1]:
        came = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"values: expected a tensor [M, M], got {came}")
    check_tensor(values, "values", 2)
    size = len(values)
    check_labels(groups, size, torch.iinfo(torch.int64).max, "groups")
    resamples = check_count(resamples, "resamples", most=MOST_DRAWS)
    check_between(level, "level")
    itself = torch.eye(size, dtype=torch.bool)
    table = values.detach().cpu().double().masked_fill(itself, 0)
    if bool(table.isnan().any()):
        raise ValueError("values: expected a number of every pair of networks, got NaN")
    alike = groups.cpu()[:, None] == groups.cpu()
    kinds = {"within": alike & ~itself, "across": ~alike}
    for name, pairs in kinds.items():
        if not bool(pairs.any()):
            raise ValueError(f"groups: expected pairs of networks {name} groups, got none")
    weights = draw_counts([groups, torch.arange(size)], resamples, rng_of(seed))
    drawn = {}
    for name, pairs in kinds.items():
        summed = torch.stack([((weights @ part) * weights).sum(1) for part in
                              (table * pairs, pairs.double())])  # fmt: skip
        drawn[name] = summed[0] / summed[1]  # NaN where no such pair was drawn
    drawn["difference"] = drawn["within"] - drawn["across"]
    means = {name: float(table[pairs].mean()) for name, pairs in kinds.items()}
    means["difference"] = means["within"] - means["across"]

    def found(name: str) -> Interval[float]:
        known = drawn[name][drawn[name].isfinite()]
        if not len(known) or bool((known - known[0]).abs().max() < 1e-12):
            return Interval(means[name], float("nan"), float("nan"), level)
        low, high = percentiles(known, level).tolist()
        return Interval(means[name], low, high, level)

    return Pairs(found("within"), found("across"), found("difference"))


def with_ends(
    value: float, drawn: Tensor, units: int, level: float, *, share: bool
) -> Interval[float]:
    """The percentile interval, or what stands for it where resampling has no width.

    Args:
        value: the estimate.
        drawn: it again, of each resample, float64 ``[resamples]``.
        units: how many independent ones there are, as a rule runs.
        level: of the interval.
        share: whether a value of exactly 0 or 1 is that of no or of all units.
    """
    if value != value or units < 2:
        return Interval(value, float("nan"), float("nan"), level)
    if share and value in (0, 1):
        return exact_interval(units if value else 0, units, level)
    low, high = percentiles(drawn, level).tolist()
    return Interval(value, low, high, level)


def draw_counts(levels: Sequence[Tensor], resamples: int, rng: np.random.Generator) -> Tensor:
    """How often each of N images is drawn, float64 ``[resamples, N]``, level by level.

    To draw anew as many members as a unit has, each time that it was drawn, is to draw
    ``times * members`` of them.

    Args:
        levels: int64 ``[N]`` each, which unit an image belongs to, from the outermost (networks)
            to the innermost (runs); equal numbers within different units are different units.
        resamples: how many rows.
        rng: of all draws.
    """
    parent = np.zeros(len(levels[0]), dtype=np.int64)
    times = np.ones((resamples, 1), dtype=np.int64)
    for level in levels:
        pairs = np.stack([parent, level.cpu().numpy()], 1)
        units, place = np.unique(pairs, axis=0, return_inverse=True)
        counts = np.empty((resamples, len(units)), dtype=np.int64)
        first = 0
        for number, members in enumerate(np.bincount(units[:, 0])):
            row = np.repeat(np.arange(resamples), times[:, number] * members)
            drawn = row * members + rng.integers(members, size=len(row))
            found = np.bincount(drawn, minlength=resamples * members)
            counts[:, first : first + members] = found.reshape(resamples, members)
            first += members
        times, parent = counts, place.reshape(-1)
    return torch.from_numpy(times[:, parent].astype(np.float64))


def count_units(levels: Sequence[Tensor]) -> int:
    """How many different units of the innermost level there are."""
    return len(torch.stack([level.cpu() for level in levels], 1).unique(dim=0))


def percentiles(values: Tensor, level: float) -> Tensor:
    """The two ends between which ``level`` of float64 ``values`` ``[N]`` lie."""
    tail = (1 - level) / 2
    return values.quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64))


def rng_of(seed: Seed) -> np.random.Generator:
    """NumPy's generator: of a seed, or of the next number of PyTorch's generator."""
    if isinstance(seed, torch.Generator):
        seed = int(torch.randint(2**62, (), generator=seed, device=seed.device))
    return np.random.default_rng(check_seed(seed))
