"""Fool a photograph: its Python side, its attack, and the widget in a small built book."""

import io
import os
from base64 import b64decode, b64encode

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect

import foolkit as fk
from foolkit.models import squeezenet
from foolkit.widgets import FoolPhotograph, base
from foolkit.widgets.fool_photograph import free_photographs

MODULES = ("squeezenet.js", "targeted.js", "name_search.js")
WIDGET = "fk-fool"
WIDGET_PAGES = {"index": ["import foolkit as fk", "fk.widgets.FoolPhotograph()"]}
OSTRICH = 9


@pytest.fixture(scope="module")
def net():
    return fk.models.load("squeezenet1_1")


@pytest.fixture(scope="module")
def photographs():
    return free_photographs()[0]


@pytest.fixture(scope="module")
def picture(photographs):
    """A reader's own: larger than the network's, and not square. PIL's, 400 by 300."""
    large, _ = fk.data.embedded_photographs((3, 300, 400))
    return Image.fromarray((large[5] * 255).round().byte().permute(1, 2, 0).numpy())


def encoded(picture, kind="PNG", **settings):
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


# ---- Python ----


def test_state_is_what_was_given(photographs):
    widget = FoolPhotograph(photographs[:2], ["a", "b"], goal=817, epsilon=2, chosen=1)
    assert repr(widget) == "FoolPhotograph(titles=['a', 'b'], goal=817, epsilon=2)"
    assert (widget.chosen, widget.networks) == (1, ["squeezenet1_1"])
    for content, image in zip(widget.pictures, photographs, strict=False):
        shown = np.asarray(Image.open(io.BytesIO(content)))
        assert shown.shape == (224, 224, 3)
        assert np.abs(shown / 255 - image.permute(1, 2, 0).numpy()).mean() < 0.05
    widget.goal = 3
    assert widget.goal == 3
    assert sum(map(len, FoolPhotograph().pictures)) < 150_000


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"goal": 1000}, ValueError, "goal: expected an integer of at most 999, got 1000"),
        ({"epsilon": 0}, ValueError, "epsilon: expected an integer of at least 1, got 0"),
        ({"chosen": 8}, ValueError, "chosen: expected an integer of at most 5, got 8"),
        ({"photographs": torch.rand(1, 3, 8, 8)}, ValueError, "photographs: expected shape"),
        ({"photographs": torch.rand(2, 3, 224, 224)}, TypeError, "titles: expected a sequence"),
        (
            {"photographs": torch.rand(2, 3, 224, 224), "titles": ["one"]},
            ValueError,
            "titles: expected one for each of 2, got 1",
        ),
        (
            {"photographs": torch.zeros(21, 3, 224, 224), "titles": ["a"] * 21},
            ValueError,
            "photographs: expected at most 20, got 21",
        ),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        FoolPhotograph(**settings)


def test_the_kernel_answers_with_the_files_of_the_network():
    widget, sent = FoolPhotograph(), {}
    widget.send = lambda content, buffers: sent.update({content["file"]: buffers[0]})
    for file in ("squeezenet1_1.safetensors", base.WORKER, "lenet.safetensors", None):
        widget._answer(widget, {"file": file}, [])
    assert sorted(sent) == [base.WORKER, "squeezenet1_1.safetensors"]
    assert sent["squeezenet1_1.safetensors"] == squeezenet.float16_weights()
    assert b"targetedSteps" in sent[base.WORKER]


def test_nothing_of_the_readers_picture_is_synchronised():
    told = set(FoolPhotograph().get_state()) - set(base.Widget().get_state())
    assert told == {"pictures", "titles", "chosen", "goal", "epsilon"}


# ---- the attack ----


FOOL = """([text, size, weights, settings]) => {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    globalThis.squeezed ??= E.squeezeNet(E.readSafetensors(new DataView(bytes(weights).buffer)));
    const all = [...E.targetedSteps(squeezed, bytes(text), size, settings)];
    return all.map((one) => ({ ...one, levels: Array.from(one.levels) }));
}"""


@pytest.fixture(scope="module")
def attacked(engine):
    """Every image on the way from ``[3, S, S]``: uint8 ``[n, 3, S, S]``, and what was told."""
    weights = b64encode(squeezenet.float16_weights()).decode()

    def run(image, **settings):
        size = image.shape[1]
        levels = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy().tobytes()
        told = engine(FOOL, [b64encode(levels).decode(), size, weights, settings])
        images = torch.tensor([one.pop("levels") for one in told], dtype=torch.uint8)
        return images.view(-1, size, size, 3).permute(0, 3, 1, 2), told

    return run


def test_every_step_is_an_8_bit_image_within_the_box(attacked):
    image = fk.data.embedded_photographs((3, 64, 64))[0][3]
    images, told = attacked(image, goal=OSTRICH, epsilon=3, enough=2, most=9)
    moved = images.int() - (image * 255).round().int()
    assert [one["steps"] for one in told] == list(range(10))
    assert not any(one["done"] for one in told)
    assert (moved[0] == 0).all()
    assert moved.abs().amax((1, 2, 3)).tolist() == [0, 1, 2, *[3] * 7]
    assert (moved.diff(dim=0).abs() <= 1).all()


def test_it_ends_with_enough_confidence_and_python_agrees(attacked):
    image = fk.data.embedded_photographs((3, 96, 96))[0][0]
    images, told = attacked(image, goal=OSTRICH, epsilon=8)
    assert [one["done"] for one in told] == [False] * (len(told) - 1) + [True]
    assert 3 <= told[-1]["steps"] < 40
    small = fk.models.load("squeezenet1_1", input_shape=(3, 96, 96))
    confidences = fk.models.predict(small, images.float() / 255)
    for found, one in zip(confidences, told, strict=True):
        assert (found - torch.tensor(one["confidences"])).abs().max() < 0.02  # weights of 16 bits
    assert int(confidences[-1].argmax()) == OSTRICH


# ---- the names ----


def test_names_are_found_by_a_part(engine, net):
    def found(text):
        places = engine("([names, text]) => E.matching(names, text)", [net.classes, text])
        return [net.classes[k] for k in places]

    assert found("ostr") == ["ostrich"]
    assert found(" OSTRICH ") == ["ostrich"]
    assert found("zzz") == []
    assert len(found("")) == 1000
    terms = found("cat")
    assert all("cat" in name.lower() for name in terms)
    assert terms[0].lower().startswith("cat")


# ---- the widget in a book ----


@pytest.fixture
def page(open_page, site):
    return open_page(site)


def said(page, text, timeout=20_000):
    expect(page.locator(".fk-fool > .fk-status")).to_contain_text(text, timeout=timeout)


def bring(page, content, name="mine.png", kind="image/png"):
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": content}
    )


def pixels(page, which=0):
    """The canvas: uint8 [224, 224, 3]."""
    address = page.locator("canvas.fk-photograph").nth(which).evaluate("c => c.toDataURL()")
    content = b64decode(address.partition(",")[2])  # a PNG
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def saved(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    return download.value


def test_the_readers_own_becomes_an_ostrich(page, site, picture, net, assert_clean, tmp_path):
    assert not any("safetensors" in url for url in page.asked)  # before the first touch
    bring(page, encoded(picture, "JPEG", quality=95), "mine.jpg", "image/jpeg")
    said(page, "The network calls your picture")
    page.get_by_role("button", name="Fool it").click()
    said(page, "Fooled in")
    files = [url for url in page.asked if url.endswith("safetensors.js")]
    assert len(files) == 1
    download = saved(page)
    assert download.suggested_filename == "ostrich.png"
    said(page, "Saved as ostrich.png")
    (tmp_path / "saved.png").write_bytes(download.path().read_bytes())
    image, _ = fk.data.photographs(tmp_path, (3, 224, 224))
    levels = (image[0] * 255).round().byte().permute(1, 2, 0).numpy()
    assert (levels == pixels(page, 2)).all()
    assert 1 <= np.abs(levels.astype(int) - pixels(page)).max() <= 3
    confidence, answer = fk.models.predict(net, image)[0].max(0)
    assert int(answer) == OSTRICH
    told = page.locator(".fk-names li").first
    assert told.locator("span").first.inner_text() == "ostrich"
    percent = float(told.locator(".fk-number").inner_text().removesuffix(" %"))
    assert abs(100 * float(confidence) - percent) < 2
    assert_clean(page, site)


def test_a_photograph_of_the_book_becomes_what_the_reader_chose_by_keyboard(page, photographs, net):
    page.get_by_role("button", name="coffee", exact=True).press("Enter")
    said(page, "The network calls coffee")
    name = net.classes[int(fk.models.predict(net, photographs[4:5]).argmax())]
    assert f"“{name}”" in page.locator(".fk-fool > .fk-status").inner_text()
    page.get_by_label("a name for it", exact=True).fill("school b")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Fool it").press("Enter")
    said(page, "“school bus”")
    said(page, "Fooled in")
    change = pixels(page, 1).astype(int) - 128
    between = pixels(page, 2).astype(int) - pixels(page)
    assert (change == (40 * between).clip(-128, 127)).all()
    page.get_by_role("button", name="Flicker test").press("Enter")
    for state in ("the original", "the changed picture", "the original"):
        page.get_by_text(f"now: {state}").wait_for()
    page.get_by_role("button", name="Stop the flicker").press("Enter")
    assert (pixels(page, 2).astype(int) - pixels(page) == between).all()
    # another wish: what was made is gone
    page.get_by_label("largest change of a colour").press("ArrowRight")
    assert (pixels(page, 2) == pixels(page)).all()
    assert page.get_by_role("button", name="Save as PNG").is_disabled()


def test_it_can_be_stopped(open_page, server):
    page = open_page(server)
    page.get_by_label("a name for it", exact=True).focus()
    said(page, "The network calls temple")
    page.get_by_role("button", name="Fool it").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    said(page, "Stopped.")
    page.wait_for_timeout(1500)
    said(page, "Stopped.")
    page.get_by_role("button", name="Fool it").click()
    said(page, "Fooled in")


# ---- pictures of every kind ----


HALVES = np.zeros((60, 120, 3), np.uint8)  # of the middle square, left red and right blue
HALVES[:, :60] = (255, 0, 0)
HALVES[:, 60:] = (0, 0, 255)


def turned():
    """Stored lying on its side: a camera's note says how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    stored = Image.fromarray(HALVES).rotate(90, expand=True)
    return encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0)


def transparent():
    return encoded(Image.fromarray(np.dstack([HALVES, np.full((60, 120), 0, np.uint8)])))


def moving():
    frames = [Image.fromarray(HALVES), Image.fromarray(HALVES[:, ::-1])]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=9000)


def sixteen():
    """A PNG of 16 bits a pixel, grey: 0x4040 is 64 of 255."""
    return encoded(Image.fromarray(np.full((50, 50), 0x4040, np.uint16)))


KINDS = {
    "turned": (turned, (255, 0, 0), (0, 0, 255)),
    "transparent": (transparent, (255, 255, 255), (255, 255, 255)),
    "moving": (moving, (255, 0, 0), (0, 0, 255)),
    "16 bits": (sixteen, (64, 64, 64), (64, 64, 64)),
    "CMYK": (
        lambda: encoded(Image.fromarray(HALVES).convert("CMYK"), "JPEG", quality=95),
        (255, 0, 0),
        (0, 0, 255),
    ),
    "palette": (lambda: encoded(Image.fromarray(HALVES).convert("P")), (255, 0, 0), (0, 0, 255)),
    "one pixel": (
        lambda: encoded(Image.new("RGB", (1, 1), (10, 200, 30))), (10, 200, 30), (10, 200, 30),
    ),
    "long": (lambda: encoded(Image.new("RGB", (4000, 2), (9, 9, 9))), (9, 9, 9), (9, 9, 9)),
}  # fmt: skip


FIRST = (
    "document.querySelector('.fk-fool canvas').getContext('2d').getImageData(9, 9, 1, 1).data[0]"
)


def test_pictures_of_every_kind_are_right(open_page, server):
    page = open_page(server)
    for kind, (content, left, right) in KINDS.items():
        bring(page, encoded(Image.new("RGB", (9, 9), (77, 88, 99))))
        page.wait_for_function(f"() => {FIRST} === 77")
        bring(page, content())
        page.wait_for_function(f"() => {FIRST} !== 77")
        shown = pixels(page).astype(int)
        near = 60 if kind == "CMYK" else 4  # browsers differ in printers' colours
        assert np.abs(shown[112, 40] - left).max() <= near, kind
        assert np.abs(shown[112, 180] - right).max() <= near, kind


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: b"no picture at all", "This is no picture that your browser can read"),
        (lambda: b"", "This is no picture that your browser can read"),
        (
            lambda: encoded(Image.new("1", (10_000, 10_000))),
            "This picture has 100 megapixels, and the page takes 64 at most",
        ),
    ],
    ids=["text", "nothing", "100 megapixels"],
)
def test_what_cannot_be_read_is_said(open_page, server, content, message):
    page = open_page(server)
    before = pixels(page)
    bring(page, content())
    said(page, message)
    assert (pixels(page) == before).all()
    # by the key: the first touch loads the network and moves what lies below the message
    page.get_by_role("button", name="Fool it").press("Enter")  # the picture before is still there
    said(page, "Fooled in")


# ---- the other ways in ----


GIVE = """([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    if (text) data.items.add(new File([bytes], "mine.png", { type: "image/png" }));
    else data.setData("text/plain", "https://example.org/cat.jpg");
    const zone = document.querySelector(".fk-drop");
    const event = name === "paste"
        ? new ClipboardEvent(name, { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true });
    return zone.dispatchEvent(event);
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(open_page, server, picture, way):
    page = open_page(server)
    asked = page.evaluate(GIVE, [way, b64encode(encoded(picture)).decode()])
    assert asked is False  # the browser does not open it
    said(page, "The network calls your picture")
    page.evaluate(GIVE, [way, ""])
    said(page, "That is no file")
    assert not any("example.org" in url for url in page.asked)


def test_without_a_camera_it_says_so(open_page, server):
    page = open_page(server)
    page.get_by_role("button", name="Camera").click()
    said(page, "There is no camera here that this page may use")


def test_a_picture_is_taken(browser, server):
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    other = browser.browser_type.launch(
        executable_path=os.environ["FOOLKIT_BROWSER"], args=["--no-sandbox", "--disable-gpu", *fake]
    )
    try:
        page = other.new_page()
        page.goto(f"{server}/index.html")
        page.locator(".fk-fool[data-ready]").wait_for()
        page.get_by_role("button", name="Camera").click()
        shoot = page.get_by_role("button", name="Take the picture")
        page.wait_for_function("() => document.querySelector('video').videoWidth > 0")
        shoot.click()
        said(page, "The network calls your picture")
        assert pixels(page).std() > 10
        assert page.evaluate("() => document.querySelector('video').srcObject") is None
        assert not shoot.is_visible()
    finally:
        other.close()


# ---- for everyone ----


def test_weights_that_are_missing_are_an_error_in_words_and_can_be_had_later(visit, server):
    page = visit("about:blank")
    page.route("**/squeezenet1_1*", lambda route: route.abort())
    page.goto(f"{server}/index.html")
    page.locator(".fk-fool[data-ready]").wait_for()
    page.get_by_role("button", name="Fool it").click()
    said(page, "the file squeezenet1_1.safetensors of this site did not load")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    assert serious_violations(page) == []
    page.get_by_role("button", name="Fool it").press("Enter")
    said(page, "Fooled in")
    assert serious_violations(page) == []


def test_fits_a_telephone(open_page, server):
    page = open_page(server, width=360)
    page.get_by_role("button", name="Fool it").press("Enter")
    said(page, "Fooled in")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_focus_shows(open_page, server, without_focus_ring):
    page = open_page(server)
    page.get_by_role("button", name="Fool it").click()
    said(page, "Fooled in")
    controls = page.locator(".fk-fool").locator("button:visible, input, select, [tabindex='0']")
    assert without_focus_ring(page, controls) == []


def test_less_motion_is_one_flicker(open_page, server):
    page = open_page(server, reduced_motion="reduce")
    page.get_by_role("button", name="Fool it").click()
    said(page, "Fooled in")
    page.get_by_role("button", name="Flicker test").click()
    page.get_by_text("now: the original").wait_for()
    page.get_by_text("now: the changed picture").wait_for()
    page.get_by_role("button", name="Flicker test").wait_for()  # and no longer its stop
