"""The wallpaper chooser: query and search are Python's; the widget in a small built book."""

from base64 import b64encode

import pytest
import torch
from playwright.sync_api import expect
from safetensors.torch import load

import foolkit as fk
from foolkit.analysis.search import discs, in_front
from foolkit.bank import world
from foolkit.models import squeezenet
from foolkit.widgets import WallpaperChooser

MODULES = ("convolutions.js", "resizing.js", "wallpaper.js", "products.js", "squeezenet.js",
           "targeted.js")  # fmt: skip
WIDGET = "fk-wallpaper"
WIDGET_PAGES = {"index": ["import foolkit as fk", "fk.widgets.WallpaperChooser('painted')"]}
LOAD = """([file, weights]) => {
    const read = (text) => E.readSafetensors(new DataView(
        Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
    globalThis.search = read(file);
    globalThis.squeezed = E.squeezeNet(read(weights));
    globalThis.query = (object, size, name, goal, side) => E.inFront(
        E.nth(search.objects, object, 128), size, E.nth(search[`background/${name}`], goal, side));
}"""


@pytest.fixture(scope="module")
def page(engine):
    files = (world.for_the_page(), squeezenet.float16_weights())
    engine(LOAD, [b64encode(content).decode() for content in files])
    return engine


# ---- Python ----


def test_python_sets_and_reads():
    widget = WallpaperChooser("formulas", object="clock", goal=3, size=0.35)
    assert repr(widget) == (
        "WallpaperChooser(background='formulas', object='clock', goal=3, size=0.35)"
    )
    assert widget.networks == ["squeezenet1_1", "visual-search"]
    assert len(widget.photographs) == len(world.gallery().pictures)
    objects, _ = world.objects(("clock",), 0.35)
    expected = in_front(objects, world.wallpapers()["formulas"][[3]])[0]
    assert (widget.query() - expected).abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"background": "grass"}, "background: expected .*'painted'.*, got 'grass'"),
        ({"object": "temple"}, "object: expected .*'clock'.*, got 'temple'"),
        ({"goal": 10}, "goal: expected an integer of at most 9, got 10"),
        ({"size": 1.0}, "size: expected a number from 0.2 to 0.95, got 1.0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        WallpaperChooser(**settings)


def test_the_pages_file_is_the_search():
    held = load(world.for_the_page())
    search = world.search()
    assert (held["known"].float() - search.known).abs().max() < 1e-3
    assert torch.equal(held["middle"], search.middle)
    for name, images in world.backgrounds().items():
        stored = held[f"background/{name}"].float() / 255
        assert (stored - images).abs().max() <= 0.5 / 255 + 1e-6


# ---- the query and the search ----


@pytest.mark.parametrize("side", [2, 26, 45, 64, 127, 128])
def test_objects_are_shrunk_as_in_python(page, side):
    picture = world.gallery().pictures[:1]
    found = page(
        """([text, side]) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const values = new Float32Array(bytes.buffer);
            const from = { values, channels: 3, width: 128, height: 128 };
            return Array.from(E.smoothed(from, side).values);
        }""",
        [b64encode(picture.contiguous().numpy().tobytes()).decode(), side],
    )
    expected = torch.nn.functional.interpolate(
        picture, (side, side), mode="bilinear", antialias=True
    )
    assert (torch.tensor(found).view_as(expected) - expected).abs().max() < 1e-5


CASES = [("plain", 0, 0, 0.5), ("stripes", 1, 0, 0.2), ("bricks", 2, 0, 0.65),
         ("painted", 0, 3, 0.5), ("painted", 4, 7, 0.35), ("formulas", 3, 9, 0.8),
         ("pixels", 1, 5, 0.95)]  # fmt: skip


@pytest.mark.parametrize(("name", "thing", "goal", "size"), CASES)
def test_queries_and_what_they_find_are_pythons(page, name, thing, goal, size):
    widget = WallpaperChooser(name, object=world.HELD_OUT[thing], goal=goal, size=size)
    pattern = goal if name in world.MADE else 0
    side = world.backgrounds()[name].shape[-1]
    levels, cosines = page(
        """(all) => {
            const levels = query(...all), image = E.fromLevels(levels);
            const features = squeezed.features(image, 128);
            return [Array.from(levels), E.cosines(features, search.middle, search.known)];
        }""",
        [thing, size, name, pattern, side],
    )
    shown = torch.tensor(levels).view(1, 128, 128, 3).permute(0, 3, 1, 2) / 255
    apart = (shown - widget.query()).abs()
    assert apart.max() <= 1.01 / 255  # objects are of 8 bits in the page
    expected = world.search()(shown)[0] / world.search().sharpness
    assert (torch.tensor(cosines) - expected).abs().max() < 5e-3
    order = expected.sort(descending=True).values
    if (order[:5] - order[1:6]).min() > 1e-2:  # clear
        assert torch.tensor(cosines).topk(5).indices.tolist() == expected.topk(5).indices.tolist()


def test_discs_are_those_that_were_compared():
    """The oracle of the queries is the chapter's own function."""
    things, _ = world.objects(("clock",), 0.5)
    photographs, about = fk.data.embedded_photographs((3, 128, 128))
    place = [one.title for one in about].index("clock")
    assert torch.equal(things, discs(photographs[[place]], 0.5))


# ---- the widget in a book ----


def verdict(page):
    return page.locator(".fk-wallpaper .fk-title").last


def answers(page):
    return page.locator(".fk-wallpaper ol.fk-found canvas").evaluate_all(
        "all => all.map((one) => one.getAttribute('aria-label'))"
    )


def expected_answers(widget):
    """Titles that the search finds in Python, the nearest first."""
    (found,) = world.search().top(widget.query())
    return [widget.photographs[n] for n in found.tolist()]


def test_a_wallpaper_leads_the_search_and_a_plain_one_does_not(open_page, site, assert_clean):
    page = open_page(site)
    page.get_by_role("combobox", name="wallpaper").focus()
    said = page.locator(".fk-wallpaper > .fk-status")
    expect(verdict(page)).to_contain_text("is among the five", timeout=60_000)
    found = answers(page)
    assert [one.split("“")[1].split("”")[0] for one in found] == expected_answers(
        WallpaperChooser("painted")
    )
    assert sum("wanted" in one for one in found) == 1
    page.get_by_role("combobox", name="wallpaper").select_option("plain")
    expect(verdict(page)).to_contain_text("is not among the five", timeout=60_000)
    expect(said).to_contain_text("from the object's own photograph, “flower”")
    plain = expected_answers(WallpaperChooser("plain"))
    assert [one.split("“")[1].split("”")[0] for one in answers(page)] == plain
    assert_clean(page, site)


def test_of_many_choices_the_last_one_counts(open_page, server):
    page = open_page(server)
    slider = page.get_by_label("its width")
    slider.focus()
    expect(verdict(page)).to_contain_text("is among the five", timeout=60_000)
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".fk-wallpaper output")).to_have_text("95 %")
    expect(verdict(page)).to_contain_text("is not among the five", timeout=60_000)
    own = expected_answers(WallpaperChooser("painted", size=0.95))
    assert [one.split("“")[1].split("”")[0] for one in answers(page)] == own


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    assert serious_violations(page) == []
    page.get_by_label("its width").focus()
    expect(verdict(page)).to_contain_text("is among the five", timeout=60_000)
    assert serious_violations(page) == []


def test_fits_a_telephone(open_page, server):
    page = open_page(server, width=390)
    page.get_by_label("its width").focus()
    expect(verdict(page)).to_contain_text("is among the five", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
