"""The control of every attack: a random change of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice, check_count, check_flag
from foolkit.gradients.problem import (
    CHUNK,
    Problem,
    attacking,
    check_sizes,
    column,
    norm_named,
)
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.seeds import Seed, generator_of

Norm = Literal["2", "inf", "rms"]
NORMS: tuple[Norm, ...] = ("2", "inf", "rms")
Kind = Literal["gaussian", "sign"]
HALVINGS = 30  # of the interval in which the scale is sought: float32 has no more digits


@overload
def noise(
    net: nn.Module, images: Tensor, labels: Tensor, *, size: float | Tensor,
    norm: Norm | float = ..., kind: Kind = ..., clip: bool = ..., targeted: bool = ...,
    mask: Tensor | None = ..., seed: Seed = ..., chunk: int = ...,
) -> Perturbed: ...  # fmt: skip
@overload
def noise(
    net: nn.Module, images: Tensor, labels: Tensor, *, size: Sequence[float],
    norm: Norm | float = ..., kind: Kind = ..., clip: bool = ..., targeted: bool = ...,
    mask: Tensor | None = ..., seed: Seed = ..., chunk: int = ...,
) -> list[Perturbed]: ...  # fmt: skip
def noise(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    size: float | Sequence[float] | Tensor,
    norm: Norm | float = "2",
    kind: Kind = "gaussian",
    clip: bool = True,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: Seed = 0,
    chunk: int = CHUNK,
) -> Perturbed | list[Perturbed]:
    """Random noise of a given size: what a perturbation of that size does by its size alone.

    ``x' = clip(x + s n)`` with ``n`` Gaussian or of random signs, and the scale ``s`` of each
    image chosen so that the change *after* clipping has the size asked for (up to float32; or
    as much of it as the box leaves room for in the direction drawn). Without clipping, RMS noise
    of kind Gaussian is Szegedy's (2013, table 2).

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        size: in units of the pixel range: a number; a tensor ``[N]``, one for each image (such
            as ``adv.l2``); or a sequence of numbers, for which the same noise is scaled.
        norm: what is to have that size: ``"2"``, ``"inf"`` or ``"rms"``.
        kind: ``"gaussian"`` or ``"sign"`` (every component plus or minus the same).
        clip: clip to [0, 1].
        targeted: whether success is to be predicted as the label.
        mask: bool, broadcast to the images: True where a pixel may change.
        seed: of the noise; an integer or a generator on the images' device.
        chunk: images of one pass.

    Returns:
        The result, with no queries; for a sequence of sizes a list of results, in their order.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_flag(clip, "clip")
    norm = norm_named(norm, NORMS)
    check_choice(kind, ("gaussian", "sign"), "kind")
    chunk = check_count(chunk, "chunk")
    if isinstance(size, Tensor):
        if tuple(size.shape) != (len(problem),) or not bool((size.isfinite() & (size >= 0)).all()):
            raise ValueError(f"size: expected {len(problem)} finite numbers >= 0, one an image")
        sizes = [size.to(images)]
    else:
        sizes = [images.new_full((len(problem),), s) for s in check_sizes(size, "size")]
    shape, generator = images.shape, generator_of(seed, images.device)
    with attacking(problem.net):
        drawn = torch.randn(shape, generator=generator, dtype=images.dtype, device=images.device)
        if kind == "sign":
            drawn = drawn.sign_().where(drawn != 0, 1)
        if problem.mask is not None:
            drawn *= problem.mask
        results = []
        for wanted in sizes:
            change = _scaled(problem, drawn, wanted, norm, clip)
            results.append(perturbed(problem, problem.images + change, 0, chunk))
    return results if isinstance(size, Sequence) else results[0]


def _scaled(problem: Problem, drawn: Tensor, size: Tensor, norm: str, clip: bool) -> Tensor:
    """``drawn``, scaled to the size (and clipped): its size grows with the scale."""
    scale = size / _size(drawn, norm).clamp_min(1e-12)
    if not clip:
        return drawn * column(scale)
    low, high = problem.bounds()
    # once every component has reached the box, a larger scale changes nothing
    most = 1 / drawn.abs().flatten(1).clamp_min(1e-6).amin(1)
    below, above = scale, torch.maximum(scale, most)
    for _ in range(HALVINGS):
        middle = (below * above).sqrt()
        small = _size(torch.clamp(drawn * column(middle), low, high), norm) < size
        below, above = torch.where(small, middle, below), torch.where(small, above, middle)
    return torch.clamp(drawn * column(below), low, high)


def _size(change: Tensor, norm: str) -> Tensor:
    """``[N]``: the norm of each image's change."""
    flat = change.flatten(1)
    if norm == "inf":
        return torch.linalg.vector_norm(flat, torch.inf, dim=1)
    length = torch.linalg.vector_norm(flat, dim=1)
    return length / flat.shape[1] ** 0.5 if norm == "rms" else length
