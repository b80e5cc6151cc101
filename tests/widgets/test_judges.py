"""The judges: their Python side, and the widget in a small built book in a real browser."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.analysis import Forgeries
from foolkit.widgets import Judges

PANEL = ("lenet", "fc100-100-10", "softmax-1")


@pytest.fixture(scope="module")
def forgeries():
    return fk.bank.load(victims=["lenet", "fc100-100-10"], families=["cppn", "lbfgs"], every=7)


@pytest.fixture(scope="module")
def widget(forgeries):
    return Judges(forgeries, makers=fk.bank.VICTIMS, judges=PANEL, examples=2)


@pytest.fixture(scope="module")
def networks():
    return {name: fk.models.load(name) for name in PANEL}


# ---- Python ----


def test_rows_are_families_on_makers_with_spread_examples(widget, forgeries):
    assert widget.families == ["cppn", "cppn", "lbfgs", "lbfgs"]
    assert widget.makers == ["lenet", "fc100-100-10"] * 2
    assert widget.networks == ["lenet", "fc100-100-10", "softmax-1"]
    assert len(widget.images) == len(widget.originals) == 8 * 784
    made = forgeries["cppn"]
    of_lenet = made.images[made.networks == 0]
    images = fk.widgets.traits.to_tensor(widget.images)
    assert torch.allclose(images[:2], of_lenet[[0, len(of_lenet) // 2]], atol=1e-6)
    assert len(set(widget.classes[:4])) > 2
    assert widget.truth[:4] == [-1] * 4
    assert min(widget.truth[4:]) >= 0
    assert repr(widget) == "Judges(judges=['lenet', 'fc100-100-10', 'softmax-1'], examples=2)"


def test_makers_run_in_the_page_too(forgeries):
    widget = Judges(forgeries, makers=fk.bank.VICTIMS, judges=["softmax-1"], examples=1)
    assert widget.networks == ["softmax-1", "lenet", "fc100-100-10"]
    sent = []
    widget.send = lambda content, buffers: sent.append((content["file"], len(buffers[0])))
    for name in ("lenet", "vit"):
        widget._answer(widget, {"file": f"{name}.safetensors"}, [])
    assert [file for file, _ in sent] == ["lenet.safetensors"]


def test_python_sets_what_is_chosen(forgeries):
    widget = Judges(forgeries, makers=fk.bank.VICTIMS, judges=PANEL, examples=2)
    widget.row, widget.column, widget.example, widget.push = 3, 2, 1, 6
    assert (widget.row, widget.column, widget.example, widget.push) == (3, 2, 1, 6.0)
    for name, value in (("row", 4), ("column", 3), ("example", 2)):
        with pytest.raises(ValueError, match=f"{name}: expected an integer of at most"):
            setattr(widget, name, value)
    with pytest.raises(ValueError, match="push: expected a number from 1 to 6"):
        widget.push = 0.5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"forgeries": []}, TypeError, "forgeries: expected a mapping"),
        ({"forgeries": {}}, ValueError, "forgeries: expected a mapping from names .* got none"),
        ({"makers": ["lenet"]}, ValueError, "makers: expected a name for network 1"),
        ({"makers": ["lenet", "resnet"]}, ValueError, "makers: expected one that the page can run"),
        ({"judges": ["tree"]}, ValueError, "judges: expected one that the page can run"),
        ({"judges": []}, ValueError, "judges: expected at least one"),
        ({"examples": 0}, ValueError, "examples: expected an integer of at least 1"),
        ({"examples": 99}, ValueError, "examples: expected at most"),
    ],
)
def test_bad_arguments_are_named(forgeries, arguments, error, message):
    arguments = {"forgeries": forgeries, "makers": fk.bank.VICTIMS, **arguments}
    with pytest.raises(error, match=message):
        Judges(arguments.pop("forgeries"), **arguments)


def test_images_of_another_shape_are_refused():
    colour = Forgeries(torch.rand(2, 3, 8, 8), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="forgeries: expected shape"):
        Judges({"colour": colour}, makers=["lenet"], examples=1)


# ---- the page ----


SOURCE = (
    "import foolkit as fk\n"
    'made = fk.bank.load(victims=["lenet", "fc100-100-10"], families=["cppn", "lbfgs"], every=7)\n'
    f"fk.widgets.Judges(made, makers=fk.bank.VICTIMS, judges={PANEL}, examples=2)"
)


WIDGET_PAGES, WIDGET = {"index": [SOURCE]}, "fk-judges"


def said(page):
    return page.locator(".fk-status").inner_text()


def matrix(page):
    """Answers and whole per cents of every cell, row by row."""
    rows = page.locator(".fk-judges tbody tr").all()
    return [[re.findall(r"\d+", c) for c in r.locator(".fk-cell").all_inner_texts()] for r in rows]


def shown(page):
    """The chosen image, [1, 1, 28, 28]."""
    values = page.locator(".fk-large").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return torch.tensor(values[::4]).view(1, 1, 28, 28).float() / 255


def verdicts(networks, images):
    """Answer and confidence of each network, two tensors [judges, N]."""
    found = [fk.models.predict(net, images).max(1) for net in networks.values()]
    return torch.stack([f.indices for f in found]), torch.stack([f.values for f in found])


@pytest.mark.parametrize("example", [0, 1])
def test_the_matrix_says_what_pytorch_says(
    open_page, site, widget, networks, assert_clean, example
):
    page = open_page(site)
    before = matrix(page)
    if example:
        page.get_by_label("examples").select_option("1")
        assert matrix(page) != before
    images = fk.widgets.traits.to_tensor(widget.images)[example::2]
    answers, sure = verdicts(networks, images)
    for row, line in enumerate(matrix(page)):
        for column, (answer, per_cent) in enumerate(line):
            assert int(answer) == answers[column, row]
            assert abs(int(per_cent) - 100 * float(sure[column, row])) < 1.01
    assert_clean(page, site)


def test_a_click_shows_the_image_and_both_verdicts(open_page, server, networks, widget):
    page = open_page(server)
    before = shown(page)
    page.locator(".fk-cell").nth(1 * 3 + 2).click()
    assert not torch.equal(shown(page), before)
    expected = fk.widgets.traits.to_tensor(widget.images)[2:3]
    assert torch.equal(shown(page), expected)
    answers, sure = verdicts(networks, expected)
    words = re.findall(
        r"sees an? (\d), with ([\d.]+) %|made, an? (\d), with ([\d.]+) %", said(page)
    )
    (judge, judge_sure, *_), (*_, maker, maker_sure) = words
    assert (int(judge), int(maker)) == (int(answers[2]), int(answers[1]))
    assert float(judge_sure) == pytest.approx(100 * float(sure[2]), abs=0.02)
    assert float(maker_sure) == pytest.approx(100 * float(sure[1]), abs=0.02)
    pair = page.locator(".fk-pair .fk-answer").all_inner_texts()
    assert [text.split()[0] for text in pair] == [maker, judge]
    panel = page.locator(".fk-panel li").all_inner_texts()
    assert [re.search(r"“(\d)”", text)[1] for text in panel] == [str(int(a)) for a in answers[:, 0]]


def test_by_keyboard_alone(open_page, server):
    page = open_page(server)
    page.get_by_label("examples").focus()
    page.keyboard.press("Tab")
    seen = [said(page)]
    for key in ("ArrowRight", "ArrowDown", "End", "ArrowDown", "Home"):
        page.keyboard.press(key)
        seen.append(said(page))
    assert "softmax-1 sees" in seen[3]
    assert seen[5].startswith("lbfgs: lenet sees")
    pressed = page.locator(".fk-cell[aria-pressed='true']")
    assert pressed.count() == 1
    assert pressed.evaluate("e => e === document.activeElement")
    assert pressed.get_attribute("aria-label").startswith("lenet sees")
    assert page.locator(".fk-cell[tabindex='0']").count() == 1


def test_a_change_can_be_pushed(open_page, server, networks, widget):
    page = open_page(server)
    push = page.get_by_label("times the change")
    assert not push.is_visible()  # a pattern has no original
    page.locator(".fk-cell").nth(2 * 3 + 1).click()
    assert push.is_visible()
    before = matrix(page)
    push.focus()
    page.keyboard.press("End")
    assert push.get_attribute("aria-valuetext") == "6.00"
    images, originals = (
        fk.widgets.traits.to_tensor(content)[4:5] for content in (widget.images, widget.originals)
    )
    pushed = (originals + 6 * (images - originals)).clamp(0, 1)
    assert (shown(page) - pushed).abs().max() < 0.51 / 255
    answers, _ = verdicts(networks, shown(page))
    assert [int(answer) for answer, _ in matrix(page)[2]] == answers[:, 0].tolist()
    assert matrix(page) != before
    assert matrix(page)[:2] == before[:2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    assert serious_violations(page) == []
    page.locator(".fk-cell").last.click()
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    page.locator(".fk-cell").last.tap()
    page.get_by_text("lbfgs: softmax-1 sees").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    page.locator(".fk-cell").last.click()  # so that the slider can be reached
    controls = page.locator(".fk-judges").locator("select, input, [tabindex='0']")
    assert controls.count() == 3
    assert without_focus_ring(page, controls) == []
