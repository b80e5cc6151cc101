"""The book as a PDF and as an EPUB: the built pages as one, with a still picture of each widget.

Run by ``tools/book.py paper``, after the pages were built. A browser prints the PDF
(``$FOOLKIT_BROWSER``); pandoc makes the EPUB, where it is at hand.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import subprocess
import sys
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, sync_playwright

from tools.chapters import WIDGET_STATE, WIDGET_VIEW, pages
from tools.slides import PREDICT

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (
    ".headerlink, button, noscript, .only-dark, .prev-next-area, .book-facts, nav,"
    ' script:not([type="' + WIDGET_VIEW + '"]), style'
)
PATIENCE = 90_000  # milliseconds for the widgets of a page, on a busy machine
SETTLED = 3_000  # milliseconds for them to draw
MATHJAX = """<script>window.MathJax = { options: {
  processHtmlClass: "math", ignoreHtmlClass: "without-math" } };</script>
<script defer src="../html/_static/vendor/mathjax/tex-svg.js"></script>"""


def stills(page: Path, browser: Browser) -> list[tuple[bytes, str]]:
    """A picture of each widget of a page as it begins, as PNG, and the widget's name."""
    tab = browser.new_page(viewport={"width": 800, "height": 900}, device_scale_factor=2)
    tab.set_default_timeout(PATIENCE)
    tab.goto(page.as_uri())
    places = tab.locator(".book-widget").all()
    found = []
    for place in places:
        place.scroll_into_view_if_needed()  # there it starts
        widget = place.locator(".fk-widget[data-ready]").first
        widget.wait_for()
        tab.wait_for_timeout(SETTLED)
        label = widget.get_attribute("aria-label") or ""
        found.append((widget.screenshot(animations="disabled"), label))
    tab.close()
    return found


def article(page: Path, pictures: list[tuple[bytes, str]]) -> str:
    """The text of a page: unfolded, widgets as pictures, links within one document.

    Left out is code that the page folds, of figures and of checks; solutions stay.

    Raises:
        ValueError: a page without a text, or with more or fewer widgets than pictures.
    """
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    saved = soup.find("script", type=WIDGET_STATE)
    models = json.loads(saved.get_text())["state"] if saved else {}
    text = soup.select_one("article")
    if text is None:
        raise ValueError(f"{page}: expected a text, found none")
    for gone in text.select(LEFT_OUT):
        gone.decompose()
    views = [view for view in text.find_all("script") if model_of(view, models)]
    if len(views) != len(pictures):
        raise ValueError(f"{page}: expected {len(views)} pictures of widgets, got {len(pictures)}")
    for view, picture in zip(views, pictures, strict=True):
        still = BeautifulSoup(still_of(model_of(view, models), *picture), "html.parser")
        view.replace_with(still)
    for rest in text.find_all("script"):
        rest.decompose()
    exercises = text.find("section", id="exercises")
    for code in text.select("details.above-input"):
        if exercises not in code.parents:
            code.decompose()
    for folded in text.find_all("details"):
        for summary in folded.find_all("summary"):
            summary.decompose()
        folded.name = "div"
    for image in text.find_all("img", src=True):
        del image["loading"]  # all at once: nobody scrolls on paper
        if not str(image["src"]).startswith("data:"):
            image["src"] = f"../html/{image['src']}"
    for section in text.find_all("section"):  # pandoc begins a chapter only at a heading outside
        title = section.find(["h1", "h2", "h3", "h4"])
        if title and section.get("id"):
            title["id"] = section["id"]
        section.unwrap()
    join_links(text, page.stem)
    keep_names(text)
    if title := text.find("h1"):
        title.insert(0, named_place(page.stem))
    return text.decode_contents()


def model_of(view: Tag, models: dict[str, Any]) -> dict[str, Any]:
    """The saved state of the widget that a page shows there; empty if it is none of ours."""
    model = models.get(json.loads(view.string or "{}").get("model_id"), {})
    return model.get("state", {}) if model.get("model_module") == "anywidget" else {}


def still_of(state: dict[str, Any], picture: bytes, label: str) -> str:
    """HTML in place of a widget: of a guess its question, of others a picture and what it is."""
    if state.get("_anywidget_id") == PREDICT:
        choices = f" ({', '.join(state['choices'])})" if state["choices"] else ""
        question = escape(state["question"] + choices)
        return f'<p class="guess"><em>What do you expect?</em> {question}</p>'
    content = b64encode(picture).decode()
    said = escape(label or "A live experiment")
    return (
        f'<figure class="still"><img src="data:image/png;base64,{content}" alt="{said}."/>'
        f"<figcaption>{said}: a live experiment, as it begins. It runs in the pages.</figcaption>"
        "</figure>"
    )


def join_links(text: Tag, name: str) -> None:
    """Make names unique in the whole, and links between pages links within it."""
    for named in text.find_all(id=True):
        named["id"] = f"{name}--{named['id']}"
    for link in text.find_all("a", href=True):
        href = str(link["href"])
        page, mark, place = href.partition("#")
        if "://" in href or href.startswith("mailto:"):
            continue
        if page and ("/" in page or not page.endswith(".html")):
            link.unwrap()  # a picture, or a report, in a file of its own
            continue
        other = page.removesuffix(".html") or name
        link["href"] = f"#{other}--{place}" if mark and place else f"#{other}"


def keep_names(text: Tag) -> None:
    """Make the names of terms and footnotes such as pandoc keeps: not of every element it does.

    Nor may a footnote be one by its role: pandoc would look for its own kind, and drop the link.
    """
    for term in text.select("dt[id]"):
        term.insert(0, named_place(str(term["id"])))
        del term["id"]
    for note in text.find_all("aside"):
        note.name = "div"
    for note in text.select('[role^="doc-"]'):
        del note["role"]


def named_place(name: str) -> BeautifulSoup:
    """An empty element for links to lead to."""
    return BeautifulSoup(f'<span id="{name}"></span>', "html.parser")


def dead_links(epub: Path) -> list[str]:
    """The links inside an EPUB that lead nowhere, each as ``page: target``."""
    with ZipFile(epub) as archive:
        pages = {
            name: BeautifulSoup(archive.read(name), "html.parser")
            for name in archive.namelist()
            if name.endswith(".xhtml")
        }
    places = {
        page: {str(one["id"]) for one in soup.find_all(id=True)} for page, soup in pages.items()
    }
    dead = []
    for page, soup in pages.items():
        for link in soup.find_all("a", href=True):
            target = urlsplit(str(link["href"]))
            if target.scheme:
                continue  # to the world outside
            beside = posixpath.join(posixpath.dirname(page), unquote(target.path))
            other = posixpath.normpath(beside) if target.path else page
            if other not in pages or (target.fragment and target.fragment not in places[other]):
                dead.append(f"{page}: {link['href']}")
    return dead


def whole(texts: list[str], title: str) -> str:
    """One document of all texts."""
    style = (ROOT / "tools" / "paper.css").read_text("utf-8")
    return "\n".join([
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>',
        f"<title>{escape(title)}</title><style>{style}</style>{MATHJAX}</head>",
        '<body class="without-math">', *texts, "</body></html>\n",
    ])  # fmt: skip


def print_pdf(document: Path, out: Path, browser: Browser) -> None:
    """Print a document, once its formulas are set."""
    tab = browser.new_page()
    tab.set_default_timeout(10 * PATIENCE)
    tab.goto(document.as_uri())
    tab.evaluate("() => MathJax.startup.promise")
    tab.pdf(path=out, format="A4", outline=True, tagged=True, prefer_css_page_size=True)
    tab.close()


def make_epub(document: Path, out: Path, title: str, author: str) -> None:
    """The same document by pandoc, its formulas as MathML."""
    command = [
        "pandoc", str(document), "--from", "html+tex_math_single_backslash", "--to", "epub3",
        "--mathml", "--toc", "--toc-depth", "1",
        "--css", str(ROOT / "tools" / "paper.css"), "--resource-path", str(document.parent),
        "--metadata", f"title={title}", "--metadata", f"author={author}",
        "--metadata", "lang=en", "--output", str(out),
    ]  # fmt: skip
    finished = subprocess.run(command, cwd=document.parent, capture_output=True, text=True)
    if finished.returncode or "WARNING" in finished.stderr:
        sys.exit(f"{finished.stderr}\npandoc could not make the EPUB")
    if dead := dead_links(out):
        sys.exit("\n".join(["EPUB: links that lead nowhere", *dead]))


def main() -> None:
    """Make both files from the pages in ``_build/html``."""
    executable = os.environ.get("FOOLKIT_BROWSER")
    if not executable:
        sys.exit("FOOLKIT_BROWSER: expected the path of Chromium, Chrome or Edge, got none")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    out = ROOT / "_build" / "paper"
    out.mkdir(parents=True, exist_ok=True)
    document = out / "book.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        texts = []
        for name in pages(ROOT / "book"):
            page = ROOT / "_build" / "html" / f"{name}.html"
            pictures = stills(page, browser)
            print(f"{name:26} {len(pictures)} widgets", flush=True)
            texts.append(article(page, pictures))
        document.write_text(whole(texts, config["title"]), "utf-8")
        print_pdf(document, out / "book.pdf", browser)
        print(out / "book.pdf", flush=True)
        browser.close()
    if not shutil.which("pandoc"):
        print("EPUB: not made, there is no pandoc here (Debian: apt-get install pandoc)")
        return
    make_epub(document, out / "book.epub", config["title"], config["author"])
    print(out / "book.epub")


if __name__ == "__main__":
    main()
