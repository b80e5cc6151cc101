"""The indirect encoding: networks that compose patterns (Nguyen et al. 2015, section 2.3)."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from foolkit.checks import (
    MOST_VALUES,
    check_choice,
    check_count,
    check_fraction,
    check_kind,
    check_names,
    check_number,
    image_shape,
)
from foolkit.encodings import cppn_vary
from foolkit.encodings.cppn_evaluate import evaluate
from foolkit.encodings.cppn_genomes import INPUTS, NAMES, CPPNGenomes

RATES = ("weight_rate", "activation_rate", "add_link", "delete_link", "add_node", "delete_node")
MOST_NODES = 2**14  # and links, of one genome


@dataclass(frozen=True)
class CPPN:
    """Compositional pattern-producing networks (Stanley 2007) as Nguyen et al. (2015) bred them.

    A genome is a feed-forward network of any topology from a pixel's place (x, y, distance to
    the centre, and a constant 1) to its brightness, or to hue, saturation and value. A node puts
    the weighted sum of its links through its own activation. At first every input is linked to
    every output, with weights uniform in ``[-weight_limit, weight_limit]``, and there are no
    hidden nodes. A mutation is, in this order: each weight with probability ``weight_rate`` (by
    polynomial mutation), each activation with ``activation_rate`` (drawn anew); then, each at
    most once, a link added, a link deleted, a link split by a new node (both halves have its
    weight), a node deleted with its links.

    Growth ends at ``max_hidden`` nodes and ``max_links`` links: there an addition does nothing,
    until a deletion has made room; all other mutations go on. A genome's size in memory and on
    disk depends on the limits only.

    The brightness of a pixel is ``floor(255 |output|) / 255``, colours likewise: the outputs on
    the 8-bit grid, and the red, green and blue made of them rounded to it.

    The rates are the paper's; so is the colour, HSV. ``CPPN.released_code(shape)`` sets what the
    authors' program does instead: x and y are pixel numbers and not from -1 to 1, and colours
    are HLS with the hue in units of two degrees, so that 255 is more than a full turn.

    Deviations from that program: it may link two nodes more than once, here a second link
    between the same nodes is not added; it has no limits. ``crossover`` is neither in the paper
    nor in the program.

    Args:
        shape: ``(C, H, W)`` of the images; C is 1 (grey) or 3 (colour).
        inputs: "unit": x and y from -1 to 1; "pixels": 0 to W - 1 and 0 to H - 1. The distance is
            on the unit square either way.
        colour: "hsv" or "hls", for three channels.
        activations: names out of ``foolkit.encodings.ACTIVATIONS``.
        max_hidden: most hidden nodes of a genome.
        max_links: most links of a genome.
        weight_rate: mutation probability of a weight, in [0, 1].
        eta: exponent of polynomial mutation; the mean step is ``2 weight_limit / (eta + 2)``.
        weight_limit: weights are in [-weight_limit, weight_limit].
        activation_rate: probability that a node's activation is drawn anew, in [0, 1].
        add_link, delete_link, add_node, delete_node: probability of each, in [0, 1].
        crossover: probability that a pair of parents is crossed (weights and activations that
            both have), in [0, 1].

    Raises:
        ValueError, TypeError: settings outside these ranges.
    """

    shape: tuple[int, int, int]
    inputs: Literal["unit", "pixels"] = "unit"
    colour: Literal["hsv", "hls"] = "hsv"
    activations: tuple[str, ...] = ("sine", "sigmoid", "gaussian", "linear")
    max_hidden: int = 32
    max_links: int = 96
    weight_rate: float = 0.1
    eta: float = 15.0
    weight_limit: float = 10.0
    activation_rate: float = 0.1
    add_link: float = 0.5
    delete_link: float = 0.3
    add_node: float = 0.5
    delete_node: float = 0.2
    crossover: float = 0.0

    genomes: ClassVar[type[CPPNGenomes]] = CPPNGenomes

    def __post_init__(self) -> None:
        shape = image_shape(self.shape)
        if shape[0] not in (1, 3):
            raise ValueError(
                f"shape: expected (channels, height, width) with 1 or 3 channels, got {shape}"
            )
        object.__setattr__(self, "shape", shape)
        for name, known in (("inputs", ("unit", "pixels")), ("colour", ("hsv", "hls"))):
            check_choice(getattr(self, name), known, name)
        given = (self.activations,) if isinstance(self.activations, str) else self.activations
        names = () if given == () else check_names(given, "activations")
        object.__setattr__(self, "activations", tuple(names))
        if not names or set(names) - set(NAMES) or len(set(names)) < len(names):
            raise ValueError(
                f"activations: expected different names of {', '.join(NAMES)}, got {tuple(names)}"
            )
        check_count(self.max_hidden, "max_hidden", minimum=0, most=MOST_NODES)
        check_count(self.max_links, "max_links", minimum=len(INPUTS) * shape[0], most=MOST_NODES)
        for name in (*RATES, "crossover"):
            check_fraction(getattr(self, name), name)
        check_number(self.eta, "eta", least=0)
        check_number(self.weight_limit, "weight_limit", above=0)
        for name in (*RATES, "crossover", "eta", "weight_limit"):  # equal settings, equal names
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("max_hidden", "max_links"):
            object.__setattr__(self, name, operator.index(getattr(self, name)))

    @classmethod
    def released_code(cls, shape: tuple[int, int, int]) -> Self:
        """The settings of the authors' program (``dl_map_elites_images_mnist``)."""
        return cls(shape, inputs="pixels", colour="hls")

    def sample(self, n: int, generator: torch.Generator) -> CPPNGenomes:
        """``n`` networks without hidden nodes, on the generator's device."""
        check_count(n, "n", most=MOST_VALUES // math.prod(self.shape))
        check_kind(generator, torch.Generator, "generator")
        device, outputs, inputs = generator.device, self.shape[0], len(INPUTS)
        links = inputs * outputs
        source, target = torch.zeros((2, n, self.max_links), dtype=torch.int64, device=device)
        weight = torch.zeros((n, self.max_links), device=device)
        source[:, :links] = torch.arange(inputs, device=device).repeat(outputs)
        target[:, :links] = torch.arange(inputs, inputs + outputs, device=device).repeat_interleave(
            inputs
        )
        weight[:, :links] = torch.rand((n, links), generator=generator, device=device)
        weight[:, :links].mul_(2).sub_(1).mul_(self.weight_limit)
        kinds = self._kinds(device)
        drawn = torch.randint(len(kinds), (n, outputs), generator=generator, device=device)
        hidden = torch.full((n, self.max_hidden), -1, device=device)
        return CPPNGenomes(source, target, weight, kinds[drawn], hidden)

    def vary(
        self, parents: CPPNGenomes, generator: torch.Generator, generation: int = 0
    ) -> CPPNGenomes:
        """A mutated (and, if asked for, crossed) child of each parent; rates do not fall."""
        check_kind(parents, CPPNGenomes, "parents")
        check_kind(generator, torch.Generator, "generator")
        check_count(generation, "generation", minimum=0)
        kinds = self._kinds(generator.device)
        child = cppn_vary.trim(parents, room=2)  # a link added, and one split
        if self.crossover:
            child = cppn_vary.crossover(child, self.crossover, generator)
        child = cppn_vary.mutate_weights(
            child, self.weight_rate, self.eta, self.weight_limit, generator
        )
        child = cppn_vary.mutate_activations(child, self.activation_rate, kinds, generator)
        child = cppn_vary.add_link(child, self.add_link, self.weight_limit, generator)
        child = cppn_vary.delete_link(child, self.delete_link, generator)
        if self.max_hidden:
            child = cppn_vary.split_link(child, self.add_node, kinds, generator)
            child = cppn_vary.delete_node(child, self.delete_node, generator)
        return cppn_vary.pack(child, self.max_links)

    @torch.no_grad()
    def render(self, genomes: CPPNGenomes, size: tuple[int, int] | None = None) -> Tensor:
        """Images ``[N, C, H, W]``, on the 8-bit grid.

        The memory in use beside the images is bounded. A genome's image does not depend on the
        batch that it is rendered in (on a CPU, to the last bit).

        Args:
            genomes: N networks of this encoding.
            size: ``(H, W)``: the same picture at another resolution.

        Raises:
            ValueError: a size that is none; genomes of another number of outputs.
        """
        check_kind(genomes, CPPNGenomes, "genomes")
        if size is not None and (not isinstance(size, (tuple, list)) or len(size) != 2):
            raise ValueError(f"size: expected (height, width), got {size!r}")
        height, width = self.shape[1:] if size is None else size
        check_count(height, "size")
        check_count(width, "size")
        if genomes.outputs.shape[1] != self.shape[0]:
            raise ValueError(
                f"genomes: expected {self.shape[0]} outputs, as many as channels,"
                f" got {genomes.outputs.shape[1]}"
            )
        inputs = self._coordinates(height, width, genomes.weight.device)
        images = inputs.new_empty((len(genomes), self.shape[0], height * width))
        for which, where, values in evaluate(genomes, inputs):
            images[which, :, where] = self._pixels(values)
        return images.view(len(genomes), self.shape[0], height, width)

    def _coordinates(self, height: int, width: int, device: torch.device) -> Tensor:
        """``[4, H * W]``: x, y, distance to the centre, and 1, of each pixel."""
        axes = []
        for size in (height, width):
            steps = torch.arange(size, device=device, dtype=torch.float32)
            axes.append((2 * steps - (size - 1)) / max(size - 1, 1))
        y, x = torch.meshgrid(*axes, indexing="ij")
        distance = (x.square() + y.square()).sqrt()
        if self.inputs == "pixels":
            x, y = (x + 1) * (self.shape[2] - 1) / 2, (y + 1) * (self.shape[1] - 1) / 2
        return torch.stack([x, y, distance, torch.ones_like(x)]).flatten(1)

    def _pixels(self, values: Tensor) -> Tensor:
        """Outputs ``[n, C, P]`` in [-1, 1] to grey or RGB on the 8-bit grid."""
        levels = values.abs_().mul_(255).floor_()
        if self.shape[0] == 1:
            return levels.div_(255)
        first, second, third = (levels / 255).unbind(1)
        if self.colour == "hsv":
            rgb = hsv_to_rgb(first, second, third)
        else:
            rgb = hls_to_rgb(levels[:, 0] / 180, second, third)  # OpenCV: one unit is two degrees
        return rgb.mul_(255).round_().div_(255)

    def _kinds(self, device: torch.device) -> Tensor:
        """The activations as places in the table."""
        return torch.tensor([NAMES.index(name) for name in self.activations], device=device)


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """``[n, P]`` each, hue in turns, the others in [0, 1], to RGB ``[n, 3, P]`` in [0, 1]."""
    sixths = torch.stack([hue * 6 + shift for shift in (5, 3, 1)], 1) % 6
    share = torch.minimum(sixths, 4 - sixths).clamp_(0, 1)
    return (value[:, None] * (1 - saturation[:, None] * share)).clamp_(0, 1)


def hls_to_rgb(hue: Tensor, lightness: Tensor, saturation: Tensor) -> Tensor:
    """``[n, P]`` each, hue in turns, the others in [0, 1], to RGB ``[n, 3, P]`` in [0, 1]."""
    twelfths = torch.stack([hue * 12 + shift for shift in (0, 8, 4)], 1) % 12
    share = torch.minimum(twelfths - 3, 9 - twelfths).clamp_(-1, 1)
    reach = saturation * torch.minimum(lightness, 1 - lightness)
    return (lightness[:, None] - reach[:, None] * share).clamp_(0, 1)
