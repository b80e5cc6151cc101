"""A guess before the result: Python's side, and a page in which the next output is veiled."""

import shutil
from pathlib import Path

import pytest

from foolkit.analysis import exact_interval
from foolkit.analysis.intervals import Interval
from foolkit.widgets import Predict

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = {
    "index": [
        "import foolkit as fk",
        "found = fk.analysis.exact_interval(3, 10)\n"
        "fk.widgets.Predict('What share is red?', found)",
        "print('red is', found)",
        "fk.widgets.Predict('Which?', 'left', choices=['left', 'right'])",
        "print('it is the left one')",
        "fk.widgets.Predict('How many?', 100, low=1, high=10_000, logarithmic=True, unit='steps')",
        "print('a hundred')",
    ]
}


def test_what_is_told():
    found = exact_interval(3, 10)
    widget = Predict("What share is red?", found)
    assert (widget.truth, widget.ends) == (found.value, [found.low, found.high])
    assert widget.told == f"{found:.1%}"
    assert Predict("Share?", 0.3).told == "30.0 %"
    many = Predict("How many?", 100, low=1, high=1000, logarithmic=True, unit="steps")
    assert (many.told, many.ends, many.guess, many.revealed) == ("100 steps", [], None, False)
    assert Predict("Which?", "b", choices=["a", "b"]).told == "b"
    assert Predict("Share?", Interval(0.0, float("nan"), float("nan"), 0.95)).ends == []
    assert repr(many) == "Predict(question='How many?', guess=None, chosen='')"


@pytest.mark.parametrize(
    ("truth", "settings", "message"),
    [
        (1.5, {}, "truth: expected a number .* <= 1, got 1.5"),
        (float("nan"), {}, "truth: expected"),
        ("left", {}, "choices: expected those that 'left' is one of"),
        ("left", {"choices": ["left"]}, "choices: expected at least two that differ"),
        ("up", {"choices": ["left", "right"]}, "truth: expected"),
        (5, {"low": 0, "high": 10, "logarithmic": True}, "low: expected a number > 0"),
        (5, {"low": 10, "high": 10}, "high: expected a number > 10"),
    ],
)
def test_bad_settings_are_named(truth, settings, message):
    with pytest.raises(ValueError, match=message):
        Predict("Which?", truth, **settings)


def test_a_question_is_needed():
    with pytest.raises(ValueError, match="question: expected 1 to 200 characters, got ''"):
        Predict("", 0.5)


@pytest.fixture(scope="module")
def html(tmp_path_factory, small_book, built):
    """The folder of a page with three questions, and the script that veils."""
    book = small_book(tmp_path_factory.mktemp("asked"), CHAPTERS)
    shutil.copy(ROOT / "book" / "assets" / "reading.js", book / "assets")
    config = book.parent / "_config.yml"
    config.write_text(
        config.read_text().replace(
            "html_css_files: [book.css]",
            "html_css_files: [book.css]\n    html_js_files: [reading.js]",
        )
    )
    return built(book)


def test_a_result_waits_for_the_guess(visit, html, assert_clean):
    page = visit((html / "index.html").as_uri())
    asked = page.locator(".fk-predict")
    asked.nth(2).get_by_role("button", name="That is my guess").wait_for()
    assert page.locator(".book-veiled").count() == 3
    assert page.locator(".book-veiled[inert]").count() == 3
    share = asked.nth(0)
    assert "30.0 %" not in share.inner_text()
    share.get_by_label("your guess").focus()
    page.keyboard.press("ArrowRight")
    assert share.locator("output").inner_text() == "51 %"
    share.get_by_role("button", name="That is my guess").click()
    found = exact_interval(3, 10)
    assert f"You said 51 %. Measured: {found:.1%}." in share.get_by_role("status").inner_text()
    drawn = share.get_by_role("img")
    assert "You said 51 %" in (drawn.get_attribute("aria-label") or "")
    truth = float(drawn.locator(".fk-truth").get_attribute("cx") or "nan")
    ends = [float(drawn.locator(".fk-interval").get_attribute(x) or "nan") for x in ("x1", "x2")]
    shares = [(x - 24) / (416 - 24) for x in (truth, *ends)]
    assert shares == pytest.approx([found.value, found.low, found.high], abs=1e-6)
    assert page.locator(".book-veiled").count() == 2

    asked.nth(1).get_by_role("button", name="right", exact=True).click()
    assert "You said: right. Measured: left." in asked.nth(1).get_by_role("status").inner_text()
    many = asked.nth(2)
    assert many.locator("output").inner_text() == "100 steps"  # the middle of the factors
    many.get_by_role("button", name="Skip").click()
    assert many.get_by_role("status").inner_text() == "Measured: 100 steps."
    assert many.locator(".fk-guessed").count() == 0
    assert page.locator(".book-veiled").count() == 0
    assert_clean(page, html.as_uri())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, html, theme, serious_violations):
    page = visit((html / "index.html").as_uri(), theme=theme)
    page.locator(".fk-predict").nth(2).get_by_role("button", name="Skip").click()
    page.locator(".fk-predict").nth(0).get_by_role("button", name="That is my guess").click()
    assert serious_violations(page) == []
