"""How much of each experiment fits into the time: from one forward and one backward pass."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from foolkit.gradients.problem import attacking
from foolkit.models.door import evaluating
from foolkit.models.precision import device_of

SPARE = 0.8  # of the time is planned: passes of other sizes take a little longer than measured
LOOKS = 3  # the quickest of so many: the first is slow, others share the processor
Unit = Literal["pictures", "images", "generations", "goals"]


@dataclass(frozen=True)
class Cost:
    """Seconds for each image of a pass of the network.

    Attributes:
        forward: of a pass without gradient.
        backward: that a gradient with respect to the image takes beyond the forward pass.
    """

    forward: float
    backward: float


@dataclass(frozen=True)
class Need:
    """What an experiment costs.

    Attributes:
        unit: what there may be more or fewer of.
        wanted: how many there would be with time without end.
        least: below which it says little; fewer are planned only if the least of all experiments
            together would take more than the time.
        forward, backward: passes of one image a unit, in a typical case.
        weight: its part of the time, relative to that of the others.
        beside: seconds a unit that the network does not take.
        weaker: the same with a shorter search, for when the time suffices for not even ``least``.
    """

    unit: Unit
    wanted: int
    least: int
    forward: float
    backward: float
    weight: float
    beside: float = 0.0
    weaker: Need | None = None

    def seconds(self, cost: Cost) -> float:
        """Of one unit."""
        return self.forward * cost.forward + self.backward * cost.backward + self.beside


@dataclass(frozen=True)
class Share:
    """What is planned of one experiment.

    Attributes:
        unit, wanted: as in ``Need``.
        count: units planned, 1 to ``wanted``.
        seconds: that they should take.
        weaker: whether the search is the shorter one.
    """

    unit: Unit
    wanted: int
    count: int
    seconds: float
    weaker: bool = False

    @property
    def wider(self) -> float:
        """By what factor fewer pictures or goals widen an interval: a square root."""
        return math.sqrt(self.wanted / self.count)

    @property
    def cut(self) -> str:
        """What the time did not suffice for, in words; empty: nothing."""
        told = []
        if self.count < self.wanted:
            lost = (
                "breeding had not ended, so that what it found is the least there is"
                if self.unit == "generations"
                else f"intervals are about {self.wider:.1f} times as wide as with all"
            )
            told.append(f"{self.count} of {self.wanted} {self.unit} in the time given: {lost}")
        if self.weaker:
            told.append("a shorter search in the time given: a longer one would fool more")
        return "; ".join(told)

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def gives_gradient(net: nn.Module, images: Tensor) -> bool:
    """Whether ``net`` has a gradient with respect to its images ``[N, C, H, W]``."""
    with attacking(net), torch.enable_grad():
        leaf = images.detach().clone().requires_grad_()
        try:
            torch.autograd.grad(net(leaf).float().logsumexp(1).sum(), leaf)
        except (TypeError, RuntimeError) as error:  # as estimators say it, and as PyTorch does
            if isinstance(error, TypeError) or "grad" in str(error):
                return False
            raise
    return True


def measure(net: nn.Module, images: Tensor, gradient: bool = True) -> Cost:
    """What a pass of ``net`` takes for each of ``images`` ``[N, C, H, W]``."""

    def forward() -> None:
        with torch.inference_mode(), evaluating(net):
            net(images)

    def both() -> None:
        with attacking(net), torch.enable_grad():
            leaf = images.detach().clone().requires_grad_()
            torch.autograd.grad(net(leaf).float().logsumexp(1).sum(), leaf)

    once = _seconds(forward, device_of(net)) / len(images)
    if not gradient:
        return Cost(once, 0.0)
    return Cost(once, max(0.0, _seconds(both, device_of(net)) / len(images) - once))


def _seconds(work: Callable[[], None], device: torch.device) -> float:
    taken = []
    for _ in range(LOOKS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    return min(taken)


def plan(needs: Sequence[tuple[str, Need]], cost: Cost, seconds: float | None) -> dict[str, Share]:
    """How many units each experiment gets.

    In their order each has its part of the time that is left, so that what a cheap one does not
    need goes to those after it. Where the time suffices for not even the least of each, each has
    the same part of its least, and at least one unit.

    Args:
        needs: of each experiment, by name.
        cost: of the network's passes.
        seconds: for all of them; None: whatever it takes.
    """
    left = math.inf if seconds is None else SPARE * seconds
    weights = [need.weight for _, need in needs]
    least = sum(
        min(need.wanted, need.least) * (need.weaker or need).seconds(cost) for _, need in needs
    )
    part = min(1.0, left / max(least, 1e-9))
    shares = {}
    for place, (name, need) in enumerate(needs):
        each = max(need.seconds(cost), 1e-9)
        given = left if seconds is None else left * need.weight / sum(weights[place:])
        lowest = max(1, int(part * min(need.wanted, need.least)))
        weaker = need.weaker is not None and given < min(need.wanted, need.least) * each
        if need.weaker is not None and weaker:
            need = need.weaker
            each = max(need.seconds(cost), 1e-9)
        fits = need.wanted if given == math.inf else int(given / each)
        count = max(lowest, min(need.wanted, fits))
        shares[name] = Share(need.unit, need.wanted, count, count * each, weaker)
        left = max(0.0, left - count * each)
    return shares
