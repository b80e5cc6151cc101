"""Fooled by accident: how many random pictures until a network is sure of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from foolkit.analysis.intervals import Interval, exact_interval
from foolkit.analysis.space import DRAWS, Draw, class_shares
from foolkit.checks import (
    check_count,
    check_fraction,
    check_kind,
    check_labels,
    check_number,
    image_shape,
)
from foolkit.data.photographs import photograph_pieces
from foolkit.encodings import CPPN

SURE = 0.99
FRAMES = 25  # a second, of a camera
DEVIATION = 0.25  # of Gaussian noise about middle grey
DRIFT = 20  # generations of formulas that nobody selects
MILLION = 1_000_000


@dataclass(frozen=True)
class Accidents:
    """How many of the random pictures a network was sure of.

    Attributes:
        hits: of ``images``, independent ones.
        images: how many there were.
    """

    hits: int
    images: int

    def per_million(self, level: float = 0.95) -> Interval[float]:
        """Expected number in a million such pictures, with the exact interval of the share."""
        return self._times(MILLION, level)

    def per_hour(
        self, frames: float = FRAMES, windows: float = 1, level: float = 0.95
    ) -> Interval[float]:
        """Expected number in an hour of a camera that saw nothing but such pictures.

        Args:
            frames: a second.
            windows: of a frame that are looked at, each a new picture. The frames of a real
                camera are alike, so its false alarms come in rows: the number is right on the
                average and not for any one hour.
            level: of confidence, in (0, 1).
        """
        check_number(frames, "frames", above=0)
        check_number(windows, "windows", above=0)
        return self._times(3600 * frames * windows, level)

    @property
    def until_one(self) -> float:
        """Pictures until the first, on the average; infinite where there was none."""
        return self.images / self.hits if self.hits else float("inf")

    @property
    def rule_of_three(self) -> float:
        """``3 / images``: where none was found the share is below this, with 95 % confidence.

        ``1 - 0.05 ** (1 / images)`` to first order, a bound of one side (Hanley and
        Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 1983). The
        intervals here have two sides, and reach ``3.7 / images``.

        Raises:
            ValueError: something was found.
        """
        if self.hits:
            raise ValueError(f"hits: expected none for the rule of three, got {self.hits}")
        return 3 / self.images

    def _times(self, count: float, level: float) -> Interval[float]:
        share = exact_interval(self.hits, self.images, level)
        return Interval(count * share.value, count * share.low, count * share.high, level)


def textures(shape: Sequence[int], photographs: Sequence[str] | None = None) -> dict[str, Draw]:
    """Kinds of random pictures, each a function from a number and a generator to pictures.

    ``"uniform"``: each value uniform in [0, 1]. ``"Gaussian"``: normal about 0.5 with
    ``DEVIATION``, cut to [0, 1]. ``"1/f"``: power that falls with the frequency squared, as in
    photographs. ``"formulas"``: CPPNs after ``DRIFT`` generations of mutation without any
    selection. ``"pieces"``: of photographs (``photograph_pieces``), which are no textures: what a
    camera may see.

    Args:
        shape: ``(C, H, W)`` of the pictures.
        photographs: titles of those to take pieces of; by default all fourteen.

    Raises:
        TypeError, ValueError: a shape that is none.
    """
    size = image_shape(shape)
    formulas = CPPN(size)

    def gaussian(count: int, generator: torch.Generator) -> Tensor:
        drawn = torch.randn((count, *size), generator=generator, device=generator.device)
        return drawn.mul_(DEVIATION).add_(0.5).clamp_(0, 1)

    def drifted(count: int, generator: torch.Generator) -> Tensor:
        genomes = formulas.sample(count, generator)
        for generation in range(DRIFT):
            genomes = formulas.vary(genomes, generator, generation)
        return formulas.render(genomes)

    def pieces(count: int, generator: torch.Generator) -> Tensor:
        smallest = min(size[1:])
        found = photograph_pieces(count, size, titles=photographs, least=smallest, seed=generator)
        return found[0].to(generator.device)

    return {
        "uniform": partial(DRAWS["uniform"], size),
        "Gaussian": gaussian,
        "1/f": partial(DRAWS["smooth"], size),
        "formulas": drifted,
        "pieces": pieces,
    }


def accidents(
    net: nn.Module,
    draws: Mapping[str, Draw],
    *,
    images: int = 10_000,
    least: float = SURE,
    alarms: Sequence[int] | None = None,
    seed: int = 0,
    chunk: int = 500,
    progress: bool = True,
) -> dict[str, Accidents]:
    """Show a network random pictures of each kind, and count those that it is sure of.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        draws: kinds of pictures, as of ``textures``.
        images: of each kind.
        least: confidence from which it counts as sure, in [0, 1].
        alarms: the classes that count; by default all. Of a detector only what it looks for.
        seed: of the pictures, of each kind the same.
        chunk: images of one pass.
        progress: show a bar for each kind.

    Raises:
        TypeError, ValueError: an argument that does not fit, or images that are none.
    """
    check_count(images, "images")
    check_fraction(least, "least")
    check_kind(draws, Mapping, "draws")
    for kind, draw in draws.items():
        if not callable(draw):
            raise TypeError(f"draws: expected functions, got {draw!r} for {kind!r}")
    found = {}
    for kind, draw in draws.items():
        shares = class_shares(
            net, draw, images=images, levels=(least,), seed=seed, chunk=chunk, progress=progress
        )
        hits = shares.hits[0]
        if alarms is not None:
            classes = torch.as_tensor(list(alarms))
            check_labels(classes, len(classes), len(hits), "alarms")
            hits = hits[classes]
        found[kind] = Accidents(int(hits.sum()), images)
    return found
