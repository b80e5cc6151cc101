"""The three networks of the face detector, and the detector, against the package's own."""

import importlib.util
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

import foolkit as fk
from foolkit._torchvision import import_torchvision
from foolkit.data.photographs import EMBEDDED, _file_of
from foolkit.models import mtcnn
from foolkit.models.face_detector import boxes_within, crops, squares, summed, suppressed

INSTALLED = importlib.util.find_spec(mtcnn.PACKAGE) is not None
needs_weights = pytest.mark.skipif(not INSTALLED, reason="facenet-pytorch is not installed")


def slow_suppression(boxes, scores, owners, threshold):
    """Frame by frame and box by box, the share of the union."""
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        for j in kept:
            if owners[i] != owners[j]:
                continue
            low = torch.maximum(boxes[i, :2], boxes[j, :2])
            high = torch.minimum(boxes[i, 2:], boxes[j, 2:])
            shared = float((high - low).clamp_min(0).prod())
            sizes = [float((boxes[k, 2:] - boxes[k, :2]).prod()) for k in (i, j)]
            if shared > threshold * (sum(sizes) - shared):
                break
        else:
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)


@pytest.fixture(scope="module")
def package():
    """The package itself; its compiled non-maximum suppression replaced by the slow one."""
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip("facenet_pytorch")
    inside = sys.modules["facenet_pytorch.models.utils.detect_face"]
    before = inside.batched_nms
    inside.batched_nms = slow_suppression
    yield found
    inside.batched_nms = before


def photograph(title, most=300):
    (one,) = (one for one in EMBEDDED if one.title == title)
    picture = Image.open(_file_of(one)).convert("RGB")
    picture.thumbnail((most, most))
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


def portraits():
    """Several copies of a portrait, of several sizes, on noise: many boxes in a frame."""
    frames = torch.rand(3, 3, 240, 320, generator=torch.Generator().manual_seed(0))
    face = photograph("astronaut", 512)[:, :, 40:190, 150:300]
    for frame, (size, top, left) in enumerate([(60, 10, 20), (110, 100, 150), (150, 60, 0)]):
        frames[frame, :, top : top + size, left : left + size] = interpolate(
            face, size, mode="area"
        )
    frames[0, :, 100:200, 200:300] = interpolate(face, 100, mode="area")
    return (frames * 255).round() / 255


@needs_weights
@pytest.mark.parametrize(("name", "size"), [(n, s.size) for n, s in mtcnn.STAGES.items()])
def test_each_network_says_what_the_packages_does(package, name, size):
    net = fk.models.load(name)
    assert net.input_shape == (3, size, size)
    assert net.classes == ("no face", "face")
    images = torch.rand(50, 3, size, size, generator=torch.Generator().manual_seed(1))
    kind = {"p": "PNet", "r": "RNet", "o": "ONet"}[mtcnn.STAGES[name].file[0]]
    with torch.inference_mode():
        theirs = getattr(package, kind)()((images * 255 - 127.5) * 0.0078125)
        _, box = net.module.look(images)
    torch.testing.assert_close(
        fk.models.predict(net, images), theirs[-1].flatten(1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(box, theirs[0], atol=1e-4, rtol=0)


@needs_weights
def test_cards_count_the_parameters():
    for name in mtcnn.NAMES:
        card = fk.models.card(name)
        net = fk.models.load(name)
        assert card["parameters"] == sum(p.numel() for p in net.parameters())
        assert "MIT" in card["licence"]
        assert "not documented" in card["training_data"]
    assert [fk.models.card(name)["parameters"] for name in mtcnn.NAMES] == [6632, 100178, 386470]


@needs_weights
@pytest.mark.parametrize("thresholds", [(0.6, 0.7, 0.7), (0.4, 0.2, 0.1)])
@pytest.mark.parametrize("frames", [*("astronaut", "Grace Hopper", "grass"), "portraits"])
def test_the_detector_finds_what_the_packages_finds(package, frames, thresholds):
    images = portraits() if frames == "portraits" else photograph(frames)
    boxes, scores = fk.models.FaceDetector(thresholds=thresholds).detect(images)
    theirs = package.MTCNN(keep_all=True, thresholds=list(thresholds), select_largest=False)
    pixels = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    found, sure = theirs.detect(list(pixels))
    for ours, own, box, score in zip(boxes, scores, found, sure, strict=True):
        if box is None:
            assert not len(ours)
            continue
        order = np.argsort(-score.astype(float), kind="stable")
        np.testing.assert_allclose(own, score[order].astype(float), atol=1e-3)
        np.testing.assert_allclose(ours, box[order].astype(float), atol=1)
    if frames in ("astronaut", "Grace Hopper") and thresholds[0] == 0.6:
        assert [len(own) for own in scores] == [1]
    if frames == "portraits":
        assert all(len(own) for own in scores)


@needs_weights
def test_a_batch_is_its_frames_one_by_one():
    detector, frames = fk.models.FaceDetector(), portraits()
    boxes, scores = detector.detect(frames)
    for frame, box, score in zip(frames, boxes, scores, strict=True):
        (alone,), (sure,) = detector.detect(frame[None])
        torch.testing.assert_close(alone, box, atol=1e-2, rtol=0)
        torch.testing.assert_close(sure, score, atol=1e-4, rtol=0)


@needs_weights
def test_an_empty_frame_has_no_face():
    detector = fk.models.FaceDetector()
    for frames in (torch.zeros(2, 3, 60, 80), torch.ones(1, 3, 5, 5)):
        boxes, scores = detector.detect(frames)
        assert [tuple(box.shape) for box in boxes] == [(0, 4)] * len(frames)
        assert [len(score) for score in scores] == [0] * len(frames)


@pytest.mark.parametrize("size", [24, 48])
def test_crops_are_means_over_areas(size):
    draws = torch.Generator().manual_seed(2)
    frames = torch.rand(3, 3, 70, 90, generator=draws)
    corner = torch.randint(-10, 60, (40, 2), generator=draws).float()
    boxes = torch.cat([corner, corner + torch.randint(3, 90, (40, 1), generator=draws)], 1)
    boxes, owners = boxes_within(boxes, torch.arange(40) % 3, frames)
    made = crops(summed(frames), boxes, owners, size)
    for box, owner, crop in zip(boxes.int().tolist(), owners, made, strict=True):
        left, top = max(box[0], 1) - 1, max(box[1], 1) - 1
        piece = frames[owner, None, :, top : box[3], left : box[2]]
        expected = interpolate(piece.double(), (size, size), mode="area")[0]
        torch.testing.assert_close(crop, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_suppression_against_the_slow_one(threshold):
    draws = torch.Generator().manual_seed(3)
    corner = torch.rand(80, 2, generator=draws) * 50
    boxes = torch.cat([corner, corner + 5 + torch.rand(80, 2, generator=draws) * 40], 1)
    scores, owners = torch.rand(80, generator=draws), torch.arange(80) % 3
    kept = suppressed(boxes, scores, owners, threshold)
    assert torch.equal(kept, slow_suppression(boxes, scores, owners, threshold))
    # of boxes within boxes, the share of the smaller lets none stand
    inner = torch.tensor([[0.0, 0, 99, 99], [10, 10, 30, 30], [20, 20, 40, 40]])
    order = suppressed(inner, torch.tensor([0.5, 0.9, 0.8]), torch.zeros(3), 0.7, smaller=True)
    assert order.tolist() == [1, 2]


def test_squares_keep_their_centres():
    boxes = torch.tensor([[0.0, 0, 10, 20], [5, 5, 45, 15]])
    assert squares(boxes).tolist() == [[-5.0, 0, 15, 20], [5, -10, 45, 30]]


@needs_weights
def test_bad_arguments():
    with pytest.raises(ValueError, match="thresholds: expected three numbers"):
        fk.models.FaceDetector(thresholds=(0.5, 0.5))
    with pytest.raises(ValueError, match=r"thresholds: expected a number in \[0, 1\]"):
        fk.models.FaceDetector(thresholds=(0.5, 0.5, 2))
    with pytest.raises(ValueError, match="smallest: expected a number >= 12"):
        fk.models.FaceDetector(smallest=3)
    with pytest.raises(ValueError, match="factor: expected a number between 0 and 1"):
        fk.models.FaceDetector(factor=1)
    with pytest.raises(ValueError, match="frames: expected three colours"):
        fk.models.FaceDetector().detect(torch.zeros(1, 1, 30, 30))
    with pytest.raises(ValueError, match="input_shape: 'mtcnn-refine' takes"):
        fk.models.load("mtcnn-refine", input_shape=(3, 12, 12))


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"pip install --no-deps facenet-pytorch==2\.6\.0"):
        fk.models.load("mtcnn-proposal")


def test_another_file_is_not_read(monkeypatch, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "pnet.pt").write_bytes(b"something else")
    spec = importlib.util.spec_from_loader(mtcnn.PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(ValueError, match="is not the file that facenet-pytorch"):
        fk.models.load("mtcnn-proposal")


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(ValueError, match="mtcnn-proposal, mtcnn-refine, mtcnn-output"):
        fk.models.load("mtcnn")
