"""The page climbs as foolkit.gradients.ascent does."""

import pytest
import torch

import foolkit as fk
from foolkit.widgets import Climb
from foolkit.widgets.climb import mean_digit

MODULES = ("ascent.js",)

PLAIN = {"stepSize": 0.01, "decay": 0, "blur": 0, "blurEvery": 1, "jitter": 0, "totalVariation": 0}
CLIMB = """([image, goal, centre, steps, settings]) => {
    const climber = new E.Climber(net, { image, goal, centre, random: new E.Random(0) });
    for (let n = 0; n < steps; n++) climber.step(settings);
    return { ...climber, net: null, random: null, image: Array.from(climber.image) };
}"""


@pytest.fixture(scope="module")
def noise():
    """Uniform noise, float32 [1, 1, 28, 28]."""
    return torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def climb(engine):
    """Steps in the page from an image; the settings differ from the plain ones."""

    def run(image, goal, steps=1, **settings):
        centre = mean_digit().flatten().tolist()
        settings = {**PLAIN, **settings}
        return engine(CLIMB, [image.flatten().tolist(), goal, centre, steps, settings])

    return run


@pytest.mark.parametrize(
    ("page", "python"),
    [
        ({}, {}),
        ({"decay": 0.1}, {"decay": 0.1}),
        ({"blur": 0.7, "blurEvery": 1}, {"blur": 0.7, "blur_every": 1}),
        ({"blur": 0.7, "blurEvery": 4}, {"blur": 0.7, "blur_every": 4}),
        ({"totalVariation": 30.0, "stepSize": 0.02}, {"total_variation": 30.0, "step_size": 0.02}),
        (
            {"decay": 0.05, "blur": 1.2, "totalVariation": 2.0},
            {"decay": 0.05, "blur": 1.2, "blur_every": 1, "total_variation": 2.0},
        ),
    ],
)
@pytest.mark.parametrize("goal", [1, 6])
def test_one_step_is_pythons(climb, lenet, noise, page, python, goal):
    found = torch.tensor(climb(noise, goal, **page)["image"]).view(1, 1, 28, 28)
    expected = fk.gradients.ascent(
        lenet, torch.tensor([goal]), start=noise, mean=mean_digit()[0], steps=1,
        threshold=None, progress=False, **python,
    ).images  # fmt: skip
    assert (expected - noise).abs().max() > 0.01
    assert (found - expected).abs().max() < 1e-4


def test_each_prior_changes_the_step(climb, noise):
    settings = ({}, {"decay": 0.1}, {"blur": 0.7}, {"totalVariation": 30.0}, {"jitter": 3})
    steps = [torch.tensor(climb(noise, 1, **one)["image"]) for one in settings]
    for prior in steps[1:]:
        assert (prior - steps[0]).abs().max() > 1e-3


@pytest.mark.parametrize("goal", [0, 4])
def test_the_steps_to_certainty_are_pythons(climb, lenet, noise, goal):
    peer = fk.gradients.ascent(lenet, torch.tensor([goal]), start=noise, steps=60, progress=False)
    found = climb(noise, goal, steps=40)
    assert found["steps"] == 40
    assert abs(found["reached"] - int(peer.steps)) <= 1
    assert 0 < found["reached"] < 40
    image = torch.tensor(found["image"]).view(1, 1, 28, 28)
    confidence = fk.models.predict(lenet, image)[0]
    assert float(confidence[goal]) >= 0.9999
    assert (confidence - torch.tensor(found["confidences"])).abs().max() < 1e-4
    # from certainty on, no step is needed
    assert climb(image, goal, steps=0)["reached"] == 0


def test_rolling_there_and_back(engine, noise):
    there, back = engine(
        "([x]) => { const y = E.rolled(x, 2, -3); return [y, E.rolled(y, -2, 3)].map((z) =>"
        " Array.from(z)) }",
        [noise.flatten().tolist()],
    )
    expected = noise.roll((2, -3), (2, 3)).flatten()
    assert torch.equal(torch.tensor(there), expected)
    assert torch.equal(torch.tensor(back), noise.flatten())


# ---- Python's side -------------------------------------------------------------------------------


def test_settings_and_repr(noise):
    widget = Climb(5, start="mean", blur=0.5)
    assert repr(widget) == (
        "Climb(goal=5, start='mean', decay=0.0, blur=0.5, jitter=0, total_variation=0.0)"
    )
    widget.goal, widget.start, widget.total_variation = 2, "grey", 1
    assert (widget.goal, widget.start, widget.total_variation) == (2, "grey", 1.0)
    assert widget.painting().shape == (0, 1, 28, 28)
    widget.set_state({"image": memoryview(bytes(784)), "steps": 3})
    assert (widget.painting().shape, widget.steps) == ((1, 1, 28, 28), 3)
    assert Climb._esm.count("export default") == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"goal": 10}, ValueError, "goal: expected an integer of at most 9, got 10"),
        ({"start": "black"}, ValueError, "start: expected one of .*, got 'black'"),
        ({"step_size": 0}, ValueError, "step_size: expected a number from 0.001 to 0.1, got 0"),
        ({"decay": 2}, ValueError, "decay: expected a number from 0 to 1, got 2"),
        ({"blur": "much"}, TypeError, "blur: expected a number from 0 to 5, got 'much'"),
        ({"blur_every": 0}, ValueError, "blur_every: expected an integer of at least 1, got 0"),
        ({"jitter": 14}, ValueError, "jitter: expected an integer of at most 13, got 14"),
        ({"total_variation": -1}, ValueError, "total_variation: expected a number from 0"),
        ({"seed": -1}, ValueError, "seed: expected an integer of at least 0"),
        ({"mean": torch.zeros(28, 28)}, ValueError, "mean: expected shape"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        Climb(**settings)
