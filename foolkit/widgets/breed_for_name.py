"""A pattern bred for one name of a thousand, by the network of photographs in the page."""

from __future__ import annotations

import traitlets

from foolkit.encodings import CPPN, CPPNGenomes
from foolkit.widgets.base import PHOTOGRAPHS, Widget
from foolkit.widgets.modules import module
from foolkit.widgets.patterns import SETTINGS, from_json
from foolkit.widgets.traits import LAST_SEED, Whole

ENCODING = CPPN((3, 224, 224))
SPOTLIGHT = 818  # one of the names that formulas find soon


class BreedForName(Widget):
    """MAP-Elites with coloured CPPNs against SqueezeNet 1.1, in a worker of the page.

    The archive has an elite for each of the thousand classes, as in ``foolkit.evolve``; but half
    of the children are those of the goal's elite, and not one in a thousand: a reader waits for
    one name only. Images are judged at ``size``, where a pass takes a quarter of the time; now and
    then, and when it is stopped, the goal's elite is judged at 224 too.

    The page has its own random numbers: a seed gives the same run in every browser, but not
    Python's.

    Args:
        goal: the class to breed for, 0 to 999.
        seed: 0 to 999999.
        size: of the images that are judged, 96 to 128 pixels.
        batch: children of a generation, 1 to 100.

    Attributes:
        running: whether it breeds; set it to start anew or to stop.
        judged: images until now.
        confidence: of the goal's elite, at ``size``.
        confidence_large: of the last one that was judged at 224.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("breed_for_name.js")
    shown = ("goal", "seed", "size", "batch")

    goal = Whole(SPOTLIGHT, 0, 999)
    seed = Whole(0, 0, LAST_SEED)
    size = Whole(112, 96, 128)
    batch = Whole(8, 1, 100)
    encoding = traitlets.Dict({name: getattr(ENCODING, name) for name in SETTINGS}).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    judged = traitlets.Int(0).tag(sync=True)
    confidence = traitlets.Float(0.0).tag(sync=True)
    confidence_large = traitlets.Float(0.0).tag(sync=True)
    bred = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(
        self, goal: int = SPOTLIGHT, *, seed: int = 0, size: int = 112, batch: int = 8
    ) -> None:
        super().__init__(networks=[PHOTOGRAPHS], goal=goal, seed=seed, size=size, batch=batch)

    def genomes(self) -> CPPNGenomes:
        """The elite that Python knows of, one genome or none.

        For ``foolkit.encodings.CPPN((3, 224, 224)).render``.
        """
        return from_json(self.bred, outputs=3)
