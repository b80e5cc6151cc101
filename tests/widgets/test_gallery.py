"""The gallery: its Python side, and the widget in a small built book in a real browser."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

import foolkit as fk
from foolkit.widgets import Gallery
from foolkit.widgets.gallery import LOSS

SOURCE = """
import torch
import foolkit as fk
encoding = fk.encodings.CPPN((3, 64, 64))
images = encoding.render(encoding.sample(13, torch.Generator().manual_seed(0)))
names = [f"thing {n}" for n in range(12)] + ["thing 0"]
orders = {
    "zeal": [0.9912, 0.5, 0.25, 0.99995, 0.5, 0.1, 0.0, 1.0, 0.3, 0.6, 0.7, 0.8, 0.5],
    "alike": [-3.14159, 2, 7, 1, 8, 2.5, 18, 28, 1, 12345, 0.5, 6, 0],
}
notes = [[f"first line of {n}", "<b>second</b>"] for n in range(13)]
"""
CELL = "fk.widgets.Gallery(images, names, orders, notes, size=48)"
SECOND = """
seconds = [names[(n + n % 2) % 13] for n in range(13)]  # right about every second picture
seconds[3] = "nothing of the kind"
"""
DUEL = 'fk.widgets.Gallery(images, names, orders, notes, 48, second=("peer", seconds), live=True)'


@pytest.fixture(scope="module")
def given():
    """What the page's cell makes: images, names, orders, notes."""
    made = {}
    exec(SOURCE, made)  # the page and the test from one source
    return {name: made[name] for name in ("images", "names", "orders", "notes")}


@pytest.fixture(scope="module")
def widget(given):
    return Gallery(**given, size=48)


def decoded(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float32)


def expected(widget, order, ascending=False):
    values = widget.values[widget.orders.index(order)]
    return sorted(range(len(values)), key=lambda n: values[n], reverse=not ascending)


# ---- Python ----


def test_state_is_what_was_given(widget, given):
    assert repr(widget) == "Gallery(order='zeal', ascending=False)"
    assert (len(widget), len(widget.pictures), widget.shape) == (13, 13, [48, 48])
    assert widget.names == given["names"]
    assert widget.notes == given["notes"]
    assert dict(zip(widget.orders, widget.values, strict=True)) == given["orders"]
    assert Gallery(given["images"][:2], ["a", "b"], {"one": [0, 1]}).notes == [[], []]


def test_python_sorts(given):
    widget = Gallery(**given)
    assert widget.arranged() == expected(widget, "zeal")
    widget.order, widget.ascending = "alike", True
    assert widget.arranged() == expected(widget, "alike", ascending=True)
    assert widget.arranged()[0] == 0


def test_numbers_may_be_tensors_and_arrays(given):
    images = given["images"][:2]
    orders = {"t": torch.tensor([0.5, 0.25]), "n": np.array([1, 2]), "f": [np.float32(0.5), 3]}
    widget = Gallery(images, ["a", "b"], orders)
    assert widget.values == [[0.5, 0.25], [1.0, 2.0], [0.5, 3.0]]


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 64, 64), (3, 40, 64), (1, 28, 28)])
def test_pictures_are_close_to_the_images(shape):
    """At their own size, whatever they show; noise needs the second format."""
    draws = torch.Generator().manual_seed(0)
    encoding = fk.encodings.CPPN(shape)
    images = torch.cat(
        [encoding.render(encoding.sample(6, draws)), torch.rand(2, *shape, generator=draws)]
    )
    widget = Gallery(images, list("abcdefgh"), {"one": range(8)})
    assert widget.shape == [shape[2], shape[1]]
    for content, image in zip(widget.pictures, images, strict=True):
        exact = (image * 255).round().expand(3, -1, -1).permute(1, 2, 0).numpy()
        assert np.abs(decoded(content) - exact).mean() < 2 * LOSS


def test_larger_images_are_made_smaller_and_weigh_little():
    draws = torch.Generator().manual_seed(0)
    encoding = fk.encodings.CPPN((3, 224, 224))
    images = encoding.render(encoding.sample(12, draws))
    widget = Gallery(images, list("abcdefghijkl"), {"one": range(12)})
    assert widget.shape == [112, 112]
    assert all(decoded(content).shape == (112, 112, 3) for content in widget.pictures)
    # in base64 sixty of them stay below 600 KB
    assert sum(map(len, widget.pictures)) * 4 / 3 * 60 / 12 < 600_000
    means = torch.nn.functional.interpolate(images, 14, mode="area") * 255
    for content, mean in zip(widget.pictures, means, strict=True):
        shown = torch.from_numpy(decoded(content)).permute(2, 0, 1)[None]
        blurred = torch.nn.functional.interpolate(shown, 14, mode="area")[0]
        assert (blurred - mean).abs().mean() < LOSS


def test_every_picture_is_asked_once_with_different_names(widget, given):
    places = [question[0] for question in widget.questions]
    assert sorted(places) == list(range(13)) != places
    where = []
    for place, *choices in widget.questions:
        assert len({widget.names[one] for one in choices}) == len(choices) == 4
        where.append(choices.index(place))
    assert len(set(where)) > 1  # the right one is not always at the same place
    assert Gallery(**given).questions == widget.questions
    assert Gallery(**given, seed=1).questions != widget.questions


def test_few_names_make_few_choices(given):
    images = given["images"]
    two = Gallery(images[:3], ["a", "b", "a"], {"one": [1, 2, 3]})
    assert all(sorted(two.names[one] for one in q[1:]) == ["a", "b"] for q in two.questions)
    one = Gallery(images[:2], ["a", "a"], {"one": [1, 2]})
    with pytest.raises(ValueError, match="guessing: expected at least two different names"):
        one.guessing = True
    assert not one.guessing


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"images": torch.zeros(0, 3, 8, 8)}, ValueError, "images: expected at least one image"),
        ({"images": torch.zeros(101, 1, 8, 8)}, ValueError, "images: .* at most 100, got 101"),
        ({"images": torch.zeros(3, 2, 8, 8)}, ValueError, "images: expected 1 or 3 channels"),
        ({"images": torch.full((3, 3, 8, 8), 1.5)}, ValueError, r"images: .* \[0, 1\], got 1.5"),
        ({"images": torch.full((3, 3, 8, 8), torch.nan)}, ValueError, "images: .* got NaN"),
        ({"images": torch.zeros(3, 8, 8)}, ValueError, "images: expected shape"),
        ({"images": [1, 2, 3]}, TypeError, "images: expected a torch.Tensor"),
        ({"names": ["a", "b"]}, ValueError, "names: expected one for each of 3 images, got 2"),
        ({"names": "abc"}, TypeError, "names: expected a sequence of texts, got str"),
        ({"names": ["a", "b", 3]}, TypeError, "names: expected texts, got 3"),
        ({"orders": [1, 2, 3]}, TypeError, "orders: expected a mapping to numbers, got list"),
        ({"orders": {}}, ValueError, "orders: expected at least one, got none"),
        ({"orders": {"x": [1, 2]}}, ValueError, r"orders\['x'\]: expected one for each of 3"),
        ({"orders": {"x": [1, 2, torch.inf]}}, ValueError, r"orders\['x'\]: .* got inf"),
        ({"orders": {"x": torch.tensor([0, 0, torch.nan])}}, ValueError, r"\['x'\]: .* got nan"),
        ({"orders": {"x": [1, 2, "3"]}}, TypeError, r"orders\['x'\]: expected numbers, got '3'"),
        ({"orders": {"x": 3}}, TypeError, r"orders\['x'\]: expected a sequence, got int"),
        ({"notes": [["a"]]}, ValueError, "notes: expected one for each of 3 images, got 1"),
        ({"notes": ["a", "b", "c"]}, TypeError, "notes: expected a sequence of texts, got str"),
        ({"size": 15}, ValueError, "size: expected an integer of at least 16, got 15"),
        ({"size": 513}, ValueError, "size: expected an integer of at most 512, got 513"),
        ({"size": 1.5}, TypeError, "size: expected an integer"),
        ({"seed": -1}, ValueError, "seed: expected an integer of at least 0"),
    ],
)
def test_bad_arguments_are_named(changes, error, message):
    good = {"images": torch.zeros(3, 3, 8, 8), "names": list("abc"), "orders": {"x": [1, 2, 3]}}
    with pytest.raises(error, match=message):
        Gallery(**{**good, **changes})


def test_a_bad_value_leaves_the_old_one(widget):
    with pytest.raises(ValueError, match="order: expected one of 'zeal', 'alike', got 'size'"):
        widget.order = "size"
    with pytest.raises(ValueError, match="chosen: expected an integer of at most 12"):
        widget.chosen = 13
    assert (widget.order, widget.chosen) == ("zeal", -1)


# ---- the page ----


WIDGET_PAGES = {"index": [SOURCE + CELL], "duel": [SOURCE + SECOND + DUEL]}
WIDGET = "fk-gallery"


def shown(page):
    """Names and values of the tiles, in their order in the document."""
    return page.locator(".fk-album .fk-tile").evaluate_all(
        "all => all.map((one) => [...one.querySelectorAll('span')].map((s) => s.textContent))"
    )


def said(page):
    return page.locator(".fk-gallery [role=status]").inner_text()


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def reverse(page):
    page.get_by_role("button", name="Reverse the order").click()


def test_the_page_sorts_as_python_does(open_page, server, widget, assert_clean):
    page = open_page(server)
    for order in ("zeal", "alike", "zeal"):
        page.get_by_label("Sort by").select_option(order)
        for ascending in (False, True):
            places = expected(widget, order, ascending)
            tiles = shown(page)
            assert [name for name, _ in tiles] == [widget.names[n] for n in places]
            assert page.locator(".fk-album img").evaluate_all("all => all.map((i) => i.alt)") == [
                widget.names[n] for n in places
            ]
            text = said(page)
            assert f"Sorted by {order}, {'smallest' if ascending else 'largest'} first." in text
            assert f"First: {', '.join(tiles[0])}. Last: {', '.join(tiles[-1])}." in text
            reverse(page)
    assert_clean(page, server)


def test_numbers_are_told_in_words(open_page, server, widget):
    page = open_page(server)
    values = dict(shown(page)[:12])
    assert values["thing 7"] == "100.00 %"
    assert values["thing 3"] == "99.99 %"  # rounded down: short of certain is not 100 %
    page.get_by_label("Sort by").select_option("alike")
    values = dict(shown(page))
    assert (values["thing 9"], values["thing 2"]) == ("12300", "7")
    assert shown(page)[-1] == ["thing 0", "−3.14"]


def test_the_pictures_are_those_of_python(open_page, server, widget):
    """Decoded by the browser: the same pixels as Pillow's."""
    page = open_page(server)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.fk-album img')].every((i) => i.complete)"
    )
    found = page.locator(".fk-album img").evaluate_all(
        """all => all.map((image) => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
        })"""
    )
    for pixels, place in zip(found, expected(widget, "zeal"), strict=True):
        seen = np.array(pixels, np.float32).reshape(48, 48, 4)[..., :3]
        assert np.abs(seen - decoded(widget.pictures[place])).mean() < 2


def test_the_focus_stays_on_its_picture(open_page, server, widget):
    page = open_page(server)
    page.locator(".fk-tile[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    name = widget.names[expected(widget, "zeal")[1]]
    assert focused(page).startswith(name + ",")
    # sorted while the focus is in the grid, as a kernel may do: it stays there
    page.evaluate(
        "() => { const pick = document.querySelector('.fk-gallery select'); pick.value = 'alike';"
        " pick.dispatchEvent(new Event('change')) }"
    )
    assert focused(page).startswith(name + ",")
    assert [one for one, _ in shown(page)] == [widget.names[n] for n in expected(widget, "alike")]
    # sorted by a control, which keeps the focus: the Tab key comes back to the same picture
    reverse(page)
    assert page.evaluate("document.activeElement.textContent") == "Reverse the order"
    page.keyboard.press("Tab")
    assert focused(page).startswith(name + ",")
    assert page.locator(".fk-tile[tabindex='0']").count() == 1


def test_arrow_keys_move_in_the_grid(open_page, server):
    page = open_page(server)
    tiles = page.locator(".fk-album .fk-tile")
    tops = tiles.evaluate_all("all => all.map((one) => one.parentNode.offsetTop)")
    across, last = tops.count(tops[0]), len(tops) - 1
    assert 3 <= across < last
    assert last % across != across - 1  # the last row is not full
    at = tiles.evaluate_all("all => all.indexOf(document.activeElement)")
    assert at == -1
    tiles.first.focus()
    column = across - 1
    for key, wanted in [
        ("ArrowLeft", 0), ("ArrowUp", 0), ("ArrowRight", 1), ("ArrowDown", 1 + across),
        ("ArrowUp", 1), ("End", last), ("ArrowRight", last), ("ArrowDown", last),
        ("ArrowUp", last - across), ("Home", 0), *[("ArrowRight", n + 1) for n in range(column)],
        *[("ArrowDown", min(last, column + n * across)) for n in range(1, last // across + 1)],
    ]:  # fmt: skip
        page.keyboard.press(key)
        at = tiles.evaluate_all("all => all.indexOf(document.activeElement)")
        assert at == wanted, key


def test_a_picture_is_enlarged_and_closed_again(open_page, site, widget, assert_clean):
    page = open_page(site)
    place = expected(widget, "zeal")[2]
    tile = page.locator(".fk-album .fk-tile").nth(2)
    tile.focus()
    panel = page.get_by_role("region", name="The chosen picture")
    assert panel.get_by_role("img").count() == 0
    page.keyboard.press("Enter")
    assert tile.get_attribute("aria-pressed") == "true"
    assert panel.get_by_role("img").get_attribute("alt") == widget.names[place]
    assert panel.get_by_role("img").bounding_box()["width"] > 2 * 80
    text = panel.inner_text()
    for line in (widget.names[place], *widget.notes[place], "Place 3 of 13 by zeal: 99.12 %."):
        assert line in text  # markup in a note is text
    assert f"Enlarged: {widget.names[place]}, 99.12 %. first line of {place}." in said(page)
    page.get_by_label("Sort by").select_option("alike")
    assert "Place 13 of 13 by alike: −3.14." in panel.inner_text()
    page.keyboard.press("Escape")
    assert panel.get_by_role("img").count() == 0
    assert tile.page.locator("[aria-pressed=true].fk-tile").count() == 0
    assert focused(page).startswith(widget.names[place] + ",")
    page.keyboard.press(" ")
    panel.get_by_role("button", name="Close").click()
    assert panel.get_by_role("img").count() == 0
    assert_clean(page, site)


@pytest.fixture(scope="module")
def duel():
    made = {}
    exec(SOURCE + SECOND, made)
    return eval(DUEL, made)


def test_what_the_second_network_sees_is_offered(duel):
    called = duel.offered[len(duel) :]
    assert duel.offered[: len(duel)] == duel.names
    for place, *choices in duel.questions:
        texts = [duel.offered[one] for one in choices]
        assert len(texts) == len(set(texts)) == 4
        assert {duel.names[place], called[place]} <= set(texts)
    assert "nothing of the kind" in called
    # that name is a choice where the network sees it, and nowhere else
    offering = [place for place, *choices in duel.questions if len(duel) + 3 in choices]
    assert offering == [3]


def test_second_is_checked(given):
    for second, error in (
        ("peer", TypeError),
        (("peer", "names"), TypeError),
        (("peer", ["one"]), ValueError),
        ((1, given["names"]), TypeError),
    ):
        with pytest.raises(error, match="second: expected"):
            Gallery(**given, second=second)
    with pytest.raises(TypeError, match="live"):
        Gallery(**given, live="yes")


def test_a_forced_choice_against_the_second_network(open_page, server, duel):
    page = open_page(server, "duel")
    page.get_by_role("button", name="Guess").click()
    score = page.locator(".fk-score")
    mine = theirs = 0
    for number, (place, *choices) in enumerate(duel.questions[:6], 1):
        said = choices[number % 4]
        mine += said == place
        seen = duel.offered[len(duel) + place]
        theirs += seen == duel.names[place]
        texts = page.locator(".fk-options button").all_inner_texts()
        assert texts == [duel.offered[one] for one in choices]
        page.locator(".fk-options button").nth(number % 4).click()
        told = f"Score: you {mine} of {number}, peer {theirs} of {number}."
        assert told in score.inner_text()
        status = page.locator(".fk-status").inner_text()
        assert f"peer chose “{seen}”" in status
        assert told in status
        page.get_by_role("button", name="Next picture").click()
    assert 0 < theirs < 6
    assert not any("squeezenet" in url for url in page.asked)


def test_the_network_in_the_page_is_asked(open_page, site, duel, assert_clean):
    page = open_page(site, "duel")
    page.locator(".fk-tile").first.click()
    chosen = duel.arranged()[0]
    assert not page.locator(".fk-names").is_visible()
    page.get_by_role("button", name="Ask the network in this page").click()
    page.locator(".fk-names").wait_for()
    rows = page.locator(".fk-names li").all_inner_texts()
    net = fk.models.load("squeezenet1_1")
    stored = Image.open(io.BytesIO(duel.pictures[chosen])).convert("RGB").resize((224, 224))
    image = torch.from_numpy(np.asarray(stored).copy()).permute(2, 0, 1)[None].float() / 255
    likeliest = fk.models.predict(net, image)[0].topk(20).indices
    # browsers and PIL enlarge by other filters: of the likeliest names, most are the same
    seen = {row.split("\n")[0] for row in rows}
    assert len(seen) == 5
    assert len(seen & {net.classes[int(k)] for k in likeliest}) >= 3
    page.locator(".fk-tile").nth(1).click()  # another picture: nobody was asked about it
    assert not page.locator(".fk-names").is_visible()
    assert_clean(page, site)


def test_without_it_no_network_is_offered(open_page, server):
    page = open_page(server)
    page.locator(".fk-tile").first.click()
    assert not page.get_by_role("button", name="Ask the network in this page").is_visible()


def test_guesses_are_scored(open_page, server, widget, assert_clean):
    page = open_page(server)
    page.get_by_role("button", name="Guess").click()
    assert not page.locator(".fk-album").is_visible()
    score = page.locator(".fk-score")
    assert "Chance is one in four" in score.inner_text()
    right = 0
    for number, (place, *choices) in enumerate([*widget.questions, *widget.questions[:2]], 1):
        options = page.get_by_role("group", name="Which name?").get_by_role("button")
        assert f"Question {number}:" in page.locator(".fk-gallery").inner_text()
        assert options.all_inner_texts() == [widget.names[one] for one in choices]
        picture = page.locator(".fk-chosen .fk-photo")
        assert picture.get_attribute("alt") == "picture, name hidden"
        assert "line" not in page.locator(".fk-answers").inner_text()
        wrong = number % 3 == 0
        pick = next(n for n, one in enumerate(choices) if (one == place) is not wrong)
        options.nth(pick).click()
        right += not wrong
        text = said(page)
        assert text.startswith("Wrong: " if wrong else "Right: ")
        assert f"sees “{widget.names[place]}”. Score: {right} of {number}." in text
        assert f"Score: {right} of {number}." in score.inner_text()
        marked = [label for label in options.all_inner_texts() if re.search("[✓✗]", label)]
        assert f"{widget.names[place]} ✓" in marked
        assert len(marked) == 1 + wrong
        assert all(one.is_disabled() for one in options.all())
        assert picture.get_attribute("alt") == widget.names[place]
        assert f"first line of {place}" in page.locator(".fk-answers").inner_text()
        page.keyboard.press("Enter")  # the focus is on "Next picture"
    page.get_by_role("button", name="Look").click()
    assert page.locator(".fk-album").is_visible()
    page.get_by_role("button", name="Guess").click()
    assert f"Score: {right} of {len(widget) + 2}." in score.inner_text()
    assert_clean(page, server)


def test_a_hidden_name_is_nowhere_to_be_seen(open_page, server, widget):
    page = open_page(server)
    page.get_by_role("button", name="Guess").click()
    place, *choices = widget.questions[0]
    tree = page.locator(".fk-gallery").aria_snapshot()
    assert "picture, name hidden" in tree
    assert sorted(re.findall(r"button \"(thing \d+)\"", tree)) == sorted(
        widget.names[one] for one in choices
    )
    assert tree.count(widget.names[place]) == 1
    assert not any(line in tree for line in widget.notes[place])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_telephone(open_page, server, serious_violations, theme):
    page = open_page(server, theme=theme, width=360, has_touch=True)
    assert serious_violations(page) == []
    page.locator(".fk-album .fk-tile").first.tap()
    assert page.get_by_role("region", name="The chosen picture").get_by_role("img").is_visible()
    assert serious_violations(page) == []
    fits(page)
    page.get_by_role("button", name="Guess").tap()
    assert serious_violations(page) == []
    fits(page)
    page.get_by_role("group", name="Which name?").get_by_role("button").first.tap()
    assert serious_violations(page) == []
    fits(page)


def fits(page):
    wide = page.locator(".fk-gallery").evaluate("node => node.scrollWidth - node.clientWidth")
    assert wide <= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_dark_theme_leaves_the_pictures_as_they_are(open_page, server):
    page = open_page(server, theme="dark")
    styles = page.locator(".fk-album img").first.evaluate(
        "node => { const { filter, padding } = getComputedStyle(node); return [filter, padding] }"
    )
    assert styles == ["none", "0px"]
