"""Squares in frames, and the alarms that they raise."""

import importlib.util

import pytest
import torch

from foolkit import data
from foolkit.analysis import camera
from foolkit.models import FaceDetector, mtcnn, predict

INSTALLED = importlib.util.find_spec(mtcnn.PACKAGE) is not None
needs_weights = pytest.mark.skipif(not INSTALLED, reason="facenet-pytorch is not installed")


def finder(kind):
    if kind != "mtcnn":
        return camera.boosted(kind)
    if not INSTALLED:
        pytest.skip("facenet-pytorch is not installed")
    detector = FaceDetector()
    return lambda frames: detector.detect(frames)[0]


@pytest.fixture(scope="module")
def face():
    """The free portrait's head, and the whole of it."""
    images, about = data.embedded_photographs((3, 240, 320))
    (place,) = (i for i, one in enumerate(about) if one.title == "astronaut")
    return images[place, None, :, :80, 100:180], images[place, None]


def test_the_frames_are_disjoint_and_without_a_portrait():
    bred, judged = camera.scenes()
    assert bred.shape == (5, *camera.FRAME)
    assert judged.shape == (6, *camera.FRAME)
    names = {*camera.BRED_ON, *camera.JUDGED_ON}
    assert len(names) == 11
    assert not names & {"astronaut", "Grace Hopper", "photographer"}


def test_pasting():
    squares = torch.stack([torch.zeros(3, 48, 48), torch.ones(3, 48, 48)])
    frames = torch.full((4, 3, 100, 140), 0.5)
    scene = camera.paste(squares, frames, 5, seed=3)
    assert scene.squares.tolist() == [0] * 5 + [1] * 5
    low, high = camera.SIZES
    for frame, box, owner in zip(
        scene.frames, scene.boxes.int().tolist(), scene.squares, strict=True
    ):
        left, top, right, bottom = box
        assert low <= right - left == bottom - top <= high
        assert left >= 0
        assert top >= 0
        assert right <= 140
        assert bottom <= 100
        inside = torch.zeros(100, 140, dtype=torch.bool)
        inside[top:bottom, left:right] = True
        assert torch.allclose(frame[:, inside], owner.float(), atol=1e-6)
        assert (frame[:, ~inside] == 0.5).all()
    other = camera.paste(squares.flip(0), frames, 5, seed=3)
    assert torch.equal(other.boxes, scene.boxes)
    assert not torch.equal(camera.paste(squares, frames, 5, seed=4).boxes, scene.boxes)
    assert (frames == 0.5).all()


def test_an_alarm_is_a_box_whose_centre_is_on_the_square():
    boxes = torch.tensor([[10.0, 10, 50, 50]]).expand(4, -1)
    scene = camera.Scene(torch.zeros(4, 3, 60, 60), boxes, torch.arange(4))
    found = [
        torch.zeros(0, 4),
        torch.tensor([[0.0, 0, 15, 15]]),
        torch.tensor([[0.0, 0, 60, 60]]),
        torch.tensor([[0.0, 0, 15, 15], [30, 30, 60, 60]]),
    ]
    assert camera.alarms(lambda frames: found, scene).tolist() == [False, False, True, True]


def test_shuffled_squares_have_the_same_colours():
    squares = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    mixed = camera.shuffled(squares, seed=1)
    assert not torch.equal(mixed, squares)
    for one, other in zip(squares.flatten(2), mixed.flatten(2), strict=True):
        assert sorted(map(tuple, one.T.tolist())) == sorted(map(tuple, other.T.tolist()))


@pytest.mark.parametrize("kind", ["mtcnn", "lbp", "haar"])
def test_each_detector_finds_the_portrait_and_no_face_in_a_wall(kind, face):
    head, portrait = face
    find = finder(kind)
    (boxes,) = find(portrait)
    assert len(boxes) == 1
    x, y = (boxes[0, :2] + boxes[0, 2:]) / 2
    assert 120 < x < 160
    assert 10 < y < 60
    wall = camera.scenes((3, 160, 240))[0][camera.BRED_ON.index("bricks"), None]
    assert [len(b) for b in find(wall)] == [0]
    pasted = camera.Scene(wall.clone(), torch.tensor([[70.0, 40, 150, 120]]), torch.zeros(1))
    pasted.frames[0, :, 40:120, 70:150] = head[0]
    assert camera.alarms(find, pasted).all()


@needs_weights
def test_together_is_the_product_of_the_three():
    images = torch.rand(8, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    images[:4] = images[:4] * 0.2 + 0.4
    net = mtcnn.together()
    said = 1.0
    for name, size in zip(mtcnn.NAMES, (12, 24, 48), strict=True):
        seen = torch.nn.functional.interpolate(images, size, mode="area")
        said = said * predict(mtcnn.load(name), seen)[:, 1]
    torch.testing.assert_close(predict(net, images)[:, 1], said, rtol=1e-3, atol=1e-9)
    # and where all are certain it still has a slope that is a number
    sure = mtcnn.Together()
    sure.networks = torch.nn.ModuleList(Certain() for _ in range(3))
    images.requires_grad_()
    (slope,) = torch.autograd.grad(sure(images).log_softmax(1)[:, 1].sum(), images)
    assert slope.isfinite().all()


class Certain(torch.nn.Module):
    def forward(self, images):
        total = images.sum((1, 2, 3))
        return torch.stack([total * 0 - 100, total * 0 + 100], 1)


def test_what_a_camera_does_is_named_and_keeps_the_size():
    frames = camera.scenes()[1][:2]
    for change in camera.CAMERA.values():
        made = change(frames, torch.Generator().manual_seed(0))
        assert made.shape == frames.shape
        assert not torch.equal(made, frames)
    for view in (camera.seen_anywhere, camera.seen_by_a_camera):
        made = view(frames)(torch.rand(2, 3, 48, 48), torch.Generator().manual_seed(0))
        assert made.shape == (2, 3, 48, 48)


def test_filming_draws_for_each_frame():
    frame = camera.scenes()[1][:1]
    scene = camera.Scene(frame.repeat(3, 1, 1, 1), torch.zeros(3, 4), torch.arange(3))
    made = camera.filmed(scene, camera.CAMERA["brightness"], seed=1)
    assert made.boxes is scene.boxes
    means = made.frames.mean((1, 2, 3))
    assert len(means.unique()) == 3
    again = camera.filmed(scene, camera.CAMERA["brightness"], seed=1)
    assert torch.equal(again.frames, made.frames)


def test_bad_arguments():
    with pytest.raises(ValueError, match="kind: expected one of 'lbp', 'haar', got 'hog'"):
        camera.boosted("hog")
    frames, squares = torch.zeros(1, 3, 100, 100), torch.zeros(1, 3, 48, 48)
    with pytest.raises(ValueError, match="frames: expected at least 96 pixels, got 50 x 100"):
        camera.paste(squares, frames[:, :, :50], 1)
    with pytest.raises(ValueError, match="squares: expected shape"):
        camera.paste(squares[..., :40], frames, 1)
    with pytest.raises(ValueError, match="each: expected an integer of at least 1"):
        camera.paste(squares, frames, 0)
