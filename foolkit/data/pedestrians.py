"""Drawn pedestrians: figures of simple shapes, since no library carries a photograph of one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from foolkit.checks import MOST_PICTURES, check_count
from foolkit.seeds import check_seed

HEIGHT, WIDTH = 128, 64
TALL = 96  # pixels from head to foot, as in the windows that detectors learned from
FINE = 4  # times as large when drawn: edges are smooth then
FAINTEST = 0.25  # least difference in brightness between a figure and what is behind it


def drawn_pedestrians(n: int, *, seed: int = 0) -> Tensor:
    """People who stand or walk, seen from the front or the side, drawn from ellipses and lines.

    Stride, build, height, brightness of coat, trousers and skin, light and noise are random;
    behind is a plain light or dark surface with a horizon. They are what a detector of outlines
    looks for, and no photographs.

    Args:
        n: how many.
        seed: of all that is random.

    Returns:
        float32 ``[n, 1, 128, 64]`` in [0, 1], each figure in the middle.
    """
    check_count(n, "n", most=MOST_PICTURES)
    draws = np.random.default_rng(check_seed(seed))
    return torch.stack([_figure(draws) for _ in range(n)])[:, None]


def _figure(draws: np.random.Generator) -> Tensor:
    behind = draws.random()
    ground = float(np.clip(behind + draws.uniform(-0.15, 0.15), 0, 1))
    coat, trousers, skin = (_apart(draws, behind) for _ in range(3))
    size = TALL * draws.uniform(0.94, 1.06) * FINE
    top = (HEIGHT * FINE - size) / 2
    middle = WIDTH * FINE / 2 + draws.uniform(-2, 2) * FINE
    sheet = Image.new("L", (WIDTH * FINE, HEIGHT * FINE), round(255 * behind))
    pen = ImageDraw.Draw(sheet)
    horizon = (top + size * draws.uniform(0.35, 0.75), HEIGHT * FINE)
    pen.rectangle((0, horizon[0], WIDTH * FINE, horizon[1]), fill=round(255 * ground))

    def at(across: float, down: float) -> tuple[float, float]:
        """A place in parts of the height, from the top of the head."""
        return middle + across * size, top + down * size

    def limb(points: Sequence[tuple[float, float]], thick: float, shade: float) -> None:
        places = [at(*point) for point in points]
        pen.line(places, fill=round(255 * shade), width=round(thick * size), joint="curve")
        for x, y in places:
            half = thick * size / 2
            pen.ellipse((x - half, y - half, x + half, y + half), fill=round(255 * shade))

    build = draws.uniform(0.85, 1.15)
    stride = math.radians(draws.uniform(3, 20))
    swing = math.radians(draws.uniform(4, 20))
    hip, shoulder = 0.52, 0.2
    for side in (-1, 1):
        foot = side * (0.03 + 0.46 * math.tan(stride))
        limb([(side * 0.045 * build, hip), (foot * 0.6, 0.75), (foot, 0.97)], 0.085 * build,
             trousers)  # fmt: skip
        hand = side * (0.12 * build + 0.34 * math.tan(swing))
        limb([(side * 0.1 * build, shoulder), (hand, hip)], 0.06, coat)
    limb([(0, 0.24), (0, 0.47)], 0.2 * build, coat)
    limb([(-0.07 * build, 0.2), (0.07 * build, 0.2)], 0.07, coat)
    limb([(0, 0.13), (0, 0.17)], 0.05, skin)
    (left, high), (right, low) = at(-0.05, 0), at(0.05, 0.14)
    pen.ellipse((left, high, right, low), fill=round(255 * skin))
    small = sheet.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    pixels = np.asarray(small) / 255 + draws.normal(0, draws.uniform(0, 0.03), (HEIGHT, WIDTH))
    return torch.from_numpy(pixels.clip(0, 1) * 255).round().div(255).float()


def _apart(draws: np.random.Generator, behind: float) -> float:
    """A brightness that can be told from ``behind``."""
    lower, upper = max(0.0, behind - FAINTEST), max(0.0, 1 - behind - FAINTEST)
    drawn = draws.uniform(0, lower + upper)
    return drawn if drawn < lower else behind + FAINTEST + drawn - lower
