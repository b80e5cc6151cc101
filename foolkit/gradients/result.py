"""What the routines return: the images, and what the network says of them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from foolkit.files import load_tensors, save_tensors
from foolkit.gradients.problem import CHUNK, Problem, attacking, column

Ball = tuple[str, float]  # a norm ("inf", "2", "1") and a radius in units of the pixel range
ROUNDED = 1e-3  # of a level: what float32 may lose


@dataclass(frozen=True, repr=False)
class Perturbed:
    """Changed images, and what the network says of exactly these, in one fresh forward pass.

    ``found[rows]`` are the results of some images, ``Perturbed.cat`` joins those of several calls,
    ``save`` and ``load`` keep them in a file.

    Attributes:
        images: float32 ``[N, C, H, W]``, in [0, 1] (unless made with ``clip=False``).
        originals: the images that were changed, of the same shape.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        targeted: whether the labels were to be reached, and not to be left.
        success: bool ``[N]``. Untargeted: the predicted class is not the label (also where it
            never was, see ``before``). Targeted: it is. An image or an answer, of the
            original too, that is not finite is a failure.
        before: int64 ``[N]``, the class of the largest logit of the *original*.
        files: uint8 ``[N, C, H, W]``, what a file of 8 bits holds of the images; of an attack
            within a ball it lies in the ball (see ``as_file``).
        success_8bit: bool ``[N]``, the same as ``success``, of ``files``.
        predicted_8bit, confidence_8bit: as ``predicted`` and ``confidence``, of ``files``.
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
    before: Tensor
    files: Tensor
    predicted_8bit: Tensor
    confidence_8bit: Tensor
    predicted: Tensor
    confidence: Tensor
    label_confidence: Tensor
    l2: Tensor
    linf: Tensor
    l0: Tensor
    rms: Tensor
    queries: Tensor

    KIND: ClassVar[str] = "perturbed"  # what its file says it is
    # of the tensors that are no float32
    DTYPES: ClassVar[dict[str, torch.dtype]] = {
        "labels": torch.int64,
        "success": torch.bool,
        "success_8bit": torch.bool,
        "before": torch.int64,
        "files": torch.uint8,
        "predicted_8bit": torch.int64,
        "predicted": torch.int64,
        "l0": torch.int64,
        "queries": torch.int64,
    }

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        fooled = self.fooled
        count, already = int(fooled.sum()), int((self.success & ~fooled).sum())
        far = f", median L2 of these {float(self.l2[fooled].median()):.2f}" if count else ""
        so = "at the goal" if self.targeted else "wrong"
        before = f", {already} {so} before" if already else ""
        return f"{type(self).__name__}({len(self)} images, {count} fooled{far}{before})"

    @property
    def fooled(self) -> Tensor:
        """bool ``[N]``: successes that were none before: right (or away from the goal) as given."""
        return self.success & ((self.before == self.labels) != self.targeted)

    @property
    def clean_accuracy(self) -> float:
        """The share of the originals that the network reads as their labels say (untargeted)."""
        self._need_truth()
        return float((self.before == self.labels).float().mean())

    @property
    def robust_accuracy(self) -> float:
        """The share that it reads right before the change and after it (untargeted)."""
        self._need_truth()
        return float((~self.success & (self.before == self.labels)).float().mean())

    @property
    def robust_accuracy_8bit(self) -> float:
        """The same, of ``files``."""
        self._need_truth()
        return float((~self.success_8bit & (self.before == self.labels)).float().mean())

    def _need_truth(self) -> None:
        if self.targeted:
            raise ValueError("targeted: expected untargeted results; labels are goals here")

    @property
    def perturbation(self) -> Tensor:
        """``images - originals``."""
        return self.images - self.originals

    def tensors(self) -> dict[str, Tensor]:
        """All fields but ``targeted``, by name."""
        return {name: getattr(self, name) for name in self._names()}

    def __getitem__(self, rows: Tensor | slice | int) -> Self:
        """The results of some images; a single one is a batch of one.

        Args:
            rows: an int64 tensor, a bool mask ``[N]``, a slice or an integer.

        Raises:
            TypeError: anything else.
            IndexError: an image that is not there, a mask of another length.
        """
        if isinstance(rows, Tensor):
            if rows.dtype not in (torch.int64, torch.bool) or rows.ndim != 1:
                raise TypeError(
                    "rows: expected an int64 tensor [M] or a bool mask [N],"
                    f" got {rows.dtype} {list(rows.shape)}"
                )
        elif hasattr(rows, "__index__") and not isinstance(rows, bool):
            rows = operator.index(rows)
            if not -len(self) <= rows < len(self):
                raise IndexError(f"rows: expected one of {len(self)} images, got {rows}")
            rows = slice(rows, rows + 1 or None)
        elif not isinstance(rows, slice):
            raise TypeError(
                f"rows: expected a tensor, a slice or an integer, got {type(rows).__name__}"
            )
        chosen: dict[str, Any] = {
            name: tensor[(slice(None),) * self._dimension(name) + (rows,)]
            for name, tensor in self.tensors().items()
        }
        return replace(self, **chosen)

    @classmethod
    def cat(cls, parts: Sequence[Self]) -> Self:
        """The results of several calls as one, in their order.

        Raises:
            TypeError: a part of another kind.
            ValueError: no part, targeted and untargeted ones, images of several shapes.
        """
        if not isinstance(parts, Sequence):
            raise TypeError(f"parts: expected a list of results, got {type(parts).__name__}")
        if not parts:
            raise ValueError("parts: expected at least one, got none")
        for part in parts:
            if type(part) is not cls:
                raise TypeError(f"parts: expected {cls.__name__}, got {type(part).__name__}")
        targeted = {part.targeted for part in parts}
        if len(targeted) > 1:
            raise ValueError("parts: expected all targeted or none, got both")
        shapes = sorted({tuple(part.images.shape[1:]) for part in parts})
        if len(shapes) > 1:
            raise ValueError(f"parts: expected images of one shape, got {shapes}")
        joined = {
            name: cls._joined(name, [getattr(part, name) for part in parts])
            for name in cls._names()
        }
        return cls(**joined, targeted=targeted.pop())

    def to(self, device: torch.device | str) -> Self:
        """The same results with every tensor on another device."""
        moved: dict[str, Any] = {name: t.to(device) for name, t in self.tensors().items()}
        return replace(self, **moved)

    def save(self, path: str | Path) -> None:
        """Everything in one safetensors file, written atomically."""
        save_tensors(Path(path), self.tensors(), {"kind": self.KIND, "targeted": self.targeted})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """What ``save`` wrote, number for number, on the CPU.

        Raises:
            FileNotFoundError: no such file.
            ValueError: truncated, corrupt, of another kind, or with tensors that do not fit.
        """
        tensors, facts = load_tensors(Path(path), "path")
        if facts.get("kind") != cls.KIND:
            raise ValueError(
                f"path: expected a file of kind {cls.KIND!r}, got {facts.get('kind')!r}: {path}"
            )
        if set(tensors) != set(cls._names()) or not isinstance(facts.get("targeted"), bool):
            raise ValueError(
                f"path: expected {', '.join(cls._names())} and targeted,"
                f" got {', '.join([*sorted(tensors), *sorted(facts)])}: {path}"
            )
        for name, tensor in tensors.items():
            dimension = cls._dimension(name)
            pixels = name in ("images", "originals", "files")
            wide = 4 if pixels else dimension + 1
            shape, dtype = tensors["images"].shape, cls.DTYPES.get(name, torch.float32)
            fits = tensor.ndim == wide and tensor.shape[dimension] == shape[0]
            if pixels:
                fits = tensor.shape == shape
            if not fits or tensor.dtype != dtype:
                raise ValueError(
                    f"path: expected {name} as {dtype} of images {list(shape)},"
                    f" got {tensor.dtype} {list(tensor.shape)}: {path}"
                )
        return cls(**tensors, targeted=facts["targeted"])

    @classmethod
    def _names(cls) -> list[str]:
        return [field.name for field in fields(cls) if field.name != "targeted"]

    @classmethod
    def _dimension(cls, name: str) -> int:
        """The dimension of a field along which the images stand."""
        return 0

    @classmethod
    def _joined(cls, name: str, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts)


def as_file(images: Tensor, originals: Tensor, ball: Ball | None = None) -> Tensor:
    """Images in [0, 1] as 8-bit numbers, uint8: what a file of them holds.

    Each value becomes the nearest of 256 levels. Where the images lie in a ball around the
    originals, those that rounding would push out of it stay in it, as long as the originals are
    8-bit images themselves: in Linf the nearest level within the ball, in L1 and L2 the nearest
    one towards the original.

    Args:
        images, originals: float32 ``[N, C, H, W]``.
        ball: the norm (``"inf"``, ``"2"`` or ``"1"``) and the radius, in units of the pixel range.
    """
    levels = (images * 255).round()
    if ball is not None:
        norm, radius = ball
        centre = originals * 255
        if norm == "inf":
            low = (centre - 255 * radius - ROUNDED).ceil()
            high = (centre + 255 * radius + ROUNDED).floor()
            levels = torch.where(low <= high, levels.clamp(low, high), levels)
        else:
            change = (levels / 255 - originals).flatten(1)
            out = torch.linalg.vector_norm(change, float(norm), dim=1) > radius
            inward = (centre + (images * 255 - centre).trunc()).round()
            levels = torch.where(column(out), inward, levels)
    return levels.clamp_(0, 255).to(torch.uint8)


def measured(
    problem: Problem,
    images: Tensor,
    queries: Tensor | int,
    chunk: int = CHUNK,
    ball: Ball | None = None,
    first: Tensor | None = None,
) -> dict[str, Any]:
    """The fields of ``Perturbed`` for ``images`` made from ``problem``, within a ``ball`` or not.

    Where a routine ended in pixels that are not finite the original stands, as a failure.
    ``first`` are the logits ``[N, K]`` of the originals, where the routine has them already.
    """
    with attacking(problem.net):
        broken = ~images.flatten(1).isfinite().all(1)
        images = torch.where(broken.view(-1, 1, 1, 1), problem.images, images)
        logits = torch.cat([problem.net(part).float() for part in images.split(chunk)])
        if first is None:
            first = torch.cat([problem.net(part.images).float() for part in problem.split(chunk)])
        broken |= ~(logits.isfinite() & first.isfinite()).all(1)
        files = as_file(images, problem.images, ball)
        from_files = torch.cat(
            [problem.net(part.float() / 255).float() for part in files.split(chunk)]
        )
        confidence_8bit, predicted_8bit = from_files.softmax(1).max(1)
        confidences = logits.softmax(1)
        confidence, predicted = confidences.max(1)
        change = (images - problem.images).flatten(1)
        l2 = torch.linalg.vector_norm(change, dim=1)
        if not isinstance(queries, Tensor):
            queries = torch.full_like(predicted, queries)
        return {
            "images": images,
            "originals": problem.images,
            "labels": problem.labels,
            "targeted": problem.targeted,
            "success": ((predicted == problem.labels) == problem.targeted) & ~broken,
            "success_8bit": ((predicted_8bit == problem.labels) == problem.targeted) & ~broken,
            "before": first.argmax(1),
            "files": files,
            "predicted_8bit": predicted_8bit,
            "confidence_8bit": confidence_8bit,
            "predicted": predicted,
            "confidence": confidence,
            "label_confidence": confidences.gather(1, problem.labels[:, None])[:, 0],
            "l2": l2,
            "linf": torch.linalg.vector_norm(change, torch.inf, dim=1),
            "l0": (images != problem.images).any(1).flatten(1).sum(1),
            "rms": l2 / change.shape[1] ** 0.5,
            "queries": queries,
        }


def perturbed(
    problem: Problem,
    images: Tensor,
    queries: Tensor | int,
    chunk: int = CHUNK,
    ball: Ball | None = None,
    first: Tensor | None = None,
) -> Perturbed:
    """The result for ``images`` made from ``problem``, judged anew."""
    return Perturbed(**measured(problem, images, queries, chunk, ball, first))
