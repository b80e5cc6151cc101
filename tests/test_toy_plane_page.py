"""The toy plane in a page of the book's host, on a server and from disk."""

import json
import shutil
from pathlib import Path

import pytest

from foolkit.widgets import ToyPlane

ROOT = Path(__file__).resolve().parent.parent
KIND = "application/vnd.jupyter.widget-"


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """A page with one toy plane, made as the book's builder makes it."""
    made = tmp_path_factory.mktemp("toy")
    shutil.copy(ROOT / "book" / "assets" / "anywidget-host.js", made)
    state = ToyPlane().get_state()
    saved = {"state": {"one": {"model_module": "anywidget", "state": state}}}
    text = json.dumps(saved).replace("<", "\\u003c")
    (made / "index.html").write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>toy</title>'
        '<meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,"></head><body><main><article><h1>Toy</h1>'
        f'<script type="{KIND}state+json">{text}</script>'
        f'<script type="{KIND}view+json">{{"model_id": "one"}}</script></article></main>'
        '<script defer src="anywidget-host.js"></script></body></html>',
        "utf-8",
    )
    return made


@pytest.fixture
def opened(visit, html, server):
    """Opens the page, and waits until all five models are trained."""

    def open_page(where="http", **options):
        site = server if where == "http" else html.as_uri()
        page = visit(f"{site}/index.html", **options)
        trained(page)
        return page, site

    return open_page


def trained(page):
    page.wait_for_selector(".fk-toy[data-trained]")


def said(page):
    return page.locator(".fk-toy .fk-status").inner_text()


def confidences(page):
    """What the five say at the cross, such as ``"A 99.99 %"``."""
    return page.locator(".fk-models .fk-number").all_inner_texts()


def far(page):
    page.get_by_label("walk away").focus()
    page.keyboard.press("End")


@pytest.mark.parametrize("where", ["http", "file"])
def test_far_away_only_the_bumps_are_unsure(opened, assert_clean, where):
    page, site = opened(where)
    assert said(page).startswith("network, softmax: A with ")
    far(page)
    softmax, hinge, machine, bumps, neighbours = confidences(page)
    for text in (softmax, hinge, machine, neighbours):
        assert float(text.split()[1]) > 99.9
    assert bumps.split()[1] == "0.00"
    assert "from the nearest point" in said(page)
    page.get_by_label("RBF network").check()
    assert "RBF network: " in said(page)
    assert "0.00 %" in said(page)
    assert_clean(page, site)


def test_points_are_put_and_taken_by_keyboard(opened):
    page, _ = opened()
    plane = page.get_by_role("application")
    plane.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.get_by_label("5 nearest neighbours").check()
    assert "A with 100.00 %" in said(page)
    plane.focus()
    for _ in range(3):
        page.keyboard.press("c")
        trained(page)
    page.wait_for_function(
        "document.querySelector('.fk-toy .fk-status').textContent.includes('C with 60')"
    )
    page.keyboard.press("Delete")
    page.wait_for_function(
        "document.querySelector('.fk-toy .fk-status').textContent.includes('A with 60')"
    )
    page.get_by_role("button", name="First points").click()
    page.wait_for_function(
        "document.querySelector('.fk-toy .fk-status').textContent.includes('A with 100')"
    )


def test_the_mouse_moves_the_cross_and_drags_a_point(opened):
    page, _ = opened()
    box = page.get_by_role("application").bounding_box()

    def at(x, y):  # of the plane from -3 to 3, on the screen
        return box["x"] + box["width"] * (x + 3) / 6, box["y"] + box["height"] * (3 - y) / 6

    page.mouse.click(*at(2.5, -0.5))
    assert "B with" in said(page)
    x, y, _ = ToyPlane().points[0]
    page.mouse.move(*at(x, y))
    page.mouse.down()
    page.mouse.move(*at(2.5, -0.5), steps=4)
    page.mouse.up()
    trained(page)
    distance = page.locator(".fk-toy .fk-title").inner_text()
    assert float(distance.split(", ")[1].split()[0]) < 0.05


def test_it_fits_a_telephone(opened):
    page, _ = opened(width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_axe_finds_nothing_serious(opened, serious_violations):
    page, _ = opened()
    assert serious_violations(page) == []


def test_everything_can_be_reached_and_shows_its_focus(opened, without_focus_ring):
    page, _ = opened()
    controls = page.locator(".fk-toy").locator("button, input:checked, [tabindex='0']")
    assert controls.count() >= 8
    assert without_focus_ring(page, controls) == []
