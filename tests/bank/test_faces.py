"""Squares that a detector takes for a face: what is stored is what the networks say."""

import importlib.util

import numpy as np
import pytest
import torch

from foolkit.analysis import camera
from foolkit.bank import faces, store
from foolkit.models import FaceDetector, load, mtcnn, predict
from tools.bank import camera as program

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec(mtcnn.PACKAGE) is None, reason="facenet-pytorch is not installed"
)


@pytest.fixture(scope="module")
def stored():
    return faces.load()


def test_it_holds_every_part_and_is_small(stored):
    assert set(stored) == set(faces.RUNS)
    for part, squares in stored.items():
        assert len(squares.confidence) == len(squares.reached) == faces.RUNS[part]
        assert len(squares.images) == faces.IMAGES.get(part, faces.RUNS[part])
        assert torch.equal((squares.images * 255).round() / 255, squares.images)
    assert len((store.PLACE / faces.FILE).read_bytes()) < 700_000


@needs_weights
@pytest.mark.parametrize("part", faces.RUNS, ids="/".join)
def test_the_networks_say_what_is_stored(stored, part):
    squares, (goal, route) = stored[part], part
    if goal == "anywhere" and route != "gradient":
        pytest.skip("the fitness of evolution was a mean over views, another for each run")
    net = load(goal) if goal in mtcnn.NAMES else mtcnn.together()
    said = predict(net, squares.images)[:, 1]
    torch.testing.assert_close(said, squares.confidence[: len(said)], atol=1e-3, rtol=0)


@needs_weights
def test_evolution_through_views_says_what_is_stored(stored):
    backgrounds, _ = camera.scenes()
    for route in ("cppn", "direct"):
        squares = stored["anywhere", route]
        for seed, image in enumerate(squares.images):
            net = program.transformed(
                mtcnn.together(), camera.seen_anywhere(backgrounds), samples=program.VIEWS,
                seed=seed,
            )  # fmt: skip
            said = float(predict(net, image[None])[0, 1])
            assert said == pytest.approx(float(squares.confidence[seed]), abs=1e-3)


@needs_weights
def test_what_was_made_for_anywhere_is_found_there_and_other_noise_is_not(stored):
    detector, frames = FaceDetector(), camera.scenes()[1]
    noise = torch.rand(5, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    shares = []
    bred = stored["anywhere", "direct"].images
    for squares in (stored["anywhere", "gradient"].images[:5], noise, bred, camera.shuffled(bred)):
        scene = camera.paste(squares, frames, 2, seed=7)
        hit = camera.alarms(lambda frames: detector.detect(frames)[0], scene)
        shares.append(float(hit.float().mean()))
    assert shares[0] > 0.7
    assert shares[1] < 0.2
    assert shares[2] > 0.45
    assert shares[3] < 0.2


def test_the_painted_stay_near_their_noise(stored):
    runs = faces.RUNS["anywhere", "gradient"]
    noise = torch.rand(runs, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    apart = (stored["anywhere", "gradient"].images - noise).abs().amax()
    assert 0 < apart <= faces.EPSILON + 0.5 / 255 + 1e-5


@needs_weights
def test_the_program_makes_a_part_anew_and_resumes(tmp_path, monkeypatch, stored, capsys):
    part = ("mtcnn-refine", "gradient")
    monkeypatch.setattr(program, "RUNS", {part: faces.RUNS[part]})
    monkeypatch.setattr("sys.argv", ["camera", "--out", str(tmp_path)])
    program.main()
    made = np.load(tmp_path / faces.FILE)
    near = np.abs(
        made["mtcnn-refine/gradient/images"] / 255 - stored[part].images.numpy()
    ) < 2 / 255  # fmt: skip
    assert near.mean() > 0.95
    assert "mtcnn-refine/gradient" in capsys.readouterr().out
    program.main()
    assert capsys.readouterr().out == ""
