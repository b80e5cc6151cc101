"""The mystery defence: Python, the page's disguises, and the widget in a small built book."""

import re

import pytest
import torch

import foolkit as fk
from foolkit.widgets import MysteryDefence
from foolkit.widgets.defence_bench import bench_digits

MODULES = ("sign.js", "disguises.js")
EPSILON = 0.2
USUAL = "import foolkit as fk\n\nfk.widgets.MysteryDefence(questions=60)"
FEW = """import foolkit as fk
from foolkit.widgets.defence_bench import bench_digits

images, labels = (part[::10] for part in bench_digits())
fk.widgets.MysteryDefence(images, labels, steps=5, questions=20, seed=3)"""
WIDGET_PAGES = {"index": [USUAL], "few": [FEW]}
WIDGET = "fk-mystery"
TOLD = "() => document.querySelector('.fk-tests li span').textContent.startsWith('still right')"
KINDS = {
    "no defence": "plain", "trained on attacks: strong": "trained",
    "masked: saturated answers": "steep", "masked: rounded pixels": "rounded",
    "masked: a gradient that lies": "rippled", "random answers": "shaken",
}  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    images, labels = bench_digits()
    return images[::3], labels[::3]


# ---- Python ----


def test_it_shows_one_digit_of_each_class(digits):
    widget = MysteryDefence()
    assert widget.truth == list(range(10))
    assert widget.networks == ["lenet", "lenet-b", "lenet-pgd"]
    assert repr(widget) == "MysteryDefence(epsilon=0.2, seed=0, score=0, rounds=0)"
    assert set(widget.networks) <= set(fk.models.available())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MysteryDefence(torch.rand(2, 1, 9, 9)), ValueError, "images: expected shape"),
        (lambda: MysteryDefence(torch.rand(2, 1, 28, 28)), TypeError, "labels: expected 2"),
        (
            lambda: MysteryDefence(torch.rand(31, 1, 28, 28), torch.zeros(31).long()),
            ValueError,
            "images: expected at most 30, got 31",
        ),
        (lambda: MysteryDefence(epsilon=0.5), ValueError, "epsilon: .* from 0 to 0.4"),
        (lambda: MysteryDefence(questions=0), ValueError, "questions: expected an integer"),
        (lambda: MysteryDefence(seed=-1), ValueError, "seed: expected an integer"),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---- the disguises of the page are foolkit's ----


@pytest.mark.parametrize("kind", ["steep", "rounded", "rippled"])
def test_logits_and_gradients_are_those_of_python(engine, lenet, digits, kind):
    # no two alike: of equal values in a pool, rounding decides which has the gradient
    grain = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    images = digits[0][:3] * 0.8 + 0.1 * grain
    direction = torch.linspace(-1, 1, 10)
    found = engine(
        """([kind, xs, direction]) => xs.map((x) => {
            const other = E.disguised(net, kind, new E.Random(0));
            const logits = Array.from(other.logits(Float64Array.from(x)));
            return [logits, Array.from(other.gradient(direction))];
        })""",
        [kind, images.flatten(1).tolist(), direction.tolist()],
    )
    hidden = fk.models.disguised(lenet, kind).double()
    asked = images.double().requires_grad_()
    expected = hidden.module(asked)
    (slope,) = torch.autograd.grad((expected * direction).sum(), asked)
    logits = torch.tensor([one for one, _ in found]).double()
    slopes = torch.tensor([one for _, one in found]).view_as(slope)
    scale = expected.abs().max()
    assert (logits - expected).abs().max() < 1e-3 * scale
    assert (slopes - slope).abs().max() <= 1e-3 * slope.abs().max()


def test_noise_is_drawn_anew_and_passes_the_gradient(engine):
    first, second, slope = engine("""() => {
        const other = E.disguised(net, "shaken", new E.Random(0));
        const x = new Float64Array(784).fill(0.5);
        const logits = [0, 1].map(() => Array.from(other.logits(x)));
        return [...logits, Array.from(other.gradient([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]))];
    }""")
    assert first != second
    assert any(slope)


def test_the_blind_search_stays_in_the_box_and_finds_what_pythons_does(engine, lenet, digits):
    images, labels = digits
    found = engine(
        """([xs, ys, epsilon]) => xs.map((x, n) => {
            let last;
            const settings = { epsilon, questions: 100, random: E.randomOf(0, n, 0) };
            for (last of E.searchedBlindly(net, Float64Array.from(x), ys[n], settings));
            return Array.from(last.image);
        })""",
        [images.flatten(1).tolist(), labels.tolist(), EPSILON],
    )
    made = torch.tensor(found).view_as(images)
    assert (made - images).abs().max() <= EPSILON + 1e-6
    assert 0 <= made.min() <= made.max() <= 1
    fooled = int((lenet(made).argmax(1) != labels).sum())
    ours = fk.gradients.blind(lenet, images, labels, epsilon=EPSILON, generations=100)
    assert abs(fooled - int(ours.success.sum())) <= 2


def test_the_margin_is_climbed_where_the_softmax_is_saturated(engine, lenet, digits):
    images, labels = digits
    found = engine(
        """([xs, ys, epsilon]) => xs.map((x, n) => {
            const other = E.disguised(net, "steep", new E.Random(0));
            const start = E.randomChange(E.randomOf(0, n, 0), epsilon);
            let last;
            const settings = { epsilon, steps: 20, start };
            for (last of E.marginSteps(other, Float64Array.from(x), ys[n], settings));
            return Array.from(last.image);
        })""",
        [images.flatten(1).tolist(), labels.tolist(), EPSILON],
    )
    made = torch.tensor(found).view_as(images)
    assert (made - images).abs().max() <= EPSILON + 1e-6
    fooled = int((lenet(made).argmax(1) != labels).sum())
    ours = fk.gradients.pgd(lenet, images, labels, epsilon=EPSILON, steps=20, loss="margin")
    assert abs(fooled - int(ours.success.sum())) <= 1


# ---- the widget ----


def said(page):
    return page.locator(".fk-mystery .fk-status").text_content()


def told_by(page):
    rows = page.locator(".fk-tests li").all()
    return {
        row.locator("button").text_content(): row.locator("span").text_content() for row in rows
    }


def run(page, name):
    page.locator(".fk-tests").get_by_role("button", name=name, exact=True).click()
    page.wait_for_function(
        "name => { const words = document.querySelector('.fk-mystery .fk-status').textContent;"
        " return words.startsWith(name) && !words.includes('running') }",
        arg=name,
    )
    return told_by(page)[name]


def right_of(words):
    right, total = map(int, re.search(r"still right: (\d+) of (\d+)", words).groups())
    flat = re.search(r"the gradient was zero at (\d+)", words)
    return right, total, int(flat[1]) if flat else 0


def reveal(page, verdict="no defence"):
    page.get_by_role("button", name=verdict, exact=True).click()
    short = re.search(r"it is “([^”]+)”", said(page))[1]
    return KINDS[short]


def test_each_defence_shows_what_the_chapter_says(open_page, server, digits, assert_clean):
    """All six, one after the other, under all that tells them apart."""
    images, labels = digits
    page, seen = open_page(server), {}
    assert not any("lenet" in url for url in page.asked)
    assert set(told_by(page).values()) == {"not tried"}
    for number in range(6):
        told = {name: run(page, name) for name in told_by(page)}
        kind = reveal(page)
        assert kind not in seen
        seen[kind] = told
        assert f"of {number + 1}, after 7 tests" in said(page)
        assert page.get_by_role("button", name="no defence", exact=True).is_disabled()
        page.get_by_role("button", name="Another defence").click()
        assert set(told_by(page).values()) == {"not tried"}
    assert set(seen) == set(KINDS.values())
    counts = {
        kind: {name: right_of(words) for name, words in told.items() if "still right" in words}
        for kind, told in seen.items()
    }
    step, many, margin, blind, given, noise = next(iter(counts.values()))
    plain, trained = counts["plain"], counts["trained"]
    for kind, name in (("plain", "lenet"), ("trained", "lenet-pgd")):
        net = fk.models.load(name)
        expected = fk.gradients.fgsm(net, images, labels, epsilon=EPSILON)
        assert abs(counts[kind][step][0] - int((~expected.success).sum())) <= 1
    assert plain[many][0] <= 3
    assert trained[many][0] >= 7
    assert counts["steep"][many][2] >= 8  # no slope
    assert counts["steep"][margin][0] <= 3
    assert counts["rounded"][many][2] == counts["rounded"][margin][2] == 10
    assert counts["rounded"][many][0] >= 8
    assert counts["rounded"][given][0] <= 5
    assert counts["rounded"][blind][0] <= 8
    assert counts["rippled"][many][0] > counts["rippled"][given][0]
    assert counts["rippled"][many][2] == 0
    assert min(each[noise][0] for each in counts.values()) >= 7
    twice = {kind: told["ask everything twice"] for kind, told in seen.items()}
    assert twice.pop("shaken") == "10 of 10 digits get other numbers the second time"
    assert all(words.startswith("the same numbers both times") for words in twice.values())
    assert_clean(page, server)


def test_a_verdict_is_told_and_counted(open_page, server):
    page = open_page(server, "few")
    assert said(page) == "Choose a test."
    verdict = "masked: rounded pixels"
    kind = reveal(page, verdict)
    right = kind == KINDS[verdict]
    assert said(page).startswith("Right: it is" if right else f"You said “{verdict}”: it is")
    assert f"You have named {int(right)} of 1, after 0 tests." in said(page)
    page.get_by_role("button", name="Another defence").click()
    assert said(page) == "Another defence is hidden. Choose a test."
    assert reveal(page, verdict) != kind  # each once before one comes again


def test_weights_that_are_missing_are_an_error_in_words(open_page, server):
    page = open_page(server, "few")
    page.route("**/lenet-b.safetensors.js", lambda route: route.abort())
    page.get_by_role("button", name="one step along the gradient").click()
    page.get_by_text("This test could not start").wait_for()


def test_by_keyboard_alone(open_page, server):
    page = open_page(server, "few")
    page.get_by_role("button", name="one step along the gradient").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(TOLD)
    for _ in range(7):  # six tests more, and the first verdict
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "You have named" in said(page)
    assert page.evaluate("document.activeElement.textContent") == "Another defence"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "one step along the gradient"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, "few", theme=theme)
    assert serious_violations(page) == []
    run(page, "one step along the gradient")
    reveal(page)
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site):
    page = open_page(site, "few", width=360, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="one step along the gradient").tap()
    page.wait_for_function(TOLD)
    page.get_by_role("button", name="random answers").tap()
    assert "You have named" in said(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server, "few")
    controls = page.locator(".fk-mystery button:visible")
    assert controls.count() == 13
    assert without_focus_ring(page, controls) == []
