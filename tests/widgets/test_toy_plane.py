"""The toy plane: its Python side, and its five models in a real browser."""

import pytest

from foolkit.widgets import ToyPlane, modules
from foolkit.widgets.toy_plane import MODELS, first_points


@pytest.fixture(scope="module")
def toys(browser, evaluating):
    """Evaluates JavaScript where ``T`` holds the models, and ``learn`` trains one."""
    page = browser.new_page()
    source = modules.expression("random.js", "toy.js")
    page.add_script_tag(content=f"globalThis.T = {source}")
    page.evaluate(
        "points => { globalThis.points = points; globalThis.learn = (name, seed = 0) => {"
        " const pupil = T.TOY_MODELS[name].make(points, new T.Random(seed));"
        " for (const _ of T.train(pupil, points)); return pupil } }",
        first_points(),
    )
    yield evaluating(page)
    page.close()


# ---- the models ----------------------------------------------------------------------------------


def test_python_and_the_page_know_the_same_models(toys):
    assert tuple(toys("Object.keys(T.TOY_MODELS)")) == MODELS


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_model_learns_the_first_points(toys, name, seed):
    right = toys(
        "([name, seed]) => { const pupil = learn(name, seed); return points.filter((p) => {"
        " const c = pupil.confidences(p); return c.indexOf(Math.max(...c)) === p[2] }).length }",
        [name, seed],
    )
    assert right == 24


@pytest.mark.parametrize(
    ("make", "loss"),
    [
        (
            "new T.Perceptron([2, 5, 4, 3], 'softmax', new T.Random(3), 0)",
            "(m, p) => -Math.log(m.confidences(p)[p[2]])",
        ),
        (
            "new T.Perceptron([2, 5, 3], 'hinge', new T.Random(3), 0)",
            "(m, p) => { const z = m.run(p).at(-1);"
            " return Math.max(0, 1 - z[p[2]] + Math.max(...z.filter((_, k) => k !== p[2]))) }",
        ),
        (
            "new T.RadialBasis(points, new T.Random(1))",
            "(m, p) => m.confidences(p).reduce((sum, c, k) =>"
            " sum - Math.log(k === p[2] ? c : 1 - c), 0)",
        ),
    ],
)
def test_slopes_are_those_of_finite_differences(toys, make, loss):
    few = "[[0.3, 0.7, 0], [-0.4, 0.2, 1], [0.6, -0.5, 2]]"
    worst = toys(
        f"() => {{ const m = {make}, loss = {loss}, few = {few}, h = 1e-6;"
        " const random = new T.Random(5);"  # away from the kinks of what starts at zero
        " m.parameters.forEach((_, i) => { m.parameters[i] = 2 * random.next() - 1 });"
        " const slope = new Float64Array(m.parameters.length); m.slope(few, slope);"
        " const mean = () => few.reduce((sum, p) => sum + loss(m, p) / few.length, 0);"
        " return Math.max(...slope.map((value, i) => { const at = m.parameters[i];"
        " m.parameters[i] = at + h; const up = mean(); m.parameters[i] = at - h;"
        " const down = mean(); m.parameters[i] = at;"
        " return Math.abs((up - down) / (2 * h) - value) / (1 + Math.abs(value)) })) }"
    )
    assert worst < 1e-5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_far_away_all_are_certain_but_the_one_with_unnormalised_bumps(toys, seed):
    far = {
        name: toys(
            "([name, seed]) => { const pupil = learn(name, seed); return [[-2e4, -1e4],"
            " [1e4, -3e4], [2e3, 3e4]].map((p) => Math.max(...pupil.confidences(p))) }",
            [name, seed],
        )
        for name in MODELS
    }
    for name in ("softmax", "hinge", "svm", "knn"):
        assert min(far[name]) > 0.9999, name
    assert max(far["rbf"]) == 0


def test_no_points_and_one_class_are_no_error(toys):
    for points in ([], [[0, 0, 1]] * 3):
        confidences = toys(
            "few => Object.values(T.TOY_MODELS).map(({ make }) => {"
            " const pupil = make(few, new T.Random(0)); for (const _ of T.train(pupil, few, 50));"
            " return pupil.confidences([0.5, 0.5]) })",
            points,
        )
        assert len(confidences) == 5
        for row in confidences:
            assert len(row) == 3
            assert all(0 <= value <= 1 for value in row)


def test_the_same_seed_is_the_same_model(toys):
    assert toys(
        "() => { const [a, b, c] = [0, 0, 1].map((seed) =>"
        " learn('softmax', seed).parameters.join());"
        " return a === b && a !== c }"
    )


def test_nearest(toys):
    assert toys("T.toNearest([3, 4], [[0, 0, 1], [3, 5, 2]])") == 1
    assert toys("T.toNearest([3, 4], []) === Infinity")


# ---- Python --------------------------------------------------------------------------------------


def test_python_reads_and_sets():
    plane = ToyPlane("rbf", points=[(0, 1, 2), (3.5, -2, 0)], probe=(1, 2), zoom=50, seed=3)
    assert repr(plane) == "ToyPlane(model='rbf', zoom=50.0)"
    assert plane.points == plane.first == [[0.0, 1.0, 2], [3.5, -2.0, 0]]
    assert plane.probe == [1.0, 2.0]
    plane.set_state({"points": [[1, 1, 1.0]], "zoom": 10000.000000000002, "probe": [0.15, 0]})
    assert plane.points == [[1.0, 1.0, 1]]
    assert plane.zoom == 10_000
    assert plane.first == [[0.0, 1.0, 2], [3.5, -2.0, 0]]
    with pytest.raises(ValueError, match="zoom"):
        plane.zoom = 0.5
    assert plane.zoom == 10_000


def test_the_first_points_are_three_clouds():
    points = first_points()
    assert [point[2] for point in points] == [0] * 8 + [1] * 8 + [2] * 8
    assert points == first_points() != first_points(1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ToyPlane("tree"), ValueError, "model: expected one of 'softmax'.*, got 'tree'"),
        (lambda: ToyPlane(points="abc"), TypeError, r"points: expected a list .*, got 'abc'"),
        (lambda: ToyPlane(points=[(1, 2)]), ValueError, r"points: expected each as \[x, y, class"),
        (lambda: ToyPlane(points=[(1, 2, 3)]), ValueError, "points: .* at most 2, got 3"),
        (lambda: ToyPlane(points=[(1, float("nan"), 0)]), ValueError, "points: .* got nan"),
        (lambda: ToyPlane(points=[(1, 2, 0)] * 201), ValueError, "points: expected at most 200"),
        (lambda: ToyPlane(probe=(1,)), ValueError, r"probe: expected \[x, y\], got \[1\]"),
        (lambda: ToyPlane(probe=(4, 0)), ValueError, "probe: expected a number from -3 to 3"),
        (lambda: ToyPlane(zoom=0.1), ValueError, "zoom: expected a number from 1 to 10000"),
        (lambda: ToyPlane(zoom="far"), TypeError, "zoom: expected a number"),
        (lambda: ToyPlane(seed=-1), ValueError, "seed: expected an integer of at least 0"),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
