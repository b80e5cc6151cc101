"""The threshold: its Python side, and the widget in a small built book in a real browser."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.analysis import MaxSoftmax, PixelNeighbours, acceptance_threshold
from foolkit.widgets import Threshold
from foolkit.widgets.threshold import sample


@pytest.fixture(scope="module")
def held():
    return fk.data.digits()[0][:200]


@pytest.fixture(scope="module")
def detectors(held):
    net = fk.models.load("lenet")
    return {"confidence": MaxSoftmax(net), "pixels": PixelNeighbours().fit(held[:100])}


@pytest.fixture(scope="module")
def widget(detectors, held):
    return Threshold(detectors, held=held)


# ---- Python ----


def test_scores_and_thresholds_are_the_detectors(widget, detectors, held):
    images, kinds = sample()
    shown = (images * 255).round() / 255
    assert len(widget) == len(kinds) == len(images)
    assert repr(widget) == "Threshold(chosen='confidence', accepted=95)"
    for name, detector in detectors.items():
        found = detector.score(shown).double()
        torch.testing.assert_close(torch.tensor(widget.scores[name]).double(), found)
        levels = widget.thresholds[name]
        assert levels == sorted(levels, reverse=True)
        assert len(levels) == 101
        assert levels[95] == pytest.approx(acceptance_threshold(detector.score(held)), rel=1e-5)
        let_in = detector.score(held) >= levels[80] - 1e-4
        assert let_in.float().mean() >= 0.8


def test_python_moves_the_images(detectors, held):
    widget = Threshold(detectors, held=held, chosen="pixels", accepted=100)
    loose = set(widget.inside)
    widget.accepted = 50
    assert set(widget.inside) < loose
    assert widget.inside == [
        place for place, score in enumerate(widget.scores["pixels"])
        if score >= widget.thresholds["pixels"][50]
    ]  # fmt: skip
    kinds = [widget.kinds[place] for place in loose]
    assert "coin tosses" not in kinds
    assert "digit" in kinds


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"chosen": "energy"}, ValueError, "chosen: expected one of confidence, pixels"),
        ({"accepted": 101}, ValueError, "accepted: expected an integer of at most 100"),
        ({"accepted": 0.95}, TypeError, "accepted: expected an integer"),
        ({"images": torch.rand(2, 1, 28, 28)}, ValueError, "kinds: expected one for each of 2"),
        ({"images": torch.rand(2, 1, 9, 9), "kinds": "ab"}, ValueError, "images: expected shape"),
        ({"held": torch.zeros(3, 1, 28, 28)}, ValueError, "held: expected at least"),
    ],
)
def test_bad_settings_are_named(detectors, held, arguments, error, message):
    with pytest.raises(error, match=message):
        Threshold(detectors, **{"held": held, **arguments})


def test_detectors_must_be_named():
    with pytest.raises(TypeError, match="detectors: expected a mapping"):
        Threshold(PixelNeighbours())
    with pytest.raises(ValueError, match="detectors: expected a mapping .*, got none"):
        Threshold({})


# ---- the page ----

SOURCE = (
    "import foolkit as fk\n"
    "held = fk.data.digits()[0][:200]\n"
    "net = fk.models.load('lenet')\n"
    "detectors = {'confidence': fk.analysis.MaxSoftmax(net),"
    " 'pixels': fk.analysis.PixelNeighbours().fit(held[:100])}\n"
    "fk.widgets.Threshold(detectors, held=held)"
)


WIDGET_PAGES, WIDGET = {"index": [SOURCE]}, "fk-threshold"


def trays(page):
    """The places of the images in each tray, in their order there."""
    found = []
    for name in ("Accepted", "Refused"):
        labels = page.get_by_role("list", name=name).get_by_role("img").evaluate_all(
            "all => all.map((one) => one.getAttribute('aria-label'))"
        )  # fmt: skip
        assert all(name.lower() in label for label in labels)
        found.append([int(re.search(r"image (\d+)", label)[1]) - 1 for label in labels])
    return found


def expected(widget, name, share):
    scores, least = widget.scores[name], widget.thresholds[name][share]
    return sorted(place for place, score in enumerate(scores) if score >= least)


def set_share(page, share):
    page.get_by_label("held-out digits to accept").evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')) }", share
    )


def test_the_page_sorts_as_python_does(open_page, site, widget, assert_clean):
    page = open_page(site)
    assert sorted(trays(page)[0]) == expected(widget, "confidence", 95)
    for name in ("pixels", "confidence"):
        page.get_by_role("combobox").select_option(name)
        for share in (100, 80, 0):
            set_share(page, share)
            accepted, refused = trays(page)
            assert sorted(accepted) == expected(widget, name, share)
            assert sorted(accepted + refused) == list(range(len(widget)))
            scores = [widget.scores[name][place] for place in accepted + refused]
            assert scores == sorted(scores, reverse=True)
            text = page.locator(".fk-threshold").inner_text()
            assert f"Accepted: {len(accepted)} of {len(widget)}" in text
    assert_clean(page, site)


def test_counts_are_announced(open_page, server, widget):
    page = open_page(server)
    page.get_by_role("combobox").select_option("pixels")
    status = page.locator(".fk-threshold [role=status]")
    text = status.inner_text()
    assert text.startswith("At 95 % of held-out digits, pixels accepts digit ")
    inside = expected(widget, "pixels", 95)
    for kind in dict.fromkeys(widget.kinds):
        there = sum(widget.kinds[place] == kind for place in inside)
        assert f"{kind} {there}/{widget.kinds.count(kind)}" in text


def test_it_works_from_the_keyboard(open_page, server):
    page = open_page(server)
    before = trays(page)[0]
    page.get_by_label("held-out digits to accept").focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    assert set(trays(page)[0]) < set(before)
    assert "At 65 %" in page.locator(".fk-threshold [role=status]").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_telephone(open_page, server, serious_violations, theme):
    page = open_page(server, theme=theme, width=360, has_touch=True)
    assert serious_violations(page) == []
    wide = page.locator(".fk-threshold").evaluate("node => node.scrollWidth - node.clientWidth")
    assert wide <= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
