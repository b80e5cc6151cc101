"""One pixel: its Python side, its search against PyTorch, and the widget in a real browser."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.gradients import every_pixel
from foolkit.widgets import OnePixel

MODULES = ("one_pixel.js",)
WIDGET_PAGES = {
    "index": [
        "import foolkit as fk",
        "images, labels = fk.data.digits()\nfk.widgets.OnePixel(images[:3], labels[:3])",
    ]
}
WIDGET = "fk-one-pixel"


@pytest.fixture(scope="module")
def digits():
    return tuple(part[:3] for part in fk.data.digits())


# ---- Python ----


def test_python_reads_and_sets(digits):
    images, labels = digits
    widget = OnePixel(images, labels, chosen=2, keep=True)
    assert repr(widget) == "OnePixel(chosen=2, keep=True)"
    assert torch.equal(widget.current(), (images[2:3] * 255).round() / 255)
    assert (widget.changed, widget.fooling, widget.answer) == (0, -1, -1)
    changed = images[2:3].clone()
    changed[..., 3, 4] = 1
    widget.set_state({"image": memoryview((changed * 255).round().byte().numpy().tobytes())})
    assert widget.current()[0, 0, 3, 4] == 1
    widget.chosen = 0
    assert widget.chosen == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda i, y: OnePixel(i, y, chosen=3), ValueError, "chosen: expected an integer of at"),
        (lambda i, y: OnePixel(i, y[:2]), ValueError, "labels: expected"),
        (lambda i, y: OnePixel(i, y + 10), ValueError, "labels: expected classes 0 to 9"),
        (lambda i, y: OnePixel(i * 2, y), ValueError, "images: expected values"),
        (lambda i, y: OnePixel(torch.rand(3, 3, 28, 28), y), ValueError, "images: expected shape"),
        (lambda i, y: setattr(OnePixel(i, y), "chosen", -1), ValueError, "chosen: expected"),
    ],
)
def test_bad_settings_are_named(digits, make, error, message):
    with pytest.raises(error, match=message):
        make(*digits)


# ---- the search of the page against Python's ----


def test_every_pixel_as_in_python(engine, lenet, digits):
    images, labels = digits
    images = (images * 255).round() / 255
    exact = every_pixel(lenet, images[:1], labels[:1], progress=False)[0].amax(0).flatten()
    found = engine(
        "([image, label, some]) => { const seen = [...E.everyPixel(net,"
        " Float64Array.from(image), label)]; return seen.map((one) => one.margin) }",
        [images[0].flatten().tolist(), int(labels[0]), 784],
    )
    assert len(found) == 784
    assert torch.allclose(torch.tensor(found), exact, atol=0.02)


# ---- the page ----


def pixels(page):
    """The image on the pad, 28 x 28 in [0, 1]."""
    values = page.locator(".fk-pad canvas").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return torch.tensor(values[::4]).view(28, 28).float() / 255


def said(page):
    return page.locator(".fk-status").inner_text()


def press(page, down, across):
    box = page.locator(".fk-pad canvas").bounding_box()
    page.mouse.click(
        box["x"] + (across + 0.5) / 28 * box["width"], box["y"] + (down + 0.5) / 28 * box["height"]
    )


def test_press_pixels_and_take_them_back(open_page, server, assert_clean, digits):
    page, image = open_page(server), (digits[0][0, 0] * 255).round() / 255
    assert torch.equal(pixels(page), image)
    assert page.get_by_role("button", name="Whole again").is_disabled()
    press(page, 1, 2)
    assert "1 of 784 pixels changed" in said(page)
    assert "set to white" in said(page)
    changed = pixels(page) != image
    assert changed.nonzero().tolist() == [[1, 2]]
    assert pixels(page)[1, 2] == 1
    digit, told = re.search(r"sees an? (\d), with ([\d.]+) %", said(page)).groups()
    sure, answer = fk.models.predict(fk.models.load("lenet"), pixels(page)[None, None]).max(1)
    assert int(digit) == int(answer)
    assert abs(float(told) / 100 - float(sure)) < 2e-4
    press(page, 20, 25)  # one at a time: the first is as it was
    assert (pixels(page) != image).nonzero().tolist() == [[20, 25]]
    page.get_by_label("keep pixels that are set").check()
    press(page, 1, 2)
    assert "2 of 784 pixels changed" in said(page)
    press(page, 20, 25)
    assert "taken back" in said(page)
    page.get_by_role("button", name="Whole again").click()
    assert torch.equal(pixels(page), image)
    assert_clean(page, server)


def test_every_pixel_and_the_strongest(open_page, server, digits):
    page, image = open_page(server), (digits[0][:1] * 255).round() / 255
    exact = every_pixel(fk.models.load("lenet"), image, digits[1][:1], progress=False)[0]
    assert page.get_by_role("button", name="Set the strongest").is_disabled()
    page.get_by_role("button", name="Try every pixel").click()
    page.get_by_text("would change the answer by themselves").wait_for(timeout=60_000)
    note = page.locator(".fk-note").inner_text()
    assert int(re.match(r"(\d+) of 784", note)[1]) == int((exact.amax(0) > 0).sum())
    best = int(exact.flatten().argmax())
    value, place = divmod(best, 784)
    assert f"row {place // 28 + 1}, column {place % 28 + 1}" in note
    assert f"set to {'white' if value else 'black'}" in note
    page.get_by_role("button", name="Set the strongest").click()
    assert (pixels(page) != image[0, 0]).nonzero().tolist() == [[place // 28, place % 28]]


def test_the_keyboard_alone(open_page, server, digits):
    page, image = open_page(server), (digits[0][0, 0] * 255).round() / 255
    page.get_by_role("application").focus()
    for key in ["ArrowLeft"] * 30 + ["ArrowUp"] * 30 + ["ArrowRight", "Space"]:
        page.keyboard.press(key)
    assert (pixels(page) != image).nonzero().tolist() == [[0, 1]]
    page.keyboard.press("Enter")
    assert torch.equal(pixels(page), image)


def test_another_digit(open_page, server, digits):
    page = open_page(server)
    page.get_by_label("start from").select_option("1")
    assert torch.equal(pixels(page), (digits[0][1, 0] * 255).round() / 255)
    assert said(page).startswith("Digit 2 of 3.")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("application").press("Space")
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    page.locator(".fk-pad").tap()
    assert "1 of 784 pixels changed" in said(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    page.get_by_role("application").press("Space")
    controls = page.locator(".fk-one-pixel").locator(
        "button:enabled, select, input, [tabindex='0']"
    )
    assert without_focus_ring(page, controls) == []
