"""The eraser: its Python side, and the widget in a small built book in a real browser."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.widgets import Eraser

STRIPES = (torch.arange(28) % 7 < 3).float().expand(1, 1, 28, 28).contiguous()


@pytest.fixture(scope="module")
def images():
    return torch.cat(
        [STRIPES, torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))]
    )


# ---- Python ----


def test_python_reads_and_sets(images):
    widget = Eraser(images, chosen=1, brush=5)
    assert repr(widget) == "Eraser(chosen=1, brush=5)"
    assert torch.equal(widget.current(), (images[1:2] * 255).round() / 255)
    assert (widget.answer, widget.confidence) == (-1, [])
    widget.chosen, widget.brush = 2, 14
    assert (widget.chosen, widget.brush) == (2, 14)
    pixels = (STRIPES * 255).round().to(torch.uint8).numpy().tobytes()
    widget.set_state({"image": memoryview(pixels), "answer": 3})
    assert torch.equal(widget.current(), STRIPES)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda i: Eraser(i, chosen=3), ValueError, "chosen: expected an integer of at most 2"),
        (lambda i: Eraser(i, chosen=0.5), TypeError, "chosen: expected an integer"),
        (lambda i: Eraser(i, brush=0), ValueError, "brush: expected an integer of at least 1"),
        (lambda i: Eraser(i, brush=15), ValueError, "brush: expected an integer of at most 14"),
        (lambda i: Eraser(i[:0]), ValueError, "images: expected at least one"),
        (lambda i: Eraser(torch.rand(1, 3, 28, 28)), ValueError, "images: expected shape"),
        (lambda i: Eraser(i * 2), ValueError, "images: expected values"),
        (lambda i: setattr(Eraser(i), "chosen", 7), ValueError, "chosen: expected"),
    ],
)
def test_bad_settings_are_named(images, make, error, message):
    with pytest.raises(error, match=message):
        make(images)


# ---- the page ----


SOURCE = (
    "import torch\nimport foolkit as fk\n"
    "stripes = (torch.arange(28) % 7 < 3).float().expand(1, 1, 28, 28)\n"
    "fk.widgets.Eraser(torch.cat([stripes, 1 - stripes]))"
)


WIDGET_PAGES, WIDGET = {"index": [SOURCE]}, "fk-eraser"


def pixels(page):
    """The image on the pad, 28 x 28 in [0, 1]."""
    values = page.locator(".fk-pad canvas").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return torch.tensor(values[::4]).view(1, 1, 28, 28).float() / 255


def said(page):
    return page.locator(".fk-status").inner_text()


def agrees(page):
    """What is announced is what PyTorch's network says of what is shown."""
    sure, answer = fk.models.predict(fk.models.load("lenet"), pixels(page)).max(1)
    digit, told = re.search(r"sees a (\d), with ([\d.]+) %", said(page)).groups()
    return int(digit) == int(answer) and abs(float(told) / 100 - float(sure)) < 2e-4


def test_rub_with_the_mouse_and_undo(open_page, server, assert_clean):
    page = open_page(server)
    assert torch.equal(pixels(page), STRIPES)
    assert agrees(page)
    assert page.get_by_role("button", name="Undo").is_disabled()
    before = page.locator(".fk-bars").inner_text()
    box = page.locator(".fk-pad canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 7 * box["height"] / 8, steps=20)
    page.mouse.up()
    assert said(page).startswith("Rubbed out.")
    assert agrees(page)
    changed = (pixels(page) != STRIPES)[0, 0]
    assert changed[4:24, 11:17].all()
    assert not changed[:, :9].any()
    assert not changed[:, 19:].any()
    grey = round(float(STRIPES.mean()) * 255) / 255
    assert pixels(page)[0, 0][changed].unique().tolist() == pytest.approx([grey])
    assert page.locator(".fk-bars").inner_text() != before
    page.get_by_role("button", name="Undo").click()
    assert torch.equal(pixels(page), STRIPES)
    assert said(page).startswith("Taken back.")
    assert_clean(page, server)


def test_rub_with_the_keyboard_alone(open_page, server):
    page = open_page(server)
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_role("application").focus()
    for key in ["ArrowLeft"] * 30 + ["ArrowUp"] * 30 + ["Space"]:
        page.keyboard.press(key)
    changed = (pixels(page) != STRIPES)[0, 0]
    assert int(changed.sum()) == 16
    assert changed[:4, :4].all()
    for key in ["ArrowRight"] * 40 + ["ArrowDown"] * 40 + ["Space"]:
        page.keyboard.press(key)
    assert (pixels(page) != STRIPES)[0, 0, 24:, 24:].all()
    page.keyboard.press("u")
    page.keyboard.press("u")
    assert torch.equal(pixels(page), STRIPES)
    assert agrees(page)


def test_tiles(open_page, server):
    page = open_page(server)
    pad = page.get_by_role("application")
    pad.focus()
    for key in ["ArrowLeft"] * 30:
        page.keyboard.press(key)
    for copies in (1, 4, 9, 16):
        name = "1 copy" if copies == 1 else f"{copies} copies"
        page.get_by_role("button", name=name, exact=True).click()
        assert torch.equal(pixels(page), fk.analysis.tile_motif(STRIPES[:, :, :7, :7], copies))
        assert said(page).startswith(name)
        assert agrees(page)
    page.get_by_role("button", name="Whole again").click()
    assert torch.equal(pixels(page), STRIPES)


def test_another_image(open_page, server):
    page = open_page(server)
    page.get_by_label("start from").select_option("1")
    assert torch.equal(pixels(page), 1 - STRIPES)
    assert said(page).startswith("Image 2 of 2.")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("application").press("Space")
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    page.locator(".fk-pad").tap()
    page.get_by_text("Rubbed out.").wait_for()
    assert not torch.equal(pixels(page), STRIPES)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    page.get_by_role("application").press("Space")  # so that Undo can be reached
    controls = page.locator(".fk-eraser").locator("button, select, input, [tabindex='0']")
    assert without_focus_ring(page, controls) == []
