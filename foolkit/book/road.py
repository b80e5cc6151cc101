"""The road through the book as cards: question, picture, minutes, what a reader will be able to do.

A card takes its question from the chapter's title, its picture from the chapter's own outputs, its
minutes from the chapter's length, and what a reader will be able to do from ``_road.yml``.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from PIL import Image

WORDS_A_MINUTE = 150  # of text that is studied and not skimmed
CODE_LINES_A_MINUTE = 40
SIZE = (480, 270)  # pixels of a card's picture
QUALITY = 85  # of 100: half the bytes of a PNG, and noise is still noise


@dataclass(frozen=True)
class Card:
    """One chapter on the road.

    Attributes:
        name: the chapter's file, without its ending.
        question: its title.
        able: what a reader will be able to do, as a sentence's end: "say what ...".
        minutes: to read it, and look at its figures and code.
        picture: a figure of the chapter, as WebP; None: it has none.
    """

    name: str
    question: str
    able: str
    minutes: int
    picture: bytes | None


def cards(book: Path) -> list[Card]:
    """The cards of the chapters of a book's folder, in the order of its ``_toc.yml``.

    Raises:
        ValueError: ``_road.yml`` lacks a chapter, or names one that the book does not have.
    """
    toc = yaml.safe_load((book / "_toc.yml").read_text("utf-8"))
    names = [part["file"] for part in toc["chapters"]]
    names = [name for name in names if (book / f"{name}.ipynb").exists()]
    road = yaml.safe_load((book / "_road.yml").read_text("utf-8"))
    if set(road) != set(names):
        lacking, unknown = sorted(set(names) - set(road)), sorted(set(road) - set(names))
        raise ValueError(f"_road.yml: it lacks {lacking}, and does not know {unknown}")
    return [card(book / f"{name}.ipynb", **road[name]) for name in names]


def card(path: Path, able: str, figure: int = 0) -> Card:
    """The card of a chapter; ``figure`` is the number of its picture among its outputs."""
    notebook = nbformat.read(path, as_version=4)
    text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    question = next(line[2:] for line in "\n".join(text).splitlines() if line.startswith("# "))
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    minutes = len(" ".join(text).split()) / WORDS_A_MINUTE
    minutes += len("\n".join(code).splitlines()) / CODE_LINES_A_MINUTE
    return Card(path.stem, question, able, 5 * ceil(minutes / 5), picture(notebook, figure))


def picture(notebook: NotebookNode, figure: int) -> bytes | None:
    """A figure of a notebook, cut and scaled to a card: a WebP of ``SIZE``; None: it has none."""
    found = [
        b64decode(output.data[kind])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in ("image/png", "image/jpeg")
        if kind in output.get("data", {})
    ]
    if not found:
        return None
    image = Image.open(BytesIO(found[figure])).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    image.thumbnail((SIZE[0], 10 * SIZE[1]))
    whole = Image.new("RGB", SIZE, "white")
    whole.paste(image, ((SIZE[0] - image.width) // 2, max(0, (SIZE[1] - image.height) // 2)))
    out = BytesIO()
    whole.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
