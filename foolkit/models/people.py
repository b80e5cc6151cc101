"""OpenCV's detectors of people, whole: any place and any size in a picture.

Some were built from other pictures, some by other means. ``"gradients"`` slides the windows
of ``foolkit.models.pedestrian`` (64 x 128 pixels) over a picture; ``"gradients, small"`` windows
of 48 x 96 with weights that Daimler's engineers learned from other photographs (Enzweiler and
Gavrila 2009); ``"cascade"`` is no machine of gradients but a cascade of bright and dark
rectangles (Viola and Jones 2001), for bodies from head to foot; ``"cascade, faces"`` one for faces
from the front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from foolkit.checks import check_choice, check_images
from foolkit.extras import needs
from foolkit.files import as_bytes
from foolkit.models.pedestrian import HEIGHT, WIDTH

if TYPE_CHECKING:
    import cv2

CASCADES = {
    "cascade": "haarcascade_fullbody.xml",
    "cascade, faces": "haarcascade_frontalface_default.xml",
}
DETECTORS = ("gradients", "gradients, small", *CASCADES)
STEP = 8  # pixels from one window to the next
GROWTH = 1.05  # from one size to the next, OpenCV's default
NEIGHBOURS = 3  # boxes that must agree in a cascade, OpenCV's default


def people_scores(images: Tensor, detector: str) -> Tensor:
    """How strongly a detector finds somebody in each picture; 0 where it finds nobody.

    Of gradients the largest score of a window; of the cascade the largest number of overlapping
    boxes. The scales differ: a threshold belongs to one detector. OpenCV's own is to count
    whatever is above 0.

    Args:
        images: float32 ``[N, C, H, W]`` in [0, 1], grey or RGB, at least 64 x 128 pixels.
        detector: of ``DETECTORS``.

    Returns:
        float32 ``[N]``, at least 0.

    Raises:
        ModuleNotFoundError: OpenCV is not installed.
        TypeError, ValueError: bad images, or an unknown detector.
    """
    check_choice(detector, DETECTORS, "detector")
    check_images(images)
    if images.shape[1] not in (1, 3) or images.shape[2] < HEIGHT or images.shape[3] < WIDTH:
        raise ValueError(
            f"images: expected 1 or 3 channels and at least {WIDTH} x {HEIGHT} pixels, got"
            f" {list(images.shape[1:])}"
        )
    find = _finder(detector)
    pixels = as_bytes(images).flip(1).permute(0, 2, 3, 1).cpu().numpy()
    found = [find(np.ascontiguousarray(picture)) for picture in pixels]
    return torch.tensor([float(max(scores, default=0)) for scores in found])


def cascade(detector: str) -> cv2.CascadeClassifier:
    """OpenCV's cascade of rectangles of that name, of ``CASCADES``.

    Raises:
        FileNotFoundError: OpenCV came without its file.
    """
    needs("cv2", "detectors")
    import cv2.data

    file = Path(cv2.data.haarcascades, CASCADES[detector])
    found = cv2.CascadeClassifier(str(file))
    if found.empty():
        raise FileNotFoundError(f"detector: expected OpenCV's file {file.name}, found none")
    return found


@cache
def _finder(detector: str) -> Callable[[np.ndarray], Iterable[float]]:
    """From one picture, uint8 ``[H, W, C]`` in blue, green and red, to the scores of its boxes."""
    needs("cv2", "detectors")
    import cv2

    if detector in CASCADES:
        found_by = cascade(detector)

        def rectangles(picture: np.ndarray) -> Iterable[float]:
            grey = picture if picture.shape[2] == 1 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            return found_by.detectMultiScale2(grey, GROWTH, NEIGHBOURS)[1]

        return rectangles
    if detector == "gradients":
        window = cv2.HOGDescriptor()
        window.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector()))
    else:
        window = cv2.HOGDescriptor((48, 96), (16, 16), (8, 8), (8, 8), 9)
        window.setSVMDetector(np.array(cv2.HOGDescriptor.getDaimlerPeopleDetector()))

    def gradients(picture: np.ndarray) -> Iterable[float]:
        found = window.detectMultiScale(
            picture, winStride=(STEP, STEP), padding=(0, 0), scale=GROWTH
        )
        return np.ravel(found[1])

    return gradients
