"""What the routines return: the images, and what the network says of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.gradients.problem import BATCH, Problem, attacking


@dataclass(frozen=True)
class Perturbed:
    """Changed images, and what the network says of exactly these, in one fresh forward pass.

    Attributes:
        images: float32 ``[N, C, H, W]``, in [0, 1] (unless made with ``clip=False``).
        originals: the images that were changed, of the same shape.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        targeted: whether the labels were to be reached, and not to be left.
        success: bool ``[N]``. Untargeted: the predicted class is not the label (also where it
            never was). Targeted: it is.
        success_8bit: bool ``[N]``, the same after rounding to 8 bits, as an image file would.
        predicted: int64 ``[N]``, the class of the largest logit.
        confidence: float32 ``[N]``, softmax probability of the *predicted* class.
        label_confidence: float32 ``[N]``, softmax probability of the *label* (the goal, if
            targeted).
        l2, linf, rms: float32 ``[N]``, norms of the change, in units of the pixel range:
            Euclidean, largest, and root mean square over pixels and channels (Szegedy's
            distortion, ``l2 / sqrt(C H W)``).
        l0: int64 ``[N]``, pixels changed at all, in any channel.
        queries: int64 ``[N]``, forward passes spent on each image to make it. A gradient counts
            with its forward pass; the passes that judge the result are not counted.
    """

    images: Tensor
    originals: Tensor
    labels: Tensor
    targeted: bool
    success: Tensor
    success_8bit: Tensor
    predicted: Tensor
    confidence: Tensor
    label_confidence: Tensor
    l2: Tensor
    linf: Tensor
    l0: Tensor
    rms: Tensor
    queries: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def perturbation(self) -> Tensor:
        """``images - originals``."""
        return self.images - self.originals


def facts(problem: Problem, images: Tensor, queries: Tensor | int, batch: int = BATCH) -> dict:
    """The fields of ``Perturbed`` for ``images`` made from ``problem``."""
    with attacking(problem.net):
        logits = torch.cat([problem.net(part).float() for part in images.split(batch)])
        files = [(part * 255).round_().clamp_(0, 255).div_(255) for part in images.split(batch)]
        from_files = torch.cat([problem.net(part).argmax(1) for part in files])
        confidence, predicted = logits.softmax(1).max(1)
        change = (images - problem.images).flatten(1)
        l2 = torch.linalg.vector_norm(change, dim=1)
        if not isinstance(queries, Tensor):
            queries = torch.full_like(predicted, queries)
        return {
            "images": images,
            "originals": problem.images,
            "labels": problem.labels,
            "targeted": problem.targeted,
            "success": (predicted == problem.labels) == problem.targeted,
            "success_8bit": (from_files == problem.labels) == problem.targeted,
            "predicted": predicted,
            "confidence": confidence,
            "label_confidence": logits.softmax(1).gather(1, problem.labels[:, None])[:, 0],
            "l2": l2,
            "linf": torch.linalg.vector_norm(change, torch.inf, dim=1),
            "l0": (images != problem.images).any(1).flatten(1).sum(1),
            "rms": l2 / change.shape[1] ** 0.5,
            "queries": queries,
        }


def perturbed(
    problem: Problem, images: Tensor, queries: Tensor | int, batch: int = BATCH
) -> Perturbed:
    """The result for ``images`` made from ``problem``, judged anew."""
    return Perturbed(**facts(problem, images, queries, batch))
