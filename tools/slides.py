"""Slides made from the built pages: one HTML file that asks for nothing outside of itself.

Of each chapter its question, what it says in one minute, its guesses, its figures with their
captions, and what it says in short. Run by ``tools/book.py slides``, after the pages were built.
"""

from __future__ import annotations

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml
from bs4 import BeautifulSoup, Tag

from tools.chapters import WIDGET_STATE, WIDGET_VIEW

ROOT = Path(__file__).resolve().parent.parent
WITHOUT_SLIDES = {"scoreboard"}  # a table of all chapters, which the page shows better
PREDICT = "foolkit.widgets.predict.Predict"
KINDS = {".png": "image/png", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class Slide:
    """One slide.

    Attributes:
        kind: "question", "guess", "figure" or "short": how it is laid out.
        body: its HTML, below the title.
        title: in plain text; "" for none.
    """

    kind: str
    body: str
    title: str = ""


def slides_of(page: Path) -> list[Slide]:
    """The slides of one built chapter, in the order of its text."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    article = soup.select_one("article")
    title = article.find("h1") if article else None
    if article is None or title is None:
        raise ValueError(f"{page}: expected a built chapter, with a title")
    asked = guesses(soup)
    exercises = article.find("section", id="exercises")
    slides = [Slide("question", in_one_minute(article), text_of(title))]
    for found in article.find_all(["figure", "script"]):
        if exercises and exercises in found.parents:
            continue
        if found.name == "figure" and "book-figure" in found.get("class", []):
            slides.append(Slide("figure", figure(found, page.parent)))
        elif found.name == "script" and found.get("type") == WIDGET_VIEW:
            model = json.loads(found.string or "{}").get("model_id")
            if model in asked:
                slides.append(Slide("guess", guess(asked[model]), "What do you expect?"))
    short = article.find("section", id="in-short")
    if isinstance(short, Tag):
        points = "".join(f"<li>{inside(item)}</li>" for item in short.find_all("li"))
        slides.append(Slide("short", f"<ul>{points}</ul>", "In short"))
    return slides


def guesses(soup: BeautifulSoup) -> dict[str, dict[str, Any]]:
    """The saved states of a page's guesses, by their model."""
    script = soup.find("script", type=WIDGET_STATE)
    if script is None:
        return {}
    models = json.loads(script.get_text())["state"]
    states = {name: model["state"] for name, model in models.items()}
    return {name: s for name, s in states.items() if s.get("_anywidget_id") == PREDICT}


def guess(state: dict[str, Any]) -> str:
    """A question for the room, and what was measured behind a click."""
    choices = "".join(f"<li>{escape(choice)}</li>" for choice in state["choices"])
    return (
        f"<p>{escape(state['question'])}</p>"
        f"{f'<ul>{choices}</ul>' if choices else ''}"
        f"<details><summary>Measured</summary><p>{escape(state['told'])}</p></details>"
    )


def in_one_minute(article: Tag) -> str:
    """What a chapter says in one minute, without these words."""
    for paragraph in article.find_all("p"):
        if text_of(paragraph).startswith("In one minute."):
            strong = paragraph.find("strong")
            if strong:
                strong.extract()
            return f"<p>{inside(paragraph)}</p>"
        if (
            "admonition-title" in paragraph.get("class", [])
            and text_of(paragraph) == "In one minute"
        ):
            return "".join(f"<p>{inside(p)}</p>" for p in paragraph.find_next_siblings("p"))
    return ""


def figure(found: Tag, html: Path) -> str:
    """A figure as it is on a light page, with its caption, its picture inside the file."""
    image = found.select_one("img.only-light, img.dark-light")
    caption = found.select_one(".caption-text")
    if image is None or caption is None:
        raise ValueError(f"{html}: expected a picture and a caption, got {found.get('id')}")
    file = html / str(image["src"])
    content = b64encode(file.read_bytes()).decode()
    return (
        f'<figure><img src="data:{KINDS[file.suffix]};base64,{content}"'
        f' alt="{escape(str(image["alt"]))}" loading="lazy"/>'
        f"<figcaption>{inside(caption)}</figcaption></figure>"
    )


def inside(found: Tag) -> str:
    """What an element holds, its links as plain text: the slides lead nowhere."""
    copy = BeautifulSoup(found.decode_contents(), "html.parser")
    for link in copy.find_all("a"):
        link.unwrap()
    for styled in copy.find_all(True):
        styled.attrs = {}
    return str(copy)


def text_of(found: Tag) -> str:
    """An element's text without the sign of a link to itself."""
    return found.get_text().removesuffix("#").strip()


def deck(html: Path, names: list[str], title: str) -> str:
    """All slides as one page.

    Args:
        html: the folder of the built pages.
        names: of the chapters, without ending.
        title: of the first slide.
    """
    chapters = {name: slides_of(html / f"{name}.html") for name in names}
    entries = "".join(
        f'<li><a href="#{name}">{escape(slides[0].title)}</a></li>'
        for name, slides in chapters.items()
    )
    first = f'<section class="contents"><h1>{escape(title)}</h1><ol>{entries}</ol></section>'
    return "\n".join([
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}: slides</title>",
        f"<style>{beside('slides.css')}</style></head><body>",
        first,
        *marked(chapters),
        f"<script>{beside('slides.js')}</script></body></html>\n",
    ])  # fmt: skip


def beside(name: str) -> str:
    """The text of a file of this folder."""
    return (ROOT / "tools" / name).read_text("utf-8")


def marked(chapters: dict[str, list[Slide]]) -> Iterator[str]:
    """The slides as sections; the first of a chapter is what the contents lead to."""
    for name, slides in chapters.items():
        for number, slide in enumerate(slides):
            mark = f' id="{name}"' if number == 0 else ""
            title = f"<h2>{escape(slide.title)}</h2>" if slide.title else ""
            yield f'<section class="{slide.kind}"{mark}>{title}{slide.body}</section>'


def main() -> None:
    """Read the command line."""
    road = yaml.safe_load((ROOT / "book" / "_road.yml").read_text("utf-8"))
    known = [name for name in road if name not in WITHOUT_SLIDES]
    parser = argparse.ArgumentParser(prog="python tools/book.py slides", description=__doc__)
    parser.add_argument("names", nargs="*", help="chapters; by default all")
    names = parser.parse_args().names or known
    if unknown := sorted(set(names) - set(known)):
        sys.exit(f"slides: expected some of {', '.join(known)}, got {', '.join(unknown)}")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    out = ROOT / "_build" / "slides.html"
    out.write_text(deck(ROOT / "_build" / "html", names, config["title"]), "utf-8")
    print(out)


if __name__ == "__main__":
    main()
