"""The experiments, one a file, in the order in which they are made."""

from foolkit.examination.context import Experiment
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
