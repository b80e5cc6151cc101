import pytest
import torch
from torch import nn

from foolkit.analysis import (
    Mistakes,
    accuracy_refusing,
    class_scores,
    exact_interval,
    mistakes,
    mistakes_on_rubbish,
    over_networks,
)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 3))


def test_scores_are_softmax_or_sigmoids_of_any_finite_image(net):
    images = 100 * torch.randn(7, 1, 2, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = net(images).double()
    found = class_scores(net, images, chunk=3)
    assert torch.allclose(found, logits.softmax(1), rtol=1e-3, atol=1e-12)
    found = class_scores(net, images, "independent", chunk=3)
    assert torch.allclose(found, logits.sigmoid(), rtol=1e-3, atol=1e-12)


def test_scores_refuse_what_does_not_fit(net):
    images = torch.rand(2, 1, 2, 3)
    with pytest.raises(TypeError, match="images: expected a float32 tensor"):
        class_scores(net, images.double())
    with pytest.raises(ValueError, match="images: expected at least one, of finite values"):
        class_scores(net, images / 0)
    with pytest.raises(ValueError, match="images: expected at least one, .* got none"):
        class_scores(net, images[:0])
    with pytest.raises(ValueError, match="reading: expected one of"):
        class_scores(net, images, "hinge")
    with pytest.raises(TypeError, match="net: expected a torch.nn.Module"):
        class_scores(lambda x: x, images)


def test_rubbish_is_wrong_above_a_half():
    found = torch.tensor([[0.6, 0.7], [0.5, 0.1], [0.0, 0.51], [0.2, 0.3]], dtype=torch.float64)
    made = mistakes_on_rubbish(found)
    assert made.wrong.tolist() == [True, False, True, False]
    assert made.share == 0.5
    assert made.sureness == pytest.approx((0.7 + 0.51) / 2)
    assert mistakes_on_rubbish(found, 0.65).share == 0.25
    assert made.interval() == exact_interval(2, 4)


def test_errors_count_however_low_the_score():
    found = torch.tensor([[1e-9, 2e-9], [0.9, 0.1], [0.2, 0.8]])
    made = mistakes(found, torch.tensor([0, 0, 0]))
    assert made.wrong.tolist() == [True, False, True]
    assert made.accepted() == pytest.approx(1 / 3)
    assert made.sureness == pytest.approx(0.4)


def test_nobody_wrong_has_an_interval_and_no_sureness():
    made = mistakes_on_rubbish(torch.zeros(30, 10))
    assert made.share == 0
    assert made.interval() == exact_interval(0, 30)
    assert made.sureness != made.sureness
    share, sureness = over_networks([made, made])
    assert share == made.interval()
    assert f"{share:.1%}" == "0.0 % [0.0, 11.6]"
    assert str(sureness) == "none"


def test_intervals_cover_what_another_network_would_do():
    """Networks whose share is 0.2 to 0.6, their confidence 0.5 to 0.7, of 200 images each."""
    draws = torch.Generator().manual_seed(0)
    covered = torch.zeros(2)
    for _ in range(200):
        made = []
        for _ in range(5):
            share, middle = 0.2 + 0.4 * torch.rand(2, generator=draws).double()
            wrong = torch.rand(200, generator=draws) < share
            spread = torch.rand(200, generator=draws, dtype=torch.float64) - 0.5
            made.append(Mistakes(wrong, 0.4 + middle / 2 + 0.2 * spread))
        both = over_networks(made, resamples=500)
        covered += torch.tensor(
            [e.low <= t <= e.high for e, t in zip(both, (0.4, 0.6), strict=True)]
        )
    assert (covered > 0.8 * 200).all()
    assert (covered < 200).all()


def test_of_one_network_there_is_the_spread_of_its_images():
    wrong = torch.arange(100) < 30
    made = Mistakes(wrong, torch.linspace(0, 1, 100, dtype=torch.float64))
    share, sureness = over_networks([made])
    assert share == made.interval()
    assert share.value == pytest.approx(0.3)
    assert sureness.value == pytest.approx(made.sureness)
    assert sureness.low < sureness.value < sureness.high
    several, _ = over_networks([made, Mistakes(~wrong, made.confidence)])
    assert several.low < 0.35
    assert several.high > 0.65


def test_no_networks_are_an_error():
    made = Mistakes(torch.ones(3, dtype=torch.bool), torch.ones(3))
    with pytest.raises(TypeError, match="made: expected at least one Mistakes"):
        over_networks([])
    with pytest.raises(TypeError, match="made: expected at least one Mistakes"):
        over_networks([made, 1.0])
    with pytest.raises(ValueError, match="level: expected a number between 0 and 1"):
        over_networks([made], 1.0)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (torch.tensor([0.5]), "found: expected scores"),
        (torch.tensor([[0.5, 1.5]]), r"found: expected scores in \[0, 1\]"),
        (torch.tensor([[0.5, torch.nan]]), r"found: expected scores in \[0, 1\]"),
    ],
)
def test_what_is_no_score_is_an_error(found, message):
    with pytest.raises(ValueError, match=message):
        mistakes_on_rubbish(found)
    with pytest.raises(ValueError, match=message):
        mistakes(found, torch.tensor([0]))
    with pytest.raises(TypeError, match="found: expected a floating-point tensor"):
        mistakes_on_rubbish(torch.tensor([[1]]))


def test_refusing_the_least_certain_leaves_the_others():
    sure = torch.tensor([0.9, 0.1, 0.5, 0.7])
    right = torch.tensor([True, False, False, True])
    assert accuracy_refusing(sure, right, [0, 0.25, 0.5, 0.75, 1]).tolist() == pytest.approx(
        [0.5, 2 / 3, 1, 1, 1]
    )


def test_equal_confidences_stand_for_their_mean_in_any_order():
    sure = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.2])
    right = torch.tensor([True, False, True, False, False])
    for order in (torch.arange(5), torch.arange(5).flip(0)):
        curve = accuracy_refusing(sure[order], right[order], [0, 0.2, 0.6])
        assert curve.tolist() == pytest.approx([0.4, 0.5, 0.5])


def test_bad_curves_are_errors():
    sure, right = torch.rand(4), torch.ones(4, dtype=torch.bool)
    with pytest.raises(TypeError, match="right: expected a bool tensor"):
        accuracy_refusing(sure, right.long(), [0])
    with pytest.raises(ValueError, match="right: expected shape"):
        accuracy_refusing(sure, right[:3], [0])
    with pytest.raises(ValueError, match=r"refused: expected a number in \[0, 1\]"):
        accuracy_refusing(sure, right, [2])
    with pytest.raises(ValueError, match="confidence: expected finite"):
        accuracy_refusing(sure / 0, right, [0])
    with pytest.raises(TypeError, match="confidence: expected a floating-point"):
        accuracy_refusing(right, right, [0])
