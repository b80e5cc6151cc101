"""A camera in the page that looks for faces: the reader hangs a square into its frame."""

from __future__ import annotations

import torch
import traitlets
from torch import Tensor

from foolkit.analysis.camera import resized
from foolkit.bank import faces
from foolkit.data.photographs import embedded_photographs
from foolkit.files import as_bytes
from foolkit.models import mtcnn
from foolkit.seeds import generator_of
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Whole, check_whole

PROPOSAL = mtcnn.NAMES[0]
WIDTH, HEIGHT = 240, 160  # of the frame, in pixels
SIDES = (20, 112)  # smallest and largest side of a square in the frame
WINDOW = 12  # of the network: the side of what is bred in the page
# of the portrait at 512 pixels: around the face
FACE = (slice(42, 192), slice(149, 299))
FACE_SIDE = 96
# what is drawn behind: left, top, right, bottom, and a colour of 255 levels, one over another
ROOM = (
    (0, 0, 240, 160, 206, 198, 184),  # the wall
    (0, 124, 240, 160, 142, 116, 92),  # the floor
    (0, 121, 240, 124, 232, 228, 220),  # the skirting board
    (188, 44, 226, 121, 120, 92, 70),  # a door
    (192, 48, 222, 117, 150, 118, 92),
    (12, 18, 66, 70, 236, 234, 228),  # a window
    (16, 22, 62, 66, 168, 200, 222),
    (37, 22, 41, 66, 236, 234, 228),
)


def hung() -> dict[str, Tensor]:
    """What the reader may hang into the frame, by name: float32 ``[3, S, S]`` in [0, 1] each.

    Plain noise; from ``foolkit.bank.faces`` noise that was bred for all three networks through many
    views, painted for the first network alone, and painted for all three through the views of a
    camera; and a face, of the portrait of an astronaut (NASA, public domain).
    """
    stored = faces.load()
    bred = stored["anywhere", "direct"]
    photographs, about = embedded_photographs((3, 512, 512))
    portrait = photographs[[one.title for one in about].index("astronaut")]
    return {
        "plain noise": torch.rand(3, 48, 48, generator=generator_of(0)),
        "noise bred for anywhere": bred.images[bred.confidence.argmax()],
        "noise painted for one window": stored[PROPOSAL, "gradient"].images[0],
        "noise painted for a camera": stored["camera", "gradient"].images[0],
        "a face": resized(portrait[None, :, *FACE], FACE_SIDE)[0],
    }


class CameraScene(Widget):
    """A square in a drawn room, and what a face detector says of it.

    The detector is MTCNN (``foolkit.models.FaceDetector``), with the weights and thresholds of
    Python's. Its proposal network looks at every frame while the square is dragged; the refine
    and the output network look at what it proposes once the square rests. "Breed one here" breeds
    12 x 12 pixels for one window of the proposal network, by evolution with one goal, to 99.9 %.
    The page has its own random numbers.

    Args:
        chosen: 0 to 4, which of ``hung`` it is; 5 is what was bred in the page, once it was.
        left: of the square in the frame of 240 x 160 pixels.
        top: of the square.
        side: of the square, 20 to 112 pixels.
        seed: of what is bred here, 0 to 999999.

    Attributes:
        running: whether it breeds; set it to start or to stop.
        found: of each proposed box left, top, right, bottom and confidence, the surest first.
        faces: the same of the boxes that all three networks call a face; empty until they looked.
        surest: largest confidence of all windows of the proposal network
            whose middle is on the square.
        bred: what was bred in the page, as bytes.
        own: its confidence in its own window.

    Raises:
        FileNotFoundError: the package that carries the weights is not installed.
        ModuleNotFoundError: a library with the portrait is not installed.
        TypeError, ValueError: a setting out of its range.
    """

    _esm = module("camera_scene.js")
    shown = ("chosen", "left", "top", "side")

    room = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    squares = traitlets.List(traitlets.Bytes()).tag(sync=True)  # plane by plane
    chosen = traitlets.Any(0).tag(sync=True)
    left = Whole(0, 0, WIDTH - SIDES[0])
    top = Whole(0, 0, HEIGHT - SIDES[0])
    side = Whole(SIDES[0], *SIDES)
    seed = Whole(0, 0, LAST_SEED)
    running = traitlets.Bool(False).tag(sync=True)
    found: traitlets.List[list[float]] = traitlets.List().tag(sync=True)
    faces: traitlets.List[list[float]] = traitlets.List().tag(sync=True)
    surest = traitlets.Float(0.0).tag(sync=True)
    bred = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _: bytes(value))
    own = traitlets.Float(0.0).tag(sync=True)

    def __init__(
        self, chosen: int = 0, *, left: int = 104, top: int = 38, side: int = 48, seed: int = 0
    ) -> None:
        for name in mtcnn.NAMES:
            mtcnn.weights_file(name)  # or an error, and not only in the page
        squares = hung()
        super().__init__(
            network=PROPOSAL, networks=list(mtcnn.NAMES[1:]),
            room=[list(part) for part in ROOM], names=list(squares),
            squares=[as_bytes(one).numpy().tobytes() for one in squares.values()],
            left=left, top=top, side=side, seed=seed,
        )  # fmt: skip
        self.chosen = chosen

    def _networks(self) -> list[str]:
        return [PROPOSAL]

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        last = len(self.names) if self.bred else len(self.names) - 1
        return check_whole(proposal["value"], 0, last, "chosen")

    def square(self) -> Tensor:
        """What hangs in the frame, float32 ``[1, 3, S, S]`` in [0, 1]."""
        content = [*self.squares, self.bred][self.chosen]
        pixels = torch.frombuffer(bytearray(content), dtype=torch.uint8).float().div(255)
        side = round((len(pixels) / 3) ** 0.5)
        return pixels.view(1, 3, side, side)

    def frame(self) -> Tensor:
        """What the network sees, float32 ``[1, 3, 160, 240]`` in [0, 1], of 8 bits."""
        frame = torch.empty(1, 3, HEIGHT, WIDTH)
        for left, top, right, bottom, *colour in self.room:
            frame[0, :, top:bottom, left:right] = torch.tensor(colour)[:, None, None] / 255
        end, right = self.top + self.side, self.left + self.side
        placed = frame[:, :, self.top : end, self.left : right]
        placed.copy_(resized(self.square(), self.side)[:, :, : placed.shape[2], : placed.shape[3]])
        return as_bytes(frame).float() / 255
