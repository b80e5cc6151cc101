"""The slice explorer: its plane is foolkit's, its directions lead across the nearest borders."""

import pytest
import torch

import foolkit as fk
from foolkit.widgets import SliceExplorer

MODULES = ("deepfool.js", "plane.js")


@pytest.fixture(scope="module")
def digit():
    """A real digit, float32 [1, 1, 28, 28]."""
    return SliceExplorer(3).middle()


def flat(image):
    return image.flatten().tolist()


MAP = """([centre, first, second, size, reach]) => {
    const [u, v] = E.perpendicular(Float64Array.from(first), Float64Array.from(second));
    const map = new E.PlaneMap(net, { centre, u, v, clip: false }, size);
    map.look(0, 0, reach);
    const steps = [...map.fill()];
    const cells = [];
    for (let row = 0; row < size; row++)
        for (let column = 0; column < size; column++) cells.push(map.at(column, row));
    return { steps, answers: cells.map((c) => c.answer), sure: cells.map((c) => c.confidence) };
}"""


def test_the_map_is_foolkits_plane(engine, lenet, digit):
    draws = torch.Generator().manual_seed(0)
    ways = torch.randn(2, 1, 1, 28, 28, generator=draws)
    size, reach = 16, 20.0
    found = engine(MAP, [flat(digit), flat(ways[0]), flat(ways[1]), size, reach])
    edge = reach - reach / size  # a cell's middle
    limits = {"across": (-edge, edge), "along": (-edge, edge)}
    seen = fk.analysis.answers_on_plane(lenet, digit, ways[0], ways[1], points=size, **limits)
    assert len(seen.predicted.unique()) > 1
    assert found["answers"] == seen.predicted.flatten().tolist()
    assert (torch.tensor(found["sure"]) - seen.confidence.flatten()).abs().max() < 1e-3
    # coarse to fine, each image once
    assert found["steps"] == sorted(found["steps"], reverse=True)
    assert len(found["steps"]) == size**2 + 1


def test_a_map_that_moves_keeps_what_it_knows(engine, digit):
    judged = engine(
        """([centre]) => {
        const random = new E.Random(1);
        const [u, v] = E.perpendicular(E.gaussians(random), E.gaussians(random));
        const map = new E.PlaneMap(net, { centre, u, v, clip: true }, 16);
        const fill = (...where) => { map.look(...where); return [...map.fill()].length - 1 };
        return [fill(0, 0, 8), fill(0, 0, 8), fill(2, 0, 8), fill(2, -1, 8), fill(2, -1, 4)];
    }""",
        [flat(digit)],
    )
    assert judged == [256, 0, 32, 16, 256]


def test_regions_are_labelled_inside(engine):
    regions = engine("""() => {
        const map = new E.PlaneMap(null, null, 8);
        map.look(0, 0, 4);
        for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++)
            map.known.set((map.left + i) * 1e6 + map.bottom + j, { answer: i < 5 ? 3 : 8 });
        return map.regions();
    }""")
    assert [(one["answer"], one["cells"]) for one in regions] == [(3, 40), (8, 24)]
    assert (regions[0]["column"], regions[0]["depth"]) == (2, 3)
    assert (regions[1]["column"], regions[1]["depth"]) == (6, 2)


def test_adversarial_ways_cross_the_border_and_rival_deepfool(engine, lenet):
    images = torch.cat([SliceExplorer(digit).middle() for digit in (0, 3, 4, 7)])
    labels = torch.tensor([0, 3, 4, 7])
    peer = fk.gradients.deepfool(lenet, images, labels, progress=False)
    random = torch.randn(images.shape, generator=torch.Generator().manual_seed(2)).flatten(1)
    for image, label, reach, aside in zip(images, labels, peer.l2, random, strict=True):
        ways = engine(
            """([x]) => { let ways; for (ways of E.adversarialWays(net, x)); return ways.map(
            ({ goal, change, length }) => ({ goal, length, change: Array.from(change) })) }""",
            [flat(image)],
        )
        assert len(ways) >= 2
        assert ways == sorted(ways, key=lambda way: way["length"])
        for way in ways:
            change = torch.tensor(way["change"])
            there = image + change.view(1, 28, 28)
            assert there.min() >= -1e-6
            assert there.max() <= 1 + 1e-6
            assert abs(float(change.norm()) - way["length"]) < 1e-4
            assert int(lenet(there[None]).argmax()) == way["goal"] != int(label)
        # as short as the package's, and noise of that size does nothing
        assert ways[0]["length"] < 1.25 * float(reach)
        noise = (aside / aside.norm() * ways[0]["length"]).view(1, 1, 28, 28)
        assert int(lenet(image[None] + noise).argmax()) == int(label)


def test_directions_are_made_perpendicular(engine):
    found = engine("""() => {
        const random = new E.Random(5), first = E.gaussians(random), second = E.gaussians(random);
        const [u, v] = E.perpendicular(first, second);
        const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
        return [dot(u, u), dot(v, v), dot(u, v), dot(u, first) - E.norm(first),
            E.perpendicular(first, first.map((x) => -2 * x)), first.reduce((a, b) => a + b) / 784];
    }""")
    assert found[:2] == pytest.approx([1, 1])
    assert found[2:4] == pytest.approx([0, 0], abs=1e-9)
    assert found[4] is None
    assert abs(found[5]) < 5 / 28


# ---- Python's side -------------------------------------------------------------------------------


def test_settings_and_repr(digit):
    widget = SliceExplorer(7, directions="two random", seed=4, reach=5)
    assert repr(widget) == ("SliceExplorer(directions='two random', clip=False, seed=4, reach=5.0)")
    widget.point = (1, 2.5)
    widget.directions, widget.clip = "two adversarial", True
    assert (widget.point, widget.directions) == ([1.0, 2.5], "two adversarial")
    given = SliceExplorer(across=digit, along=1 - digit)
    assert given.directions == "given"
    numbers = torch.frombuffer(bytearray(given.axes), dtype=torch.float32)
    assert torch.equal(numbers, torch.cat([digit.flatten(), 1 - digit.flatten()]))
    assert torch.equal(SliceExplorer(image=digit).middle(), digit)
    assert SliceExplorer._esm.count("export default") == 1


WAY = torch.ones(1, 1, 28, 28)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"digit": 10}, ValueError, "digit: expected an integer of at most 9, got 10"),
        ({"directions": "up"}, ValueError, "directions: expected one of .*, got 'up'"),
        ({"directions": "given"}, ValueError, "directions: expected one of .*, got 'given'"),
        ({"across": WAY}, ValueError, "along: expected a direction .*, got None"),
        ({"across": WAY[0], "along": WAY}, ValueError, r"across: .* got \[1, 28, 28\]"),
        ({"across": WAY, "along": 0 * WAY}, ValueError, "along: .* length > 0, got 0.0"),
        ({"across": WAY, "along": -3 * WAY}, ValueError, "along: .* not parallel to across"),
        ({"clip": 1}, TypeError, "clip: expected True or False, got 1"),
        ({"seed": -1}, ValueError, "seed: expected an integer of at least 0"),
        ({"reach": 0.1}, ValueError, "reach: expected a number from 0.5 to 60, got 0.1"),
        ({"image": WAY[0]}, ValueError, "image: expected shape"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        SliceExplorer(**settings)


def test_a_bad_point_is_named_and_the_old_one_stays():
    widget = SliceExplorer()
    for bad in ((1,), 3, (0, 1e9)):
        with pytest.raises(ValueError, match="point: expected"):
            widget.point = bad
    assert widget.point == [0.0, 0.0]
