"""Random pictures in the page: drawn as Python's are, counted right, and the widget in a book."""

import re

import pytest
import torch
from playwright.sync_api import expect

import foolkit as fk
from foolkit.bank import world
from foolkit.widgets import PressUntilFooled
from foolkit.widgets.press_until_fooled import KINDS

MODULES = ("exact_interval.js", "fourier.js", "textures.js", "accident.js")
WIDGET = "fk-press"
WIDGET_PAGES = {"index": ["import foolkit as fk", "fk.widgets.PressUntilFooled()"]}
ENCODING = PressUntilFooled().encoding


# ---- Python ----


def test_python_sets_and_reads():
    widget = PressUntilFooled("1/f", judge="squeezenet1_1", seed=4)
    assert repr(widget) == "PressUntilFooled(kind='1/f', judge='squeezenet1_1', seed=4)"
    assert widget.accidents() is None
    widget.set_state({"images": 200, "hits": 3})
    assert widget.accidents() == fk.analysis.Accidents(3, 200)
    assert set(KINDS) == set(fk.analysis.textures((1, 28, 28))) - {"pieces"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "pieces"}, "kind: expected .*'uniform'.*, got 'pieces'"),
        ({"judge": "alexnet"}, "judge: expected .*'lenet'.*, got 'alexnet'"),
        ({"seed": -1}, "seed: expected an integer of at least 0, got -1"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        PressUntilFooled(**settings)


# ---- numbers ----


def test_intervals_are_pythons(engine):
    cases = [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (1, 2000), (0, 40_000), (222, 1000),
             (39_999, 40_000), (5, 5_000_000), (1_234_567, 5_000_000)]  # fmt: skip
    found = engine("all => all.map(([hits, trials]) => E.exactInterval(hits, trials))", cases)
    for (hits, trials), (low, high) in zip(cases, found, strict=True):
        expected = fk.analysis.exact_interval(hits, trials)
        assert low == pytest.approx(expected.low, rel=1e-7), (hits, trials)
        assert high == pytest.approx(expected.high, rel=1e-7), (hits, trials)


@pytest.mark.parametrize("size", [28, 30, 13])
def test_the_transform_is_pytorchs(engine, size):
    values = torch.randn(2, size, size, dtype=torch.float64, generator=torch.manual_seed(0))
    found = engine(
        """([re, im, size]) => {
            const out = E.transformedSquare({ re: Float64Array.from(re),
                im: Float64Array.from(im) }, size);
            return [Array.from(out.re), Array.from(out.im)];
        }""",
        [values[0].flatten().tolist(), values[1].flatten().tolist(), size],
    )
    expected = torch.view_as_real(torch.fft.ifft2(torch.complex(*values), norm="forward"))
    found = torch.tensor(found, dtype=torch.float64).view(2, size, size).permute(1, 2, 0)
    assert (found - expected).abs().max() < 1e-9


DRAW = """([kind, count, size, channels, settings]) => {
    const random = new E.Random(3);
    return Array.from({ length: count },
        () => Array.from(E.TEXTURES[kind](random, size, channels, settings)));
}"""


def drawn(engine, kind, count, shape):
    """Pictures of the page, float32 in [0, 1]."""
    channels, size, _ = shape
    levels = engine(DRAW, [kind, count, size, channels, ENCODING])
    return torch.tensor(levels).view(count, size, size, channels).permute(0, 3, 1, 2) / 255


def spectrum(images):
    """Logarithm of the mean power by frequency, without the mean."""
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().mean((0, 1))
    axis = torch.fft.fftfreq(len(power))
    ring = (torch.hypot(axis[:, None], axis[None]) * len(power)).round().long().flatten()
    total = torch.zeros(len(power)).index_add(0, ring, power.flatten())[1 : len(power) // 2]
    return total.div(ring.bincount()[1 : len(power) // 2]).log()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28)])
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_distributed_as_pythons(engine, kind, shape):
    page = drawn(engine, kind, 400, shape)
    draws = torch.Generator().manual_seed(1)
    python = fk.analysis.textures(shape)[kind](400, draws)
    measures = [
        lambda images: images.flatten(1).mean(1),
        lambda images: images.flatten(1).std(1),
        lambda images: images.mean((2, 3)).std(1, correction=0),
        lambda images: images.diff(dim=3).abs().flatten(1).mean(1),
    ]
    for measure in measures:
        one, other = measure(page).double(), measure(python).double()
        error = ((one.var() + other.var()) / 400).sqrt() + 1e-9
        assert (one.mean() - other.mean()).abs() < 4 * error + 1e-3
    if kind != "formulas":
        assert (spectrum(page) - spectrum(python)).abs().max() < 0.35


@pytest.mark.parametrize("kind", KINDS)
def test_lenets_rate_agrees_with_the_bank(engine, lenet, kind):
    """One in a thousand such tests fails by chance; the seed is fixed."""
    hits = int(
        (fk.models.predict(lenet, drawn(engine, kind, 500, (1, 28, 28))).amax(1) >= 0.99).sum()
    )
    found = fk.analysis.exact_interval(hits, 500, 0.999)
    stored = world.accidents()["lenet"][kind]
    bank = fk.analysis.exact_interval(stored.hits, stored.images, 0.999)
    assert found.low <= bank.high
    assert bank.low <= found.high


def test_the_tally_is_what_python_counts(engine, lenet):
    tally, levels = engine(
        """([settings]) => {
            const seen = [], image = new Float64Array(784);
            const judge = (levels) => {
                seen.push(Array.from(levels));
                levels.forEach((level, i) => { image[i] = level / 255; });
                return net.confidences(image);
            };
            const press = { kind: "uniform", seed: 5, size: 28, encoding: settings };
            for (const tally of E.tallyOf(judge, 1, press)) {
                const levels = Array.from(tally.surest.levels);
                if (tally.images === 300)
                    return [{ ...tally, surest: { ...tally.surest, levels } }, seen];
            }
        }""",
        [ENCODING],
    )
    images = torch.tensor(levels).view(-1, 1, 28, 28) / 255
    confidence, said = fk.models.predict(lenet, images).max(1)
    sure = confidence >= 0.99
    assert 10 < tally["hits"] < 290
    assert tally["images"] == len(images) == 300
    assert tally["hits"] == int(sure.sum())
    assert tally["first"] == int(sure.int().argmax()) + 1
    assert tally["called"] == {str(k): n for k, n in enumerate(said[sure].bincount().tolist()) if n}
    best = int(confidence.argmax())
    assert tally["surest"]["answer"] == int(said[best])
    assert tally["surest"]["confidence"] == pytest.approx(float(confidence[best]), abs=1e-4)
    surest = torch.tensor(tally["surest"]["levels"]).view(1, 1, 28, 28) / 255
    assert fk.models.predict(lenet, surest).amax() > confidence[best] - 1e-4


# ---- the widget in a book ----


def counter(page):
    return page.locator(".fk-press > .fk-title").inner_text()


def counted(page):
    """Pictures, and how many of them the network was sure of."""
    images, hits = re.match(r"([\d,]+) pictures?\b.*?of ([\d,]+)", counter(page)).groups()
    return int(images.replace(",", "")), int(hits.replace(",", ""))


def wait_for_images(page, count):
    page.wait_for_function(
        "count => Number(/^[\\d,]+/.exec(document.querySelector('.fk-press > .fk-title')"
        ".textContent)[0].replaceAll(',', '')) >= count",
        arg=count,
    )


def said(page, text):
    expect(page.locator(".fk-press > .fk-status")).to_contain_text(text, timeout=60_000)


def test_it_counts_and_stops_by_keyboard(open_page, server, assert_clean):
    page = open_page(server)
    assert counted(page) == (0, 0)
    page.get_by_role("button", name="Press until fooled").press("Enter")
    wait_for_images(page, 200)
    page.get_by_role("button", name="Stop").press("Enter")
    said(page, "Stopped after")
    images, hits = counted(page)
    page.wait_for_timeout(400)
    assert counted(page) == (images, hits)
    assert " a second" in counter(page)
    rate = fk.analysis.Accidents(hits, images).per_million()
    text = page.locator(".fk-press > p:not(.fk-status):not(.fk-title)").inner_text()
    numbers = [int(one.replace(",", "")) for one in re.findall(r"[\d,]*\d{3,}", text)]
    assert numbers == pytest.approx([rate.value, rate.low, rate.high], abs=1)
    shown = page.locator(".fk-press .fk-names .fk-number").all_inner_texts()
    assert 0 < sum(int(one.replace(",", "")) for one in shown if one) <= hits
    assert "the surest: “" in page.locator(".fk-press canvas").get_attribute("aria-label")
    assert_clean(page, server)


def test_of_none_the_rule_of_three(open_page, site, assert_clean):
    page = open_page(site)
    page.get_by_role("combobox", name="network").select_option("squeezenet1_1")
    page.get_by_role("button", name="Press until fooled").click()
    wait_for_images(page, 3)
    page.get_by_role("button", name="Stop").click()
    said(page, "Stopped after")
    images, hits = counted(page)
    assert hits == 0  # of noise: stored is none of 2,000
    none = fk.analysis.Accidents(0, images)
    said(page, f"below {1e6 * none.rule_of_three:,.0f} a million")
    said(page, f"0 to {none.per_million().high:,.0f}")
    page.wait_for_timeout(1500)
    assert counted(page)[0] == images
    assert_clean(page, site)


def test_another_kind_begins_anew(open_page, server):
    page = open_page(server)
    page.get_by_role("button", name="Press until fooled").click()
    wait_for_images(page, 50)
    page.get_by_role("combobox", name="pictures").select_option("1/f")
    page.get_by_role("button", name="Press until fooled").wait_for()
    assert counted(page) == (0, 0)
    page.get_by_role("button", name="Press until fooled").click()
    wait_for_images(page, 50)
    said(page, "1/f noise")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("button", name="Press until fooled").click()
    wait_for_images(page, 50)
    page.get_by_role("button", name="Stop").click()
    said(page, "Stopped after")
    assert serious_violations(page) == []


def test_fits_a_telephone(open_page, server):
    page = open_page(server, width=390)
    page.get_by_role("button", name="Press until fooled").click()
    wait_for_images(page, 50)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
