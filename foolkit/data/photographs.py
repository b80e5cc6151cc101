"""A folder of pictures as images that a network takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def photographs(
    folder: str | Path, shape: tuple[int, int, int], *, most: int | None = None
) -> tuple[Tensor, tuple[str, ...]]:
    """The pictures of a folder, in the order of their names, and these names.

    Each is turned as its camera says, made grey or RGB as ``shape`` has 1 or 3 channels, and
    resized (bilinear) and cropped about its centre to ``shape``.

    Args:
        folder: with PNG, JPEG, WebP, BMP, GIF or TIFF files.
        shape: ``(C, H, W)`` of the images.
        most: the first so many alone.

    Returns:
        images, float32 ``[N, C, H, W]`` in [0, 1], on the CPU, and N file names.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no picture in it, a file that is none (it is named), or channels but 1 or 3.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"images: expected a folder of pictures, found none at {folder}")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)[:most]
    if not paths:
        raise ValueError(f"images: expected PNG or JPEG files, found none in {folder}")
    channels, height, width = shape
    if channels not in (1, 3):
        raise ValueError(f"images: expected a network for 1 or 3 channels, got {channels}")
    pixels = []
    for path in paths:
        try:
            with Image.open(path) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB" if channels == 3 else "L")
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"images: expected a picture, got {path} ({error})") from error
        fitted = ImageOps.fit(upright, (width, height), Image.Resampling.BILINEAR)
        pixels.append(np.asarray(fitted).reshape(height, width, channels))
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float().div_(255)
    return images.contiguous(), tuple(path.name for path in paths)
