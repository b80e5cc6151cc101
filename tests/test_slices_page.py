"""Slices, climbing, noise and temperature in a small book, on a server and from disk."""

import pytest

WIDGET_PAGES = {
    "index": [
        "import foolkit as fk",
        "fk.widgets.SliceExplorer(3, directions='two random', reach=8)",
    ],
    "second": [
        "import foolkit as fk\nfk.widgets.Climb(3)",
        "fk.widgets.NoiseAndTemperature(3, noise=0.3)",
    ],
}


@pytest.fixture
def visit(visit, wait_for_widgets):
    """Opens a page and waits for its widgets."""

    def open_page(url, **options):
        page = visit(url, **options)
        wait_for_widgets(page)
        return page

    return open_page


def wait_until_said(page, words, kind="slices"):
    page.wait_for_function(
        "([kind, words]) => new RegExp(words).test("
        "document.querySelector(`.fk-${kind} .fk-status`).textContent)",
        arg=[kind, words],
    )


def wait_for_map(page):
    page.locator(".fk-slices[data-map=full]").wait_for(timeout=120_000)


def picture(page):
    return page.locator(".fk-map canvas").evaluate("canvas => canvas.toDataURL()")


def shares(page):
    return page.locator(".fk-map canvas").get_attribute("aria-label")


def test_the_map_fills_and_answers(visit, server, assert_clean):
    page = visit(f"{server}/index.html")
    wait_until_said(page, r"At the digit itself the network says 3, with [0-9.]+ % confidence\.")
    wait_for_map(page)
    assert shares(page).startswith("Share of the map: 3, ")
    # a press looks at that place
    box = page.locator(".fk-map").bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"])
    wait_until_said(
        page, r"^6\.\d+ to the right and 0\.[0-9]+ (up|down) from the digit the network"
    )
    assert page.locator(".fk-answer").count() == 1
    # a drag moves the map under it, and computes what came into view
    before = picture(page)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    wait_for_map(page)
    assert picture(page) != before
    # the wheel zooms once the map has the focus
    width = page.get_by_text("wide, measured").inner_text()
    page.mouse.wheel(0, -300)
    page.wait_for_function("text => !document.body.innerText.includes(text)", arg=width)
    page.get_by_role("button", name="Reset").click()
    page.get_by_text("The map is 16.0 wide").wait_for()
    wait_until_said(page, "At the digit itself")
    assert_clean(page, server)


def test_directions_clipping_and_digits_change_the_map(visit, server):
    page = visit(f"{server}/index.html")
    wait_for_map(page)
    random = shares(page)
    page.get_by_label("directions").select_option("adversarial and random")
    page.get_by_text("To the right: adversarial, towards a").wait_for(timeout=60_000)
    wait_for_map(page)
    adversarial = shares(page)
    own = [int(text.split("; ")[0].split("3, ")[1].split(" ")[0]) for text in (random, adversarial)]
    assert own[0] > 80  # in random directions the digit is nearly alone
    assert own[1] < own[0] - 10  # and not in this one
    before = picture(page)
    page.get_by_label("keep pixels between").check()
    wait_for_map(page)
    page.wait_for_function(
        "old => document.querySelector('.fk-map canvas').toDataURL() !== old", arg=before
    )
    page.get_by_role("button", name="a real 7").click()
    wait_until_said(page, "At the digit itself the network says 7")


def test_by_keyboard_alone(visit, server):
    page = visit(f"{server}/index.html")
    wait_until_said(page, "At the digit itself")
    page.locator(".fk-map").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    wait_until_said(page, "^2.00 to the right and 0.50 up from the digit the network says")
    page.keyboard.press("Shift")  # the browser shows the focus of who uses a keyboard
    style = page.locator(".fk-map").evaluate("e => getComputedStyle(e).outlineStyle")
    assert style == "solid"
    page.keyboard.press("+")
    page.get_by_text("The map is 10.7 wide").wait_for()
    page.keyboard.press("-")
    page.keyboard.press("-")
    page.get_by_text("The map is 24.0 wide").wait_for()
    for _ in range(16):  # the map follows the cross
        page.keyboard.press("ArrowLeft")
    wait_until_said(page, "^10.00 to the left and 0.50 up")
    page.keyboard.press("Home")
    wait_until_said(page, "At the digit itself")
    page.get_by_text("The map is 16.0 wide").wait_for()


def test_on_a_telephone_with_two_fingers(visit, site, assert_clean):
    page = visit(f"{site}/index.html", width=360, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".fk-map").tap()
    wait_until_said(page, "from the digit|At the digit itself")
    page.get_by_text("The map is 16.0 wide").wait_for()
    page.locator(".fk-map").evaluate(
        """map => {
        map.setPointerCapture = () => {}; // these pointers are made up
        const box = map.getBoundingClientRect();
        const send = (kind, id, x) => map.dispatchEvent(new PointerEvent(kind, { pointerId: id,
            button: 0, clientX: box.left + x, clientY: box.top + 100, bubbles: true }));
        send("pointerdown", 11, 100); send("pointerdown", 12, 200);
        send("pointermove", 11, 50); send("pointermove", 12, 250);
        send("pointerup", 11, 50); send("pointerup", 12, 250);
    }"""
    )
    page.get_by_text("The map is 8.0 wide").wait_for()  # twice as far apart: twice as near
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, server, theme, serious_violations):
    page = visit(f"{server}/index.html", theme=theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    wait_until_said(page, "At the digit itself")
    assert serious_violations(page) == []
    page = visit(f"{server}/second.html", theme=theme)
    wait_until_said(page, "With noise of", "temperature")
    page.get_by_role("button", name="One step").click()
    assert serious_violations(page) == []


def test_the_page_stays_responsive_while_it_computes(visit, server):
    page = visit(f"{server}/index.html")
    frames = page.evaluate("""() => new Promise((resolve) => {
        let frames = 0;
        const count = () => { frames++; requestAnimationFrame(count) };
        count();
        setTimeout(() => resolve([frames, document.querySelector(".fk-slices").dataset.map]), 1000);
    })""")
    assert frames[1] == "filling"
    assert frames[0] >= 5


# ---- climbing ------------------------------------------------------------------------------------


def steps(page):
    return int(page.locator(".fk-climb .fk-title").inner_text().split(":")[0].split()[1])


def test_hold_to_climb(visit, server, assert_clean):
    page = visit(f"{server}/second.html")
    wait_until_said(page, "After 0 steps: a 3 with", "climb")
    hold = page.get_by_role("button", name="Hold to climb")
    hold.scroll_into_view_if_needed()
    box = hold.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    wait_until_said(page, r"99\.99 % reached at step \d+", "climb")
    page.mouse.up()
    count = steps(page)
    assert count > 3
    page.wait_for_timeout(400)
    assert steps(page) == count  # let go, it rests
    assert page.locator(".fk-climb .fk-answer").inner_text().split()[0] == "3"
    page.get_by_role("button", name="Restart").click()
    wait_until_said(page, "After 0 steps", "climb")
    page.get_by_label("climb to").select_option("7")
    wait_until_said(page, "After 0 steps: a 7 with", "climb")
    page.get_by_label("from").select_option("grey")
    page.get_by_role("button", name="One step").click()
    wait_until_said(page, "After 1 step: a 7", "climb")
    assert_clean(page, server)


def test_climb_by_keyboard(visit, server):
    page = visit(f"{server}/second.html")
    hold = page.get_by_role("button", name="Hold to climb")
    hold.focus()
    page.keyboard.down("Space")
    page.wait_for_function(
        "() => /^step ([3-9]|..+):/.test(document.querySelector('.fk-climb .fk-title').textContent)"
    )
    page.keyboard.up("Space")
    wait_until_said(page, r"After \d+ steps: a 3", "climb")
    count = steps(page)
    steady = page.get_by_role("button", name="Climb by itself")
    steady.focus()
    page.keyboard.press("Enter")
    stop = page.get_by_role("button", name="Stop")
    assert stop.get_attribute("aria-pressed") == "true"
    wait_until_said(page, r"99\.99 % reached at step \d+", "climb")
    stop.press("Enter")
    assert steady.get_attribute("aria-pressed") == "false"
    assert steps(page) > count
    decay = page.get_by_label("decay")
    decay.focus()
    page.keyboard.press("ArrowRight")
    assert decay.get_attribute("aria-valuetext") == "0.01"


# ---- noise and temperature -----------------------------------------------------------------------


def answers(page):
    return [one.split()[:2] for one in page.locator(".fk-temperature .fk-answer").all_inner_texts()]


def test_temperature_lowers_confidence_and_keeps_the_answer(visit, server, assert_clean):
    page = visit(f"{server}/second.html")
    wait_until_said(
        page, r"With noise of 0\.30 the network says 3.* at temperature 1", "temperature"
    )
    before, same = answers(page)
    assert before == same
    knob = page.get_by_label("temperature", exact=True)
    knob.focus()
    for _ in range(20):  # each a factor of e^0.05
        page.keyboard.press("ArrowRight")
    wait_until_said(page, r"At temperature 2\.7 it says 3 all the same", "temperature")
    plain, tempered = answers(page)
    assert plain == before
    assert tempered[0] == plain[0]
    assert float(tempered[1]) < float(plain[1])
    noise = page.get_by_label("noise", exact=True)
    noise.focus()
    page.keyboard.press("Home")
    wait_until_said(page, r"With noise of 0\.00 the network says 3", "temperature")
    assert float(answers(page)[0][1]) > 99
    page.get_by_role("button", name="coin tosses").click()
    page.get_by_role("button", name="Temperature 1").click()
    wait_until_said(page, "That is at temperature 1", "temperature")
    assert answers(page)[0] == answers(page)[1]
    assert_clean(page, server)


def test_the_second_page_fits_a_telephone(visit, server):
    page = visit(f"{server}/second.html", width=360, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Climb by itself").tap()
    wait_until_said(page, r"99\.99 % reached", "climb")
    page.get_by_role("button", name="Stop").tap()
