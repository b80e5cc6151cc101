"""Put the parts of a drawn face anywhere, and ask two networks whether it is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_choice
from foolkit.data.faces import FACE, NOTHING, SIZE, Drawing, drawing
from foolkit.files import as_bytes
from foolkit.models.faces import SEEDS, Lesson
from foolkit.widgets.base import FACES, Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Whole, check_whole

FURTHEST = SIZE - 1  # pixels that a part can be moved


class FaceBuilder(Widget):
    """A drawn face whose parts can be moved, and the verdicts of a pooled and a whole network.

    With pointer, finger or keyboard (keys 1 to 6 choose a part, arrow keys move it). The page
    gets a picture of each part and puts them together; parts move by whole pixels, so that what
    it shows, and what its networks are shown, is what ``Drawing`` draws, in 8 bits.

    Args:
        faces: complete faces, among which the reader chooses; by default four.
        chosen: the face to start with.
        lesson: ``"parts"`` or ``"order"``: what the networks were taught, see
            ``foolkit.models.faces.lesson``.
        trained: 0, 1 or 2: which networks of that lesson.
        seed: of the page's scrambled faces, 0 to 999999.

    Attributes:
        moves: how far each part was moved, ``[right, down]`` in pixels; None: it was taken away.
        confidence: that this is a face, of the pooled and of the whole network; empty before the
            first look.

    Raises:
        TypeError, ValueError: faces or settings that are not as described.
    """

    _esm = module("face_builder.js")
    shown = ("chosen", "lesson", "trained", "seed")

    layers = traitlets.Bytes(b"").tag(sync=True)
    homes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen = traitlets.Any(0).tag(sync=True)
    lesson = traitlets.Any("parts").tag(sync=True)
    trained = Whole(0, 0, SEEDS - 1)
    moves = traitlets.Any([[0, 0]] * len(FACE)).tag(sync=True)
    seed = Whole(0, 0, LAST_SEED)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        faces: Drawing | None = None,
        *,
        chosen: int = 0,
        lesson: Lesson = "parts",
        trained: int = 0,
        seed: int = 0,
    ) -> None:
        faces = drawing(4) if faces is None else faces
        if not isinstance(faces, Drawing):
            raise TypeError(f"faces: expected a Drawing, got {type(faces).__name__}")
        if not len(faces) or not faces.kinds.eq(torch.tensor(FACE)).all():
            raise ValueError("faces: expected complete faces, of what is drawn as 'face'")
        check_whole(chosen, 0, len(faces) - 1, "chosen")
        self.faces = faces
        super().__init__(
            network=FACES, layers=_bytes(faces.layers()), homes=faces.places.tolist(),
            chosen=chosen, lesson=lesson, trained=trained, seed=seed,
        )  # fmt: skip

    def _networks(self) -> list[str]:
        return [FACES]

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.faces) - 1, "chosen")

    @traitlets.validate("lesson")
    def _check_lesson(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], get_args(Lesson), "lesson")
        return proposal["value"]

    @traitlets.validate("moves")
    def _check_moves(self, proposal: traitlets.Bunch) -> list[list[int] | None]:
        value = proposal["value"]
        if not isinstance(value, Sequence) or len(value) != len(FACE):
            raise ValueError(f"moves: expected one for each of {len(FACE)} parts, got {value!r}")
        return [None if move is None else _check_move(move) for move in value]

    def current(self) -> Tensor:
        """The face as it is now, float32 ``[1, 1, 32, 32]`` in [0, 1], of 8 bits."""
        one = slice(self.chosen, self.chosen + 1)
        there = torch.tensor([move is not None for move in self.moves])
        moved = torch.tensor([move or [0, 0] for move in self.moves])
        face = Drawing(**{name: value[one] for name, value in vars(self.faces).items()})
        kinds = face.kinds.where(there, NOTHING)
        images = replace(face, kinds=kinds, places=face.places + moved).images()
        return (images * 255).round() / 255


def _check_move(move: Any) -> list[int]:
    if not isinstance(move, Sequence) or len(move) != 2:
        raise ValueError(f"moves: expected [right, down] or None for each part, got {move!r}")
    return [check_whole(by, -FURTHEST, FURTHEST, "moves") for by in move]


def _bytes(layers: Tensor) -> bytes:
    """Pictures ``[N, 7, 32, 32]`` in 8 bits."""
    return as_bytes(layers).numpy().tobytes()
