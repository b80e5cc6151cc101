"""Several attacks in turn, each on the images that the others left (Croce and Hein 2020)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.apgd import NORMS, apgd
from foolkit.gradients.fmn import fmn
from foolkit.gradients.problem import CHUNK, Problem, attacking, check_within, norm_named
from foolkit.gradients.result import Perturbed, measured, perturbed
from foolkit.gradients.sign import Loss
from foolkit.gradients.square import square
from foolkit.seeds import Seed, generator_of

STANDS, BEFORE = -1, -2  # no attack broke it; it was wrong as given
ROOM = 1e-5  # of epsilon: what float32 may lose of a norm


@dataclass(frozen=True, repr=False)
class Attacked(Perturbed):
    """The result of ``ensemble``, and which attack broke which image.

    An image that stands is returned as it was.

    Attributes:
        breaker: int64 ``[N]``, the place in ``ATTACKS`` of the attack that broke the image;
            ``STANDS`` (-1) where none did, ``BEFORE`` (-2) where the image was a success as given.
    """

    breaker: Tensor

    KIND: ClassVar[str] = "attacked"
    ATTACKS: ClassVar[tuple[str, ...]] = ("apgd-ce", "apgd-t", "fmn", "square")
    DTYPES: ClassVar[dict[str, torch.dtype]] = {**Perturbed.DTYPES, "breaker": torch.int64}

    def broken_by(self) -> dict[str, int]:
        """How many images each attack broke that those before it had not, in their order."""
        return {name: int((self.breaker == k).sum()) for k, name in enumerate(self.ATTACKS)}

    def __repr__(self) -> str:
        broken = ", ".join(f"{name} {count}" for name, count in self.broken_by().items())
        return f"{super().__repr__()[:-1]}; broken by {broken})"


def ensemble(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    norm: Literal["inf", "2"] | float = "inf",
    steps: int = 100,
    queries: int = 5000,
    goals: int = 9,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: Seed = 0,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Attacked:
    """Four attacks that fail for different reasons, in the spirit of AutoAttack.

    Croce and Hein (2020, section 6) run APGD on the cross-entropy, APGD on the difference of
    logits towards each of nine goals, FAB and Square; an image counts as robust if it withstands
    all. So it is here, with FMN (Pintor et al. 2021) in the place of FAB, another search for the
    smallest change: an image is broken if that is within ``epsilon``. Each attack is shown only
    the images that stand.

    Args:
        net, images, labels, targeted, mask, chunk: as for ``fgsm``.
        epsilon: radius of the ball in ``norm``, in units of the pixel range.
        norm: ``"inf"`` or ``"2"``.
        steps: of APGD, for each goal, and of FMN.
        queries: of Square, forward passes an image.
        goals: of the targeted APGD, the likeliest wrong classes; with ``targeted`` the labels are
            the one goal. Of a network with fewer than four classes the margin is raised, since
            the ratio needs four logits.
        seed: of all that is random; an integer or a generator on the images' device.
        progress: show bars of those that take longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(epsilon, "epsilon", least=0)
    norm = norm_named(norm, NORMS)
    if norm == "inf":
        check_within([epsilon])
    steps, queries = check_count(steps, "steps"), check_count(queries, "queries")
    goals, chunk = check_count(goals, "goals"), check_count(chunk, "chunk")
    generator = generator_of(seed, images.device)
    common: dict[str, Any] = {"norm": norm, "chunk": chunk, "progress": progress}
    ball: dict[str, Any] = {**common, "epsilon": epsilon, "seed": generator}
    ratio: Loss = "dlr" if problem.classes >= 4 else "margin"

    def given(part: Problem) -> dict[str, Any]:
        return {
            "net": net, "images": part.images, "labels": part.labels,
            "targeted": part.targeted, "mask": part.mask,
        }  # fmt: skip

    def towards_goals(part: Problem) -> Perturbed:
        """APGD to each of the likeliest wrong classes in turn, while the image stands."""
        if part.targeted:
            return apgd(**given(part), loss=ratio, steps=steps, **ball)
        with attacking(part.net):
            logits = torch.cat([part.net(p.images).float() for p in part.split(chunk)])
        others = logits.scatter(1, part.labels[:, None], -torch.inf).argsort(1, descending=True)
        changed, spent = part.images.clone(), torch.zeros_like(part.labels)
        left = torch.arange(len(part), device=part.images.device)
        for goal in others[:, : min(goals, part.classes - 1)].unbind(1):
            aimed = replace(part[left], labels=goal[left], targeted=True)
            found = apgd(**given(aimed), loss=ratio, steps=steps, **ball)
            changed[left[found.success]] = found.images[found.success]
            spent[left] += found.queries
            left = left[~found.success]
            if not len(left):
                break
        return perturbed(part, changed, spent, chunk)

    attacks: dict[str, Callable[[Problem], Perturbed]] = {
        "apgd-ce": lambda part: apgd(**given(part), steps=steps, **ball),
        "apgd-t": towards_goals,
        "fmn": lambda part: fmn(**given(part), steps=steps, **common),
        "square": lambda part: square(**given(part), steps=queries, **ball),
    }
    with attacking(problem.net):
        first = torch.cat([part.net(part.images).float() for part in problem.split(chunk)])
    breaker = torch.where(problem.fooled(first), BEFORE, STANDS)
    best, spent = problem.images.clone(), torch.zeros_like(problem.labels)
    for place, name in enumerate(Attacked.ATTACKS):
        standing = (breaker == STANDS).nonzero()[:, 0]
        if not len(standing):
            break
        found = attacks[name](problem[standing])
        size = found.linf if norm == "inf" else found.l2
        broken = found.success & (size <= epsilon * (1 + ROOM))
        best[standing[broken]] = found.images[broken]
        breaker[standing[broken]] = place
        spent[standing] += found.queries
    fields = measured(problem, best, spent, chunk, (norm, float(epsilon)), first)
    # another batch may round an answer to the other side
    standing = (breaker != BEFORE) & ~fields["success"]
    return Attacked(**fields, breaker=breaker.masked_fill(standing, STANDS))
