"""The widgets in a small built book, in a real browser: on a server, from disk, by every means."""

import itertools
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from tools import chapters

ROOT = Path(__file__).resolve().parent.parent
STATE, VIEW = (f"application/vnd.jupyter.widget-{kind}+json" for kind in ("state", "view"))

CHAPTERS = {
    "index": ["import foolkit as fk", "fk.widgets.DrawAndFool(3)"],
    "playing": ["import foolkit as fk", "fk.widgets.DrawAndFool(3, play=True)"],
    "second": [
        "import foolkit as fk\nunseen = fk.widgets.Breed(seed=9)",
        "fk.widgets.Breed(seed=1, batch=20)",
        "images, labels = fk.data.digits()\n"
        "fk.widgets.Quiz(images[:3], labels[:3], kinds=['digits', 'digits', 'other'])",
    ],
}


@pytest.fixture(scope="module")
def book(tmp_path_factory, small_book):
    """A book of three chapters."""
    return small_book(tmp_path_factory.mktemp("tiny"), CHAPTERS)


@pytest.fixture(scope="module")
def html(book, built):
    """The folder of the built pages."""
    return built(book)


# ---- the notebooks and the build -----------------------------------------------------------------


def state_of(path):
    return nbformat.read(path, 4).metadata.widgets[STATE].state


def test_a_second_execution_gives_no_diff(book):
    first = {path: path.read_bytes() for path in book.glob("*.ipynb")}
    chapters.make_notebooks(book, book.parent / "_config.yml", ["second"])
    assert {path: path.read_bytes() for path in book.glob("*.ipynb")} == first
    notebook = nbformat.read(book / "second.ipynb", 4)
    again = nbformat.writes(chapters.normalise(notebook))
    assert again.rstrip("\n") == (book / "second.ipynb").read_text("utf-8").rstrip("\n")


def test_only_widgets_that_are_shown_are_kept_and_the_views_lead_to_them(book):
    state = state_of(book / "second.ipynb")
    kinds = sorted(model.state["_anywidget_id"] for model in state.values() if
                   "_anywidget_id" in model.state)  # fmt: skip
    assert kinds == ["foolkit.widgets.breed.Breed", "foolkit.widgets.quiz.Quiz"]
    views = [
        output.data[VIEW].model_id
        for cell in nbformat.read(book / "second.ipynb", 4).cells
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]
    assert len(views) == 2
    for view in views:
        assert state[view].state.layout.removeprefix("IPY_MODEL_") in state


def test_a_notebook_whose_widget_is_gone_keeps_no_state(book):
    notebook = nbformat.read(book / "second.ipynb", 4)
    for cell in notebook.cells[1:]:
        cell.outputs = []
    assert "widgets" not in chapters.normalise(notebook).metadata


def test_pages_get_the_packages_javascript_of_today(book, tmp_path):
    path = Path(shutil.copy(book / "index.ipynb", tmp_path))
    notebook = nbformat.read(path, 4)
    for model in notebook.metadata.widgets[STATE].state.values():
        if "_esm" in model.state:
            model.state["_esm"] = "of last year"
    nbformat.write(notebook, path)
    assert chapters.refresh_widgets(path) == {"lenet"}
    assert state_of(path) == state_of(book / "index.ipynb")


def test_one_widget_carries_the_styles_of_its_page(book, tmp_path):
    path = Path(shutil.copy(book / "second.ipynb", tmp_path))
    chapters.refresh_widgets(path)
    styles = [model.state["_css"] for model in state_of(path).values() if "_css" in model.state]
    assert len(styles) == 2
    assert [bool(one) for one in styles].count(True) == 1


def test_the_site_holds_the_weights_once(html):
    (only,) = html.glob("**/*safetensors*")
    assert only.name == "lenet.safetensors.js"
    assert only.parent.name == "_static"


def test_nothing_of_the_pages_is_in_the_notebooks_to_download_again(book, html):
    found = {path.stem: nbformat.read(path, 4) for path in (html / "_sources").glob("*.ipynb")}
    assert set(found) == set(CHAPTERS)
    for name, notebook in found.items():
        assert "widgets" not in notebook.metadata
        executed = nbformat.read(book / f"{name}.ipynb", 4)
        assert [cell.source for cell in notebook.cells] == [c.source for c in executed.cells]
        assert all(not cell.get("outputs") for cell in notebook.cells)
    assert not list(html.glob("**/*.map"))


def test_a_book_without_widgets_gets_no_weights(tmp_path):
    chapters.write_weights(tmp_path, set())
    assert list(tmp_path.iterdir()) == []


def test_the_chapters_of_the_book_show_widgets_of_the_package():
    for path in chapters.chapters(ROOT / "book"):
        for model in chapters.saved_widgets(nbformat.read(path, 4)).values():
            if model["model_module"] == "anywidget":
                assert model["state"]["_anywidget_id"].startswith("foolkit.widgets.")


# ---- the pages in a browser ----------------------------------------------------------------------


@pytest.fixture
def visit(visit, wait_for_widgets):
    """Opens a page and, unless ``ready`` is false, waits for its widgets."""

    def open_page(url, *, ready=True, **options):
        page = visit(url, **options)
        if ready:
            wait_for_widgets(page)
        return page

    return open_page


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def said(page, kind):
    return page.locator(f".fk-{kind} .fk-status").inner_text()


def wait_until_said(page, kind, words):
    page.wait_for_function(
        "([kind, words]) => new RegExp(words).test("
        "document.querySelector(`.fk-${kind} .fk-status`).textContent)",
        arg=[kind, words],
    )


def pixels(page, selector):
    return page.locator(selector).evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )[::4]


PAD, AFTER = ".fk-pad canvas", ".fk-shot > canvas >> nth=0"
NOISE = ".fk-shot > canvas >> nth=1"
EPSILON = "largest change of a pixel"


def verdicts(page):
    """What the network says of the drawing, of the changed image, of the noise."""
    return page.locator(".fk-verdict").all_inner_texts()


def sure(text):
    return float(text.split(", ")[1].removesuffix(" %"))


def test_draw_with_the_mouse_and_fool(visit, site, assert_clean):
    page = visit(f"{site}/index.html")
    before = page.locator(".fk-bars").inner_text()
    press(page, "Wipe")
    assert max(pixels(page, PAD)) == 0
    pad = page.locator(".fk-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in
          ((0.3, 0.25), (0.7, 0.25), (0.45, 0.8))]  # fmt: skip
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=10)
    page.mouse.up()
    wait_until_said(page, "draw", "The network sees “7”, [0-9.]+ %")
    drawn = pixels(page, PAD)
    assert 40 < sum(value > 128 for value in drawn) < 150
    assert page.locator(".fk-bars").inner_text() != before
    assert page.locator(".fk-answer").inner_text().split()[0] == "7"

    press(page, "Fool it")
    wait_until_said(page, "draw", r"Fooled in \d+ steps?: the “7” is now called “[0-689]”")
    assert page.locator(".fk-answer").inner_text().split()[0] != "7"
    fooled = pixels(page, AFTER)
    assert 0 < max(abs(a - b) for a, b in zip(drawn, fooled, strict=True)) <= 0.2 * 255 + 1
    assert page.get_by_label("Whose confidences").input_value() == "changed"
    assert pixels(page, PAD) == drawn
    assert_clean(page, site)


def test_draw_with_the_keyboard_alone(visit, server):
    page = visit(f"{server}/index.html")
    press(page, "Wipe")
    page.get_by_role("application").focus()
    for key in ["ArrowUp"] * 8 + ["Space"] + ["ArrowDown"] * 16 + ["Space"]:
        page.keyboard.press(key)
    wait_until_said(page, "draw", "The network sees “1”")
    epsilon = page.get_by_label(EPSILON)
    epsilon.focus()
    for _ in range(19):
        page.keyboard.press("ArrowLeft")
    assert epsilon.get_attribute("aria-valuetext") == "0.01"
    fool = page.get_by_role("button", name="Fool it")
    fool.focus()
    page.keyboard.press("Enter")
    wait_until_said(page, "draw", r"Still “1” after \d+ steps. A change of 0.01 a pixel")
    epsilon.focus()
    page.keyboard.press("End")
    fool.focus()
    page.keyboard.press("Enter")
    wait_until_said(page, "draw", "Fooled in")
    page.get_by_role("application").focus()
    page.keyboard.press("Delete")
    assert max(pixels(page, PAD)) == 0
    assert verdicts(page)[1] == "not changed yet"
    assert page.get_by_role("button", name="Until it is certain").is_disabled()


def test_draw_with_a_finger_on_a_telephone(visit, site, assert_clean):
    page = visit(f"{site}/index.html", width=360, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Wipe").tap()
    page.locator(".fk-pad").tap()
    wait_until_said(page, "draw", "The network sees")
    page.wait_for_function(  # the pen is painted with the next frame, after the words
        "pad => Math.max(...document.querySelector(pad).getContext('2d')"
        ".getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 === 0)) > 200",
        arg=PAD,
    )
    page.get_by_role("button", name="a real 4").tap()
    wait_until_said(page, "draw", "The network sees “4”")
    page.get_by_role("button", name="Fool it").tap()
    wait_until_said(page, "draw", "Fooled in")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_a_target_is_reached_or_refused(visit, server):
    page = visit(f"{server}/index.html")
    page.get_by_label(EPSILON).press("End")
    page.get_by_label("make it").select_option("8")
    press(page, "Fool it")
    wait_until_said(page, "draw", "the “3” is now called “8”")
    page.get_by_label("make it").select_option("3")
    press(page, "Fool it")
    wait_until_said(page, "draw", "already sees a “3”")


def test_it_goes_on_until_it_is_certain_and_the_curve_can_be_walked(visit, server, assert_clean):
    page = visit(f"{server}/index.html")
    certain = page.get_by_role("button", name="Until it is certain")
    assert certain.is_disabled()
    press(page, "Fool it")
    wait_until_said(page, "draw", "Fooled in")
    first, boundary = verdicts(page)[:2]
    assert first[1] == "3" != boundary[1]
    assert sure(boundary) < 99.99
    certain.click()
    wait_until_said(page, "draw", "Certain after")
    assert verdicts(page)[0] == first
    assert verdicts(page)[1][1] == boundary[1]
    assert sure(verdicts(page)[1]) >= 99.99
    assert certain.is_disabled()
    drawn, changed = pixels(page, PAD), pixels(page, AFTER)
    assert max(abs(a - b) for a, b in zip(drawn, changed, strict=True)) <= 0.5 * 255 + 1

    scrub = page.get_by_label("slide from before to after")
    page.wait_for_function("() => !document.querySelector('.fk-scrub input').disabled")
    lines = page.locator(".fk-of-class").evaluate_all(
        "all => all.map(one => one.getAttribute('points').split(' ')"
        ".map(point => Number(point.split(',')[1])))"
    )
    falls, rises = lines  # downwards is larger
    assert falls[0] < falls[-1]
    assert rises[0] > rises[-1]
    scrub.press("Home")
    assert pixels(page, AFTER) == drawn
    assert verdicts(page)[1] == first
    scrub.press("End")
    assert pixels(page, AFTER) == changed
    sizes = [page.locator(one).bounding_box()["width"] for one in (PAD, AFTER)]
    assert sizes[0] == pytest.approx(sizes[1], abs=3)
    assert_clean(page, server)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_noise_is_bred_until_the_network_is_certain(visit, server, motion):
    page = visit(f"{server}/index.html", reduced_motion=motion)
    press(page, "Breed “3”")
    page.get_by_role("button", name="Stop").wait_for()
    wait_until_said(page, "draw", "random pixels are called “3” with 99.99 %")
    assert verdicts(page)[2][1] == "3"
    assert sure(verdicts(page)[2]) >= 99.99
    page.get_by_label("Whose confidences").select_option("noise")
    assert page.locator(".fk-answer").inner_text().split()[0] == "3"
    assert len(set(pixels(page, NOISE))) > 150  # noise: nearly all grey levels
    page.get_by_role("button", name="a real 7").click()
    page.get_by_role("button", name="Breed “7”").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Breed “7”").wait_for()


def test_it_begins_by_itself_where_it_is_asked_to(visit, site):
    page = visit(f"{site}/playing.html")
    wait_until_said(page, "draw", "Fooled in|Certain after|random pixels")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.fk-verdict')].slice(1)"
        ".every(one => one.textContent.endsWith('99.99 %'))"
    )
    three, changed, noise = verdicts(page)
    assert three[1] == noise[1] == "3" != changed[1]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_flicker(visit, server, motion):
    page = visit(f"{server}/index.html", reduced_motion=motion)
    page.evaluate(  # counts every change of the picture
        """() => { globalThis.turns = [];
        const put = CanvasRenderingContext2D.prototype.putImageData;
        CanvasRenderingContext2D.prototype.putImageData = function (...all) {
            const second = ".fk-shot:nth-child(2) > canvas";
            if (this.canvas.matches(second)) turns.push(performance.now());
            return put.apply(this, all) } }"""
    )
    press(page, "Fool it")
    wait_until_said(page, "draw", "Fooled in")
    fooled, drawn = pixels(page, AFTER), pixels(page, PAD)
    flicker = page.get_by_role("button", name="Flicker" if motion != "reduce" else "Show before")
    page.evaluate("turns.length = 0")
    flicker.click()
    assert flicker.get_attribute("aria-pressed") == "true"
    assert pixels(page, AFTER) == drawn
    page.wait_for_timeout(1300)
    turns = page.evaluate("turns")
    if motion == "reduce":
        assert len(turns) == 1
    else:
        assert len(turns) >= 2
        assert min(b - a for a, b in itertools.pairwise(turns)) > 1000 / 6
    flicker.click()
    assert flicker.get_attribute("aria-pressed") == "false"
    assert pixels(page, AFTER) == fooled


def tiles(page):
    return page.locator(".fk-tiles li").all_inner_texts()


def points(page):
    return len(page.locator("polyline.fk-median").get_attribute("points").split())


def test_breed(visit, site, assert_clean):
    page = visit(f"{site}/second.html")
    wait_until_said(page, "breed", "Generation 0:")
    start = tiles(page)
    assert [tile[1] for tile in start] == list("0123456789")
    for generation in (1, 2):
        press(page, "Step")
        wait_until_said(page, "breed", f"Generation {generation}:")
    two = tiles(page)
    assert two != start
    assert points(page) == 3

    press(page, "Start")
    page.wait_for_function("document.querySelectorAll('.fk-curve .fk-median')[0]"
                           ".getAttribute('points').split(' ').length > 5")  # fmt: skip
    press(page, "Pause")
    page.wait_for_timeout(500)
    stopped = tiles(page), page.locator(".fk-breed .fk-title").inner_text()
    page.wait_for_timeout(300)
    assert (tiles(page), page.locator(".fk-breed .fk-title").inner_text()) == stopped
    label = page.locator(".fk-curve").get_attribute("aria-label")
    assert "generations the median of the ten is" in label

    press(page, "Restart")  # the same seed is the same run
    wait_until_said(page, "breed", "Generation 0:")
    assert tiles(page) == start
    for generation in (1, 2):
        press(page, "Step")
        wait_until_said(page, "breed", f"Generation {generation}:")
    assert tiles(page) == two
    page.get_by_label("seed").fill("2")
    press(page, "Restart")
    wait_until_said(page, "breed", "Generation 0:")
    assert tiles(page) != start
    assert_clean(page, site)


def test_breed_by_keyboard(visit, server):
    page = visit(f"{server}/second.html")
    wait_until_said(page, "breed", "Generation 0:")
    rate = page.get_by_label("mutation rate")
    rate.focus()
    page.keyboard.press("ArrowRight")
    assert rate.get_attribute("aria-valuetext") == "0.11"
    page.get_by_role("button", name="Step").focus()
    page.keyboard.press("Space")
    wait_until_said(page, "breed", "Generation 1:")
    seed = page.get_by_label("seed")
    seed.fill("-4")
    seed.press("Tab")
    wait_until_said(page, "breed", "The seed is a whole number from 0 to 999999")
    assert seed.input_value() == "1"


def test_quiz(visit, site, assert_clean):
    page = visit(f"{site}/second.html")
    state = page.evaluate(
        "kind => Object.values(JSON.parse(document.querySelector(`script[type='${kind}']`)"
        ".textContent).state).find((one) => one.state.labels).state",
        STATE,
    )
    labels, kinds = state["labels"], state["kinds"]
    given = [labels[0], *((label + 1) % 10 for label in labels[1:])]  # the first alone is right
    quiz = page.locator(".fk-quiz")
    answers = quiz.get_by_role("group", name="Which digit is it likeliest to be?")
    assert answers.get_by_role("button").all_inner_texts() == list("0123456789")
    answers.get_by_role("button", name=str(given[0])).click()
    assert "Image 2 of 3" in quiz.inner_text()
    assert "✓" not in quiz.inner_text()  # blind: nothing is told before the end
    page.keyboard.press(str(given[1]))
    answers.get_by_role("button", name=str(given[2])).click()
    wait_until_said(page, "quiz", "You were right on 1 of 3, the network on 3")
    for kind, total in (("digits", 2), ("other", 1)):
        told = quiz.get_by_role("list", name=f"Scores, {kind}").inner_text().split("\n")
        mine = int(kinds[0] == kind)
        assert [line for line in told if " of " in line] == [
            f"{mine} of {total}", f"{total} of {total}", f"{total / 10} of {total}",
        ]  # fmt: skip
    rows = [row.split("\t") for row in quiz.locator("tbody tr").all_inner_texts()]
    assert [row[2] for row in rows] == [f"{given[0]} ✓", *map(str, given[1:])]
    quiz.get_by_role("button", name="Again").click()
    assert "Image 1 of 3" in quiz.inner_text()
    assert_clean(page, site)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, server, theme, serious_violations):
    page = visit(f"{server}/index.html", theme=theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert serious_violations(page) == []
    press(page, "Fool it")
    wait_until_said(page, "draw", "Fooled in")
    assert serious_violations(page) == []
    page = visit(f"{server}/second.html", theme=theme)
    press(page, "Step")
    for _ in range(3):
        page.locator(".fk-quiz").get_by_role("button", name="0").click()
    wait_until_said(page, "breed", "Generation 1:")
    assert serious_violations(page) == []


def test_the_theme_is_followed(visit, server):
    colours = set()
    for theme in ("light", "dark"):
        page = visit(f"{server}/index.html", theme=theme)
        widget = page.locator(".fk-widget")
        style = "e => getComputedStyle(e).backgroundColor + getComputedStyle(e).color"
        colours.add(widget.evaluate(style))
    assert len(colours) == 2


@pytest.mark.parametrize("name", CHAPTERS)
def test_fits_a_telephone(visit, server, name):
    page = visit(f"{server}/{name}.html", width=360)
    if name == "second":
        for _ in range(3):
            page.locator(".fk-quiz").get_by_role("button", name="0").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for canvas in page.locator(".fk-widget canvas:visible").all():
        assert canvas.bounding_box()["x"] + canvas.bounding_box()["width"] <= 360


def test_every_control_can_be_reached_and_shows_that_it_has_the_focus(
    visit, server, without_focus_ring
):
    page = visit(f"{server}/index.html")
    widget = page.locator(".fk-widget")
    press(page, "Fool it")
    page.wait_for_function("() => !document.querySelector('.fk-scrub input').disabled")
    assert page.locator(".fk-widget :disabled").count() == 0
    controls = widget.locator("button:visible, input, select, [tabindex='0']")
    assert without_focus_ring(page, controls) == []


def test_weights_that_are_missing_are_an_error_in_words(visit, server, browser):
    page = visit("about:blank", ready=False)
    page.route("**/lenet.safetensors.js", lambda route: route.abort())
    page.goto(f"{server}/index.html")
    text = page.locator(".fk-widget").get_by_role("status")
    text.get_by_text("could not start").wait_for()
    assert "the file lenet.safetensors of this site did not load" in text.inner_text()


def test_weights_that_are_late_are_waited_for(visit, server):
    page, held = visit("about:blank", ready=False), []
    page.clock.install()
    page.route("**/lenet.safetensors.js", lambda route: held.append(route))
    page.goto(f"{server}/index.html", wait_until="commit")  # a held file may keep it from "load"
    widget = page.locator(".fk-widget")
    widget.get_by_text("Loading the network").wait_for()
    page.clock.fast_forward(60_000)
    widget.get_by_text("Still waiting for the network").wait_for()
    held.pop().continue_()
    widget.get_by_role("button", name="Fool it").wait_for()
    assert not widget.get_by_text("Still waiting").count()


def test_it_works_under_a_strict_content_security_policy(visit, html, server):
    """Without the theme, which has scripts of its own in the page."""
    notebook = nbformat.read(html.parent / "book" / "index.ipynb", 4)
    state = json.dumps(notebook.metadata.widgets[STATE]).replace("<", "\\u003c")
    (view,) = [o.data[VIEW] for c in notebook.cells for o in c.get("outputs", []) if VIEW in o.data]
    policy = "default-src 'none'; script-src 'self' blob:; style-src 'self'; img-src data:"
    (html / "strict.html").write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>strict</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<link rel="icon" href="data:,"></head><body>'
        f'<script type="{STATE}">{state}</script><script type="{VIEW}">{json.dumps(view)}</script>'
        f'<script defer src="_static/anywidget-host.js"></script></body></html>',
        "utf-8",
    )
    page = visit(f"{server}/strict.html")
    press(page, "Fool it")
    wait_until_said(page, "draw", "Fooled in")
    assert page.locator(".fk-bar").first.evaluate("e => getComputedStyle(e).height") != "0px"
    assert page.complaints == []
