"""What is no MNIST digit: letters of fonts, digits of another source, pieces of photographs.

Nothing is downloaded: fonts and one photograph come with matplotlib, the rest with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from foolkit.checks import MOST_PICTURES, check_count, check_names
from foolkit.data.photographs import carried
from foolkit.extras import needs
from foolkit.seeds import check_seed

BOX, SIZE = 20, 28  # as in MNIST: fitted into 20x20, then centred by mass in 28x28
# without O, o, I, l, which people, too, take for digits
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif",
    "DejaVuSerif-Italic",
)  # fmt: skip


def letters(characters: str = LETTERS, fonts: Sequence[str] = FONTS) -> tuple[Tensor, Tensor]:
    """Printed letters, treated as MNIST treats digits: white on black, fitted, and centred.

    Args:
        characters: which.
        fonts: names of the fonts that matplotlib carries.

    Returns:
        images, float32 ``[len(characters) * len(fonts), 1, 28, 28]`` in [0, 1], and the place of
        each one's letter in ``characters``, int64.

    Raises:
        ValueError: no characters, one that leaves no ink, or an unknown font.
    """
    needs("matplotlib", "plot")
    import matplotlib

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    if not isinstance(characters, str):
        raise TypeError(f"characters: expected a word of them, got {characters!r}")
    if not characters:
        raise ValueError("characters: expected at least one, got none")
    fonts = check_names(fonts, "fonts")
    pictures = []
    for font in fonts:
        if not (folder / f"{font}.ttf").exists():
            known = ", ".join(sorted(path.stem for path in folder.glob("DejaVu*.ttf")))
            raise ValueError(f"fonts: expected some of {known}, got {font!r}")
        face = ImageFont.truetype(str(folder / f"{font}.ttf"), 80)
        for character in characters:
            sheet = Image.new("L", (160, 160))
            ImageDraw.Draw(sheet).text((40, 20), character, fill=255, font=face)
            if sheet.getbbox() is None:
                raise ValueError(f"characters: expected some that leave ink, got {character!r}")
            pictures.append(_like_mnist(sheet.crop(sheet.getbbox())))
    return _stacked(pictures), torch.arange(len(characters)).repeat(len(fonts))


def small_digits() -> tuple[Tensor, Tensor]:
    """The 1,797 digits of 8x8 pixels that scikit-learn carries, enlarged to MNIST's size.

    Other people wrote them, and they were scanned and shrunk in another way (Alpaydin and Kaynak
    1998): digits, but not MNIST's.

    Returns:
        images, float32 ``[1797, 1, 28, 28]`` in [0, 1], and labels, int64.
    """
    needs("sklearn", "analysis")
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = []
    for pixels in found.images:
        picture = Image.fromarray((pixels * 255 / 16).round().astype(np.uint8))
        picture = picture.resize((BOX, BOX), Image.Resampling.BICUBIC)
        pictures.append(_like_mnist(picture.crop(picture.getbbox())))
    return _stacked(pictures), torch.from_numpy(found.target).long()


def crops(n: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Square pieces of three photographs, grey, of 28 to 280 pixels, shrunk to 28x28.

    A temple and a flower (scikit-learn) and a portrait of Grace Hopper (matplotlib), in turn.

    Args:
        n: how many.
        seed: of the places and sizes.

    Returns:
        images, float32 ``[n, 1, 28, 28]`` in [0, 1], and the photograph of each, int64, 0 to 2.
    """
    check_count(n, "n", most=MOST_PICTURES)
    check_count(seed, "seed", minimum=0)
    draws = np.random.default_rng(check_seed(seed))
    photographs = [photo.convert("L") for photo in carried()]
    pieces = []
    for number in range(n):
        photo = photographs[number % 3]
        side = round(28 * 10 ** draws.random())
        left, top = (int(draws.integers(length - side + 1)) for length in photo.size)
        piece = photo.crop((left, top, left + side, top + side))
        pieces.append(np.asarray(piece.resize((SIZE, SIZE), Image.Resampling.BOX)))
    return _stacked(pieces), torch.arange(n) % 3


def _like_mnist(ink: Image.Image) -> np.ndarray:
    """Ink fitted into the box, its centre of mass in the middle; uint8 ``[28, 28]``."""
    scale = BOX / max(ink.size)
    width, height = (max(1, round(length * scale)) for length in ink.size)
    pixels = np.asarray(ink.resize((width, height), Image.Resampling.BOX)).astype(float)
    middle = [float((np.indices(pixels.shape)[i] * pixels).sum() / pixels.sum()) for i in (0, 1)]
    corner = [
        int(np.clip(round((SIZE - 1) / 2 - at), 0, SIZE - length))
        for at, length in zip(middle, pixels.shape, strict=True)
    ]
    sheet = np.zeros((SIZE, SIZE), dtype=np.uint8)
    sheet[corner[0] : corner[0] + height, corner[1] : corner[1] + width] = pixels.round()
    return sheet


def _stacked(pictures: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).float().div_(255)[:, None]
