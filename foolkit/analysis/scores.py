"""Scores that need not add up to one, the mistakes made with them, and what refusing costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from foolkit.analysis.intervals import Interval, exact_share, mean_interval
from foolkit.checks import (
    check_between,
    check_choice,
    check_count,
    check_dense,
    check_fraction,
    check_labels,
    check_numbers,
    check_shape,
)
from foolkit.models.door import evaluating, finite_answer
from foolkit.seeds import Seed

Reading = Literal["softmax", "independent"]


def class_scores(
    net: nn.Module, images: Tensor, reading: Reading = "softmax", *, chunk: int = 500
) -> Tensor:
    """What a network says of each class: float64 ``[N, K]``, each in [0, 1].

    Computed in float64 from float32 logits, so that scores near 0 and near 1 keep their order.

    Args:
        net: any module from images to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` of *any* finite values: Goodfellow et al. (2015) asked
            about Gaussian noise, and about steps that leave the box [0, 1].
        reading: ``"softmax"``: the scores share out one; ``"independent"``: the sigmoid of each
            logit by itself, and they may all be 0.
        chunk: images of one pass.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
    if not isinstance(images, Tensor) or images.dtype != torch.float32:
        came = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images: expected a float32 tensor [N, C, H, W], got {came}")
    check_dense(images, "images")
    check_shape(images, getattr(net, "input_shape", None))
    if not len(images) or not bool(images.isfinite().all()):
        what = "none" if not len(images) else "NaN or infinity"
        raise ValueError(f"images: expected at least one, of finite values, got {what}")
    check_choice(reading, ("softmax", "independent"), "reading")
    chunk = check_count(chunk, "chunk")
    with torch.inference_mode(), evaluating(net):
        logits = torch.cat([finite_answer(net, part).double() for part in images.split(chunk)])
        return logits.softmax(1) if reading == "softmax" else logits.sigmoid()


@dataclass(frozen=True)
class Mistakes:
    """Which answers were wrong, and how sure they were; of N images.

    Attributes:
        wrong: bool ``[N]``.
        confidence: float64 ``[N]``, the highest score of each.
    """

    wrong: Tensor
    confidence: Tensor

    @property
    def share(self) -> float:
        """Of the images, how many were answered wrongly."""
        return float(self.wrong.double().mean())

    def interval(self, level: float = 0.95) -> Interval[float]:
        """That share with its exact interval, over images like these."""
        return exact_share(self.wrong, level)

    @property
    def sureness(self) -> float:
        """Mean confidence of the wrong answers; NaN if there is none."""
        return float(self.confidence[self.wrong].mean())

    def accepted(self, least: float = 0.5) -> float:
        """The share of all images that were answered wrongly with more than ``least``."""
        check_fraction(least, "least")
        return float((self.wrong & (self.confidence > least)).double().mean())


def over_networks(
    made: Sequence[Mistakes], level: float = 0.95, *, resamples: int = 1000, seed: Seed = 0
) -> tuple[Interval[float], Interval[float]]:
    """The share of mistakes and their mean confidence, over networks trained alike.

    Networks are drawn first, and then the images of each: ``mean_interval``. Of a single network
    there is but the spread of its images, and the share's interval is exact. Where no image was
    answered wrongly, or every one, it is the exact one of one network's images, which all
    networks were shown.

    Args:
        made: of each network, on the same images.
        level: of the intervals, in (0, 1).
        resamples, seed: of the bootstrap.

    Returns:
        The share, and the confidence on mistakes, all networks' mistakes together: NaN where
        there are none.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    if (
        not isinstance(made, Sequence)
        or not len(made)
        or any(type(m) is not Mistakes for m in made)
    ):
        raise TypeError(f"made: expected at least one Mistakes, got {made!r}")
    check_between(level, "level")
    wrong = torch.cat([one.wrong for one in made])
    network = torch.arange(len(made)).repeat_interleave(torch.tensor([len(o.wrong) for o in made]))
    options: dict[str, Any] = {"resamples": resamples, "level": level, "seed": seed}
    if len(made) == 1 or not bool(wrong.any()) or bool(wrong.all()):
        share = made[0].interval(level)
    else:
        share = mean_interval(wrong, networks=network, **options)
    if not bool(wrong.any()):
        nothing = float("nan")
        return share, Interval(nothing, nothing, nothing, level)
    sure = torch.cat([one.confidence for one in made])[wrong]
    return share, mean_interval(sure, networks=network[wrong.cpu()], **options)


def mistakes_on_rubbish(found: Tensor, least: float = 0.5) -> Mistakes:
    """Answers to images that show nothing: wrong is any score above ``least``.

    As Goodfellow et al. (2015, section 8): on rubbish "an error is made" when some class has a
    probability above one half.

    Args:
        found: scores ``[N, K]``.
        least: in [0, 1].

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    _check_scores(found)
    check_fraction(least, "least")
    best = found.amax(1)
    return Mistakes(best > least, best)


def mistakes(found: Tensor, labels: Tensor) -> Mistakes:
    """Answers to images of known classes: wrong is a highest score that is not the label's.

    Nothing is refused: an answer counts however low its score is.

    Args:
        found: scores ``[N, K]``.
        labels: int64 ``[N]``.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    _check_scores(found)
    check_labels(labels, *found.shape)
    best, answer = found.max(1)
    return Mistakes(answer != labels.to(answer.device), best)


def accuracy_refusing(confidence: Tensor, right: Tensor, refused: Sequence[float]) -> Tensor:
    """Accuracy on what is left when the least certain are refused.

    Among equal confidences none goes first: each stands for the mean of all of them.

    Args:
        confidence: ``[N]``.
        right: bool ``[N]``.
        refused: L shares, each in [0, 1]; at least one image is always kept.

    Returns:
        float64 ``[L]``.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    if not isinstance(confidence, Tensor) or not confidence.is_floating_point():
        raise TypeError("confidence: expected a floating-point tensor [N]")
    check_dense(confidence, "confidence")
    if confidence.ndim != 1 or not len(confidence) or not bool(confidence.isfinite().all()):
        raise ValueError(f"confidence: expected finite [N], got {list(confidence.shape)}")
    if not isinstance(right, Tensor) or right.dtype != torch.bool:
        raise TypeError("right: expected a bool tensor [N]")
    check_dense(right, "right")
    if right.shape != confidence.shape:
        raise ValueError(f"right: expected shape {list(confidence.shape)}, got {list(right.shape)}")
    refused = check_numbers(refused, "refused", least=0, most=1)
    _, group, count = confidence.unique(return_inverse=True, return_counts=True)
    mean = torch.zeros(len(count), dtype=torch.float64, device=right.device)
    mean = mean.index_add(0, group, right.double()) / count
    kept = mean[group[confidence.argsort(descending=True)]].cumsum(0)
    n = len(confidence)
    left = torch.tensor([max(1, round((1 - share) * n)) for share in refused])
    return kept.cpu()[left - 1] / left


def _check_scores(found: Tensor) -> None:
    if not isinstance(found, Tensor) or not found.is_floating_point():
        came = found.dtype if isinstance(found, Tensor) else type(found).__name__
        raise TypeError(f"found: expected a floating-point tensor of scores [N, K], got {came}")
    if found.ndim != 2 or not found.numel():
        raise ValueError(f"found: expected scores [N, K], got {list(found.shape)}")
    check_dense(found, "found")
    low, high = (float(v) for v in torch.aminmax(found.detach()))
    if not (low >= 0 and high <= 1 + 1e-6):  # false for NaN too
        raise ValueError(f"found: expected scores in [0, 1], got {low:.4g} to {high:.4g}")
