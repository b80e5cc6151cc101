"""How well scores tell data from the rest, with intervals over networks and runs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.analysis.calibration import Estimate, auroc, least_share, percentiles
from foolkit.analysis.detectors import threshold
from foolkit.checks import check_between, check_count, check_fraction, check_labels


@dataclass(frozen=True)
class Rejection:
    """What a detector makes of a set of outsiders.

    Attributes:
        auroc: chance that a digit scores higher than an outsider; mean over the networks.
        accepted: share of the outsiders that get in at the threshold that lets the wanted share
            of held-out digits in (at 95 % "the false-positive rate at 95 % true positives", with
            digits as the positives); mean over the networks.
        by_network: the AUROC of each network.
        runs, networks: how many there were.
    """

    auroc: Estimate
    accepted: Estimate
    by_network: tuple[float, ...]
    runs: int
    networks: int


def rejection(
    inside: Tensor,
    calibration: Tensor,
    outside: Tensor,
    *,
    networks: Tensor | None = None,
    runs: Tensor | None = None,
    accepted: float = 0.95,
    resamples: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> Rejection:
    """AUROC and share accepted, with bootstrap intervals over networks, runs and digits.

    In each resample networks are drawn with replacement, then runs of outsiders, then the digits
    of both kinds. Runs that all networks were shown are drawn once for all; runs that were made
    on one network are drawn within it. With so few networks the interval is still too narrow.
    Where outsiders and digits do not overlap, resampling has no width: the end of the interval is
    then that of a share of 0 in so many runs (Clopper and Pearson 1934), the worst that could
    have been missed.

    Args:
        inside: scores of digits that are compared, ``[V, D]``: a row for each network.
        calibration: scores of held-out digits that set each network's threshold, ``[V, E]``.
        outside: scores of outsiders: ``[V, N]`` of the same images for every network, or
            ``[N]``, each by one network.
        networks: int64 ``[N]``, whose score it is; needed for outsiders ``[N]`` only.
        runs: int64 ``[N]``, which belong together; by default each image is a run of its own.
        accepted: share of held-out digits that the threshold lets in.
        resamples: of the bootstrap.
        level: of the interval, in (0, 1).
        seed: of the bootstrap.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_count(resamples, "resamples")
    check_count(seed, "seed", minimum=0)
    check_fraction(accepted, "accepted")
    check_between(level, "level")
    for name, scores in (("inside", inside), ("calibration", calibration)):
        if not isinstance(scores, Tensor) or scores.ndim != 2 or scores.numel() == 0:
            raise ValueError(f"{name}: expected scores [V, D], a row for each network")
    count, shown = len(inside), outside.shape[-1]
    crossed = outside.ndim == 2
    if len(calibration) != count or (crossed and len(outside) != count) or not shown:
        raise ValueError(
            f"outside: expected scores of {count} networks, as inside has, got"
            f" {list(outside.shape)} with calibration {list(calibration.shape)}"
        )
    run = torch.arange(shown) if runs is None else runs
    check_labels(run, shown, torch.iinfo(torch.int64).max, "runs")
    if crossed:
        members = [torch.arange(shown)] * count
    else:
        if networks is None:
            raise TypeError("networks: expected whose score each is, int64 [N], got None")
        check_labels(networks, shown, count, "networks")
        members = [(networks == v).nonzero()[:, 0] for v in range(count)]
        if min(map(len, members)) == 0:
            raise ValueError("networks: expected outsiders of every network")
    parts = [outside[v] if crossed else outside[members[v]] for v in range(count)]
    groups = [run[m].unique(return_inverse=True)[1] for m in members]

    draws = torch.Generator().manual_seed(seed)
    chosen = _counts(resamples, count, draws)
    digits = _counts(resamples, inside.shape[1], draws)
    held = torch.randint(calibration.shape[1], (resamples, calibration.shape[1]), generator=draws)
    area, share, size = [], [], []
    weights = None
    for v in range(count):
        if weights is None or not crossed:
            weights = _counts(resamples, int(groups[v].max()) + 1, draws)
        each = weights[:, groups[v]]  # [resamples, N]
        above = (inside[v][:, None] > parts[v]).double() + 0.5 * (inside[v][:, None] == parts[v])
        area.append(((digits @ above) * each).sum(1) / digits.sum(1))
        place = threshold(torch.arange(calibration.shape[1]).double(), accepted)
        least = calibration[v][held].sort(1).values[:, int(place)]
        share.append(((parts[v] >= least[:, None]) * each).sum(1))
        size.append(each.sum(1))
    area, share, size = (torch.stack(rows, 1) for rows in (area, share, size))
    total = chosen.sum(1)
    areas = (area / size * chosen).sum(1) / total
    shares = (share / size * chosen).sum(1) / total
    least = [threshold(row, accepted) for row in calibration]
    found = [auroc(inside[v], parts[v]) for v in range(count)]
    let_in = [float((parts[v] >= least[v]).double().mean()) for v in range(count)]
    independent = int(groups[0].max()) + 1 if crossed else sum(int(g.max()) + 1 for g in groups)
    return Rejection(
        _estimate(sum(found) / count, areas, level, independent),
        _estimate(sum(let_in) / count, shares, level, independent),
        tuple(found),
        independent,
        count,
    )


def mean_over_runs(
    values: Tensor,
    *,
    networks: Tensor,
    runs: Tensor,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """A mean over images, with a bootstrap interval over networks and then their runs.

    As in ``rejection``: a mean of exactly 0 or 1 has the interval of such a share of the runs.

    Args:
        values: of each image, ``[N]``, for example whether it was accepted.
        networks, runs: int64 ``[N]``; equal numbers on different networks are different runs.
        resamples, level, seed: of the bootstrap.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    if not isinstance(values, Tensor) or values.ndim != 1 or len(values) == 0:
        came = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"values: expected a tensor [N], got {came}")
    check_count(resamples, "resamples")
    check_count(seed, "seed", minimum=0)
    check_between(level, "level")
    for name, numbers in (("networks", networks), ("runs", runs)):
        check_labels(numbers, len(values), torch.iinfo(torch.int64).max, name)
    draws = torch.Generator().manual_seed(seed)
    each, network = networks.unique(return_inverse=True)
    chosen = _counts(resamples, len(each), draws)
    total = size = torch.zeros(resamples, dtype=torch.float64)
    independent = 0
    for v in range(len(each)):
        mine = network == v
        names, run = runs[mine].unique(return_inverse=True)
        weights = _counts(resamples, len(names), draws)[:, run] * chosen[:, v : v + 1]
        total = total + weights @ values[mine].double()
        size = size + weights.sum(1)
        independent += len(names)
    return _estimate(float(values.double().mean()), total / size, level, independent)


def _counts(resamples: int, members: int, draws: torch.Generator) -> Tensor:
    """How often each of so many is drawn, float64 ``[resamples, members]``."""
    drawn = torch.randint(members, (resamples, members), generator=draws)
    zeros = torch.zeros((resamples, members), dtype=torch.float64)
    return zeros.scatter_add_(1, drawn, torch.ones_like(zeros))


def _estimate(value: float, values: Tensor, level: float, runs: int) -> Estimate:
    low, high = percentiles(values, level).tolist()
    if value == 1:
        low = least_share(runs, level)
    if value == 0:
        high = 1 - least_share(runs, level)
    return Estimate(value, low, high)
