"""A gallery: pictures to sort, to look at closely, and to guess."""

from __future__ import annotations

import io
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import traitlets
from PIL import Image
from torch import Tensor

from foolkit.checks import check_choice, check_count, check_flag, check_images
from foolkit.files import as_bytes
from foolkit.seeds import generator_of
from foolkit.widgets.base import PHOTOGRAPHS, Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import check_whole

MOST = 100  # pictures: each is some kilobytes in the page
SIZES = (16, 512)
CHOICES = 4  # names to choose from, where there are as many
QUALITY = {"WEBP": 90, "JPEG": 85}
# WebP halves the resolution of colours: where that costs more than so many of 255 levels, on
# average over the picture, it is a JPEG that does not, two or three times as large
LOSS = 6.0


class Gallery(Widget):
    """Pictures that the reader sorts, enlarges, and guesses the names of.

    Names, orders and notes come from Python. In "guess" the names are hidden, and the reader
    chooses one of four for one picture after the other; the right one and three others, drawn by
    ``seed``. Every picture is asked once before any is asked again. The score stays in the page
    (and in its kernel, where there is one).

    With a ``second`` network the choice is forced for both: where its first choice of all names is
    not the right one, it is among the four, so that it is the network's choice of the four too.
    That is harder for the network than for the reader: it meets the wrong name that it likes best.

    Args:
        images: float32 ``[N, C, H, W]`` in [0, 1], 1 to 100 of them, of 1 or 3 channels. They are
            made smaller, never larger, and compressed: what is shown is close to what was
            judged, but not the same to the last bit.
        names: what each is called, for example what a network sees in it.
        orders: by name the N numbers to sort by, larger first; at the start by the first. Where
            all are in [0, 1] they are shown as per cent.
        notes: lines to show beside each enlarged picture; by default none.
        size: longest side of the stored pictures in pixels, 16 to 512. Sixty coloured pictures of
            CPPNs weigh 80 to 180 KB in the page at 112, and 370 KB at 224; of coloured noise, six
            and seventeen times as much.
        second: the name of another network, and what it calls each of the N pictures; by default
            none.
        live: offer to ask the network of photographs, SqueezeNet 1.1, what it sees in the enlarged
            picture. It runs in the page and is loaded then; it is shown the stored picture, at
            224 pixels.
        seed: of the questions.

    Attributes:
        order: the name of the order.
        ascending: whether the smallest comes first.
        chosen: the place of the enlarged picture in ``images``; -1: none.
        guessing: whether the reader guesses.
        questions: of each question the place of its picture, then the places in ``offered`` of
            the choices.
        offered: the names of the pictures, then what the second network calls them.
        given: for each answer so far the place in ``offered`` of the name that was chosen.
        score: how many answers are right.

    Raises:
        TypeError, ValueError: an argument that is not as described.
    """

    _esm = module("gallery.js")
    shown = ("order", "ascending")

    pictures = traitlets.List(traitlets.Bytes()).tag(sync=True)  # WebP or JPEG
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # width and height of all of them
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    offered = traitlets.List(traitlets.Unicode()).tag(sync=True)
    second = traitlets.Unicode("").tag(sync=True)  # the network's name
    notes = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    # lists and no dictionary: a saved notebook sorts the keys of those
    orders = traitlets.List(traitlets.Unicode()).tag(sync=True)
    values = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    order = traitlets.Unicode("").tag(sync=True)
    ascending = traitlets.Bool(False).tag(sync=True)
    chosen = traitlets.Any(-1).tag(sync=True)
    guessing = traitlets.Bool(False).tag(sync=True)
    questions = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    given = traitlets.List(traitlets.Int()).tag(sync=True)
    score = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        images: Tensor,
        names: Sequence[str],
        orders: Mapping[str, Sequence[float]],
        notes: Sequence[Sequence[str]] | None = None,
        size: int = 112,
        *,
        second: tuple[str, Sequence[str]] | None = None,
        live: bool = False,
        seed: int = 0,
    ) -> None:
        check_images(images)
        count, channels = images.shape[:2]
        if count > MOST:
            raise ValueError(f"images: expected at most {MOST}, got {count}")
        if channels not in (1, 3):
            raise ValueError(f"images: expected 1 or 3 channels, got {channels}")
        check_whole(size, *SIZES, "size")
        check_count(seed, "seed", minimum=0)
        names = _texts(names, "names")
        _check_length(names, count, "names")
        notes = [[] for _ in range(count)] if notes is None else notes
        _check_length(notes, count, "notes")
        values = _check_orders(orders, count)
        check_flag(live, "live")
        network, seconds = ("", []) if second is None else _check_second(second, count)
        small = [_small(image, size) for image in images.detach().cpu()]
        super().__init__(
            pictures=[_compressed(picture) for picture in small], shape=list(small[0].size),
            names=names, notes=[_texts(lines, "notes") for lines in notes],
            orders=list(values), values=list(values.values()), order=next(iter(values)),
            questions=_questions(names, seconds, seed), offered=[*names, *seconds],
            second=network, networks=[PHOTOGRAPHS] if live else [],
        )  # fmt: skip

    @traitlets.validate("order")
    def _check_order(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], self.orders, "order")
        return proposal["value"]

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], -1, len(self) - 1, "chosen")

    @traitlets.validate("guessing")
    def _check_guessing(self, proposal: traitlets.Bunch) -> bool:
        if proposal["value"] and not self.questions:
            raise ValueError("guessing: expected at least two different names to choose from")
        return proposal["value"]

    def __len__(self) -> int:
        return len(self.names)

    def arranged(self) -> list[int]:
        """The places of the pictures in ``images``, in the order of now; equals stay as given."""
        values = self.values[self.orders.index(self.order)]
        return sorted(range(len(self)), key=values.__getitem__, reverse=not self.ascending)


def _check_length(given: Any, count: int, argument: str) -> None:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{argument}: expected a sequence, got {type(given).__name__}")
    if len(given) != count:
        raise ValueError(f"{argument}: expected one for each of {count} images, got {len(given)}")


def _texts(given: Any, argument: str) -> list[str]:
    """The texts as a list, or ``TypeError``; one text is not a list of its letters."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{argument}: expected a sequence of texts, got {type(given).__name__}")
    for text in given:
        if not isinstance(text, str):
            raise TypeError(f"{argument}: expected texts, got {text!r}")
    return list(given)


def _check_second(second: Any, count: int) -> tuple[str, list[str]]:
    if not isinstance(second, tuple) or len(second) != 2 or not isinstance(second[0], str):
        raise TypeError(f"second: expected a network's name and its names, got {second!r}")
    called = _texts(second[1], "second")
    _check_length(called, count, "second")
    return second[0], called


def _check_orders(orders: Any, count: int) -> dict[str, list[float]]:
    if not isinstance(orders, Mapping):
        raise TypeError(f"orders: expected a mapping to numbers, got {type(orders).__name__}")
    if not orders:
        raise ValueError("orders: expected at least one, got none")
    found = {}
    for name, given in orders.items():
        values = given.tolist() if isinstance(given, (Tensor, np.ndarray)) else given
        _check_length(values, count, f"orders[{name!r}]")
        for number in values:
            if isinstance(number, bool) or not isinstance(number, numbers.Real):
                raise TypeError(f"orders[{name!r}]: expected numbers, got {number!r}")
            if not math.isfinite(number):
                raise ValueError(f"orders[{name!r}]: expected finite numbers, got {number}")
        found[str(name)] = [float(number) for number in values]
    return found


def _small(image: Tensor, size: int) -> Image.Image:
    """``[C, H, W]`` in [0, 1] as a picture whose longest side is ``size`` at most."""
    levels = as_bytes(image.clamp(0, 1))
    picture = Image.fromarray(levels.expand(3, -1, -1).permute(1, 2, 0).numpy())
    picture.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
    return picture


def _compressed(picture: Image.Image) -> bytes:
    """WebP, or JPEG where the picture's colours are too fine for it."""
    content = _saved(picture, "WEBP", method=6)
    shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float32)
    if np.abs(shown - np.asarray(picture, np.float32)).mean() > LOSS:
        content = _saved(picture, "JPEG", subsampling=0)
    return content


def _saved(picture: Image.Image, kind: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, quality=QUALITY[kind], **settings)
    return file.getvalue()


def _questions(names: Sequence[str], seconds: Sequence[str], seed: int) -> list[list[int]]:
    """Every picture once: its place, then those of the names to choose from, all different.

    Places are those in ``[*names, *seconds]``; what the second network calls a picture is among
    its names.
    """
    draws = generator_of(seed)
    offered = [*names, *seconds]
    first = {name: place for place, name in reversed(list(enumerate(offered)))}
    common = [place for name, place in first.items() if name in set(names)]
    if len(common) < 2:
        return []

    def shuffled(places: Sequence[int]) -> list[int]:
        return [places[n] for n in torch.randperm(len(places), generator=draws).tolist()]

    questions = []
    for place in shuffled(range(len(names))):
        preferred = [first[seconds[place]]] if seconds and seconds[place] != names[place] else []
        others = [p for p in common if offered[p] != names[place] and p not in preferred]
        wrong = [*preferred, *shuffled(others)][: CHOICES - 1]
        questions.append([place, *shuffled([place, *wrong])])
    return questions
