"""How well scores tell data from the rest, with intervals over networks and runs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.analysis.calibration import auroc
from foolkit.analysis.detectors import acceptance_threshold
from foolkit.analysis.intervals import Interval, count_units, draw_counts, rng_of, with_ends
from foolkit.checks import (
    MOST_DRAWS,
    check_between,
    check_count,
    check_fraction,
    check_labels,
    check_no_nan,
    check_tensor,
)
from foolkit.seeds import Seed


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

    auroc: Interval[float]
    accepted: Interval[float]
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
    seed: Seed = 0,
) -> Rejection:
    """AUROC and share accepted, with bootstrap intervals over networks, runs and digits.

    In each resample networks are drawn with replacement, then runs of outsiders, then the digits
    of both kinds. Runs that all networks were shown are drawn once for all; runs that were made
    on one network are drawn within it. With so few networks the interval is still too narrow.
    Where outsiders and digits do not overlap, resampling has no width: the interval is then the
    exact one of a share of 0 or 1 of so many runs, as of ``mean_interval``.

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
    resamples = check_count(resamples, "resamples", most=MOST_DRAWS)
    check_fraction(accepted, "accepted")
    check_between(level, "level")
    for name, scores in (("inside", inside), ("calibration", calibration)):
        if not isinstance(scores, Tensor) or scores.ndim != 2 or scores.numel() == 0:
            raise ValueError(f"{name}: expected scores [V, D], a row for each network")
        check_tensor(scores, name, 2, floating=True)
        check_no_nan(scores, name)
    check_tensor(outside, "outside", floating=True)
    check_no_nan(outside, "outside")
    count, shown = len(inside), outside.shape[-1]
    crossed = outside.ndim == 2
    if outside.ndim > 2:
        raise ValueError(f"outside: expected scores [N] or [V, N], got {list(outside.shape)}")
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

    rng = rng_of(seed)
    whole = torch.arange(count)
    digits = draw_counts([torch.arange(inside.shape[1])], resamples, rng)
    known = calibration.shape[1]
    held = torch.from_numpy(rng.integers(known, size=(resamples, known)))
    if crossed:  # all networks were shown the same runs
        levels = [run]
        weights = draw_counts([run], resamples, rng)
        chosen = draw_counts([whole], resamples, rng)
    else:
        assert networks is not None  # seen to above
        levels = [networks, run]
        weights = draw_counts(levels, resamples, rng)
    place = int(acceptance_threshold(torch.arange(known).double(), accepted, "calibration"))
    areas = shares = total = torch.zeros(resamples, dtype=torch.float64)
    for v in range(count):
        each = weights[:, members[v]]  # [resamples, N]
        size = each.sum(1).clamp_min(1)
        if crossed:
            times = chosen[:, v]
        else:  # each draw of a network brings as many runs as it has
            _, own, images = run[members[v]].unique(return_inverse=True, return_counts=True)
            times = each @ (1 / images[own].double()) / len(images)
        above = (inside[v][:, None] > parts[v]).double() + 0.5 * (inside[v][:, None] == parts[v])
        areas = areas + times * ((digits @ above) * each).sum(1) / digits.sum(1) / size
        least = calibration[v][held].sort(1).values[:, place]
        shares = shares + times * ((parts[v] >= least[:, None]) * each).sum(1) / size
        total = total + times
    thresholds = [acceptance_threshold(row, accepted, "calibration") for row in calibration]
    found = [auroc(inside[v], parts[v]) for v in range(count)]
    let_in = [float((parts[v] >= thresholds[v]).double().mean()) for v in range(count)]
    units = count_units(levels)
    area, share = (
        with_ends(sum(each) / count, drawn / total, units, level, share=True)
        for each, drawn in ((found, areas), (let_in, shares))
    )
    return Rejection(area, share, tuple(found), units, count)
