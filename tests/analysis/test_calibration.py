import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cross_entropy

from foolkit.analysis import (
    auroc,
    calibration_error,
    calibration_error_by_chance,
    fit_temperature,
    reliability,
)


def calibrated(n, seed=0):
    """Answers that are right as often as they say."""
    draws = torch.Generator().manual_seed(seed)
    confidence = torch.rand(n, generator=draws) * 0.9 + 0.1
    return confidence, torch.rand(n, generator=draws) < confidence


def synthetic(n, temperature, seed=0):
    """Logits, and labels drawn from ``softmax(logits / temperature)``."""
    draws = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(n, 10, generator=draws)
    drawn = torch.multinomial((logits / temperature).softmax(1), 1, generator=draws)
    return logits, drawn[:, 0]


def test_reliability_by_hand():
    confidence = torch.tensor([0.1, 0.2, 0.7, 0.9, 1.0])
    right = torch.tensor([False, True, True, True, False])
    found = reliability(confidence, right, bins=4)
    assert found.count.tolist() == [2, 0, 1, 2]
    assert found.edges.tolist() == [0, 0.25, 0.5, 0.75]
    expected = torch.tensor([0.15, float("nan"), 0.7, 0.95], dtype=torch.float64)
    assert torch.allclose(found.confidence, expected, equal_nan=True)
    expected = torch.tensor([0.5, float("nan"), 1.0, 0.5], dtype=torch.float64)
    assert torch.allclose(found.accuracy, expected, equal_nan=True)
    # 2/5 * 0.35 + 1/5 * 0.3 + 2/5 * 0.45
    assert found.error == pytest.approx(0.38)
    assert calibration_error(confidence, right, bins=4) == found.error


def test_bins_are_open_below_and_closed_above():
    confidence = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    found = reliability(confidence, torch.ones(5, dtype=torch.bool), bins=4)
    assert found.count.tolist() == [2, 1, 1, 1]


def test_reliability_is_sklearns():
    confidence, right = calibrated(2000)
    found = reliability(confidence, right)
    accuracy, mean = calibration_curve(right.numpy(), confidence.double().numpy(), n_bins=15)
    full = found.count > 0
    assert found.accuracy[full].numpy() == pytest.approx(accuracy)
    assert found.confidence[full].numpy() == pytest.approx(mean)
    assert int(found.count.sum()) == 2000


def test_calibrated_answers_have_only_the_error_of_chance():
    confidence, right = calibrated(5000)
    by_chance = calibration_error_by_chance(confidence, resamples=200)
    assert by_chance.quantile(0.005) < calibration_error(confidence, right)
    assert calibration_error(confidence, right) < by_chance.quantile(0.995)
    assert calibration_error(confidence, right) > 0
    # and it is gone with more answers
    assert calibration_error(*calibrated(500_000)) < 0.3 * by_chance.median()


def test_boasters_have_the_error_of_their_boast():
    right = torch.arange(1000) % 10 < 7
    assert calibration_error(torch.full((1000,), 0.99), right) == pytest.approx(0.29)
    assert calibration_error(torch.ones(1000), torch.ones(1000, dtype=torch.bool)) == 0


def test_draws_by_chance_follow_the_seed():
    confidence, _ = calibrated(100)
    first, again = (calibration_error_by_chance(confidence, resamples=5) for _ in range(2))
    assert first.shape == (5,)
    assert torch.equal(first, again)
    other = calibration_error_by_chance(confidence, resamples=5, seed=1)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_recovered(temperature):
    logits, labels = synthetic(20_000, temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_temperature_is_the_minimum_and_scales_with_the_logits():
    logits, labels = synthetic(2000, 2.0)
    fitted = fit_temperature(logits, labels)

    def loss(temperature):
        return float(cross_entropy(logits.double() / temperature, labels))

    oracle = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-8})
    assert fitted == pytest.approx(oracle.x, rel=1e-5)
    assert fit_temperature(100 * logits, labels) == pytest.approx(100 * fitted)
    assert fit_temperature(logits / 100, labels) == pytest.approx(fitted / 100)
    assert fit_temperature(logits.requires_grad_(), labels) == pytest.approx(fitted)
    assert logits.grad is None


def test_temperature_of_what_inference_mode_made():
    logits, labels = synthetic(2000, 2.0)
    with torch.inference_mode():
        made = logits.double() * 2
    assert fit_temperature(made, labels) == pytest.approx(2 * fit_temperature(logits, labels))


def test_temperature_mends_calibration_and_changes_no_answer():
    logits, labels = synthetic(20_000, 3.0)

    def error(z):
        confidence, answer = z.softmax(1).max(1)
        return calibration_error(confidence, answer == labels)

    mended = logits / fit_temperature(logits, labels)
    assert error(mended) < 0.2 * error(logits)
    assert torch.equal(mended.argmax(1), logits.argmax(1))


def test_auroc_is_the_share_of_pairs_and_sklearns():
    draws = torch.Generator().manual_seed(0)
    inside = torch.randint(0, 8, (60,), generator=draws).float() + 2
    outside = torch.randint(0, 8, (40,), generator=draws).float()
    above = (inside[:, None] > outside).double() + 0.5 * (inside[:, None] == outside)
    assert auroc(inside, outside) == pytest.approx(float(above.mean()))
    member = torch.cat([torch.ones(60), torch.zeros(40)])
    oracle = roc_auc_score(member.numpy(), torch.cat([inside, outside]).numpy())
    assert auroc(inside, outside) == pytest.approx(oracle)
    assert auroc(outside, inside) == pytest.approx(1 - float(above.mean()))
    for size in (60, 500, 777):  # exactly, whatever the sizes
        assert auroc(torch.arange(size) + 9.0, outside) == 1
    assert auroc(torch.ones(5), torch.ones(7)) == 0.5


HALF, YES = torch.full((4,), 0.5), torch.ones(4, dtype=torch.bool)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: reliability([0.5], YES), TypeError, "confidence: .* got list"),
        (lambda: reliability(YES, YES), TypeError, "confidence: .* got torch.bool"),
        (lambda: reliability(HALF[:0], YES[:0]), ValueError, r"confidence: .* got \[0\]"),
        (lambda: reliability(HALF[:, None], YES), ValueError, r"confidence: .* got \[4, 1\]"),
        (lambda: reliability(HALF + 1, YES), ValueError, r"confidence: .* \[0, 1\], got 1.5"),
        (lambda: reliability(HALF * float("nan"), YES), ValueError, "confidence: .* got nan"),
        (lambda: reliability(HALF, YES.float()), TypeError, "right: .* got torch.float32"),
        (lambda: reliability(HALF, YES[:3]), ValueError, r"right: expected shape \[4\], got \[3\]"),
        (lambda: reliability(HALF, YES, bins=0), ValueError, "bins: .* got 0"),
        (lambda: calibration_error_by_chance(HALF, resamples=0), ValueError, "resamples: .* 0"),
        (lambda: fit_temperature(YES, YES.long()), TypeError, "logits: .* torch.bool"),
        (lambda: fit_temperature(HALF, YES.long()), ValueError, r"logits: .* \[4\]"),
        (lambda: fit_temperature(torch.eye(4), YES), TypeError, "labels: .* torch.bool"),
        (lambda: fit_temperature(torch.eye(4), YES.long() * 4), ValueError, "labels: .* 4 to 4"),
        (lambda: fit_temperature(torch.eye(4), torch.arange(4)), ValueError, "one wrong answer"),
        (lambda: fit_temperature(-torch.eye(4), torch.arange(4)), ValueError, "is infinite"),
        (
            lambda: fit_temperature(torch.eye(4) / 0, torch.arange(4)),
            ValueError,
            "logits: expected finite",
        ),
        (lambda: auroc(HALF[:0], HALF), ValueError, r"inside: .* got \[0\]"),
        (lambda: auroc(HALF, 0.5), ValueError, "outside: .* got 0.5"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
