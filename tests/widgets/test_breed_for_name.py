"""A pattern bred for a name: coloured CPPNs, the search, and the widget in a small built book."""

import re

import pytest
import torch
from playwright.sync_api import expect

import foolkit as fk
from foolkit.widgets import BreedForName
from foolkit.widgets.patterns import from_json, to_json

MODULES = ("cppn.js", "cppn_colour.js", "photo_breeding.js")
WIDGET = "fk-name"
WIDGET_PAGES = {"index": ["import foolkit as fk", "fk.widgets.BreedForName()"]}
SPOTLIGHT = 818
COLOUR = fk.encodings.CPPN((3, 48, 48))


@pytest.fixture(scope="module")
def genomes():
    """80 genomes after 1, 5, 20 or 60 mutations."""
    draws = torch.Generator().manual_seed(0)
    rows = []
    for count in (1, 5, 20, 60):
        bred = COLOUR.sample(20, draws)
        for _ in range(count):
            bred = COLOUR.vary(bred, draws)
        rows += to_json(bred)
    return from_json(rows, outputs=3)


# ---- Python ----


def test_python_sets_and_reads(genomes):
    widget = BreedForName(9, seed=4, size=96, batch=20)
    assert repr(widget) == "BreedForName(goal=9, seed=4, size=96, batch=20)"
    assert (widget.networks, widget.running, len(widget.genomes())) == (["squeezenet1_1"], False, 0)
    widget.set_state({"bred": to_json(genomes[:1]), "judged": 16})
    assert torch.equal(COLOUR.render(widget.genomes()), COLOUR.render(genomes[:1]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"goal": 1000}, "goal: expected an integer of at most 999, got 1000"),
        ({"size": 95}, "size: expected an integer of at least 96, got 95"),
        ({"size": 129}, "size: expected an integer of at most 128, got 129"),
        ({"batch": 0}, "batch: expected an integer of at least 1, got 0"),
        ({"seed": -1}, "seed: expected an integer of at least 0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        BreedForName(**settings)


# ---- colours, and the search ----


def test_genomes_of_three_outputs_there_and_back(genomes, engine):
    sent = engine("all => all.map((g) => E.toJSON(E.fromJSON(g)))", to_json(genomes))
    for name, field in from_json(sent, outputs=3).tensors().items():
        assert torch.equal(field, genomes.tensors()[name]), name


@pytest.mark.parametrize("size", [48, 31])
def test_pictures_are_foolkits(genomes, engine, size):
    """Single precision and rounding: few colours are on another side of a level."""
    levels = torch.tensor(
        engine(
            "([all, s]) => all.map((g) => Array.from(E.colourLevels(E.fromJSON(g), s)))",
            [to_json(genomes), size],
        )
    )
    found = levels.view(-1, size, size, 3).permute(0, 3, 1, 2) / 255
    apart = (found - COLOUR.render(genomes, size=(size, size))).abs()
    assert (apart > 0.5 / 255).float().mean() < 0.02
    assert (apart > 6.5 / 255).float().mean() < 0.002  # where the hue turns, a level is six


VARY = """([settings, n, count]) => {
    const random = new E.Random(1), coding = new E.ColourCPPN(settings, 8);
    return Array.from({ length: n }, () => {
        let genome = coding.sample(random);
        for (let k = 0; k < count; k++) genome = coding.vary(genome, random);
        return E.toJSON(genome);
    });
}"""


def test_mutations_are_distributed_as_foolkits(engine):
    page = from_json(engine(VARY, [BreedForName().encoding, 800, 20]), outputs=3)
    draws = torch.Generator().manual_seed(1)
    python = COLOUR.sample(800, draws)
    for _ in range(20):
        python = COLOUR.vary(python, draws)
    for measure in (
        lambda g: g.nodes.double(),
        lambda g: g.links.double(),
        lambda g: (g.source >= 7).sum(1).double(),
        lambda g: (g.target >= 7).sum(1).double(),
    ):
        one, other = measure(page), measure(python)
        error = ((one.var() + other.var()) / 800).sqrt()
        assert (one.mean() - other.mean()).abs() < 4 * error
    assert int(page.target[page.source > 0].min()) >= 4
    assert not ((page.source >= 4) & (page.source < 7)).any()  # no node hears an output


SEARCH = """([settings, goal, generations]) => {
    // a network that likes red in class 3 and green elsewhere
    const mean = (levels, c) => levels.reduce((sum, x, i) => sum + (i % 3 === c ? x : 0), 0);
    const net = { confidences: (levels) => {
        const [red, green] = [mean(levels, 0), mean(levels, 1)];
        const share = red / (red + green + 1);
        return Array.from({ length: 1000 }, (_, k) => (k === 3 ? share : (1 - share) / 999));
    } };
    const plan = { goal, seed: 2, batch: 5, encoding: settings };
    const told = [];
    for (const value of E.breedFor(net, 12, plan)) {
        told.push(value);
        if (value && value.generation === generations) return told;
    }
}"""


def test_the_search_tells_of_its_elite_after_every_generation(engine):
    told = engine(SEARCH, [BreedForName().encoding, 3, 30])
    assert [one is not None for one in told] == ([False] * 5 + [True]) * 31
    ends = [one for one in told if one]
    assert [one["judged"] for one in ends] == [5 * n for n in range(1, 32)]
    confidences = [one["confidence"] for one in ends]
    assert confidences == sorted(confidences)
    assert confidences[-1] > 0.9
    assert ends == [one for one in engine(SEARCH, [BreedForName().encoding, 3, 30]) if one]


# ---- the widget in a book ----


def said(page, text, timeout=60_000):
    expect(page.locator(".fk-name > .fk-status")).to_contain_text(text, timeout=timeout)


def wait_for_images(page, count):
    page.wait_for_function(
        "count => Number(/(\\d+) images/.exec("
        "document.querySelector('.fk-name .fk-title').textContent)?.[1] ?? 0) >= count",
        arg=count,
        timeout=120_000,
    )


def test_a_pattern_is_bred_and_pythons_network_agrees(open_page, site, assert_clean):
    page = open_page(site)
    page.get_by_role("button", name="Breed").press("Enter")
    wait_for_images(page, 80)
    page.get_by_role("button", name="Stop").press("Enter")
    said(page, "Stopped after")
    text = page.locator(".fk-name > .fk-status").inner_text()
    at = [float(number) / 100 for number in re.findall(r"([\d.]+) %", text)]
    assert "“spotlight”" in text
    picture = page.locator("canvas.fk-drawn").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 512, 512).data.slice(0, 3000))"
    )
    assert len(set(picture)) > 1
    assert len(page.locator(".fk-ring").all()) >= 1
    curve = page.locator(".fk-curve").get_attribute("aria-label")
    assert f"{100 * at[0]:.2f} %" in curve
    assert_clean(page, site)


def test_the_state_of_the_page_is_what_it_shows(engine, visit, server):
    """The elite that the page tells of has, in Python, the confidences that the page says."""
    page = visit("about:blank")
    page.add_init_script(
        "globalThis.told = {}; const clone = structuredClone;"
        "globalThis.structuredClone = (state) => {"
        " const copy = clone(state); if (copy.bred) globalThis.told = copy; return copy; }"
    )
    page.goto(f"{server}/index.html")
    page.locator(".fk-name[data-ready]").wait_for()
    page.get_by_role("button", name="Breed").click()
    wait_for_images(page, 60)
    page.get_by_role("button", name="Stop").click()
    said(page, "Stopped after")
    state = page.evaluate("() => ({ ...told, encoding: null })")
    elite = from_json(state["bred"], outputs=3)
    for size, name in ((112, "confidence"), (224, "confidence_large")):
        net = fk.models.load("squeezenet1_1", input_shape=(3, size, size))
        image = fk.encodings.CPPN((3, size, size)).render(elite)
        found = float(fk.models.predict(net, image)[0, SPOTLIGHT])
        assert abs(found - state[name]) < 0.05, size
    assert state["judged"] >= 60


def test_another_name_begins_anew(open_page, server):
    page = open_page(server)
    page.get_by_role("button", name="Breed").click()
    wait_for_images(page, 16)
    page.get_by_label("a name", exact=True).fill("ostrich")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Breed").wait_for()
    assert page.locator(".fk-name .fk-title").inner_text() == ""
    assert "0.00 % after 0" in page.locator(".fk-curve").get_attribute("aria-label")
    page.get_by_role("button", name="Breed").click()
    said(page, "Breeding for “ostrich”")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("button", name="Breed").click()
    wait_for_images(page, 16)
    page.get_by_role("button", name="Stop").click()
    said(page, "Stopped after")
    assert serious_violations(page) == []


def test_fits_a_telephone(open_page, server):
    page = open_page(server, width=360)
    page.get_by_role("button", name="Breed").click()
    wait_for_images(page, 16)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
