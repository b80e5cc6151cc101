"""The jigsaw: Python, its tiles, and the widget in a small built book in a real browser."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.analysis.scramble import cut_tiles, orders, paste_tiles
from foolkit.widgets import Jigsaw

MODULES = ("tiles.js",)


@pytest.fixture(scope="module")
def digits():
    images, labels = fk.data.digits()
    return images[:3], labels[:3]


# ---- Python ----


def test_python_reads_and_sets(digits):
    widget = Jigsaw(*digits, names=["a", "b", "c"], chosen=1, grid=2, seed=5)
    assert repr(widget) == "Jigsaw(chosen=1, grid=2, seed=5)"
    eight_bits = (digits[0] * 255).round() / 255
    assert torch.equal(widget.current(), eight_bits[1:2])
    widget.order = torch.tensor([3, 0, 1, 2])
    assert widget.order == [3, 0, 1, 2]
    assert torch.equal(
        widget.current(), paste_tiles(cut_tiles(eight_bits[1:2], 2)[:, [3, 0, 1, 2]])
    )
    widget.grid = 4
    assert widget.order == list(range(16))
    assert torch.equal(widget.current(), eight_bits[1:2])
    widget.set_state({"grid": 7, "order": [*range(48, -1, -1)], "chosen": 2, "answer": 3})
    assert torch.equal(widget.current(), paste_tiles(cut_tiles(eight_bits[2:], 7).flip(1)))
    assert Jigsaw(*digits).names == ["picture 1", "picture 2", "picture 3"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x, y: Jigsaw(x, y, grid=3), ValueError, "grid: expected one of 2, 4, 7, got 3"),
        (lambda x, y: Jigsaw(x, y, grid="4"), TypeError, "grid: expected an integer"),
        (lambda x, y: Jigsaw(x, y, chosen=3), ValueError, "chosen: .* at most 2, got 3"),
        (lambda x, y: Jigsaw(x, y, seed=-1), ValueError, "seed: expected an integer"),
        (lambda x, y: Jigsaw(x, y[:2]), ValueError, "labels: expected shape"),
        (lambda x, y: Jigsaw(x, y + 9), ValueError, "labels: expected classes 0 to 9"),
        (lambda x, y: Jigsaw(x, y, names=["a"]), ValueError, "names: expected one for each of 3"),
        (lambda x, y: Jigsaw(x.repeat(1, 3, 1, 1), y), ValueError, "images: expected shape"),
        (lambda x, y: setattr(Jigsaw(x, y, grid=2), "order", [0, 1, 2, 2]), ValueError, "order: "),
        (lambda x, y: setattr(Jigsaw(x, y, grid=2), "order", [0]), ValueError, "numbers 0 to 3"),
        (lambda x, y: setattr(Jigsaw(x, y, grid=2), "order", 7), ValueError, "order: .* got 7"),
    ],
)
def test_bad_settings_are_named(digits, make, error, message):
    with pytest.raises(error, match=message):
        make(*digits)


# ---- tiles ----


@pytest.mark.parametrize("grid", [2, 4, 7])
def test_tiles_go_where_python_puts_them(engine, grid):
    images = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(grid))
    drawn = orders(20, grid * grid, seed=1)
    expected = paste_tiles(cut_tiles(images, grid)[torch.arange(20)[:, None], drawn])
    found = engine(
        "([xs, grid, orders]) => xs.map((x, i) => Array.from(E.rearranged(x, grid, orders[i])))",
        [images.flatten(1).tolist(), grid, drawn.tolist()],
    )
    assert torch.equal(torch.tensor(found), expected.flatten(1))


def test_shuffles_are_uniform_but_never_the_old_order(engine):
    found = torch.tensor(
        engine(
            "() => { const random = new E.Random(3);"
            " return Array.from({ length: 4600 }, () => E.shuffled(4, random)) }"
        )
    )
    assert torch.equal(found.sort(1).values, torch.arange(4).expand(4600, 4))
    assert not found.eq(torch.arange(4)).all(1).any()
    _, counts = found.unique(dim=0, return_counts=True)
    assert len(counts) == 23
    chi2 = float(((counts - 200) ** 2 / 200).sum())
    assert chi2 < 48.3  # the 99.9th percentile with 22 degrees of freedom


def test_swaps(engine):
    assert engine("() => E.swapped(E.inOrder(4), 0, 3)") == [3, 1, 2, 0]


# ---- the page ----


SOURCE = (
    "import foolkit as fk\n"
    "images, labels = (part[:3] for part in fk.data.digits())\n"
    "fk.widgets.Jigsaw(images, labels, names=['one', 'two', 'three'])"
)


WIDGET_PAGES, WIDGET = {"index": [SOURCE]}, "fk-jigsaw"


@pytest.fixture(scope="module")
def shown(digits):
    """What the page should show of its first picture: ``shown(grid, order)``."""
    eight_bits = (digits[0][:1] * 255).round() / 255
    return lambda grid, order: paste_tiles(cut_tiles(eight_bits, grid)[:, order])


def pixels(page):
    """The picture on the pad, 28 x 28 in [0, 1]."""
    values = page.locator(".fk-pad canvas").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return torch.tensor(values[::4]).view(1, 1, 28, 28).float() / 255


def said(page):
    return page.locator(".fk-status").inner_text()


def in_hand(page):
    return page.locator(".fk-note").inner_text()


def agrees(page):
    """What is announced, and what the bars say, is what PyTorch's network says of the picture."""
    expected = fk.models.predict(fk.models.load("lenet"), pixels(page))[0]
    digit, told = re.search(r"sees an? (\d), with ([\d.]+) %", said(page)).groups()
    numbers = page.locator(".fk-number").all_inner_texts()
    bars = torch.tensor([float(number.split()[0]) for number in numbers]) / 100
    return (
        int(digit) == int(expected.argmax())
        and abs(float(told) / 100 - float(expected.max())) < 2e-4
        and (bars - expected).abs().max() < 2e-4
    )


def at(page, place, grid=4):
    """The middle of a tile, on the screen."""
    box = page.locator(".fk-pad canvas").bounding_box()
    row, column = divmod(place, grid)
    return (
        box["x"] + box["width"] * (column + 0.5) / grid,
        box["y"] + box["height"] * (row + 0.5) / grid,
    )


def exchanged(count, *pairs):
    order = list(range(count))
    for a, b in pairs:
        order[a], order[b] = order[b], order[a]
    return order


def test_drag_one_tile_onto_another(open_page, server, assert_clean, shown, digits):
    page = open_page(server)
    assert torch.equal(pixels(page), shown(4, range(16)))
    assert f"16 of 16 tiles in their place. The label is {int(digits[1][0])};" in said(page)
    assert agrees(page)
    restore = page.get_by_role("button", name="Restore")
    assert restore.is_disabled()
    before = page.locator(".fk-bars").inner_text()
    page.mouse.move(*at(page, 5))
    page.mouse.down()
    page.mouse.move(*at(page, 10), steps=5)
    assert torch.equal(pixels(page), shown(4, exchanged(16, (5, 10))))  # as it would be
    page.mouse.up()
    assert torch.equal(pixels(page), shown(4, exchanged(16, (5, 10))))
    assert said(page).startswith("Swapped: row 2, column 2 and row 3, column 3. 14 of 16 tiles")
    assert agrees(page)
    assert page.locator(".fk-bars").inner_text() != before
    restore.click()
    assert torch.equal(pixels(page), shown(4, range(16)))
    assert said(page).startswith("Whole again. 16 of 16")
    assert page.locator(".fk-bars").inner_text() == before
    assert_clean(page, server)


def test_click_one_and_then_another(open_page, server, shown):
    page = open_page(server)
    page.mouse.click(*at(page, 0))
    assert in_hand(page).startswith("The tile of row 1, column 1 is held")
    assert page.locator(".fk-held").is_visible()
    page.mouse.click(*at(page, 0))  # let go
    assert not page.locator(".fk-held").is_visible()
    page.mouse.click(*at(page, 1))
    page.mouse.click(*at(page, 14))
    assert torch.equal(pixels(page), shown(4, exchanged(16, (1, 14))))
    assert agrees(page)


def test_swap_with_the_keyboard_alone(open_page, server, shown):
    page = open_page(server)
    page.get_by_role("combobox", name="tiles").focus()
    page.keyboard.press("ArrowUp")
    assert said(page).startswith("Cut into 2 by 2 tiles. 4 of 4")
    page.get_by_role("application").focus()
    for key in ("ArrowLeft", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    assert in_hand(page).startswith("The tile of row 1, column 2 is held")
    page.keyboard.press("ArrowDown")
    assert torch.equal(pixels(page), shown(2, exchanged(4, (1, 3))))
    page.keyboard.press("Escape")
    assert torch.equal(pixels(page), shown(2, range(4)))
    for key in ("Enter", "ArrowLeft", "ArrowUp", "Enter"):  # from the last tile to the first
        page.keyboard.press(key)
    assert torch.equal(pixels(page), shown(2, exchanged(4, (0, 3))))
    assert said(page).startswith("Swapped: row 2, column 2 and row 1, column 1. 2 of 4")
    assert agrees(page)


def test_shuffles_at_every_grid(open_page, server, shown):
    page = open_page(server)
    for grid in (2, 4, 7):
        page.get_by_role("combobox", name="tiles").select_option(str(grid))
        seen = set()
        for _ in range(3):
            page.get_by_role("button", name="Shuffle").click()
            now = pixels(page)
            assert said(page).startswith("Shuffled. ")
            assert not torch.equal(now, shown(grid, range(grid * grid)))
            assert torch.equal(
                now.flatten().sort().values, shown(grid, range(grid * grid)).flatten().sort().values
            )
            assert agrees(page)
            seen.add(tuple(now.flatten().tolist()))
        assert len(seen) > 1


def test_another_picture_is_cut_the_same_way(open_page, server, digits):
    page = open_page(server)
    page.mouse.click(*at(page, 0))
    page.mouse.click(*at(page, 9))
    page.get_by_role("combobox", name="picture").select_option("1")
    assert said(page).startswith("Now two. 14 of 16")
    eight_bits = (digits[0][1:2] * 255).round() / 255
    assert torch.equal(
        pixels(page), paste_tiles(cut_tiles(eight_bits, 4)[:, exchanged(16, (0, 9))])
    )
    assert f"The label is {int(digits[1][1])};" in said(page)
    assert agrees(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("application").press("Space")
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean, shown):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    for place in (2, 8):
        page.touchscreen.tap(*at(page, place))
    page.get_by_text("Swapped: row 1, column 3 and row 3, column 1.").wait_for()
    assert torch.equal(pixels(page), shown(4, exchanged(16, (2, 8))))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    page.get_by_role("button", name="Shuffle").click()  # so that Restore can be reached
    controls = page.locator(".fk-jigsaw").locator("button, select, [tabindex='0']")
    assert without_focus_ring(page, controls) == []
