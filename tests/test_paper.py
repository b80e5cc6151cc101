"""The book on paper: one document, with a still picture and a caption for each widget."""

import json

import pytest
from bs4 import BeautifulSoup

from tools.paper import article, whole
from tools.slides import PREDICT, STATE, VIEW


@pytest.fixture
def page(tmp_path):
    """A built page with a widget, a guess, a folded solution and links."""
    asking = {"_anywidget_id": PREDICT, "question": "Which?", "choices": ["a", "b"], "told": "b"}
    models = {
        "live": {"model_module": "anywidget", "state": {"_anywidget_id": "w"}},
        "guess": {"model_module": "anywidget", "state": asking},
        "layout": {"model_module": "@jupyter-widgets/base", "state": {}},
    }
    views = "".join(f'<script type="{VIEW}">{{"model_id": "{m}"}}</script>' for m in models)
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
    <a href="https://example.org">out</a></section></article>
    <script type="{STATE}">{json.dumps({"state": models})}</script></body></html>""")
    return path


def test_a_page_becomes_a_part_of_one_document(page):
    text = BeautifulSoup(article(page, [(b"png", "Climb"), (b"png", "A guess")]), "html.parser")
    assert text.h1["id"] == "why--why"
    assert text.h1.span["id"] == "why"
    assert text.h1.parent is text  # where pandoc begins a chapter
    assert [a["href"] for a in text.find_all("a")] == [
        "#why--why", "#other--there", "#other", "https://example.org"]  # fmt: skip
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


def test_widgets_without_pictures_are_an_error(page):
    with pytest.raises(ValueError, match="expected 2 pictures of widgets, got 1"):
        article(page, [(b"png", "Climb")])


def test_the_document_has_all_texts_and_a_title():
    text = whole(["<article>1</article>", "<article>2</article>"], "A & B")
    assert "<title>A &amp; B</title>" in text
    assert text.index("<article>1") < text.index("<article>2")
