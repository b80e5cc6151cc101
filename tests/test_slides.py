"""Slides: what the pages say, in one file."""

import json
import re

import pytest

from tools.chapters import WIDGET_STATE, WIDGET_VIEW
from tools.slides import PREDICT, deck, slides_of

ASKING = {"_anywidget_id": PREDICT, "question": "How < many?", "choices": ["a", "b"], "told": "b"}


def figure(name, caption):
    return f"""<figure class="book-figure"><a href="_images/{name}.png">
    <img class="only-light" alt="A &quot;picture&quot;." src="_images/{name}.png"/></a>
    <figcaption><p><span class="caption-number">Fig. 1 </span>
    <span class="caption-text">{caption}</span></p></figcaption></figure>"""


@pytest.fixture
def html(tmp_path):
    """The folder of a built book of one chapter."""
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "one.png").write_bytes(b"picture")
    models = {"state": {"m1": {"state": ASKING}, "m2": {"state": {"_anywidget_id": "other"}}}}
    (tmp_path / "why.html").write_text(f"""<html><body><article><section>
    <h1>Why?<a class="headerlink" href="#why">#</a></h1>
    <p><strong>In one minute.</strong> Because of <a href="x.html">it</a>.</p>
    <script type="{WIDGET_VIEW}">{{"model_id": "m2"}}</script>
    <script type="{WIDGET_VIEW}">{{"model_id": "m1"}}</script>
    {figure("one", 'Seen <em>here</em> <a href="y.html">once</a>.')}
    <section id="in-short"><h2>In short</h2><ul><li><p>One.</p></li></ul></section>
    <section id="exercises">{figure("lost", "A solution.")}</section></section></article>
    <script type="{WIDGET_STATE}">{json.dumps(models)}</script></body></html>""")
    return tmp_path


def test_a_chapter_becomes_its_question_guesses_figures_and_in_short(html):
    slides = slides_of(html / "why.html")
    assert [slide.kind for slide in slides] == ["question", "guess", "figure", "short"]
    question, guess, shown, short = slides
    assert question.title == "Why?"
    assert "Because of it." in question.body
    assert "How &lt; many?" in guess.body
    assert guess.body.index("<li>a</li>") < guess.body.index("<details>") < guess.body.rindex("b")
    assert "Seen <em>here</em> once." in shown.body
    assert 'alt="A &quot;picture&quot;."' in shown.body
    assert "One." in short.body


def test_the_file_asks_for_nothing_outside_of_itself(html):
    text = deck(html, ["why"], "Certain & Wrong")
    assert "<h1>Certain &amp; Wrong</h1>" in text
    assert '<a href="#why">Why?</a>' in text
    assert '<section class="question" id="why">' in text
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "url(" not in text
    assert "@import" not in text


def test_a_page_that_is_no_chapter_is_an_error(tmp_path):
    (tmp_path / "x.html").write_text("<html><body></body></html>")
    with pytest.raises(ValueError, match="expected a built chapter"):
        slides_of(tmp_path / "x.html")
