"""The reports in the book, of its own networks, as ``tools.bank.yardsticks`` wrote them."""

import re
from pathlib import Path

import pytest

from foolkit.examination.report import Number
from foolkit.examination.yardsticks import yardsticks
from tools.bank.yardsticks import CHAPTERS, NETWORKS, PAGES

BOOK = Path(__file__).resolve().parents[2] / "book"


def test_each_yardstick_has_its_page():
    assert [one.name for one in yardsticks()] == list(NETWORKS)
    assert {path.stem for path in PAGES.iterdir()} == set(NETWORKS)


@pytest.mark.parametrize("yardstick", yardsticks(), ids=lambda one: one.name)
def test_the_page_says_what_the_yardstick_holds(yardstick):
    page = (PAGES / f"{yardstick.name}.html").read_text("utf-8")
    assert len(page) < 400_000
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    share = Number("accuracy", "", 0.0, 0.0, 1.0, "share", "higher", 1)
    for name in {"accuracy", "robust_accuracy@0.1", "bred_patterns"} & set(yardstick.numbers):
        told = yardstick.told(Number(**{**vars(share), "name": name}))
        value, _, ends = told.replace(" %", "\N{NO-BREAK SPACE}%").partition(" ")
        assert f'{value} <span class="ends">{ends}</span>' in page, name
    chapters = set(re.findall(rf'href="{re.escape(CHAPTERS)}/([\w-]+)\.html"', page))
    assert chapters
    assert all((BOOK / f"{chapter}.ipynb").is_file() for chapter in chapters)
