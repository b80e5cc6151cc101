"""The direct encoding: one gene for each pixel (Nguyen et al. 2015, section 2.3)."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from foolkit.checks import (
    MOST_VALUES,
    check_count,
    check_fraction,
    check_kind,
    check_number,
    image_shape,
)
from foolkit.encodings.genomes import Genomes


@dataclass
class PixelGenomes(Genomes):
    """``pixels``: float32 ``[N, C, H, W]`` in [0, 1]."""

    pixels: Tensor


@dataclass(frozen=True)
class Pixels:
    """The direct encoding of Nguyen, Yosinski and Clune (2015).

    Genes start uniform in [0, 1]. Each gene mutates with probability ``rate``, by polynomial
    mutation with exponent ``eta`` (Deb 2001), clipped to [0, 1].

    The defaults are the paper's text: no crossover, the rate halved every 1000 generations.
    ``Pixels.released_code(shape)`` sets what the authors' program does instead: simulated binary
    crossover with probability 0.5 and exponent 10, no halving.

    Deviations from that program: where two parents share a gene value, its crossover leaves the
    child's gene at 0.5 (a fresh genome's filling); here the child inherits the value. Colour is
    RGB, one gene a channel; the program has hue, lightness and saturation.

    Args:
        shape: ``(C, H, W)`` of the images.
        rate: mutation probability of a gene, in [0, 1].
        eta: exponent of polynomial mutation; the mean step of a mutated gene is ``1/(eta+2)``.
        halve_every: generations after which the rate is halved, again and again; None: never.
        crossover: probability that a pair of parents is crossed, in [0, 1].
        eta_crossover: exponent of simulated binary crossover (Deb and Agrawal 1995).
    """

    shape: tuple[int, int, int]
    rate: float = 0.1
    eta: float = 15.0
    halve_every: int | None = 1000
    crossover: float = 0.0
    eta_crossover: float = 10.0

    genomes: ClassVar[type[PixelGenomes]] = PixelGenomes

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", image_shape(self.shape))
        check_fraction(self.rate, "rate")
        check_fraction(self.crossover, "crossover")
        for name in ("eta", "eta_crossover"):
            check_number(getattr(self, name), name, least=0)
        for name in ("rate", "crossover", "eta", "eta_crossover"):  # equal settings, equal names
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.halve_every is not None:
            check_count(self.halve_every, "halve_every")
            object.__setattr__(self, "halve_every", operator.index(self.halve_every))

    @classmethod
    def released_code(cls, shape: tuple[int, int, int]) -> Self:
        """The settings of the authors' program (``dl_map_elites_images_mnist_direct_encoding``)."""
        return cls(shape, halve_every=None, crossover=0.5, eta_crossover=10.0)

    def sample(self, n: int, generator: torch.Generator) -> PixelGenomes:
        """``n`` genomes of independent uniform genes, on the generator's device."""
        check_count(n, "n", most=MOST_VALUES // math.prod(self.shape))
        check_kind(generator, torch.Generator, "generator")
        how: dict[str, Any] = {"dtype": torch.float32, "device": generator.device}
        return PixelGenomes(torch.rand((n, *self.shape), generator=generator, **how))

    def vary(
        self, parents: PixelGenomes, generator: torch.Generator, generation: int = 0
    ) -> PixelGenomes:
        """A mutated (and, if asked for, crossed) child of each parent."""
        check_kind(parents, PixelGenomes, "parents")
        check_kind(generator, torch.Generator, "generator")
        check_count(generation, "generation", minimum=0)
        genes = parents.pixels.flatten(1)
        if self.crossover:
            genes = simulated_binary_crossover(genes, self.crossover, self.eta_crossover, generator)
        halvings = generation // self.halve_every if self.halve_every else 0
        genes = polynomial_mutation(genes, self.rate * 0.5**halvings, self.eta, generator)
        return PixelGenomes(genes.view(-1, *self.shape))

    def render(self, genomes: PixelGenomes) -> Tensor:
        """``floor(255 gene) / 255``, the 8-bit image of the paper's program."""
        check_kind(genomes, PixelGenomes, "genomes")
        return (genomes.pixels * 255).floor_().div_(255)


def polynomial_mutation(
    genes: Tensor, rate: float, eta: float, generator: torch.Generator
) -> Tensor:
    """Mutate each gene with probability ``rate``; returns a new tensor ``[N, genes]``.

    With ``u`` uniform in [0, 1), ``gene + (2u)^(1/(eta+1)) - 1`` for ``u < 1/2`` and
    ``gene + 1 - (2(1-u))^(1/(eta+1))`` otherwise, clipped to [0, 1] (Deb 2001, as in the paper's
    program; not the later form whose step depends on the distance to the bounds).

    Only the genes that mutate cost anything: the gaps between them are geometric, so their
    positions are a running sum of ``floor(log u / log(1 - rate)) + 1``. Ten standard deviations
    more gaps are drawn than the genes need on average, so that the walk always reaches the end.
    """
    total = genes.numel()
    mutated = torch.cat([genes.reshape(-1), genes.new_zeros(1)])  # the last place takes overruns
    if rate > 0:
        draws = min(total, int(total * rate + 10 * (total * rate) ** 0.5) + 10)
        u = torch.rand((2, draws), generator=generator, dtype=genes.dtype, device=genes.device)
        if rate < 1:
            # 1 - u lies in (0, 1]: its logarithm is finite, and a gap is at least 1
            gaps = (1 - u[0]).log_().mul_(1 / math.log1p(-rate)).floor_().long() + 1
            place = gaps.cumsum_(0).sub_(1).clamp_(max=total)
        else:
            place = torch.arange(total, device=genes.device)
        r = 2 * u[1]
        shrink = 1 - torch.minimum(r, 2 - r).pow_(1 / (eta + 1))
        step = torch.where(r < 1, -shrink, shrink)
        mutated[place] = (mutated[place] + step).clamp_(0, 1)
    return mutated[:total].view_as(genes)


def simulated_binary_crossover(
    genes: Tensor, probability: float, eta: float, generator: torch.Generator
) -> Tensor:
    """Cross the pairs (0, 1), (2, 3), ... with ``probability`` a pair; returns ``[N, genes]``.

    For a pair ``a <= b`` of one gene and ``u`` uniform, the children are
    ``(a + b -/+ beta (b - a)) / 2`` with ``beta`` of the bounded form of Deb and Agrawal (1995),
    for the bounds [0, 1]; each gene's two children change places with probability 1/2. An odd
    last genome has no mate and is copied.
    """
    pairs = len(genes) // 2
    first, second = genes[0 : 2 * pairs : 2], genes[1 : 2 * pairs : 2]
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    gap = (high - low).clamp_min(1e-6)
    how: dict[str, Any] = {"dtype": genes.dtype, "device": genes.device}
    u = torch.rand((2, *low.shape), generator=generator, **how)

    def spread(room: Tensor) -> Tensor:
        alpha = 2 - (1 + 2 * room / gap).pow(-(eta + 1))
        inner = (u[0] * alpha).pow(1 / (eta + 1))
        outer = (1 / (2 - u[0] * alpha)).pow(1 / (eta + 1))
        return torch.where(u[0] <= 1 / alpha, inner, outer)

    middle = low + high
    below = ((middle - spread(low) * gap) / 2).clamp_(0, 1)
    above = ((middle + spread(1 - high) * gap) / 2).clamp_(0, 1)
    swap = u[1] < 0.5
    crossed = torch.stack([torch.where(swap, above, below), torch.where(swap, below, above)], 1)
    # genes that the parents share are inherited as they are
    parents = torch.stack([first, second], 1)
    happens = torch.rand((pairs, 1, 1), generator=generator, **how) < probability
    keep = ~happens | (high - low <= 1e-6)[:, None]
    children = torch.where(keep, parents, crossed).flatten(0, 1)
    return torch.cat([children, genes[2 * pairs :]])
