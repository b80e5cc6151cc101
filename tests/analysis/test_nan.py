"""Where an input or an answer is NaN nothing is measured: comparisons would call it perfect."""

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit import analysis

NAN = float("nan")
IMAGES = torch.rand(20, 1, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(20) % 4
WAYS = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(1))


def with_nan(*shape):
    values = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    values.view(-1)[3] = NAN
    return values


def fine(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


RIGHT = torch.arange(20) < 10
MEASURES = {
    "auroc": lambda: analysis.auroc(with_nan(20), fine(20)),
    "auroc, outside": lambda: analysis.auroc(fine(20), with_nan(20)),
    "reliability": lambda: analysis.reliability(with_nan(20), RIGHT),
    "calibration_error": lambda: analysis.calibration_error(with_nan(20), RIGHT),
    "by chance": lambda: analysis.calibration_error_by_chance(with_nan(20)),
    "fit_temperature": lambda: analysis.fit_temperature(with_nan(20, 4), LABELS),
    "mistakes_on_rubbish": lambda: analysis.mistakes_on_rubbish(with_nan(20, 4)),
    "mistakes": lambda: analysis.mistakes(with_nan(20, 4), LABELS),
    "accuracy_refusing": lambda: analysis.accuracy_refusing(with_nan(20), RIGHT, [0.1]),
    "acceptance_threshold": lambda: analysis.acceptance_threshold(with_nan(400)),
    "rejection, inside": lambda: analysis.rejection(with_nan(2, 40), fine(2, 40), fine(2, 9)),
    "rejection, known": lambda: analysis.rejection(fine(2, 40), with_nan(2, 40), fine(2, 9)),
    "rejection, outside": lambda: analysis.rejection(fine(2, 40), fine(2, 40), with_nan(2, 9)),
    "recurrence": lambda: analysis.recurrence(with_nan(5, 4, 3)),
    "pixel_correlation": lambda: analysis.pixel_correlation(with_nan(2, 1, 6, 6), IMAGES),
    "templates": lambda: analysis.pixel_correlation(IMAGES, with_nan(2, 1, 6, 6)),
}


@pytest.mark.parametrize("name", MEASURES)
def test_numbers(name):
    with pytest.raises(ValueError, match=r": expected .*(NaN|nan|finite)"):
        MEASURES[name]()


class Silent(nn.Module):
    """Has no answer to a bright image."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(36, 4, generator=torch.Generator().manual_seed(0)))

    def forward(self, images):
        bright = images.flatten(1).mean(1, keepdim=True) > 0.5
        return torch.where(bright, NAN, images.flatten(1) @ self.weight)


SHAPE = {"shape": (1, 6, 6)}
ANSWERS = {
    "predict": lambda net: fk.models.predict(net, IMAGES),
    "class_scores": lambda net: analysis.class_scores(net, IMAGES),
    "transfer": lambda net: analysis.transfer({"n": net}, (IMAGES, LABELS), progress=False),
    "robustness": lambda net: analysis.robustness(net, IMAGES, LABELS, epsilon=0.1, steps=2),
    "class_shares": lambda net: analysis.class_shares(net, images=50, progress=False, **SHAPE),
    "answers_on_plane": lambda net: analysis.answers_on_plane(
        net, IMAGES[:1], WAYS[:1], WAYS[1:2], points=5
    ),
    "distance_along": lambda net: analysis.distance_along(
        net, IMAGES[:3], WAYS[:, None], reach=5.0
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name):
    with pytest.raises(FloatingPointError, match=r"net: expected finite .* \d+ of \d+ images"):
        ANSWERS[name](Silent())


def test_the_image_without_an_answer_is_named():
    images = torch.zeros(4, 1, 6, 6)
    images[2] = 1
    with pytest.raises(FloatingPointError, match="1 of 4 images .the first is number 2 of these"):
        fk.models.predict(Silent(), images)
