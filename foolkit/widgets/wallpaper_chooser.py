"""A wallpaper behind a thing, and what a search by picture then finds, in the page."""

from __future__ import annotations

import torch
import traitlets
from torch import Tensor

from foolkit.analysis.search import in_front
from foolkit.bank import world
from foolkit.checks import check_choice
from foolkit.data.photographs import EMBEDDED
from foolkit.files import as_bytes
from foolkit.widgets.base import PHOTOGRAPHS, SEARCH, Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import Number, check_whole

BACKGROUNDS = ("plain", "stripes", "bricks", *world.MADE)  # of foolkit.bank.world.backgrounds
SIZES = (0.2, 0.95)  # of an object, as a share of the picture's side
DRAWN = "a drawn scene"


class WallpaperChooser(Widget):
    """The visual search of ``foolkit.bank.world``, whose five nearest pictures follow every choice.

    The reader chooses a wallpaper, the picture that it is to lead to, an object in front, and the
    object's size. SqueezeNet 1.1 describes the query in a worker of the page, with weights of 16
    bits; it and the pictures are loaded at the first touch.

    Args:
        background: "plain", "stripes" or "bricks", which nobody optimised; or "formulas", "pixels"
            or "painted", which were made for the wanted picture.
        object: the title of one of ``foolkit.bank.world.HELD_OUT``.
        goal: the place of the wanted picture in ``foolkit.bank.world.wanted()``, 0 to 9.
        size: the object's width, as a share of the picture's, 0.2 to 0.95.

    Attributes:
        found: the places of the five pictures in ``foolkit.bank.world.gallery()``, the nearest
            first; empty before the first search.

    Raises:
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("wallpaper_chooser.js")
    shown = ("background", "object", "goal", "size")

    backgrounds = traitlets.List(traitlets.Unicode(), list(BACKGROUNDS)).tag(sync=True)
    objects = traitlets.List(traitlets.Unicode(), list(world.HELD_OUT)).tag(sync=True)
    wanted = traitlets.List(traitlets.Int()).tag(sync=True)
    photographs = traitlets.List(traitlets.Unicode()).tag(sync=True)
    background = traitlets.Any(BACKGROUNDS[0]).tag(sync=True)
    object = traitlets.Any(world.HELD_OUT[0]).tag(sync=True)
    goal = traitlets.Any(0).tag(sync=True)
    size = Number(world.SIZE, *SIZES)
    found = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        background: str = BACKGROUNDS[0],
        *,
        object: str = world.HELD_OUT[0],  # what the search is about
        goal: int = 0,
        size: float = world.SIZE,
    ) -> None:
        titles = [one.title for one in EMBEDDED] + [DRAWN]
        super().__init__(
            networks=[PHOTOGRAPHS, SEARCH], background=background, object=object, size=size,
            wanted=world.wanted().tolist(),
            photographs=[titles[n] for n in world.gallery().photograph.tolist()],
        )  # fmt: skip
        self.goal = goal

    @traitlets.validate("background")
    def _check_background(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], BACKGROUNDS, "background")
        return str(proposal["value"])

    @traitlets.validate("object")
    def _check_object(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], world.HELD_OUT, "object")
        return str(proposal["value"])

    @traitlets.validate("goal")
    def _check_goal(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.wanted) - 1, "goal")

    def query(self) -> Tensor:
        """What is searched for, float32 ``[1, 3, 128, 128]`` in [0, 1], of 8 bits."""
        things, _ = world.objects((self.object,), self.size)
        patterns = world.backgrounds()[self.background]
        pattern = patterns[[self.goal if self.background in world.MADE else 0]]
        return as_bytes(in_front(things, pattern)[0]).to(torch.float32) / 255
