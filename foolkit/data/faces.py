"""Faces drawn by code: an outline and six parts, and what is no face for want or excess of parts.

Nobody's photograph is in them. Everything about a picture is a number, so a page can draw the
same picture, and a part can be put anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Literal, get_args

import torch
from torch import Tensor

from foolkit.checks import MOST_PICTURES, check_choice, check_count
from foolkit.seeds import generator_of

SIZE = 32  # pixels across a picture
KINDS = ("nothing", "brow", "eye", "nose", "mouth", "blob")
NOTHING, BROW, EYE, NOSE, MOUTH, BLOB = range(6)
FACE = (BROW, BROW, EYE, EYE, NOSE, MOUTH)  # what a face has, place by place
# where: pixels right of and below the middle of the picture
PLACES = ((-4.6, -8.2), (4.6, -8.2), (-4.6, -3.4), (4.6, -3.4), (0.0, 1.8), (0.0, 7.6))
RADII = (12.0, 14.2)  # of the outline
What = Literal["face", "missing", "blobs", "scrambled"]


@dataclass(frozen=True)
class Drawing:
    """N pictures as numbers: six parts each, in an outline.

    Attributes:
        kinds: int64 ``[N, 6]``, numbers of ``KINDS``.
        places: float32 ``[N, 6, 2]``, pixels right of and below the middle of the picture.
        scales: float32 ``[N, 6]``, 1: as in the mean face.
        turns: float32 ``[N, 6]``, radians.
        greys: float32 ``[N, 7]``, brightness of the parts and (last) of the outline.
        radii: float32 ``[N, 2]``, half the width and half the height of the outline.
    """

    kinds: Tensor
    places: Tensor
    scales: Tensor
    turns: Tensor
    greys: Tensor
    radii: Tensor

    def __len__(self) -> int:
        return len(self.kinds)

    def images(self) -> Tensor:
        """The pictures, float32 ``[N, 1, 32, 32]`` in [0, 1]: light lines on black."""
        return reduce(torch.maximum, self._layers())[:, None]

    def layers(self) -> Tensor:
        """Each part alone and (last) the outline, float32 ``[N, 7, 32, 32]`` in [0, 1].

        The brightest of the seven, pixel by pixel, is the picture.
        """
        return torch.stack(list(self._layers()), 1)

    def _layers(self) -> Iterator[Tensor]:
        """The layers one by one, each ``[N, 32, 32]``: six parts, however many the pictures."""
        middle = torch.arange(SIZE, device=self.places.device) - (SIZE - 1) / 2
        y, x = torch.meshgrid(middle, middle, indexing="ij")
        for part in range(self.kinds.shape[1]):
            dx, dy = (axis - self.places[:, part, i, None, None] for i, axis in enumerate((x, y)))
            cos, sin = (f(self.turns[:, part, None, None]) for f in (torch.cos, torch.sin))
            scale = self.scales[:, part, None, None]
            u, v = (dx * cos + dy * sin) / scale, (dy * cos - dx * sin) / scale
            distance = part_distance(self.kinds[:, part], u, v) * scale
            yield self.greys[:, part, None, None] * coverage(distance)
        radii = self.radii[:, :, None, None]
        norm = ((x / radii[:, 0]).square() + (y / radii[:, 1]).square()).sqrt()
        outline = ((norm - 1) * radii.mean(1)).abs() - 0.6
        yield self.greys[:, 6, None, None] * coverage(outline)


def coverage(distance: Tensor) -> Tensor:
    """How much of a pixel lies inside a shape, from the signed distance of the pixel's middle."""
    return (0.5 - distance).clamp(0, 1)


def segment(u: Tensor, v: Tensor, a: tuple[float, float], b: tuple[float, float]) -> Tensor:
    """Distance of the points ``(u, v)`` from the line between ``a`` and ``b``."""
    (ax, ay), (bx, by) = a, b
    along = ((u - ax) * (bx - ax) + (v - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
    along = along.clamp(0, 1)
    return torch.hypot(u - ax - along * (bx - ax), v - ay - along * (by - ay))


def part_distance(kinds: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Signed distance from each picture's part, ``[N, H, W]``; negative inside, in pixels.

    Args:
        kinds: int64 ``[N]``.
        u, v: ``[N, H, W]``, place of each pixel as seen from the part.
    """
    brow = segment(u, v, (-2.2, 0.0), (2.2, 0.0)) - 0.7
    ring = (torch.hypot(u, v) - 1.7).abs() - 0.55  # a ring with a pupil
    eye = torch.minimum(ring, torch.hypot(u, v) - 0.5)
    bridge, base = segment(u, v, (0.0, -2.4), (0.0, 1.8)), segment(u, v, (0.0, 1.8), (1.7, 1.8))
    nose = torch.minimum(bridge, base) - 0.5
    sides = torch.minimum(
        segment(u, v, (-3.0, -1.0), (-1.2, 0.7)), segment(u, v, (3.0, -1.0), (1.2, 0.7))
    )
    mouth = torch.minimum(sides, segment(u, v, (-1.2, 0.7), (1.2, 0.7))) - 0.7
    blob = torch.hypot(u, v) - 1.5
    nothing = torch.full_like(u, 9.0)
    shapes = torch.stack([nothing, brow, eye, nose, mouth, blob])
    return shapes[kinds, torch.arange(len(kinds), device=u.device)]


def drawing(n: int, what: What = "face", *, seed: int = 0) -> Drawing:
    """Random drawings: every part a little moved, turned, scaled, and of its own brightness.

    Args:
        n: how many.
        what: ``"face"``; ``"missing"``: one to three parts of a face are not there; ``"blobs"``:
            one to three parts are blobs instead; ``"scrambled"``: all parts of a face, each in
            some part's place, and at least four of the six places with a part of another kind.
        seed: of the draws, which are made on the CPU.

    Raises:
        TypeError, ValueError: an argument that is not as described.
    """
    check_count(n, "n", most=MOST_PICTURES)
    check_choice(what, get_args(What), "what")
    check_count(seed, "seed", minimum=0)
    draws = generator_of(seed)

    def uniform(*shape: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=draws)

    kinds = torch.tensor(FACE).repeat(n, 1)
    order = torch.rand(n, 6, generator=draws).argsort(1)
    if what in ("missing", "blobs"):
        count = torch.randint(1, 4, (n, 1), generator=draws)
        kinds = kinds.masked_fill(order < count, NOTHING if what == "missing" else BLOB)
    elif what == "scrambled":
        kinds = _scrambled(n, draws)
    # the whole face moves together, the parts by themselves
    places = torch.tensor(PLACES) + uniform(n, 1, 2, low=-1.0, high=1.0)
    return Drawing(
        kinds=kinds,
        places=places + uniform(n, 6, 2, low=-0.8, high=0.8),
        scales=uniform(n, 6, low=0.85, high=1.15),
        turns=uniform(n, 6, low=-0.2, high=0.2),
        greys=uniform(n, 7, low=0.6, high=1.0),
        radii=torch.tensor(RADII) + uniform(n, 2, low=-0.8, high=0.8),
    )


def faces(n: int, what: What = "face", *, seed: int = 0) -> Tensor:
    """Pictures of ``drawing``, float32 ``[n, 1, 32, 32]`` in [0, 1]."""
    return drawing(n, what, seed=seed).images()


def _scrambled(n: int, draws: torch.Generator) -> Tensor:
    """Kinds by place: a permutation of a face's that changes the kind in four places or more."""
    every = torch.cartesian_prod(*[torch.arange(6)] * 6)
    every = every[every.sort(1).values.eq(torch.arange(6)).all(1)]  # the 720 permutations
    face = torch.tensor(FACE)
    moved = face[every].ne(face).sum(1) >= 4
    choices = face[every][moved]
    return choices[torch.randint(len(choices), (n,), generator=draws)]
