"""The dragged patch: its Python side, and the widget in a small built book in a real browser."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.gradients import Patch
from foolkit.widgets import PatchDrag

WIDGET_PAGES = {
    "index": [
        "import torch\nimport foolkit as fk",
        "images, labels = fk.data.digits()\n"
        "spots = [fk.gradients.Patch(torch.full((1, 7, 7), v)) for v in (1.0, 0.0)]\n"
        "fk.widgets.PatchDrag(images[:2], labels[:2], spots, names=['white', 'black'])",
    ]
}
WIDGET = "fk-patch-drag"


@pytest.fixture(scope="module")
def digits():
    return tuple(part[:2] for part in fk.data.digits())


@pytest.fixture(scope="module")
def spots():
    drawn = torch.rand(2, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    return [Patch((one * 255).round() / 255, target=k) for k, one in enumerate(drawn, 3)]


# ---- Python ----


def test_python_reads_and_sets(digits, spots):
    widget = PatchDrag(*digits, spots, patch=1, corner=(2, 21))
    assert repr(widget) == "PatchDrag(chosen=0, patch=1, corner=[2, 21])"
    assert widget.names == ["patch for 3", "patch for 4"]
    exact = spots[1].apply((digits[0][:1] * 255).round() / 255, (2, 21))
    assert torch.allclose(widget.current(), exact, atol=1e-6)
    widget.answers = [3] * 4
    widget.patch, widget.chosen = 0, 1
    assert widget.answers == []
    widget.set_state({"corner": [21, 0]})
    assert widget.corner == [21, 0]
    exact = spots[0].apply((digits[0][1:] * 255).round() / 255, (21, 0))
    assert torch.allclose(widget.current(), exact, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d, p: PatchDrag(*d, []), ValueError, "patches: expected at least one"),
        (lambda d, p: PatchDrag(*d, [p[0].pixels]), TypeError, "patches: expected Patch, got Ten"),
        (
            lambda d, p: PatchDrag(*d, [p[0], Patch(torch.rand(1, 6, 6))]),
            ValueError, "patches: expected grey squares of one size, got a square of",
        ),
        (
            lambda d, p: PatchDrag(*d, [Patch(torch.rand(1, 7, 7), shape="disc")]),
            ValueError, "patches: expected grey squares of one size, got a disc",
        ),
        (
            lambda d, p: PatchDrag(*d, [Patch(torch.rand(1, 28, 28))]),
            ValueError, "patches: expected fewer than 28 pixels a side",
        ),
        (lambda d, p: PatchDrag(*d, p, names=["a"]), ValueError, "names: expected one for each"),
        (lambda d, p: PatchDrag(*d, p, patch=2), ValueError, "patch: expected an integer of at"),
        (lambda d, p: PatchDrag(*d, p, chosen=2), ValueError, "chosen: expected an integer of at"),
        (lambda d, p: PatchDrag(*d, p, corner=(22, 0)), ValueError, "corner: expected an integer"),
        (lambda d, p: PatchDrag(*d, p, corner=3), ValueError, "corner: expected top and left"),
        (lambda d, p: PatchDrag(d[0] * 2, d[1], p), ValueError, "images: expected values"),
        (lambda d, p: PatchDrag(d[0], d[1][:1], p), ValueError, "labels: expected"),
    ],
)  # fmt: skip
def test_bad_settings_are_named(digits, spots, make, error, message):
    with pytest.raises(error, match=message):
        make(digits, spots)


# ---- the page ----


def pixels(page):
    """The image on the pad, 28 x 28 in [0, 1]."""
    values = page.locator(".fk-pad canvas").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return torch.tensor(values[::4]).view(1, 1, 28, 28).float() / 255


def said(page):
    return page.locator(".fk-status").inner_text()


def with_spot(digits, corner, value=1.0, which=0):
    image = (digits[0][which : which + 1] * 255).round() / 255
    return Patch(torch.full((1, 7, 7), value)).apply(image, corner)


def test_drag_with_the_mouse(open_page, server, assert_clean, digits):
    page = open_page(server)
    assert torch.equal(pixels(page), with_spot(digits, (0, 0)))
    box = page.locator(".fk-pad canvas").bounding_box()
    cell = box["width"] / 28
    page.mouse.move(box["x"] + 3.5 * cell, box["y"] + 3.5 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 13.5 * cell, box["y"] + 8.5 * cell, steps=8)
    assert torch.equal(pixels(page), with_spot(digits, (5, 10)))
    page.mouse.up()
    assert said(page).startswith("Moved: white at row 6, column 11.")
    digit, told = re.search(r"sees an? (\d), with ([\d.]+) %", said(page)).groups()
    sure, answer = fk.models.predict(fk.models.load("lenet"), pixels(page)).max(1)
    assert int(digit) == int(answer)
    assert abs(float(told) / 100 - float(sure)) < 2e-4
    page.mouse.click(box["x"] + 27.5 * cell, box["y"] + 0.5 * cell)  # it stays in the image
    assert torch.equal(pixels(page), with_spot(digits, (0, 21)))
    assert_clean(page, server)


def test_the_keyboard_and_the_menus(open_page, server, digits):
    page = open_page(server)
    page.get_by_role("application").focus()
    for key in ["ArrowDown"] * 3 + ["ArrowRight"] * 40 + ["ArrowLeft", "ArrowUp"]:
        page.keyboard.press(key)
    assert torch.equal(pixels(page), with_spot(digits, (2, 20)))
    page.locator("select").nth(1).select_option("1")
    page.locator("select").first.select_option("1")
    assert torch.equal(pixels(page), with_spot(digits, (2, 20), 0.0, 1))
    assert "black at row 3, column 21" in said(page)


def test_every_place_as_in_python(open_page, server, digits):
    page, net = open_page(server), fk.models.load("lenet")
    page.get_by_role("button", name="Try every place").click()
    page.get_by_text("places the network no longer sees").wait_for(timeout=60_000)
    note = page.locator(".fk-note").inner_text()
    places = [(top, left) for top in range(22) for left in range(22)]
    seen = torch.cat([with_spot(digits, corner) for corner in places])
    fooled = fk.models.predict(net, seen).argmax(1) != digits[1][0]
    assert abs(int(re.search(r"at (\d+) of 484", note)[1]) - int(fooled.sum())) <= 1
    wrong = fk.models.predict(net, seen).argmax(1)[fooled].bincount(minlength=10)
    count, digit = re.search(r"at (\d+) of them an? (\d)", note).groups()
    assert abs(int(count) - int(wrong[int(digit)])) <= 1
    assert int(wrong.max()) - int(count) <= 1
    white = page.locator("canvas[role='img']").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 22, 22).data)"
    )[::4]
    assert (torch.tensor(white).bool() != fooled).sum() <= 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("application").press("ArrowDown")
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    page.locator(".fk-pad").tap()
    assert said(page).startswith("Moved:")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    controls = page.locator(".fk-patch-drag").locator("button, select, input, [tabindex='0']")
    assert without_focus_ring(page, controls) == []
