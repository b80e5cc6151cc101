"""The cards of the chapters."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from foolkit.book import road

BOOK = Path(__file__).resolve().parents[2] / "book"


def write(book, name, words=10, lines=1, picture=None):
    cell = new_code_cell("\n".join(["x = 1"] * lines))
    if picture:
        cell.outputs = [new_output("execute_result", {"image/png": picture})]
    cells = [new_markdown_cell(f"# Is it {name}?\n\n" + "word " * words), cell]
    nbformat.write(new_notebook(cells=cells), book / f"{name}.ipynb")


@pytest.fixture
def book(tmp_path):
    """Two chapters on the road, and a page that is none."""
    out = BytesIO()
    Image.new("RGB", (900, 300), "red").save(out, "PNG")
    write(tmp_path, "first", words=1000, picture=b64encode(out.getvalue()).decode())
    write(tmp_path, "second", words=1000, lines=400)
    chapters = [{"file": name} for name in ("second", "first", "references")]
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"root": "index", "chapters": chapters}))
    able = {name: {"able": f"do the {name}."} for name in ("first", "second")}
    (tmp_path / "_road.yml").write_text(yaml.safe_dump(able))
    return tmp_path


def test_a_card_is_made_of_its_chapter(book):
    second, first = road.cards(book)
    assert (first.name, first.question, first.able) == ("first", "Is it first?", "do the first.")
    assert first.minutes % 5 == 0
    assert second.minutes > first.minutes  # as many words, and code besides
    assert second.picture is None
    image = Image.open(BytesIO(first.picture)).convert("RGB")
    assert image.size == road.SIZE
    assert image.getpixel((240, 135)) == pytest.approx((255, 0, 0), abs=8)
    assert image.getpixel((240, 2)) == pytest.approx((255, 255, 255), abs=8)


def test_the_road_and_the_book_have_the_same_chapters(book):
    write(book, "third")
    toc = yaml.safe_load((book / "_toc.yml").read_text())
    toc["chapters"].append({"file": "third"})
    (book / "_toc.yml").write_text(yaml.safe_dump(toc))
    with pytest.raises(ValueError, match=r"lacks \['third'\]"):
        road.cards(book)


def test_every_chapter_of_the_book_has_a_card():
    for card in road.cards(BOOK):
        assert card.question.endswith("?")
        assert card.able.endswith(".")
        assert 5 <= card.minutes <= 60
        assert card.picture
