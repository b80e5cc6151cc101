"""The experiments, one a file, in the order in which they are made."""

from foolkit.examination.context import Experiment, Sizes
from foolkit.examination.sections import (
    accuracy,
    attacks,
    detectors,
    evolved,
    masked,
    neighbours,
    others,
    painted,
    rays,
    rubbish,
)

EXPERIMENTS: tuple[Experiment, ...] = tuple(
    module.EXPERIMENT
    for module in (
        accuracy, neighbours, attacks, rubbish, evolved, painted, rays, others, masked, detectors,
    )
)  # fmt: skip


def number_names(sizes: Sizes) -> tuple[str, ...]:
    """Of all numbers that a report may have."""
    able = (one for one in EXPERIMENTS if sizes.gradient or not one.gradient)
    return tuple(name for one in able for name in one.numbers(sizes))
