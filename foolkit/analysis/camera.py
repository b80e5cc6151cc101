"""A camera that looks for faces: squares in frames, and which of them raise an alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from foolkit.checks import check_choice, check_count, check_images, check_shape
from foolkit.data.photographs import embedded_photographs
from foolkit.extras import needs
from foolkit.files import as_bytes
from foolkit.models.people import cascade
from foolkit.seeds import Seed, generator_of
from foolkit.transforms import (
    Blur,
    Brightness,
    Chain,
    Jpeg,
    Paste,
    Scale,
    SensorNoise,
    Shift,
    Transform,
)

FRAME = (3, 160, 240)
# photographs without a face: on these squares are bred, and on the others they are judged
BRED_ON = ("temple", "flower", "coffee", "retina", "bricks")
JUDGED_ON = ("cat", "rocket", "clock", "galaxies", "gravel", "grass")
SIZES = (32, 96)  # smallest and largest side of a square in a frame, in pixels

Finder = Callable[[Tensor], Sequence[Tensor]]
Boxes = Callable[[np.ndarray], list[tuple[int, int, int, int]]]  # of one frame
Boosted = Literal["lbp", "haar"]

# what a camera does to a frame, by name; the last is all of it
CAMERA: dict[str, Transform] = {
    "shift": Shift(4),
    "scale": Scale(0.8, 1.25),
    "brightness": Brightness(0.2, 0.3),
    "blur": Blur(1.5),
    "noise": SensorNoise(0.1),
    "jpeg": Jpeg(20, 80),
}
CAMERA["all of it"] = Chain(tuple(CAMERA.values()))


def scenes(shape: tuple[int, int, int] = FRAME) -> tuple[Tensor, Tensor]:
    """Frames without a face, of the photographs that libraries carry.

    Returns:
        those to breed on, float32 ``[5, 3, H, W]``, and those to judge on, ``[6, 3, H, W]``.
    """
    images, about = embedded_photographs(shape)
    place = {one.title: number for number, one in enumerate(about)}
    parts = ([place[name] for name in names] for names in (BRED_ON, JUDGED_ON))
    bred, judged = (images[part] for part in parts)
    return bred, judged


def seen_anywhere(backgrounds: Tensor) -> Paste:
    """The views of a square that a window of the detector has, more or less in the middle."""
    return Paste(backgrounds, 0.7, 1.15, 0.12)


def seen_by_a_camera(backgrounds: Tensor) -> Chain:
    """The same views, blurred, lit, noisy and compressed, as in ``CAMERA``."""
    rest = (CAMERA[name] for name in ("brightness", "blur", "noise", "jpeg"))
    return Chain((seen_anywhere(backgrounds), *rest))


@dataclass(frozen=True)
class Scene:
    """Frames with a square in each.

    Attributes:
        frames: float32 ``[N, 3, H, W]`` in [0, 1].
        boxes: float32 ``[N, 4]``, left, top, right and bottom of each square.
        squares: int64 ``[N]``, which of the squares it is.
    """

    frames: Tensor
    boxes: Tensor
    squares: Tensor


def paste(squares: Tensor, frames: Tensor, each: int = 6, *, seed: Seed = 0) -> Scene:
    """Each square pasted ``each`` times: at a random size and place, into one frame after another.

    The sizes and places depend on the seed and the numbers alone, not on what is pasted.

    Args:
        squares: float32 ``[S, 3, s, s]`` in [0, 1].
        frames: float32 ``[F, 3, H, W]``, at least as large as the largest of ``SIZES``.
        each: frames of a square.
        seed: of sizes and places.

    Raises:
        TypeError, ValueError: other images.
    """
    check_images(squares, argument="squares")
    check_images(frames, argument="frames")
    check_shape(squares, (3, squares.shape[-1], squares.shape[-1]), "squares")
    check_count(each, "each")
    height, width = frames.shape[2:]
    low, high = SIZES
    if min(height, width) < high:
        raise ValueError(f"frames: expected at least {high} pixels, got {height} x {width}")
    draws = torch.rand(len(squares) * each, 3, generator=generator_of(seed))
    size = low + (draws[:, 0] * (high - low + 1)).long()
    left = (draws[:, 1] * (width - size + 1)).long()
    top = (draws[:, 2] * (height - size + 1)).long()
    boxes = torch.stack([left, top, left + size, top + size], 1)
    owners = torch.arange(len(squares)).repeat_interleave(each)
    made = frames[torch.arange(len(owners)) % len(frames)].clone()
    for frame, owner, (x, y, right, bottom) in zip(made, owners, boxes.tolist(), strict=True):
        frame[:, y:bottom, x:right] = resized(squares[owner, None], right - x)[0]
    return Scene(made, boxes.float(), owners)


def resized(squares: Tensor, side: int) -> Tensor:
    """Squares ``[S, 3, s, s]`` of another side: means where it is smaller, else bilinear."""
    mode = "area" if side < squares.shape[-1] else "bilinear"
    return interpolate(squares, side, mode=mode)


def filmed(scene: Scene, change: Transform, *, seed: Seed = 0) -> Scene:
    """The same scene after ``change``, such as one of ``CAMERA``, drawn anew for each frame."""
    generator = generator_of(seed)
    frames = [change(frame, generator) for frame in scene.frames.split(1)]
    return replace(scene, frames=torch.cat(frames))


def alarms(find: Finder, scene: Scene) -> Tensor:
    """Whether a face is found on the square, bool ``[N]``: the centre of some box lies in it."""
    hit = []
    for found, (left, top, right, bottom) in zip(find(scene.frames), scene.boxes, strict=True):
        x, y = ((found[:, i] + found[:, i + 2]) / 2 for i in (0, 1))
        hit.append(((x > left) & (x < right) & (y > top) & (y < bottom)).any())
    return torch.stack(hit)


def shuffled(squares: Tensor, *, seed: Seed = 0) -> Tensor:
    """The pixels of each square in another order, the same for all: equal colours, no form."""
    pixels = squares.flatten(2)
    order = torch.randperm(pixels.shape[2], generator=generator_of(seed))
    return pixels[:, :, order].view_as(squares)


def boosted(kind: Boosted) -> Finder:
    """A face detector of another kind, from before deep networks: windows and boosted features.

    ``"lbp"``: local binary patterns, trained by scikit-image's authors. ``"haar"``: differences
    of rectangles (Viola and Jones 2001), of OpenCV, which looks at grey frames.

    Returns:
        from frames ``[N, 3, H, W]`` in [0, 1] to boxes ``[M, 4]`` of each.

    Raises:
        ValueError: another kind.
        ModuleNotFoundError: the library that carries it is not installed.
    """
    check_choice(kind, get_args(Boosted), "kind")
    needs(*{"lbp": ("skimage", "photographs"), "haar": ("cv2", "detectors")}[kind])
    one = _local_patterns() if kind == "lbp" else _rectangles()

    def find(frames: Tensor) -> list[Tensor]:
        check_images(frames, argument="frames")
        pixels = as_bytes(frames).permute(0, 2, 3, 1).cpu().numpy()
        return [torch.tensor(one(frame), dtype=torch.float32).view(-1, 4) for frame in pixels]

    return find


def _local_patterns() -> Boxes:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    detector = Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]  # scikit-image has no types

    def one(frame: np.ndarray) -> list[tuple[int, int, int, int]]:
        found = detector.detect_multi_scale(
            frame, scale_factor=1.2, step_ratio=1, min_size=(24, 24), max_size=frame.shape[:2]
        )
        return [(f["c"], f["r"], f["c"] + f["width"], f["r"] + f["height"]) for f in found]

    return one


def _rectangles() -> Boxes:
    import cv2

    detector = cascade("cascade, faces")

    def one(frame: np.ndarray) -> list[tuple[int, int, int, int]]:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        found = detector.detectMultiScale(grey, 1.1, 3, minSize=(24, 24))
        return [(x, y, x + width, y + height) for x, y, width, height in found]

    return one
