"""The book on paper: one document, with a still picture and a caption for each widget."""

import json
import posixpath
import re
import shutil
from zipfile import ZipFile

import pytest
from bs4 import BeautifulSoup

from tools.chapters import WIDGET_STATE, WIDGET_VIEW
from tools.paper import article, dead_links, make_epub, whole
from tools.slides import PREDICT


@pytest.fixture
def page(tmp_path):
    """A built page with a widget, a guess, a folded solution and links."""
    asking = {"_anywidget_id": PREDICT, "question": "Which?", "choices": ["a", "b"], "told": "b"}
    models = {
        "live": {"model_module": "anywidget", "state": {"_anywidget_id": "w"}},
        "guess": {"model_module": "anywidget", "state": asking},
        "layout": {"model_module": "@jupyter-widgets/base", "state": {}},
    }
    views = "".join(f'<script type="{WIDGET_VIEW}">{{"model_id": "{m}"}}</script>' for m in models)
    path = tmp_path / "why.html"
    path.write_text(f"""<html><body><article><section id="why"><h1>Why?<a
    class="headerlink" href="#why">#</a></h1>{views}<button>Code</button>
    <a class="only-light" href="_images/one.png">
    <img alt="one" loading="lazy" src="_images/one.png"/></a>
    <a class="only-dark" href="_images/two.png"><img alt="two" src="_images/two.png"/></a>
    <section id="exercises"><details class="hide above-input"><summary>Show</summary>
    <p>A solution.</p></details></section>
    <details class="hide above-input"><summary>Show</summary>Code of a figure.</details>
    <a href="#why">up</a> <a href="other.html#there">there</a> <a href="other.html">other</a>
    <a href="_downloads/a1/report.html">report</a>
    <a href="https://example.org">out</a>
    <p>A <a href="#term-x">term</a>, a claim<a href="#note" id="id1" role="doc-noteref">1</a>.</p>
    <dl><dt id="term-x">X</dt><dd><p>A word.</p></dd></dl>
    <aside class="footnote" id="note" role="doc-footnote"><span class="label">[<a href="#id1"
    role="doc-backlink">1</a>]</span><p>A note.</p></aside></section></article>
    <script type="{WIDGET_STATE}">{json.dumps({"state": models})}</script></body></html>""")
    return path


def test_a_page_becomes_a_part_of_one_document(page):
    text = BeautifulSoup(article(page, [(b"png", "Climb"), (b"png", "A guess")]), "html.parser")
    assert text.h1["id"] == "why--why"
    assert text.dt.span["id"] == "why--term-x"  # pandoc keeps no name of a term, or of an aside
    assert text.select_one("div.footnote")["id"] == "why--note"
    assert not text.select("[role]")
    assert text.h1.span["id"] == "why"
    assert text.h1.parent is text  # where pandoc begins a chapter
    assert [a["href"] for a in text.find_all("a")] == [
        "#why--why", "#other--there", "#other", "https://example.org",
        "#why--term-x", "#why--note", "#why--id1"]  # fmt: skip
    still = text.select_one("figure.still")
    assert still.img["src"].startswith("data:image/png;base64,")
    assert still.figcaption.get_text().startswith("Climb: a live experiment")
    assert text.select_one("p.guess").get_text() == "What do you expect? Which? (a, b)"
    assert [image["src"] for image in text.select("img:not(.still img)")] == [
        "../html/_images/one.png"]  # fmt: skip
    assert not text.select("[loading]")
    assert "A solution." in text.get_text()
    assert "Code of a figure." not in text.get_text()
    assert not text.select("script, details, summary, button, .headerlink")


def test_an_epub_has_a_place_for_every_link(page, tmp_path):
    if not shutil.which("pandoc"):
        pytest.skip("no pandoc found")
    page.with_name("other.html").write_text(
        '<html><body><article><section id="there"><h1>There</h1></section></article></body></html>'
    )
    texts = [article(page, [(b"png", "Climb"), (b"png", "A guess")])]
    texts.append(article(page.with_name("other.html"), []))
    document = tmp_path / "book.html"
    document.write_text(re.sub(r"<img.*?>", "", whole(texts, "T")))  # there are no such files
    make_epub(document, tmp_path / "book.epub", "T", "A")  # ends the program at a dead link
    with ZipFile(tmp_path / "book.epub") as made:
        text = "".join(made.read(name).decode() for name in made.namelist() if "/ch0" in name)
    assert text.count("why--note") == 2
    assert text.count("why--term-x") == 2


def test_a_link_to_nowhere_is_found(tmp_path):
    epub = tmp_path / "book.epub"
    one = """<a href="two.xhtml#there">1</a> <a href="two.xhtml#gone">2</a> <a href="#here">3</a>
    <a href="#lost">4</a> <a href="../nav.xhtml">5</a> <a href="three.xhtml">6</a>
    <a href="https://example.org/#x">7</a> <p id="here"/>"""
    with ZipFile(epub, "w") as archive:
        for name, text in (("one", one), ("two", '<p id="there"/>'), ("../nav", "")):
            archive.writestr(posixpath.normpath(f"EPUB/text/{name}.xhtml"), f"<html>{text}</html>")
    page = "EPUB/text/one.xhtml"
    assert dead_links(epub) == [f"{page}: two.xhtml#gone", f"{page}: #lost", f"{page}: three.xhtml"]


def test_widgets_without_pictures_are_an_error(page):
    with pytest.raises(ValueError, match="expected 2 pictures of widgets, got 1"):
        article(page, [(b"png", "Climb")])


def test_the_document_has_all_texts_and_a_title():
    text = whole(["<article>1</article>", "<article>2</article>"], "A & B")
    assert "<title>A &amp; B</title>" in text
    assert text.index("<article>1") < text.index("<article>2")
