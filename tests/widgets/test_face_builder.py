"""The face builder: its networks and its pictures against Python's, and the widget in a book."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from itertools import product

import pytest
import torch

import foolkit as fk
from foolkit.data.faces import FACE, NOTHING, PLACES, drawing, faces
from foolkit.models.faces import SEEDS, load_face_net
from foolkit.models.faces import WEIGHTS as FACE_WEIGHTS
from foolkit.widgets import FaceBuilder, Jigsaw
from foolkit.widgets.base import files

MODULES = ("face_parts.js", "face_network.js")
NETWORKS = list(product(("pooled", "whole"), ("parts", "order"), range(SEEDS)))

# ---- the networks ----


@pytest.fixture(scope="module")
def nets(engine):
    """Evaluates JavaScript where ``faceNets`` holds the twelve networks, by their names."""
    engine(
        "text => { const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
        " globalThis.faceNets = E.faceNets(E.readSafetensors(new DataView(bytes.buffer))) }",
        b64encode(FACE_WEIGHTS.read_bytes()).decode(),
    )
    return engine


@pytest.fixture(scope="module")
def pictures():
    """Forty of each kind of drawing, and forty of noise."""
    kinds = ("face", "missing", "blobs", "scrambled")
    noise = torch.rand(40, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return torch.cat([*(faces(40, kind, seed=11) for kind in kinds), noise])


def test_the_pages_face_networks_are_pytorchs(nets, pictures):
    nets("xs => { globalThis.pictures = xs }", pictures.flatten(1).tolist())
    answers = []
    for head, lesson, seed in NETWORKS:
        with torch.inference_mode():
            expected = load_face_net(head, lesson, seed=seed)(pictures)
        name = f"{head}/{lesson}/{seed}"
        found = torch.tensor(
            nets("name => pictures.map((x) => Array.from(faceNets.get(name).logits(x)))", name)
        )
        assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()
        assert torch.equal(found.argmax(1), expected.argmax(1))
        answers.append(expected.argmax(1))
    assert 0.1 < torch.stack(answers).float().mean() < 0.9  # both answers are among them


def test_the_page_has_all_face_networks_and_the_reading_ones_still(nets):
    assert set(nets("() => Array.from(faceNets.keys())")) == {
        f"{head}/{lesson}/{seed}" for head, lesson, seed in NETWORKS
    }
    assert nets("() => E.networkOf(net.weights) instanceof E.LeNet")


# ---- the pictures ----


def moved(face, moves):
    """What Python draws of one face with its parts moved, in 8 bits."""
    kinds = face.kinds.clone()
    kinds[0, [n for n, move in enumerate(moves) if move is None]] = NOTHING
    places = face.places + torch.tensor([[move or [0, 0] for move in moves]])
    return (replace(face, kinds=kinds, places=places).images() * 255).round() / 255


def test_faces_are_put_together_as_python_draws_them(engine):
    draws = torch.Generator().manual_seed(5)
    for seed in range(10):
        face = drawing(1, seed=seed)
        steps = torch.randint(-20, 21, (6, 2), generator=draws).tolist()
        steps[seed % 6] = None if seed % 2 else [0, 0]
        layers = (face.layers()[0] * 255).round() / 255
        found = engine(
            "([layers, moves]) => Array.from(E.assembled(layers, moves))",
            [layers.flatten(1).tolist(), steps],
        )
        difference = (torch.tensor(found) - moved(face, steps).flatten()).abs()
        assert difference.max() < 1.5 / 255  # a half rounded up or down
        assert (difference > 1e-6).float().mean() < 0.01


def test_a_scrambled_face_is_one_of_pythons(engine):
    found = engine(
        "homes => { const random = new E.Random(2);"
        " return Array.from({ length: 1000 }, () => E.scrambledMoves(homes, random)) }",
        PLACES,
    )
    places = torch.tensor(PLACES) + torch.tensor(found)
    there = torch.cdist(places, torch.tensor(PLACES))  # [1000, part, place]
    place = there.argmin(2)
    assert there.amin(2).max() < 0.75  # moves are whole pixels
    assert torch.equal(place.sort(1).values, torch.arange(6).expand(1000, 6))
    kinds = torch.tensor(FACE)
    assert int((kinds[place] != kinds).sum(1).min()) == 4
    assert {tuple(row) for row in kinds[place.argsort(1)].tolist()} == {
        tuple(row) for row in drawing(3000, "scrambled").kinds.tolist()
    }


def test_the_middle_of_a_part_stays_in_the_picture(engine):
    ends = engine("homes => homes.map((h) => [E.within(h, [-99, 99]), E.within(h, [99, -99])])",
                  PLACES)  # fmt: skip
    for (x, y), corners in zip(PLACES, ends, strict=True):
        for dx, dy in corners:
            assert 14.5 < abs(x + dx) <= 15.5
            assert 14.5 < abs(y + dy) <= 15.5
    assert json.dumps(engine("() => E.within([0, 0], [-0.2, 2.4])")) == "[0, 2]"


# ---- Python ----


def test_python_reads_and_sets():
    given = drawing(3, seed=4)
    widget = FaceBuilder(given, chosen=2, lesson="order", trained=1, seed=8)
    assert repr(widget) == "FaceBuilder(chosen=2, lesson='order', trained=1, seed=8)"
    assert torch.equal(widget.current(), (given.images()[2:] * 255).round() / 255)
    assert widget.confidence == []
    widget.moves = [[3, -2], None, [0, 0], [0, 0], [0, 0], [-31, 31]]
    one = drawing(3, seed=4)
    alone = replace(one, **{name: value[2:] for name, value in vars(one).items()})
    assert torch.equal(widget.current(), moved(alone, widget.moves))
    widget.set_state({"moves": [[0, 0]] * 5 + [None], "confidence": [0.25, 0.5]})
    assert widget.moves[5] is None
    assert widget.confidence == [0.25, 0.5]
    assert len(FaceBuilder().faces) == 4


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FaceBuilder(faces(2)), TypeError, "faces: expected a Drawing, got Tensor"),
        (lambda: FaceBuilder(drawing(2, "blobs")), ValueError, "faces: expected complete faces"),
        (lambda: FaceBuilder(chosen=4), ValueError, "chosen: expected .* at most 3, got 4"),
        (lambda: FaceBuilder(lesson="all"), ValueError, "lesson: expected one of 'parts', 'order'"),
        (lambda: FaceBuilder(trained=3), ValueError, "trained: expected .* at most 2, got 3"),
        (lambda: setattr(FaceBuilder(), "moves", [None]), ValueError, "moves: expected one for"),
        (lambda: setattr(FaceBuilder(), "moves", [3] * 6), ValueError, "moves: expected .right"),
        (
            lambda: setattr(FaceBuilder(), "moves", [[0, 40]] * 6),
            ValueError,
            "moves: expected an integer of at most 31, got 40",
        ),
        (lambda: setattr(FaceBuilder(), "network", "lenet"), ValueError, "network: .*faces"),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_kernel_sends_the_face_networks_to_this_widget_alone(monkeypatch):
    sent = []
    widget = FaceBuilder()
    monkeypatch.setattr(widget, "send", lambda content, buffers: sent.append((content, buffers)))
    for content in ({"file": "lenet.safetensors"}, {"file": "faces.safetensors"}):
        widget._answer(widget, content, [])
    assert sent == [({"file": "faces.safetensors"}, [FACE_WEIGHTS.read_bytes()])]
    images, labels = fk.data.digits()
    with pytest.raises(ValueError, match="network: expected one that the page can run"):
        Jigsaw(images[:1], labels[:1]).network = "faces"
    assert list(files("lenet")) == ["lenet.safetensors"]


# ---- the page ----


WIDGET_PAGES = {"index": ["import foolkit as fk\nfk.widgets.FaceBuilder()"]}


@pytest.fixture
def open_page(visit):
    def opened(site, **options):
        page = visit(f"{site}/index.html", **options)
        page.locator(".fk-faces[data-ready]").wait_for()
        said(page, "Here is a face.")
        return page

    return opened


@pytest.fixture(scope="module")
def face():
    """The face that the page shows first."""
    one = drawing(4)
    return replace(one, **{name: value[:1] for name, value in vars(one).items()})


def said(page, start):
    """What is announced, once it starts so."""
    page.wait_for_function(
        "start => document.querySelector('.fk-faces').dataset.told === 'true'"
        " && document.querySelector('.fk-status').textContent.startsWith(start)",
        arg=start,
    )
    return page.locator(".fk-status").inner_text()


def pixels(page):
    """The face on the pad, 32 x 32 in [0, 1]."""
    values = page.locator(".fk-pad canvas").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 32, 32).data)"
    )
    return torch.tensor(values[::4]).view(1, 1, 32, 32).float() / 255


def shows(page, face, moves):
    difference = (pixels(page) - moved(face, moves)).abs()
    return difference.max() < 1.5 / 255 and (difference > 1e-6).float().mean() < 0.01


def agrees(page, lesson="parts", trained=0):
    """What is announced and written is what PyTorch's networks say of what is shown."""
    told = re.findall(
        r"The (\w+) network says: (a|no) face, with ([\d.]+) %",
        page.locator(".fk-status").inner_text(),
    )
    numbers = page.locator(".fk-number").all_inner_texts()
    assert [head for head, _, _ in told] == ["pooled", "whole"]
    for (head, word, sure), number in zip(told, numbers, strict=True):
        net = load_face_net(head, lesson, seed=trained)
        expected = float(fk.models.predict(net, pixels(page))[0, 1])
        assert float(number.split()[0]) / 100 == pytest.approx(expected, abs=2e-4)
        assert float(sure) / 100 == pytest.approx(max(expected, 1 - expected), abs=2e-4)
        assert word == ("a" if expected > 0.5 else "no")
        assert number.endswith("✓ a face" if expected > 0.5 else "✗ no face")
    return True


def at(page, x, y):
    """A place, in pixels from the middle of the face, on the screen."""
    box = page.locator(".fk-pad canvas").bounding_box()
    return box["x"] + box["width"] * (x + 16) / 32, box["y"] + box["height"] * (y + 16) / 32


def but(part, move):
    return [move if n == part else [0, 0] for n in range(6)]


def test_drag_a_part(open_page, server, face, assert_clean):
    page = open_page(server)
    assert shows(page, face, [[0, 0]] * 6)
    assert agrees(page)
    restore = page.get_by_role("button", name="Restore")
    assert restore.is_disabled()
    before = page.locator(".fk-verdicts").inner_text()
    x, y = face.places[0, 5].tolist()  # the mouth, to the forehead
    page.mouse.move(*at(page, x, y))
    page.mouse.down()
    page.mouse.move(*at(page, x + 2, y - 19), steps=8)
    page.mouse.up()
    text = said(page, "The mouth is 2 to the right and 19 up of its place.")
    assert "The whole network says: no face" in text
    assert shows(page, face, but(5, [2, -19]))
    assert agrees(page)
    assert page.locator(".fk-verdicts").inner_text() != before
    restore.click()
    said(page, "All parts are in their places.")
    assert shows(page, face, [[0, 0]] * 6)
    assert page.locator(".fk-verdicts").inner_text() == before
    assert_clean(page, server)


def test_where_there_is_no_part_nothing_is_dragged(open_page, server, face):
    page = open_page(server)
    page.mouse.move(*at(page, -14, 14))
    page.mouse.down()
    page.mouse.move(*at(page, 0, 0), steps=4)
    page.mouse.up()
    assert shows(page, face, [[0, 0]] * 6)


def test_move_with_the_keyboard_alone(open_page, server, face):
    page = open_page(server)
    page.get_by_role("application").focus()
    for key in ("5", "ArrowLeft", "ArrowLeft", "Shift+ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    said(page, "The nose is 2 to the left and 3 down of its place.")
    assert shows(page, face, but(4, [-2, 3]))
    assert agrees(page)
    page.keyboard.press("Delete")
    said(page, "The nose is taken away.")
    assert shows(page, face, but(4, None))
    assert agrees(page)
    page.keyboard.press("Delete")
    said(page, "The nose is in its place.")
    page.get_by_role("combobox", name="part").select_option("1")
    said(page, "The right brow is in its place.")
    page.get_by_role("application").focus()
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
    most = int(15.5 - float(face.places[0, 1, 0]))
    said(page, f"The right brow is {most} to the right of its place.")
    assert shows(page, face, but(1, [most, 0]))


def test_scrambled_and_upside_down(open_page, server, face):
    page = open_page(server)
    home = pixels(page)
    for lesson, trained in (("parts", 0), ("order", 2)):
        page.get_by_role("combobox", name="taught").select_option(lesson)
        page.get_by_role("combobox", name="networks").select_option(str(trained))
        said(page, "Other networks of the same lesson." if trained else "Here is a face.")
        assert agrees(page, lesson, trained)
        page.get_by_role("button", name="Upside down").click()
        said(page, "Arranged upside down")
        flips = [[0, round(-2 * y)] for y in face.places[0, :, 1].tolist()]
        assert shows(page, face, flips)
        assert agrees(page, lesson, trained)
        for _ in range(3):
            page.get_by_role("button", name="Scramble").click()
            said(page, "Scrambled")
            assert not torch.equal(pixels(page), home)
            assert agrees(page, lesson, trained)


def test_another_face_starts_whole(open_page, server):
    page = open_page(server)
    page.get_by_role("button", name="Scramble").click()
    page.get_by_role("combobox", name="start from").select_option("3")
    said(page, "Another face.")
    assert torch.allclose(pixels(page), (drawing(4).images()[3:] * 255).round() / 255)
    assert agrees(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, server, theme, serious_violations):
    page = open_page(server, theme=theme)
    page.get_by_role("application").press("3")
    assert serious_violations(page) == []


def test_with_a_finger_on_a_telephone(open_page, site, assert_clean, face):
    page = open_page(site, width=360, has_touch=True, is_mobile=True)
    page.touchscreen.tap(*at(page, *face.places[0, 5].tolist()))
    said(page, "The mouth is in its place.")
    page.get_by_role("button", name="Take it away").tap()
    said(page, "The mouth is taken away.")
    assert shows(page, face, but(5, None))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_clean(page, site)


def test_every_control_shows_that_it_has_the_focus(open_page, server, without_focus_ring):
    page = open_page(server)
    page.get_by_role("button", name="Scramble").click()  # so that Restore can be reached
    controls = page.locator(".fk-faces").locator("button, select, [tabindex='0']")
    assert without_focus_ring(page, controls) == []
