"""What fires inside a network: how strongly, which features, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.checks import (
    MOST_CLASSES,
    check_count,
    check_images,
    check_labels,
    check_module,
    check_names,
)
from foolkit.models.door import evaluating, passed


def activations(
    net: nn.Module, images: Tensor, layers: Sequence[str] | None = None, *, chunk: int = 500
) -> dict[str, Tensor]:
    """What the named layers put out for each image.

    The network is left as it was: hooks are removed and modes restored, even after an error.

    Args:
        net: any module from images to a tensor.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        layers: names as in ``net.named_modules()``; by default every convolution and every
            linear layer but the last, whose outputs are the logits.
        chunk: images at a time.

    Returns:
        For each layer float32 ``[N, C, H, W]``, or ``[N, F]``, in the order of ``layers``.

    Raises:
        TypeError, ValueError: bad images, a layer that is not there, did not run or ran more
            than once, or whose output is not one tensor with the images as its first dimension.
    """
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    chunk = check_count(chunk, "chunk")
    modules = dict(net.named_modules())
    if layers is None:
        kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
        layers = [name for name, m in modules.items() if isinstance(m, kinds)][:-1]
    layers = check_names(layers, "layers")
    for name in layers:
        if name not in modules:
            known = ", ".join(name for name in modules if name)
            raise ValueError(f"layers: expected some of {known}, got {name!r}")
    found: dict[str, list[Tensor]] = {name: [] for name in layers}
    hooks = []
    try:
        for name in found:

            def keep(_: nn.Module, __: object, output: Tensor, name: str = name) -> None:
                if not isinstance(output, Tensor):
                    came = type(output).__name__
                    raise TypeError(f"layers: expected one tensor out of {name!r}, got {came}")
                found[name].append(output.detach().float())

            hooks.append(modules[name].register_forward_hook(keep))
        with torch.inference_mode(), evaluating(net):
            for number, part in enumerate(images.split(chunk), 1):
                passed(net, part)
                for name, outputs in found.items():
                    if len(outputs) != number or len(outputs[-1]) != len(part):
                        raise ValueError(
                            f"layers: expected one output an image of {name!r},"
                            f" got {len(outputs) - number + 1} runs a pass"
                        )
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(outputs) for name, outputs in found.items()}


@dataclass(frozen=True)
class Firing:
    """How images drive the layers of a network, measured against real images.

    Attributes:
        layers: names of the L layers.
        peak: float32 ``[L, N]``: the strongest response of a feature anywhere in the image, as
            a percentile of the same among the real images; mean over the features. Of real
            images 50 on average.
        total: float32 ``[L, N]``: the same of how far a feature's response is from rest, mean
            over the places. Rest is the median over all places of the real images.
        which: float32 ``[L, N]``: whether the features fire that should: correlation of the
            mean response of each feature with that of the class.
        where: float32 ``[L, N]``: whether they fire where they should: correlation of the
            response at each place with that of the class, each feature's mean taken off first.
            NaN for a layer without places.
    """

    layers: tuple[str, ...]
    peak: Tensor
    total: Tensor
    which: Tensor
    where: Tensor


class Reference:
    """How real images drive a network: what ``Firing`` is measured against.

    Args:
        net: any classifier.
        images: real ones, float32 ``[N, C, H, W]`` in [0, 1]; each class should have many.
        labels: int64 ``[N]``.
        layers: see ``activations``.
        classes: K.

    Raises:
        TypeError, ValueError: bad images, labels or layers; a class without an image.
    """

    def __init__(
        self,
        net: nn.Module,
        images: Tensor,
        labels: Tensor,
        *,
        layers: Sequence[str] | None = None,
        classes: int = 10,
    ) -> None:
        check_module(net)
        check_images(images, getattr(net, "input_shape", None))
        classes = check_count(classes, "classes", most=MOST_CLASSES)
        check_labels(labels, len(images), classes)
        if int((counts := labels.bincount(minlength=classes)).min()) == 0:
            raise ValueError(f"labels: expected every class, got none of {int(counts.argmin())}")
        self.net, self.classes = net, classes
        found = {k: v.flatten(2) if v.ndim > 2 else v[:, :, None] for k, v in
                 activations(net, images, layers).items()}  # fmt: skip
        self.layers = tuple(found)
        self.rest = {k: v.transpose(0, 1).flatten(1).median(1).values[:, None]
                     for k, v in found.items()}  # fmt: skip
        self.peaks = {k: _ascending(v.amax(2)) for k, v in found.items()}
        self.totals = {k: _ascending((v - self.rest[k]).abs().mean(2)) for k, v in found.items()}
        member = nn.functional.one_hot(labels.long(), classes).float() / counts
        self.means = {k: torch.einsum("nk,ncp->kcp", member, v) for k, v in found.items()}

    def firing(self, images: Tensor, labels: Tensor) -> Firing:
        """How ``images`` drive the layers, against the real images of class ``labels``."""
        check_labels(labels, len(images), self.classes)
        peak, total, which, where = [], [], [], []
        for name, found in activations(self.net, images, self.layers).items():
            places = found.flatten(2) if found.ndim > 2 else found[:, :, None]
            effort = (places - self.rest[name]).abs().mean(2)
            peak.append(_ranks(places.amax(2), self.peaks[name]).mean(1))
            total.append(_ranks(effort, self.totals[name]).mean(1))
            # what all classes have in common says nothing of the class
            usual = self.means[name].mean(0).mean(1)
            means = self.means[name][labels.long()]
            which.append(_correlation(places.mean(2) - usual, means.mean(2) - usual))
            there, expected = (a - a.mean(2, keepdim=True) for a in (places, means))
            where.append(_correlation(there.flatten(1), expected.flatten(1)))
            if found.ndim == 2:
                where[-1] = torch.full_like(where[-1], torch.nan)
        return Firing(self.layers, *map(torch.stack, (peak, total, which, where)))


def _ascending(values: Tensor) -> Tensor:
    """``[M, C]`` as sorted rows ``[C, M]``."""
    return values.T.sort(1).values.contiguous()


def _ranks(values: Tensor, sorted_values: Tensor) -> Tensor:
    """Percentile of ``values`` ``[N, C]`` among ``[C, M]``, ties at their middle: ``[N, C]``."""
    queries = values.T.contiguous()
    below = torch.searchsorted(sorted_values, queries)
    upto = torch.searchsorted(sorted_values, queries, right=True)
    return 50 * (below + upto).T / sorted_values.shape[1]


def _correlation(one: Tensor, other: Tensor) -> Tensor:
    """Pearson correlation of each row of ``[N, D]`` with its row of the other: ``[N]``."""
    one, other = (a - a.mean(1, keepdim=True) for a in (one, other))
    scale = (one.norm(dim=1) * other.norm(dim=1)).clamp_min(1e-12)
    return (one * other).sum(1) / scale
