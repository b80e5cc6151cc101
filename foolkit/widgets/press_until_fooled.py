"""Random pictures by the second, until a network is sure of one."""

from __future__ import annotations

import traitlets

from foolkit.analysis.accidents import Accidents
from foolkit.checks import check_choice
from foolkit.widgets.base import PHOTOGRAPHS, Widget
from foolkit.widgets.modules import module
from foolkit.widgets.patterns import ENCODING, SETTINGS
from foolkit.widgets.traits import LAST_SEED, Whole

KINDS = ("uniform", "Gaussian", "1/f", "formulas")  # of foolkit.analysis.textures
JUDGES = ("lenet", PHOTOGRAPHS)


class PressUntilFooled(Widget):
    """How often a network is sure of a random picture, counted in the page until it is stopped.

    The pictures are those of ``foolkit.analysis.textures`` but for the pieces of photographs, as
    a file of 8 bits would hold them. LeNet judges 28 x 28 pixels in the page, SqueezeNet 1.1
    224 x 224 in a worker of it, where its weights come when they are first needed. The page shows
    the rate a million with its exact interval (or, of none, the rule of three), what those with
    99 % were called, and the surest picture.

    The page has its own random numbers: a seed gives the same pictures in every browser, but not
    Python's.

    Args:
        kind: "uniform", "Gaussian", "1/f" or "formulas".
        judge: "lenet" or "squeezenet1_1".
        seed: 0 to 999999.

    Attributes:
        running: whether it counts; set it to start anew or to stop.
        images: pictures until now.
        hits: how many of them the network was sure of, with 99 %.
        answer: the class of the surest picture; -1: none yet.
        confidence: of that picture in its class.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("press_until_fooled.js")
    shown = ("kind", "judge", "seed")

    kind = traitlets.Any(KINDS[0]).tag(sync=True)
    judge = traitlets.Any(JUDGES[0]).tag(sync=True)
    seed = Whole(0, 0, LAST_SEED)
    encoding = traitlets.Dict({name: getattr(ENCODING, name) for name in SETTINGS}).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    images = traitlets.Int(0).tag(sync=True)
    hits = traitlets.Int(0).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)
    confidence = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, kind: str = KINDS[0], *, judge: str = JUDGES[0], seed: int = 0) -> None:
        super().__init__(network="lenet", networks=[PHOTOGRAPHS], kind=kind, judge=judge, seed=seed)

    @traitlets.validate("kind")
    def _check_kind(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], KINDS, "kind")
        return str(proposal["value"])

    @traitlets.validate("judge")
    def _check_judge(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], JUDGES, "judge")
        return str(proposal["value"])

    def accidents(self) -> Accidents | None:
        """What Python knows of, with its rate and intervals; None before the first picture."""
        return Accidents(self.hits, self.images) if self.images else None
