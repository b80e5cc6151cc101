"""What a confidence promises: calibration, temperature, and telling right from wrong by it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.checks import (
    MOST_DRAWS,
    check_count,
    check_dense,
    check_labels,
    check_no_nan,
    check_tensor,
)
from foolkit.seeds import generator_of

BINS = 15  # as Guo et al. (2017)


@dataclass(frozen=True)
class Reliability:
    """Answers sorted by their confidence into bins of equal width; every field is ``[bins]``.

    Attributes:
        confidence: mean confidence of the answers in the bin; NaN where there is none.
        accuracy: the share of them that is right; NaN where there is none.
        count: how many they are (int64).
        edges: lower ends of the bins, 0 to 1 - 1/bins.
    """

    confidence: Tensor
    accuracy: Tensor
    count: Tensor
    edges: Tensor

    @property
    def error(self) -> float:
        """Expected calibration error, in [0, 1]: Guo et al. (2017), equation 3.

        The mean gap of the bins, weighted by their answers:
        ``sum over bins b of count_b / n * |accuracy_b - confidence_b|``.
        """
        gap = (self.accuracy - self.confidence).abs().nan_to_num()  # an empty bin weighs nothing
        return float((gap * self.count).sum() / self.count.sum())


def reliability(confidence: Tensor, right: Tensor, bins: int = BINS) -> Reliability:
    """The reliability diagram of some answers (Guo et al. 2017, section 2).

    Bin b holds the confidences in ``((b - 1) / bins, b / bins]``, and a confidence of 0 is in the
    first.

    Args:
        confidence: of each answer, its probability according to the network; ``[N]`` in [0, 1].
        right: whether each was right; bool ``[N]``.
        bins: of equal width.

    Raises:
        TypeError, ValueError: not what is said above.
    """
    confidence = _confidence(confidence)
    _check_right(right, len(confidence))
    check_count(bins, "bins", most=MOST_DRAWS)
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    zeros = confidence.new_zeros(bins)
    count = place.bincount(minlength=bins)
    return Reliability(
        confidence=zeros.index_add(0, place, confidence) / count,
        accuracy=zeros.index_add(0, place, right.to(confidence)) / count,
        count=count,
        edges=torch.arange(bins, device=confidence.device) / bins,
    )


def calibration_error(confidence: Tensor, right: Tensor, bins: int = BINS) -> float:
    """Expected calibration error of some answers, in [0, 1]: see ``Reliability.error``.

    It is a mean of absolute values, so chance alone makes it positive: compare it with
    ``calibration_error_by_chance``.
    """
    return reliability(confidence, right, bins).error


def calibration_error_by_chance(
    confidence: Tensor, *, resamples: int = 1000, bins: int = BINS, seed: int = 0
) -> Tensor:
    """The calibration error that perfectly calibrated answers of these confidences would show.

    Each is right with a probability of its own confidence, drawn anew ``resamples`` times
    (Bröcker and Smith 2007, "Increasing the reliability of reliability diagrams").

    Returns:
        ``[resamples]``, float64, on the CPU.
    """
    confidence = _confidence(confidence).cpu()
    check_count(resamples, "resamples", most=MOST_DRAWS)
    draws = generator_of(seed)
    n = len(confidence)
    return torch.tensor(
        [
            reliability(confidence, torch.rand(n, generator=draws) < confidence, bins).error
            for _ in range(resamples)
        ],
        dtype=torch.float64,
    )


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature T that makes ``softmax(logits / T)`` most likely: Guo et al. (2017), 4.2.

    Minimises the mean of ``-log softmax(logits / T)[label]``. It is convex in ``1 / T``, so its
    slope, the mean over images of ``sum_k softmax(logits / T)_k logits_k - logits_label``, has
    one zero, which Brent's method finds. T above 1 makes every answer less certain, T below 1
    more so; no answer changes.

    Args:
        logits: ``[N, K]``, of images that were not trained on.
        labels: int64 ``[N]``.

    Raises:
        TypeError, ValueError: not what is said above.
        ValueError: no T is best: every label has the highest logit (T falls to 0), or labels have
            no higher logits than the mean (T grows without end).
    """
    if not isinstance(logits, Tensor) or not logits.is_floating_point():
        came = logits.dtype if isinstance(logits, Tensor) else type(logits).__name__
        raise TypeError(f"logits: expected a floating-point tensor [N, K], got {came}")
    check_dense(logits, "logits")
    if logits.ndim != 2 or logits.numel() == 0:
        raise ValueError(f"logits: expected shape [N, K], got {list(logits.shape)}")
    check_labels(labels, *logits.shape)
    if not bool(logits.isfinite().all()):
        raise ValueError("logits: expected finite values, got NaN or infinity")
    from scipy.optimize import brentq  # slow to import

    logits, labels = logits.detach().double(), labels.long()
    chosen = logits.gather(1, labels[:, None])
    if bool((chosen >= logits.amax(1, keepdim=True)).all()):
        raise ValueError("logits: expected at least one wrong answer, else the best T is 0")
    if bool(chosen.mean() <= logits.mean()):
        raise ValueError("logits: expected higher ones for the labels, else the best T is infinite")
    scale = logits.std()

    def slope(log_steepness: float) -> float:
        weights = (logits * (math.exp(log_steepness) / scale)).softmax(1)
        return float((weights * logits).sum(1).mean() - chosen.mean())

    return float(scale) / math.exp(brentq(slope, -20.0, 20.0, xtol=1e-12))


def auroc(inside: Tensor, outside: Tensor) -> float:
    """How well a score tells two sets apart: the area under its ROC curve, in [0, 1].

    The probability that a random member of ``inside`` scores higher than a random one of
    ``outside``, ties counting one half: 1 is perfect, 0.5 a coin. With the highest confidence as
    the score it is the baseline of Hendrycks and Gimpel (2017). Counted in
    ranks (Mann and Whitney 1947), on the CPU.

    Args:
        inside, outside: scores ``[N]`` and ``[M]`` of one type, for example of digits and of noise.
    """
    for argument, scores in (("inside", inside), ("outside", outside)):
        if not isinstance(scores, Tensor) or scores.ndim != 1 or len(scores) == 0:
            came = list(scores.shape) if isinstance(scores, Tensor) else repr(scores)
            raise ValueError(f"{argument}: expected a tensor of scores [N], got {came}")
        check_tensor(scores, argument, 1)
        check_no_nan(scores, argument)
    from scipy.stats import rankdata  # slow to import

    # ranks are halves of integers, so that two sets apart have exactly 1, on which intervals
    # depend; scikit-learn's roc_auc_score sums an area, to 1 - 1e-16
    ranks = rankdata(torch.cat([inside.detach(), outside.detach()]).cpu().numpy())
    n, m = len(inside), len(outside)
    return float(ranks[:n].sum() - n * (n + 1) / 2) / (n * m)


def _confidence(confidence: Tensor) -> Tensor:
    """Checked, and in double precision, where bin edges and sums are exact enough."""
    check_tensor(confidence, "confidence", floating=True)
    if confidence.ndim != 1 or len(confidence) == 0:
        raise ValueError(f"confidence: expected shape [N], got {list(confidence.shape)}")
    low, high = (float(v) for v in torch.aminmax(confidence.detach()))
    if not (low >= 0 and high <= 1 + 1e-6):  # false for NaN too
        raise ValueError(f"confidence: expected values in [0, 1], got {low:.4g} to {high:.4g}")
    return confidence.detach().double()


def _check_right(right: Tensor, n: int) -> None:
    if not isinstance(right, Tensor) or right.dtype != torch.bool:
        came = right.dtype if isinstance(right, Tensor) else type(right).__name__
        raise TypeError(f"right: expected a bool tensor [{n}], got {came}")
    check_dense(right, "right")
    if tuple(right.shape) != (n,):
        raise ValueError(f"right: expected shape [{n}], got {list(right.shape)}")
