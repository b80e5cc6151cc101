"""OpenCV's whole detectors, given batches."""

import pytest
import torch
from torch.nn.functional import pad

import foolkit as fk
from foolkit.models.people import DETECTORS, people_scores

pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def frames():
    """Figures in a grey frame."""
    return pad(fk.data.drawn_pedestrians(6, seed=1), (48, 48, 32, 32), value=0.5)


BODIES = [name for name in DETECTORS if "faces" not in name]


@pytest.mark.parametrize("detector", BODIES)
def test_it_finds_drawn_figures_and_nobody_in_an_empty_frame(frames, detector):
    found = people_scores(frames, detector)
    assert found.shape == (6,)
    assert found.dtype == torch.float32
    assert (found > 0).any()
    assert people_scores(torch.full((2, 1, 192, 160), 0.5), detector).tolist() == [0, 0]


def test_a_cascade_finds_a_face_and_no_figure(frames):
    portrait = fk.data.embedded_photographs((3, 256, 256))[0][[2]]
    assert people_scores(portrait, "cascade, faces").item() > 0
    assert people_scores(frames, "cascade, faces").tolist() == [0] * 6


@pytest.mark.parametrize("detector", BODIES)
def test_colour_and_grey_of_the_same_figure_agree(frames, detector):
    grey, colour = people_scores(frames, detector), people_scores(frames.expand(-1, 3, -1, -1),
                                                                  detector)  # fmt: skip
    assert torch.allclose(grey, colour, atol=0.02)


def test_gradients_see_what_the_window_sees(frames):
    """The strongest window is at least the one in the middle, but for what its edge sees."""
    middle = fk.models.pedestrian()(frames[..., 32:160, 48:112]).diff(dim=1)[:, 0]
    assert (people_scores(frames, "gradients") >= middle - 0.4).all()


@pytest.mark.parametrize(
    ("images", "detector", "words"),
    [
        (torch.rand(1, 1, 100, 64), "cascade", "at least 64 x 128"),
        (torch.rand(1, 2, 128, 64), "cascade", "1 or 3 channels"),
        (torch.rand(1, 1, 128, 64), "eyes", "detector: expected one of"),
        (2 * torch.ones(1, 1, 128, 64), "cascade", r"values in \[0, 1\]"),
    ],
)
def test_bad_input_is_named(images, detector, words):
    with pytest.raises(ValueError, match=words):
        people_scores(images, detector)
