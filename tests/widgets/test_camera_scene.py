"""The camera in the page: its proposals are PyTorch's; the widget in a small built book."""

from base64 import b64encode

import pytest
import torch
from playwright.sync_api import expect
from torch.nn.functional import interpolate

import foolkit as fk
from foolkit.analysis import camera
from foolkit.models import mtcnn
from foolkit.models.face_detector import FaceDetector
from foolkit.widgets import CameraScene
from foolkit.widgets.camera_scene import hung

MODULES = ("convolutions.js", "resizing.js", "face_detector.js", "one_goal.js")
WIDGET = "fk-camera"
WIDGET_PAGES = {"index": ["import foolkit as fk", "fk.widgets.CameraScene(3)"]}
LOAD = """all => {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    globalThis.nets = all.map((text) =>
        E.faceNetworkOf(E.readSafetensors(new DataView(bytes(text).buffer))));
    globalThis.proposal = nets[0];
    globalThis.planesOf = ([text, width, height]) => (
        { values: new Float32Array(bytes(text).buffer), channels: 3, width, height });
}"""


@pytest.fixture(scope="module")
def page(engine):
    engine(LOAD, [b64encode(mtcnn.float32_weights(name)).decode() for name in mtcnn.NAMES])
    return engine


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def frames():
    """Twenty frames with something in each: noise, what was bred and painted, and a face."""
    squares = torch.cat([camera.resized(one[None], 48) for one in hung().values()])
    return camera.paste(squares, torch.cat(camera.scenes()), 4).frames


def sent(frame):
    """Planes ``[3, H, W]`` for the page."""
    return [b64encode(frame.contiguous().numpy().tobytes()).decode(), *frame.shape[:0:-1]]


# ---- Python ----


def test_python_sets_and_reads():
    widget = CameraScene(3, left=10, top=20, side=40)
    assert repr(widget) == "CameraScene(chosen=3, left=10, top=20, side=40)"
    frame = widget.frame()
    assert frame.shape == (1, 3, 160, 240)
    expected = camera.resized(hung()["noise painted for a camera"][None], 40)
    assert (frame[:, :, 20:60, 10:50] - expected).abs().max() <= 0.5 / 255 + 1e-6
    widget.left = 200
    widget.top = 140  # the page keeps a square within the frame; Python may move it out
    assert widget.frame().shape == frame.shape


def test_the_room_alone_raises_no_alarm_and_the_face_does(detector):
    widget = CameraScene(4, side=96)
    ((box,), _) = detector.detect(widget.frame())
    centre = (box[:, :2] + box[:, 2:]) / 2 - torch.tensor([widget.left, widget.top])
    assert len(box) == 1
    assert ((centre > 0) & (centre < 96)).all()
    widget.chosen = 0
    (none,), _ = detector.detect(widget.frame())
    assert len(none) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chosen": 5}, "chosen: expected an integer of at most 4, got 5"),
        ({"side": 19}, "side: expected an integer of at least 20, got 19"),
        ({"side": 113}, "side: expected an integer of at most 112, got 113"),
        ({"left": -1}, "left: expected an integer of at least 0, got -1"),
        ({"top": 141}, "top: expected an integer of at most 140, got 141"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        CameraScene(**settings)


# ---- the network, and what it proposes ----


@pytest.mark.parametrize("side", [12, 20, 47, 48, 49, 112])
def test_squares_are_resized_as_in_python(page, side):
    square = torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(0))
    found = page(
        "([one, side]) => Array.from(E.ofSide(planesOf(one), side).values)", [sent(square), side]
    )
    expected = camera.resized(square[None], side)[0]
    assert (torch.tensor(found).view_as(expected) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("size", [(12, 12), (13, 17), (96, 144)])
def test_confidences_are_pytorchs(page, size):
    net = mtcnn.load("mtcnn-proposal").module
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    image[:, : size[0] // 2] = interpolate(image[None, :, :3, :3], (size[0] // 2, size[1]))[0]
    logits, shift = net.look(image[None])
    found = page(
        "one => { const { width, height, confidence, shift } = proposal.look(planesOf(one));"
        " return [width, height, Array.from(confidence), Array.from(shift)] }",
        sent(image),
    )
    assert found[:2] == list(logits.shape[:1:-1])
    expected = logits.softmax(1)[0, 1].flatten()
    assert (torch.tensor(found[2]) - expected).abs().max() < 1e-4
    assert (torch.tensor(found[3]) - shift.flatten()).abs().max() < 1e-4


def test_proposals_are_foolkits_on_twenty_frames(page, detector, frames):
    assert len(frames) == 20
    boxes, scores, owners = detector._proposed(frames)
    assert owners.unique().numel() >= 15  # not twenty times nothing
    for n, frame in enumerate(frames):
        found = page("one => E.proposals(E.windowsOf(proposal, planesOf(one)))", sent(frame))
        found = torch.tensor([[*map(box.get, ("left", "top", "right", "bottom", "score"))]
                              for box in found]).view(-1, 5)  # fmt: skip
        own = owners == n
        # a score beside the threshold may fall on either side of it
        expected = torch.cat([boxes[own], scores[own, None]], 1)
        one, other = (rows[(rows[:, 4] - 0.6).abs() > 1e-3] for rows in (found, expected))
        assert len(one) == len(other)
        assert (one[:, 4] - other[:, 4]).abs().lt(1e-3).all()
        assert (one[:, :4] - other[:, :4]).abs().lt(0.05).all()


@pytest.mark.parametrize("n", [1, 2])
def test_the_other_networks_are_pytorchs(page, n):
    net = mtcnn.load(mtcnn.NAMES[n]).module
    size = mtcnn.STAGES[mtcnn.NAMES[n]].size
    stored = fk.bank.faces.load()
    images = torch.cat([stored[mtcnn.NAMES[n], kind].images[:4] for kind in fk.bank.faces.ROUTES])
    with torch.inference_mode():
        logits, shift = net.look(images)
    for image, expected, lacking in zip(images, logits.softmax(1)[:, 1], shift, strict=True):
        assert image.shape[1] == size
        found = page(
            "([n, one]) => { const { confidence, shift } = nets[n].look(planesOf(one));"
            " return [...confidence, ...shift] }",
            [n, sent(image)],
        )
        assert found == pytest.approx([float(expected), *lacking.tolist()], abs=1e-4)


def test_faces_are_foolkits_on_twenty_frames(page, detector, frames):
    boxes, scores = detector.detect(frames)
    assert sum(map(len, boxes)) >= 8
    for frame, own, sure in zip(frames, boxes, scores, strict=True):
        found = page(
            """one => {
                const frame = planesOf(one), proposed = E.proposals(E.windowsOf(proposal, frame));
                return [...E.facesAmong(nets.slice(1), frame, proposed)].at(-1);
            }""",
            sent(frame),
        )
        assert len(found) == len(own)
        for one, box, score in zip(found, own.tolist(), sure.tolist(), strict=True):
            assert one["score"] == pytest.approx(score, abs=1e-3)
            place = [one[side] for side in ("left", "top", "right", "bottom")]
            assert place == pytest.approx(box, abs=0.1)


def test_what_is_bred_is_a_face_to_pytorch_too(page):
    genes, told = page(
        """() => {
            const encoding = new E.Pixels({ count: 432 });
            const settings = { encoding, goal: 1, until: 0.999, seed: 3 };
            let last;
            for (const best of E.breedOne(proposal, settings)) last = best;
            return [Array.from(last.genes), last.confidence];
        }"""
    )
    square = (torch.tensor(genes, dtype=torch.float32) * 255).floor().view(1, 3, 12, 12) / 255
    found = float(fk.models.predict(mtcnn.load("mtcnn-proposal"), square)[0, 1])
    assert told >= 0.999
    assert found == pytest.approx(told, abs=1e-3)


# ---- the widget in a book ----


def verdict(page):
    return page.locator(".fk-camera > .fk-title").first.inner_text()


def pad(page):
    return page.get_by_role("application")


def wait_for(page, text):
    expect(page.locator(".fk-camera > .fk-title").first).to_contain_text(text, timeout=60_000)


def pixels(page):
    """The frame as it is drawn, less the boxes: levels ``[160, 240, 3]``."""
    levels = page.locator("canvas.fk-frame").evaluate(
        """c => { const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            const out = [];
            for (let y = 0; y < 160; y++) for (let x = 0; x < 240; x++)
                {
                const at = 4 * ((3 * y + 1) * c.width + 3 * x + 1);
                out.push(...data.slice(at, at + 3));
            }
            return out }"""
    )
    return torch.tensor(levels).view(160, 240, 3)


def decision(page, text):
    expect(page.locator(".fk-camera > .fk-title").last).to_contain_text(text, timeout=60_000)


def is_judged_as(page, detector, scene):
    """The page says of this scene, whose square is as large as stored, what PyTorch does."""
    boxes, scores, _ = detector._proposed(scene.frame())
    x, y = ((boxes[:, n] + boxes[:, n + 2]) / 2 - at for n, at in ((0, scene.left), (1, scene.top)))
    there = scores[(x > 0) & (x < scene.side) & (y > 0) & (y < scene.side)]
    if len(there):
        boxes = "box" if len(there) == 1 else "boxes"
        wait_for(page, f": {len(there)} {boxes} on the square, the surest")
        assert number(page, "surest with ") == pytest.approx(float(there.max()), abs=1e-3)
    else:
        wait_for(page, "No box on the square: its surest window has")
        expected = surest_on_square(detector, scene, scene.frame())
        assert number(page, "window has ") == pytest.approx(expected, abs=1e-3)
    (_,), (sure,) = detector.detect(scene.frame())
    decision(page, "networks: a face on" if len(sure) else "networks: no face on")
    if len(sure):
        text = page.locator(".fk-camera > .fk-title").last.inner_text()
        told = float(text.split("square, ")[1].split(" %")[0]) / 100
        assert told == pytest.approx(float(sure[0]), abs=2e-3)


def number(page, after):
    """The confidence that the page tells after these words."""
    return float(verdict(page).split(after)[1].split(" %")[0]) / 100


def test_a_square_is_moved_by_keys_and_judged_as_in_python(
    open_page, server, assert_clean, detector
):
    page = open_page(server)
    page.get_by_role("combobox", name="what hangs there").select_option("plain noise")
    is_judged_as(page, detector, CameraScene(0))
    pad(page).focus()
    for key in ("Shift+ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    moved = CameraScene(0, left=104 + 10 - 2, top=38 + 2)
    is_judged_as(page, detector, moved)
    said = page.locator(".fk-camera > .fk-status")
    expect(said).to_contain_text("plain noise, 48 pixels wide")
    page.get_by_label("its side").fill("24")
    expect(said).to_contain_text("plain noise, 24 pixels wide. No box")
    small = CameraScene(0, left=moved.left + 12, top=moved.top + 12, side=24)
    shown = pixels(page).permute(2, 0, 1)[None] / 255
    assert (shown - small.frame()).abs().max() < 1.5 / 255  # means that lie between two levels
    expected = surest_on_square(detector, small, shown)
    assert number(page, "window has ") == pytest.approx(expected, abs=1e-3)
    assert_clean(page, server)


def surest_on_square(detector, scene, frame):
    """The largest confidence of all windows whose middle is on the square."""
    detector = FaceDetector(thresholds=(0.0, 0.7, 0.7))
    best = 0.0
    for scale in detector.pyramid(160, 240):
        small = interpolate(
            scene.frame(), (int(160 * scale + 1), int(240 * scale + 1)), mode="area"
        )
        logits, _ = detector.networks[0].module.look(small)
        rows, columns = torch.meshgrid(*map(torch.arange, logits.shape[2:]), indexing="ij")
        ends = [((at * 2 + 1 + more) / scale).floor() for at in (columns, rows) for more in (0, 11)]
        x, y = (ends[0] + ends[1]) / 2 - scene.left, (ends[2] + ends[3]) / 2 - scene.top
        there = (x > 0) & (x < scene.side) & (y > 0) & (y < scene.side)
        if there.any():
            best = max(best, float(logits.softmax(1)[0, 1][there].max()))
    return best


def test_a_square_is_dragged_and_proposed_as_in_python(open_page, server, detector):
    page = open_page(server)
    is_judged_as(page, detector, CameraScene(3))
    box = page.locator("canvas.fk-frame").bounding_box()
    at = [(box["x"] + box["width"] * x / 240, box["y"] + box["height"] * y / 160)
          for x, y in ((128, 62), (60, 100))]  # fmt: skip
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=6)
    page.mouse.up()
    is_judged_as(page, detector, CameraScene(3, left=104 - 68, top=38 + 38))
    page.get_by_role("button", name="Reset").click()
    is_judged_as(page, detector, CameraScene(3))


def test_one_is_bred_here_and_stop_stops(open_page, site, assert_clean):
    page = open_page(site)
    go = page.get_by_role("button", name="Breed one here")
    go.press("Enter")
    page.wait_for_function("() => [...document.querySelectorAll('.fk-camera option')].length === 6")
    stop = page.get_by_role("button", name="Stop")
    if stop.count():  # it may have come to its end by itself
        stop.press("Enter")
    go.wait_for()
    progress = page.locator(".fk-camera > p", has_text="generation")
    before = progress.inner_text()
    page.wait_for_timeout(500)
    assert progress.inner_text() == before
    assert "in its own window" in before
    assert page.get_by_role("combobox", name="what hangs there").input_value() == "5"
    assert_clean(page, site)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    wait_for(page, "Proposed as a face")
    assert serious_violations(page) == []


def test_fits_a_telephone(open_page, server):
    page = open_page(server, width=390)
    wait_for(page, "Proposed as a face")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
