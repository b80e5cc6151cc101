"""Fool a photograph: Python, and the widget in a small built book."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

import foolkit as fk
from foolkit.models import squeezenet
from foolkit.widgets import FoolPhotograph

PAGES = {
    "index": [
        "import foolkit as fk",
        "photographs, about = fk.data.embedded_photographs((3, 224, 224))\n"
        "fk.widgets.FoolPhotograph(photographs[:3], [one.title for one in about[:3]])",
    ]
}
WIDGET = "fk-fool-photograph"
OSTRICH = 9


@pytest.fixture(scope="module")
def photographs():
    return fk.data.embedded_photographs((3, 224, 224))[0][:3]


@pytest.fixture(scope="module")
def net():
    return fk.models.load("squeezenet1_1")


# ---- Python ----


def test_python_sets_and_reads(photographs):
    widget = FoolPhotograph(photographs, ["a", "b", "c"], 22, epsilon=2)
    assert repr(widget) == "FoolPhotograph(target=22, epsilon=2)"
    assert widget.networks == [squeezenet.NAME]
    assert widget.names[OSTRICH] == "ostrich"
    stored = np.asarray(Image.open(io.BytesIO(widget.pictures[0])), np.float32) / 255
    assert np.abs(stored - photographs[0].permute(1, 2, 0).numpy()).mean() < 0.03
    assert widget.image().shape == (0, 3, 224, 224)
    levels = (photographs[:1] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    widget.set_state({"changed": memoryview(levels.numpy().tobytes())})
    assert (widget.image() - photographs[:1]).abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: FoolPhotograph(p[:, :, :99, :99], "abc"), ValueError, "photographs: expected"),
        (lambda p: FoolPhotograph(p * 255, "abc"), ValueError, "photographs: expected"),
        (
            lambda p: FoolPhotograph(p.repeat(5, 1, 1, 1), "a" * 15),
            ValueError,
            "at most 12, got 15",
        ),
        (lambda p: FoolPhotograph(p, ["a"]), ValueError, "titles: .* 3 photographs, got 1"),
        (lambda p: FoolPhotograph(p, "abc", 1000), ValueError, "target: .* at most 999"),
        (lambda p: FoolPhotograph(p, "abc", epsilon=17), ValueError, "epsilon: .* at most 16"),
        (lambda p: FoolPhotograph(p, "abc", steps=0), ValueError, "steps: expected an integer"),
    ],
)
def test_bad_settings_are_named(photographs, make, error, message):
    with pytest.raises(error, match=message):
        make(photographs)


def test_the_weights_of_the_page_are_asked_for_by_name(photographs, monkeypatch):
    sent = []
    widget = FoolPhotograph(photographs, "abc")
    monkeypatch.setattr(widget, "send", lambda content, buffers: sent.append((content, buffers)))
    widget._answer(widget, {"file": "squeezenet1_1.safetensors"}, [])
    assert sent == [({"file": "squeezenet1_1.safetensors"}, [squeezenet.float16_weights()])]


# ---- the page ----


def said(page, start):
    """What is announced, once it starts so."""
    page.wait_for_function(
        "start => document.querySelector('.fk-status').textContent.startsWith(start)",
        arg=start,
        timeout=90_000,
    )
    return page.locator(".fk-status").inner_text()


def canvas(page, n):
    """The levels of a canvas as an image, float32 [1, 3, 224, 224]."""
    levels = (
        page.locator(".fk-photos canvas")
        .nth(n)
        .evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, 224, 224).data)")
    )
    pixels = torch.tensor(levels, dtype=torch.float32).view(224, 224, 4)[..., :3]
    return pixels.permute(2, 0, 1)[None] / 255


def first_name(page, place):
    return page.locator(".fk-likeliest").nth(place).locator(".fk-name").first.inner_text()


def png(width, height, mode="RGB", colour=(200, 60, 40), **options):
    file = io.BytesIO()
    Image.new(mode, (width, height), colour).save(file, "PNG", **options)
    return file.getvalue()


def bring(page, name, content, kind="image/png"):
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": content}
    )


def test_a_photograph_becomes_an_ostrich(open_page, site, net, assert_clean, tmp_path):
    """With the saved file before PyTorch's network, which has the weights unrounded."""
    page = open_page(site)
    assert page.get_by_role("button", name="Fool it").is_disabled()
    assert not [url for url in page.asked if "squeezenet" in url]  # nothing before it is touched
    page.locator(".fk-tile").nth(1).click()
    words = said(page, "The network calls it")
    seen = fk.models.predict(net, canvas(page, 0))
    assert net.classes[int(seen.argmax())] == first_name(page, 0)
    assert first_name(page, 0) in words
    page.get_by_role("button", name="Fool it").click()
    words = said(page, "It is “ostrich”")
    assert "steps" in words
    before, after = canvas(page, 0), canvas(page, 1)
    assert 0 < (after - before).abs().max() <= 3 / 255 + 1e-6
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    saved = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None] / 255
    assert torch.equal(saved, after)
    told = fk.models.predict(net, saved)
    assert int(told.argmax()) == OSTRICH
    assert float(told[0, OSTRICH]) > 0.9
    assert first_name(page, 1) == "ostrich"
    enlarged = canvas(page, 2)
    expected = (0.5 + 40 * (after - before)).clamp(0, 1)
    assert (enlarged - expected).abs().max() <= 1.5 / 255
    assert_clean(page, site)


def test_the_readers_own_picture_and_another_name(open_page, server, net):
    page = open_page(server)
    draws = np.random.default_rng(0)
    levels = np.clip(128 + 60 * draws.standard_normal((40, 60, 3)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).resize((600, 400), Image.Resampling.BICUBIC).save(file, "PNG")
    bring(page, "mine.png", file.getvalue())
    said(page, "The network calls it")
    wanted = page.get_by_label("to become")
    wanted.fill("no such thing")
    page.get_by_role("button", name="Fool it").click()
    assert "Choose one of the thousand names" in said(page, "Choose")
    wanted.fill("goldfish")
    page.get_by_role("button", name="Fool it").click()
    said(page, "It is “goldfish”")
    assert int(fk.models.predict(net, canvas(page, 1)).argmax()) == 1


def test_stop_ends_between_two_steps(open_page, server):
    page = open_page(server)
    page.locator(".fk-tile").nth(0).click()
    said(page, "The network calls it")
    page.get_by_role("slider").fill("1")
    page.get_by_label("to become").fill("toilet tissue")
    page.get_by_role("button", name="Fool it").click()
    said(page, "Step 1")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Fool it").wait_for()
    assert not page.locator(".fk-status").inner_text().startswith("Step")


def sixteen_bits(width, height):
    """A PNG of 16 bits a colour, red from dark to bright."""
    row = b"".join(struct.pack(">HHH", 65535 * x // (width - 1), 0, 0) for x in range(width))

    def chunk(kind, data):
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def saved(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned():
    """Taken with the camera upside down: the upper half of the file is the lower of the picture."""
    picture = Image.new("RGB", (64, 64), (255, 255, 255))
    picture.paste((0, 0, 0), (0, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 3
    return saved(picture, "JPEG", exif=exif, quality=95)


def test_odd_pictures_are_taken_as_a_person_sees_them(open_page, server):
    page = open_page(server)
    cyan = saved(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG", quality=95)
    frames = [Image.new("RGB", (64, 64), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    moving = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    clear = png(64, 64, "RGBA", (0, 0, 0, 0))
    cases = [
        ("clear.png", clear, lambda x: x.min() > 0.99),
        ("cmyk.jpg", cyan, lambda x: x[0, 0].max() < 0.3 and x[0, 1:].min() > 0.5),
        ("moving.gif", moving, lambda x: x[0, 0].min() > 0.9 and x[0, 2].max() < 0.1),
        ("deep.png", sixteen_bits(64, 64),
         lambda x: x[0, 0, 0, 0] < 0.1 and x[0, 0, 0, -1] > 0.9 and 0.4 < x[0, 0].mean() < 0.6),
        ("turned.jpg", turned(),
         lambda x: x[..., :90, :].min() > 0.9 and x[..., 130:, :].max() < 0.1),
    ]  # fmt: skip
    for name, content, looks_right in cases:
        bring(page, name, content, f"image/{name[-3:].replace('jpg', 'jpeg')}")
        page.wait_for_function(
            "() => document.querySelector('.fk-status').textContent.startsWith('The network')"
        )
        page.wait_for_timeout(200)
        page.wait_for_function(
            "() => !document.querySelector('.fk-main').textContent.includes('S')"
        )
        assert looks_right(canvas(page, 0)), name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"This is no picture.", "this is no picture that the browser can read"),
        (png(1, 1), "this picture has 1 × 1 pixels; 32 × 32 are the least"),
        (png(10_100, 10_000, "1", 0), "this picture has 101 megapixels; 100 are the most"),
    ],
    ids=["text", "tiny", "huge"],
)
def test_what_is_no_picture_is_said_in_words(open_page, server, content, message):
    page = open_page(server)
    bring(page, "odd.png", content)
    assert message in said(page, "That did not work")
    assert page.get_by_role("button", name="Fool it").is_disabled()


def test_weights_that_are_missing_are_an_error_in_words(open_page, server):
    page = open_page(server)
    page.route("**/squeezenet1_1.safetensors.js", lambda route: route.abort())
    page.locator(".fk-tile").nth(0).click()
    assert "did not load" in said(page, "That did not work")


def test_it_fits_a_phone_and_has_names(open_page, server, serious_violations, without_focus_ring):
    page = open_page(server, width=360)
    page.locator(".fk-tile").nth(0).click()
    said(page, "The network calls it")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert serious_violations(page) == []
    assert without_focus_ring(page, page.locator(".fk-widget button:enabled")) == []
