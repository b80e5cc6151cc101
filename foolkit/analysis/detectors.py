"""Detectors: scores that are high for what looks like the data, and where to refuse.

All share one interface: a module that is fitted on accepted images, ``detector.fit(images,
labels)``, and then gives a score to each image, ``detector.score(images)``; higher is more like
the data. Called as a module, on images that ask for a gradient, it passes one, so that attacks
can go through it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from foolkit.checks import (
    check_choice,
    check_count,
    check_dense,
    check_fraction,
    check_images,
    check_kind,
    check_labels,
    check_module,
    check_number,
    check_shape,
)
from foolkit.models.door import answer, evaluating


class Detector(nn.Module, ABC):
    """What all detectors are.

    Attributes:
        net: the network that it listens to, or None.
        hears: whether it listens to its features, ``[N, F]``, too.
        layer: whose output they are; None: what goes into the last linear layer.
    """

    hears = False
    layer: str | None = None

    def __init__(self, net: nn.Module | None = None) -> None:
        super().__init__()
        if net is not None and not isinstance(net, nn.Module):
            raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
        self.net = net

    def fit(self, images: Tensor, labels: Tensor | None = None) -> Self:
        """Learn what is to be accepted; some detectors have nothing to learn.

        Args:
            images: float32 ``[N, C, H, W]`` in [0, 1]. Not those that the network was trained
                on: it knows them too well.
            labels: int64 ``[N]``, where the detector needs them.

        Raises:
            TypeError, ValueError: an argument that does not fit; too few images.
        """
        check_images(images, getattr(self.net, "input_shape", None))
        with torch.no_grad(), _evaluating(self.net):
            self._fit(images, labels)
        return self

    def score(self, images: Tensor, *, chunk: int = 500) -> Tensor:
        """How much like the data each image is, float32 ``[N]``, without a gradient.

        Args:
            images: float32 ``[N, C, H, W]`` in [0, 1].
            chunk: images of one pass.

        Raises:
            TypeError, ValueError: an argument that does not fit.
            RuntimeError: not fitted, where it must be.
        """
        check_images(images, getattr(self.net, "input_shape", None))
        chunk = check_count(chunk, "chunk")
        with torch.inference_mode(), _evaluating(self.net):
            return torch.cat([self(part) for part in images.split(chunk)])

    def forward(self, images: Tensor) -> Tensor:
        """Scores ``[N]``; unchecked, and differentiable."""
        return self.look(images)[1]

    def look(self, images: Tensor) -> tuple[Tensor | None, Tensor]:
        """Logits of ``net`` (None without one) and scores, from a single pass."""
        logits, features = _heard(self, images)
        return logits, self.rate(images, logits, features)

    @abstractmethod
    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        """Scores ``[N]`` from what the network says; None where the detector does not ask."""

    def _fit(self, images: Tensor, labels: Tensor | None) -> None:
        """Nothing to learn, unless a subclass says otherwise."""

    def _known(self, name: str) -> Tensor:
        """A buffer that ``fit`` fills."""
        tensor = getattr(self, name)
        if tensor is None:
            raise RuntimeError(f"{type(self).__name__}: call fit(images, labels) first")
        return tensor


class MaxSoftmax(Detector):
    """The confidence itself: the baseline of Hendrycks and Gimpel (2017).

    The score is the logarithm of the odds, ``log(p / (1 - p))`` of the largest confidence p: the
    same order as p has, but no two images tie because both were rounded to 1.
    """

    def __init__(self, net: nn.Module) -> None:
        check_module(net)
        super().__init__(net)

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        first, rest = (
            logits.float().sort(1, descending=True).values.split([1, logits.shape[1] - 1], 1)
        )
        return first[:, 0] - rest.logsumexp(1)


class Energy(Detector):
    """Minus the free energy, ``T log sum_k exp(z_k / T)`` of the logits z: Liu et al. (2020).

    The softmax throws the size of the logits away and keeps their differences; this keeps it.

    Args:
        net: to logits.
        temperature: T, > 0; the paper's choice is 1.
    """

    def __init__(self, net: nn.Module, temperature: float = 1.0) -> None:
        check_module(net)
        super().__init__(net)
        check_number(temperature, "temperature", above=0)
        self.temperature = temperature

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        return self.temperature * (logits.float() / self.temperature).logsumexp(1)


class MaxScore(Detector):
    """The highest of scores that stand alone, each the *sigmoid* of a logit.

    For networks that answer each class by itself, as the radial basis networks of Goodfellow et
    al. (2015), whose scores are all near 0 far from the digits. Where the logits are those of a
    softmax, their size means less: they were trained up to a constant.

    The score is the largest logit, the logarithm of that sigmoid's odds: the same order, but no
    two images tie because both were rounded to 0 or 1.
    """

    def __init__(self, net: nn.Module) -> None:
        check_module(net)
        super().__init__(net)

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        return logits.float().amax(1)


class Mahalanobis(Detector):
    """Distance from the nearest class in the network's features: Lee et al. (2018).

    Each class is a Gaussian about its mean, all with one covariance; the score is minus the
    smallest ``(f - mean_k)' covariance^-1 (f - mean_k)``, equation 2 of the paper.

    Deviations: one layer instead of a weighted sum over several, no step against the gradient
    before scoring, and a shrunk covariance, which scikit-learn estimates: features of a trained
    network are often so dependent that the plain estimate has no inverse.

    Args:
        net: to logits.
        layer: whose output are the features, a name as in ``net.named_modules()``; by default
            what goes into the last linear layer.
        shrinkage: share of a multiple of the identity in the covariance, in [0, 1]; 0 is the
            paper's plain estimate, None lets Ledoit and Wolf's (2004) formula choose.
    """

    hears = True

    def __init__(
        self, net: nn.Module, *, layer: str | None = None, shrinkage: float | None = None
    ) -> None:
        check_module(net)
        super().__init__(net)
        if shrinkage is not None:
            check_fraction(shrinkage, "shrinkage")
            shrinkage = float(shrinkage)
        self.layer, self.shrinkage = _layer(net, layer), shrinkage
        self.register_buffer("means", None)
        self.register_buffer("whitening", None)

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        whitening, means = self._known("whitening"), self._known("means")
        white, centres = features @ whitening, means @ whitening
        # differences, not products of matrices: digits that cancel would be lost
        return -(white[:, None] - centres).square().sum(2).amin(1)

    def _fit(self, images: Tensor, labels: Tensor | None) -> None:
        from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

        assert self.net is not None  # its constructor wants one
        features = _features_of_all(self.net, images, self.layer)
        if labels is None:
            raise TypeError(f"labels: expected an int64 tensor of {len(images)} classes, got None")
        check_labels(labels, len(images))
        counts = labels.bincount()
        if int(counts.min()) < 2:
            raise ValueError(
                f"images: expected at least 2 of each class, got {int(counts.min())} of class"
                f" {int(counts.argmin())}"
            )
        means = torch.stack([features[labels == k].mean(0) for k in range(len(counts))])
        off = (features - means[labels]).double().cpu().numpy()
        if self.shrinkage is None:
            covariance = ledoit_wolf(off, assume_centered=True)[0]
        else:
            covariance = empirical_covariance(off, assume_centered=True)
            covariance = shrunk_covariance(covariance, self.shrinkage)
        values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))
        least = values[-1] * len(values) * torch.finfo(torch.float32).eps
        rank = int((values > least).sum()) if values[-1] > 0 else 0
        if rank < len(values):
            raise ValueError(
                f"images: the covariance of the features has no inverse: {len(images)} images"
                f" give it rank {rank} of {len(values)}; take more images, another layer, or"
                " shrinkage above 0"
            )
        self.means = means
        self.whitening = (vectors / values.sqrt()).to(features)


class _Neighbours(Detector):
    """Minus the distance to the k-th nearest of the accepted images, as some function sees them."""

    def __init__(self, net: nn.Module | None, k: int) -> None:
        super().__init__(net)
        check_count(k, "k")
        self.k = k
        self.register_buffer("known", None)

    @abstractmethod
    def points(self, images: Tensor, features: Tensor) -> Tensor:
        """``[N, F]``, between which distances are taken."""

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        known, points = self._known("known"), self.points(images, features)
        with torch.no_grad():
            index = torch.cdist(points, known).topk(self.k, largest=False).indices
        # those few exactly: products of matrices lose digits where images nearly coincide
        distance = torch.linalg.vector_norm(points[:, None] - known[index], dim=2)
        return -distance.amax(1)

    def _fit(self, images: Tensor, labels: Tensor | None) -> None:
        if len(images) < self.k:
            raise ValueError(
                f"images: expected at least {self.k} (k neighbours), got {len(images)}"
            )
        self.known = torch.cat(
            [self.points(part, _heard(self, part)[1]) for part in images.split(500)]
        )


class PixelNeighbours(_Neighbours):
    """Minus the Euclidean distance between pixels to the k-th nearest accepted image.

    The score for outliers of Ramaswamy, Rastogi and Shim (2000). It knows no network.

    Args:
        k: which neighbour.
    """

    def __init__(self, k: int = 5) -> None:
        super().__init__(None, k)

    def points(self, images: Tensor, features: Tensor) -> Tensor:
        return images.flatten(1)


class FeatureNeighbours(_Neighbours):
    """Minus the distance to the k-th nearest accepted image in the network's features.

    Sun et al. (2022): features are divided by their length first, so distances are between
    directions, 0 to 2.

    Args:
        net: to logits.
        layer: see ``Mahalanobis``.
        k: which neighbour; the paper takes 50 of 50,000.
    """

    hears = True

    def __init__(self, net: nn.Module, *, layer: str | None = None, k: int = 5) -> None:
        check_module(net)
        super().__init__(net, k)
        self.layer = _layer(net, layer)

    def points(self, images: Tensor, features: Tensor) -> Tensor:
        return normalize(features, dim=1)


def score_all(
    detectors: Mapping[str, Detector], images: Tensor, *, chunk: int = 500
) -> dict[str, Tensor]:
    """Scores of many detectors, as ``Detector.score`` gives them; each network is run once.

    Args:
        detectors: by name.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        chunk: images of one pass.

    Raises:
        TypeError, ValueError: an argument that does not fit.
        RuntimeError: a detector that is not fitted.
    """
    check_kind(detectors, Mapping, "detectors")
    for name, detector in detectors.items():
        check_kind(detector, Detector, f"detectors[{name!r}]")
    check_images(images)
    chunk = check_count(chunk, "chunk")
    found: dict[str, list[Tensor]] = {name: [] for name in detectors}
    with torch.inference_mode(), ExitStack() as stack:
        for detector in detectors.values():
            check_shape(images, getattr(detector.net, "input_shape", None))
            stack.enter_context(_evaluating(detector.net))
        for part in images.split(chunk):
            heard: dict[tuple[Any, ...], tuple[Any, Any]] = {}
            for name, detector in detectors.items():
                key = (detector.net, detector.hears, detector.layer)
                if key not in heard:
                    heard[key] = _heard(detector, part)
                found[name].append(detector.rate(part, *heard[key]))
    return {name: torch.cat(parts) for name, parts in found.items()}


def acceptance_threshold(scores: Tensor, accepted: float = 0.95, argument: str = "scores") -> float:
    """The highest threshold at which ``score >= threshold`` accepts at least this share.

    Args:
        scores: of held-out images that should be accepted, ``[N]``: neither those that the
            detector was fitted on nor those that it is measured on.
        accepted: the share, in [0, 1].
        argument: what an error calls the scores.

    Raises:
        TypeError, ValueError: not what is said above; so few scores that the share that is
            refused would be less than one of them.
    """
    check_fraction(accepted, "accepted")
    if not isinstance(scores, Tensor) or scores.ndim != 1 or not scores.is_floating_point():
        came = list(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise TypeError(f"{argument}: expected a floating-point tensor [N], got {came}")
    check_dense(scores, argument)
    if not bool(scores.isfinite().all()):
        raise ValueError(f"{argument}: expected finite numbers, got NaN or infinity")
    needed = 1 if accepted == 1 else math.ceil(1 / (1 - accepted) - 1e-9)
    if len(scores) < needed:
        raise ValueError(
            f"{argument}: expected at least {needed}, to accept {accepted:g} of them,"
            f" got {len(scores)}"
        )
    refused = min(math.floor((1 - accepted) * len(scores) + 1e-9), len(scores) - 1)
    return float(scores.sort().values[refused])


def _evaluating(net: nn.Module | None) -> AbstractContextManager[nn.Module]:
    return evaluating(nn.Identity() if net is None else net)


def _heard(detector: Detector, images: Tensor) -> tuple[Any, Any]:
    """Logits and features; None for those that the detector does not listen to."""
    if detector.net is None:
        return None, None
    if not detector.hears:
        return answer(detector.net, images), None
    return features_of(detector.net, images, detector.layer)


def _layer(net: nn.Module, layer: str | None) -> str | None:
    """``layer``, checked; None stands for what goes into the last linear layer."""
    modules = dict(net.named_modules())
    if layer is None:
        if not any(isinstance(module, nn.Linear) for module in modules.values()):
            raise ValueError("layer: the network has no linear layer, so one must be named")
    else:
        check_choice(layer, tuple(filter(None, modules)), "layer")
    return layer


def features_of(net: nn.Module, images: Tensor, layer: str | None) -> tuple[Tensor, Tensor]:
    """Logits, and flat features ``[N, F]``, of one pass; gradients go through."""
    found: list[Tensor] = []
    if layer is None:
        _layer(net, None)  # raises if there is none
        last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
        hook = last.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    else:
        module = dict(net.named_modules())[layer]
        hook = module.register_forward_hook(lambda _, __, output: found.append(output))
    try:
        logits = answer(net, images)
    finally:
        hook.remove()
    if len(found) != 1 or len(found[0]) != len(images):
        raise ValueError(f"layer: expected it to run once, with one output an image, got {layer!r}")
    return logits, found[0].float().flatten(1)


def _features_of_all(net: nn.Module, images: Tensor, layer: str | None) -> Tensor:
    """``[N, F]``, checked."""
    features = torch.cat([features_of(net, part, layer)[1] for part in images.split(500)])
    if not bool(features.isfinite().all()):
        raise ValueError("net: expected finite features, got NaN or infinity")
    return features
