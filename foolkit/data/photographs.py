"""Photographs as images that a network takes: of a folder, and those that libraries carry."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from foolkit.checks import MOST_VALUES, check_choice, check_count, check_names, image_shape, path_of
from foolkit.extras import needs
from foolkit.seeds import Seed, check_seed, seed_of

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def photographs(
    folder: str | Path, shape: tuple[int, int, int], *, most: int | None = None
) -> tuple[Tensor, tuple[str, ...]]:
    """The pictures of a folder, in the order of their names, and these names.

    Each is turned as its camera says, made grey or RGB as ``shape`` has 1 or 3 channels, and
    resized (bilinear) and cropped about its centre to ``shape``. Those of 16 bits, and TIFF files
    of real numbers in [0, 1], are brought to 8 bits. Names that begin with a dot are passed over.

    Args:
        folder: with PNG, JPEG, WebP, BMP, GIF or TIFF files; or, without any, with folders of them,
            such as one a class.
        shape: ``(C, H, W)`` of the images.
        most: the first so many alone.

    Returns:
        images, float32 ``[N, C, H, W]`` in [0, 1], on the CPU; and N names of files, those in
        folders as ``"folder/file.png"``, with a sign in the place of what is no UTF-8.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no picture in it; a file that is none, or has too many pixels, or numbers of
            unknown range (it is named); channels but 1 or 3.
    """
    if most is not None:
        check_count(most, "most")
    folder, shape = path_of(folder, "folder"), image_shape(shape)
    paths = _files(folder)[:most]
    return _opened(paths, shape), tuple(_name(path, folder) for path in paths)


def _name(path: Path, folder: Path) -> str:
    return os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace")


def _files(folder: Path) -> list[Path]:
    """The pictures of a folder, or of those in it, in the order of their names; at least one."""
    if not folder.is_dir():
        raise FileNotFoundError(f"images: expected a folder of pictures, found none at {folder}")
    paths = sorted(filter(_is_picture, folder.iterdir()))
    paths = paths or sorted(filter(_is_picture, folder.glob("*/*")))
    if not paths:
        raise ValueError(f"images: expected PNG or JPEG files, found none in {folder}")
    return paths


def _is_picture(path: Path) -> bool:
    """By its name; and a plain file, since a pipe would be waited for."""
    hidden = path.name.startswith(".") or path.parent.name.startswith(".")
    return path.suffix.lower() in ENDINGS and not hidden and path.is_file()


def _opened(paths: Sequence[Path], shape: tuple[int, int, int]) -> Tensor:
    """Pictures from disk, one in memory at a time: ``[N, C, H, W]``."""
    fitted = _fitting(shape)
    pixels = []
    for path in paths:
        try:
            with warnings.catch_warnings():
                # Pillow warns of a picture with too many pixels before it reads them
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path) as opened:
                    turned = ImageOps.exif_transpose(opened)
                    pixels.append(fitted(_in_8_bits(turned, opened.format)))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ValueError(
                f"images: expected a picture of at most {Image.MAX_IMAGE_PIXELS:,} pixels,"
                f" got {path}"
            ) from error
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(f"images: expected a picture, got {path} ({error})") from error
    return _stacked(pixels)


def _in_8_bits(picture: Image.Image, kind: str | None) -> Image.Image:
    """A picture whose values are 0 to 255: Pillow would cut larger ones off.

    Raises:
        ValueError: real numbers outside [0, 1]; whole numbers of 32 bits, whose range is unknown.
    """
    if picture.mode == "F":
        values = np.asarray(picture)
        if not (values.min() >= 0 and values.max() <= 1):  # false for NaN too
            raise ValueError(
                f"real numbers from {values.min():.4g} to {values.max():.4g}, expected [0, 1]"
            )
        return Image.fromarray((values * 255).round().astype(np.uint8))
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        if not picture.mode.startswith("I;16") and kind != "PNG":  # PNG has no more
            raise ValueError("whole numbers of 32 bits, whose range is unknown")
        return Image.fromarray((values / 257).round().astype(np.uint8))
    return picture


def carried() -> tuple[Image.Image, ...]:
    """Three photographs that installed libraries carry, RGB, in their own sizes.

    A temple (danielbuechele) and a flower (vultilion), both CC BY 2.0, of scikit-learn; a portrait
    of Grace Hopper (James S. Davis for the US Navy, public domain), of matplotlib.
    """
    needs("matplotlib", "plot")
    needs("sklearn", "analysis")
    import matplotlib
    from sklearn.datasets import load_sample_images

    portrait = Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")
    pictures = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    return *pictures, Image.open(portrait).convert("RGB")


def sample_photographs(
    shape: tuple[int, int, int], n: int | None = None, *, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """Photographs to test an ImageNet network with.

    Those of ``$FOOLKIT_DATA/imagenet/samples``, of one class each, in random order; their names
    begin with the number of the class. Where they are not, random square pieces of those that
    libraries carry, of which no class is known.

    Args:
        shape: ``(C, H, W)`` of the images.
        n: how many; by default all samples, or three pieces.
        seed: of the order, or of the pieces.

    Returns:
        images, float32 ``[n, C, H, W]`` in [0, 1]; and the class of each, int64, or None.

    Raises:
        ValueError: fewer samples than ``n``.
    """
    draws, shape = np.random.default_rng(check_seed(seed)), image_shape(shape)
    if n is not None:
        check_count(n, "n")
    folder = Path(os.environ.get("FOOLKIT_DATA") or "nowhere", "imagenet", "samples")
    if not folder.is_dir():
        pictures, fitted = carried(), _fitting(shape)
        pieces = [_piece(draws, pictures[number % 3]) for number in range(n or 3)]
        return _stacked([fitted(piece) for piece in pieces]), None
    paths = _files(folder)
    if n is not None and n > len(paths):
        raise ValueError(f"n: expected at most {len(paths)}, the photographs there, got {n}")
    chosen = [paths[i] for i in draws.permutation(len(paths))[:n]]
    classes = torch.tensor([int(path.name.partition("_")[0]) for path in chosen])
    return _opened(chosen, shape), classes


def _piece(draws: np.random.Generator, picture: Image.Image) -> Image.Image:
    """A square of a picture, at least half as long as its shorter side."""
    side = int(draws.integers(min(picture.size) // 2, min(picture.size) + 1))
    left, top = (int(draws.integers(length - side + 1)) for length in picture.size)
    return picture.crop((left, top, left + side, top + side))


def _fitting(shape: tuple[int, int, int]) -> Callable[[Image.Image], np.ndarray]:
    """From a picture to uint8 ``[H, W, C]``: made grey or RGB, resized (bilinear), cropped."""
    channels, height, width = shape
    if channels not in (1, 3):
        raise ValueError(f"images: expected a network for 1 or 3 channels, got {channels}")

    def fitted(picture: Image.Image) -> np.ndarray:
        coloured = picture.convert("RGB" if channels == 3 else "L")
        whole = ImageOps.fit(coloured, (width, height), Image.Resampling.BILINEAR)
        return np.asarray(whole).reshape(height, width, channels)

    return fitted


def _stacked(pixels: Sequence[np.ndarray]) -> Tensor:
    """Images ``[N, C, H, W]`` in [0, 1]."""
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float().div_(255)
    return images.contiguous()


@dataclass(frozen=True)
class Photograph:
    """Where a photograph comes from.

    Attributes:
        title: what it shows, in a word or two.
        author: who took it.
        licence: under which it may be shown.
        library: that carries it.
        file: in that library.
    """

    title: str
    author: str
    licence: str
    library: str
    file: str


_PUBLIC, _CC0, _CC_BY = "public domain", "CC0 1.0", "CC BY 2.0"
_SKIMAGE, _SKLEARN = "scikit-image", "scikit-learn"
# as the libraries' own descriptions say
EMBEDDED = (
    Photograph("temple", "danielbuechele", _CC_BY, _SKLEARN, "china.jpg"),
    Photograph("flower", "vultilion", _CC_BY, _SKLEARN, "flower.jpg"),
    Photograph(
        "Grace Hopper", "James S. Davis, US Navy", _PUBLIC, "matplotlib", "grace_hopper.jpg"
    ),
    Photograph("astronaut", "NASA", _PUBLIC, _SKIMAGE, "astronaut.png"),
    Photograph("photographer", "Lav Varshney", _CC0, _SKIMAGE, "camera.png"),
    Photograph("cat", "Stéfan van der Walt", _CC0, _SKIMAGE, "chelsea.png"),
    Photograph("coffee", "Rachel Michetti", _CC0, _SKIMAGE, "coffee.png"),
    Photograph("rocket", "SpaceX", _PUBLIC, _SKIMAGE, "rocket.jpg"),
    Photograph("clock", "Stéfan van der Walt", _PUBLIC, _SKIMAGE, "clock_motion.png"),
    Photograph("galaxies", "NASA, Hubble", _PUBLIC, _SKIMAGE, "hubble_deep_field.jpg"),
    Photograph("retina", "Mikael Häggström", _CC0, _SKIMAGE, "retina.jpg"),
    Photograph("bricks", "CC0Textures", _CC0, _SKIMAGE, "brick.png"),
    Photograph("gravel", "CC0Textures", _CC0, _SKIMAGE, "gravel.png"),
    Photograph("grass", "linolafett", _CC0, _SKIMAGE, "grass.png"),
)
_FOLDERS = {  # of a library's package, and the extra that brings it
    _SKLEARN: ("sklearn", "analysis", "datasets/images"),
    "matplotlib": ("matplotlib", "plot", "mpl-data/sample_data"),
    _SKIMAGE: ("skimage", "photographs", "data"),
}


def embedded_photographs(
    shape: tuple[int, int, int],
) -> tuple[Tensor, tuple[Photograph, ...]]:
    """Fourteen photographs, free to use, that installed libraries carry, and whose they are.

    Nothing of the libraries is imported: their files are found and opened. Each is resized
    (bilinear) and cropped about its centre.

    Args:
        shape: ``(C, H, W)`` of the images.

    Returns:
        images, float32 ``[14, C, H, W]`` in [0, 1]; and what each shows, with author and licence.

    Raises:
        ModuleNotFoundError: a library that carries some of them is not installed.
        TypeError, ValueError: no shape, or channels but 1 or 3.
    """
    return _opened([_file_of(one) for one in EMBEDDED], image_shape(shape)), EMBEDDED


def photograph_pieces(
    n: int,
    shape: tuple[int, int, int],
    *,
    titles: Sequence[str] | None = None,
    least: int = 64,
    seed: Seed = 0,
) -> tuple[Tensor, Tensor]:
    """Random pieces of the fourteen photographs, each photograph in turn.

    A piece has the proportions of ``shape``; its place is uniform, the logarithm of its size too,
    from ``least`` pixels of its shorter side to as much as fits; then it is resized (bilinear).

    Args:
        n: how many.
        shape: ``(C, H, W)`` of the images.
        titles: of the photographs to take, as in ``EMBEDDED``; by default all.
        least: pixels of the shorter side of the smallest piece.
        seed: of places and sizes; an integer, or a generator.

    Returns:
        images, float32 ``[n, C, H, W]`` in [0, 1]; and the photograph of each, int64, its place in
        ``EMBEDDED``.

    Raises:
        ModuleNotFoundError: a library that carries some of them is not installed.
        TypeError, ValueError: not what is said above.
    """
    check_count(n, "n")
    check_count(least, "least")
    shape, known = image_shape(shape), [one.title for one in EMBEDDED]
    check_count(n, "n", most=MOST_VALUES // math.prod(shape))
    for title in () if titles is None else check_names(titles, "titles"):
        check_choice(title, known, "titles")
    places = [known.index(title) for title in (known if titles is None else titles)]
    fitted, (_, height, width) = _fitting(shape), shape
    pictures = [_whole(EMBEDDED[place]) for place in places]
    draws = np.random.default_rng(seed_of(seed))
    pieces = []
    for number in range(n):
        picture = pictures[number % len(pictures)]
        # the largest piece of these proportions is so many times as large as the image
        most = min(picture.width / width, picture.height / height)
        smallest = min(most, least / min(height, width))
        times = smallest * (most / smallest) ** draws.random()
        across, down = (max(1, int(times * length)) for length in (width, height))
        left = int(draws.integers(picture.width - across + 1))
        top = int(draws.integers(picture.height - down + 1))
        pieces.append(fitted(picture.crop((left, top, left + across, top + down))))
    chosen = torch.tensor(places)[torch.arange(n) % len(places)]
    return _stacked(pieces), chosen


@cache
def _whole(one: Photograph) -> Image.Image:
    """RGB, in its own size; kept, since pieces are asked for again and again."""
    return Image.open(_file_of(one)).convert("RGB")


def _file_of(one: Photograph) -> Path:
    package, extra, folder = _FOLDERS[one.library]
    needs(package, extra)
    found = find_spec(package)
    assert found is not None
    assert found.submodule_search_locations is not None  # a package, as ``needs`` has seen
    return Path(found.submodule_search_locations[0], folder, one.file)
