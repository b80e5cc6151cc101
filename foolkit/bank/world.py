"""Out in the world: wallpapers for a visual search, patterns for a pedestrian detector, accidents.

``python -m tools.bank.world`` makes the file anew, some half an hour of one core; what it holds
is judged again in seconds.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import interpolate, pad

from foolkit.analysis.accidents import SURE, Accidents
from foolkit.analysis.search import Embedding, Search, discs
from foolkit.bank.store import read
from foolkit.checks import check_choice, check_names
from foolkit.data.pedestrians import drawn_pedestrians
from foolkit.data.photographs import EMBEDDED, embedded_photographs, photograph_pieces
from foolkit.files import as_bytes
from foolkit.models.classifier import Classifier
from foolkit.models.loading import load as load_network
from foolkit.models.pedestrian import pedestrian

FILE = "world.npz"
SIDE, TILE = 128, 64  # pixels of the pictures of the search, and of a wallpaper's pattern
PREVIEW, ROW = 64, 16  # pixels of a picture in the page, and how many lie in a row
LAYER = "module.fires.7"  # of SqueezeNet: the last below its classes
PIECES, DRAWN = 16, 24  # of each photograph, and scenes with a drawn pedestrian
SMALLEST = 200  # pixels of a photograph, of the shorter side of a piece
# photographs whose middle is put before a wallpaper while it is made, and to judge it
BEFORE = ("temple", "cat", "coffee", "rocket")
HELD_OUT = ("flower", "Grace Hopper", "astronaut", "clock", "retina")
SIZE = 0.5  # of the objects while it is made
WANTED = 10  # pictures that wallpapers lead to: the first piece of as many photographs
PEOPLE = ("Grace Hopper", "astronaut", "photographer")  # photographs with somebody in them
MADE = ("formulas", "pixels", "painted")
GENERATIONS = {"formulas": 250, "pixels": 80}  # of 40 wallpapers, bred for all pictures at once
JUDGES = ("lenet", "squeezenet1_1", "mtcnn-output", "pedestrian")


@dataclass(frozen=True)
class Gallery:
    """The pictures that a search may find.

    Attributes:
        pictures: float32 ``[M, 3, 128, 128]`` in [0, 1].
        photograph: int64 ``[M]``, the photograph that each is a piece of, its place in
            ``foolkit.data.EMBEDDED``; of a drawn scene their number.
    """

    pictures: Tensor
    photograph: Tensor


@cache
def gallery() -> Gallery:
    """Sixteen pieces of each of the fourteen photographs, in turn, and drawn scenes."""
    count, shape = len(EMBEDDED), (3, SIDE, SIDE)
    pieces, photograph = photograph_pieces(PIECES * count, shape, least=SMALLEST, seed=0)
    figures = drawn_pedestrians(DRAWN, seed=0)
    aside = (SIDE - figures.shape[3]) // 2
    scenes = pad(figures, (aside, aside, 0, 0), mode="replicate").expand(-1, 3, -1, -1)
    return Gallery(
        torch.cat([pieces, scenes]), torch.cat([photograph, torch.full((DRAWN,), count)])
    )


@cache
def search() -> Search:
    """The visual search: the features of SqueezeNet 1.1, of images of 128 pixels."""
    net = load_network("squeezenet1_1", input_shape=(3, SIDE, SIDE))
    return Search(Embedding(net, LAYER), gallery().pictures).eval()


def objects(titles: tuple[str, ...], size: float = SIZE) -> tuple[Tensor, Tensor]:
    """Discs cut out of the middle of photographs: what stands before a wallpaper.

    Args:
        titles: of ``BEFORE`` or ``HELD_OUT``, or any of ``foolkit.data.EMBEDDED``.
        size: of a disc, as a share of the picture's side.

    Returns:
        float32 ``[F, 4, 128, 128]``, see ``foolkit.analysis.search.in_front``; and the photograph
        of each, int64 ``[F]``.

    Raises:
        TypeError, ValueError: unknown titles; a size that is not between 0 and 1.
    """
    titles = check_names(titles, "titles")
    known = [one.title for one in EMBEDDED]
    for title in titles:
        check_choice(title, known, "titles")
    photographs, _ = embedded_photographs((3, SIDE, SIDE))
    places = torch.tensor([known.index(title) for title in titles])
    return discs(photographs[places], size), places


def backgrounds() -> dict[str, Tensor]:
    """All wallpapers that the book's page offers, by name: float32 ``[n, 3, 64 or 128, ...]``.

    Those of ``MADE``, one for each of ``wanted``; and, one of each, plain grey, stripes, and a
    piece of the photograph of bricks, which nobody optimised.
    """
    bricks, _ = photograph_pieces(1, (3, SIDE, SIDE), titles=["bricks"], least=SMALLEST, seed=5)
    return {
        "plain": torch.full((1, 3, TILE, TILE), 0.5),
        "stripes": (torch.arange(TILE) // 8 % 2).float().expand(1, 3, TILE, TILE),
        "bricks": bricks,
        **wallpapers(),
    }


def for_the_page() -> bytes:
    """The search and its wallpapers as a safetensors file, 1.2 MB: what the book's page runs.

    ``known`` ``[M, 512]`` and ``middle`` ``[512]`` are the search's; ``sprite`` is a JPEG of all
    pictures, ``PREVIEW`` pixels each, ``ROW`` in a row; ``objects`` ``[F, 3, 128, 128]`` are the
    photographs of ``HELD_OUT``, and ``background/NAME`` those of ``backgrounds``, in 8 bits.
    """
    finder, pictures = search(), gallery().pictures
    rows = -(-len(pictures) // ROW)
    small = interpolate(pictures, PREVIEW, mode="bilinear", antialias=True)
    full = torch.cat([small, small.new_zeros(rows * ROW - len(small), *small.shape[1:])])
    sheet = full.unflatten(0, (rows, ROW)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    file = io.BytesIO()
    Image.fromarray(as_bytes(sheet.clamp(0, 1)).numpy()).save(file, "JPEG", quality=80)
    photographs, about = embedded_photographs((3, SIDE, SIDE))
    known = [one.title for one in about]
    held = photographs[[known.index(title) for title in HELD_OUT]]
    return save(
        {
            "known": finder.known.half(),
            "middle": finder.middle,
            "sprite": torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8),
            "objects": as_bytes(held),
            **{f"background/{name}": as_bytes(images) for name, images in backgrounds().items()},
        }
    )


def wanted() -> Tensor:
    """The pictures of the search that the stored wallpapers lead to: int64 ``[WANTED]``."""
    return torch.arange(WANTED)


def wallpapers() -> dict[str, Tensor]:
    """Patterns by how they were made (``MADE``), one for each of ``wanted``, in its order.

    Returns:
        float32 ``[WANTED, 3, 64, 64]`` in [0, 1] each.
    """
    stored = read(FILE)
    return {
        made: torch.from_numpy(stored[f"wallpaper/{made}/images"]).float().div(255) for made in MADE
    }


def pedestrians() -> dict[str, Tensor]:
    """What was bred or painted to be a pedestrian, by how it was made: one image a run.

    Returns:
        float32 ``[runs, 1, 128, 64]`` in [0, 1] each.
    """
    stored = read(FILE)
    made = [*MADE, "fine pixels"]
    return {
        name: torch.from_numpy(stored[f"pedestrian/{name}/images"]).float().div(255)
        for name in made
    }


def judge(name: str) -> tuple[Classifier, float, list[int] | None, list[str] | None]:
    """A network that random pictures are shown to, and what counts as an accident of it.

    A classifier's accident is any class with 99 %, a face detector's a face with 99 %, in pieces
    of photographs without people. The pedestrian detector knows no confidence; its accident is
    whatever it calls a pedestrian.

    Args:
        name: of ``JUDGES``.

    Returns:
        the network; the least confidence; the classes that count, or None for all; and the titles
        of the photographs that pieces are taken of, or None for all.

    Raises:
        ValueError: another name.
    """
    check_choice(name, JUDGES, "name")
    if name in JUDGES[:2]:
        return load_network(name), SURE, None, None
    others = [one.title for one in EMBEDDED if one.title not in PEOPLE]
    if name == "pedestrian":
        return pedestrian(), 0.5, [1], others
    return load_network(name), SURE, [1], others


def accidents() -> dict[str, dict[str, Accidents]]:
    """What random pictures were taken for, by judge (``JUDGES``) and kind of picture."""
    stored = read(FILE)
    found: dict[str, dict[str, Accidents]] = {}
    for judge in JUDGES:
        kinds, counts = (stored[f"accidents/{judge}/{part}"] for part in ("kinds", "counts"))
        rows = zip(kinds.tolist(), counts.tolist(), strict=True)
        found[judge] = {kind: Accidents(hits, images) for kind, (hits, images) in rows}
    return found
