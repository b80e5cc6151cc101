"""The toy plane: five models of a few points, trained in the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import traitlets

from foolkit.checks import check_choice
from foolkit.seeds import generator_of
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Whole, check_number, check_whole

MODELS = ("softmax", "hinge", "svm", "rbf", "knn")
CLASSES, MOST = 3, 200
Point = tuple[float, float, int]


def first_points(seed: int = 0) -> list[list[float]]:
    """Three clouds of eight points, ``[x, y, class]``."""
    centres = torch.tensor([[-1.1, -0.5], [1.1, -0.5], [0.0, 1.2]])
    spread = torch.randn(CLASSES, 8, 2, generator=generator_of(seed))
    places = (centres[:, None] + 0.3 * spread).mul(100).round().div(100)
    return [[*map(float, at), k] for k in range(CLASSES) for at in places[k].tolist()]


class ToyPlane(Widget):
    """Points of three classes in the plane, and five models that learn them in the page.

    A network with a softmax, the same with a hinge loss, a linear support vector machine (hinge),
    a network of radial basis functions whose scores need not add up to one, and the vote of the
    five nearest neighbours. Each paints the plane with its class and its confidence; the slider
    walks away from the points, as far as 10,000 times the picture.

    Confidence is the softmax of the scores for the first three (a hinge loss has no probability
    of its own), the score itself for the fourth, the share of the votes for the last.

    Args:
        model: the one that paints: ``"softmax"``, ``"hinge"``, ``"svm"``, ``"rbf"``, ``"knn"``.
        points: ``[x, y, class]``, at most 200, coordinates of at most 100,000 in size, classes 0
            to 2; None: three clouds of eight.
        probe: ``[x, y]``, where all five are asked, each from -3 to 3; multiplied by ``zoom``.
        zoom: 1 to 10,000: how far the picture reaches.
        seed: 0 to 999999, of the weights that training begins with.

    Attributes:
        answer: what the model says at the probe, 0 to 2; -1 before it is trained.
        confidence: its three confidences there.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("toy_plane.js")
    shown = ("model", "zoom")

    model = traitlets.Any("softmax").tag(sync=True)
    points = traitlets.Any().tag(sync=True)
    first: traitlets.List[Any] = traitlets.List().tag(sync=True)
    probe = traitlets.Any((-2.0, -1.0)).tag(sync=True)
    zoom = traitlets.Any(1.0).tag(sync=True)
    seed = Whole(0, 0, LAST_SEED)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        model: str = "softmax",
        *,
        points: Sequence[Point] | None = None,
        probe: Sequence[float] = (-2.0, -1.0),
        zoom: float = 1.0,
        seed: int = 0,
    ) -> None:
        given = first_points() if points is None else points
        super().__init__(model=model, points=given, probe=probe, zoom=zoom, seed=seed)
        self.first = self.points

    @traitlets.validate("model")
    def _check_model(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], MODELS, "model")
        return proposal["value"]

    @traitlets.validate("points")
    def _check_points(self, proposal: traitlets.Bunch) -> list[list[float]]:
        points = _sequence(proposal["value"], "points: expected a list of [x, y, class]")
        if len(points) > MOST:
            raise ValueError(f"points: expected at most {MOST}, got {len(points)}")
        checked = []
        for point in points:
            x, y, label = _sequence(point, "points: expected each as [x, y, class]", 3)
            whole = int(label) if isinstance(label, float) and label.is_integer() else label
            checked.append(
                [
                    check_number(x, -1e5, 1e5, "points"),
                    check_number(y, -1e5, 1e5, "points"),
                    check_whole(whole, 0, CLASSES - 1, "points"),
                ]
            )
        return checked

    @traitlets.validate("probe")
    def _check_probe(self, proposal: traitlets.Bunch) -> list[float]:
        pair = _sequence(proposal["value"], "probe: expected [x, y]", 2)
        return [check_number(at, -3, 3, "probe") for at in pair]

    @traitlets.validate("zoom")
    def _check_zoom(self, proposal: traitlets.Bunch) -> float:
        value = proposal["value"]
        rounding = isinstance(value, float) and math.isclose(value, 1e4)
        return check_number(1e4 if rounding else value, 1, 1e4, "zoom")


def _sequence(value: Any, expected: str, length: int | None = None) -> list[Any]:
    """The value as a list, or ``TypeError`` or ``ValueError``."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{expected}, got {value!r}")
    if length is not None and len(value) != length:
        raise ValueError(f"{expected}, got {list(value)}")
    return list(value)
