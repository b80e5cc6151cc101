"""Classifiers of scikit-learn: neighbours, a tree, support vector machines.

They are fitted when first loaded, on 4,000 of the embedded digits (400 of each class), so that
nothing is stored and nothing is unpickled. The support vector machines become networks
(``foolkit.models.machines``); the others have no gradient. All that the package ships, the
networks too, is compared on the other 1,000 alone: ``comparison_digits``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from foolkit.data import digits
from foolkit.models.adapted import LEAST
from foolkit.models.machines import GAMMA, Machine

FITTED_PER_CLASS, COMPARED_PER_CLASS = 400, 100


class Estimator(nn.Module):
    """A fitted scikit-learn classifier as a module, from images in [0, 1] to logits ``[N, K]``.

    The logits are the logarithms of ``estimator.predict_proba`` (at least ``LEAST``), so that
    their softmax gives these probabilities back. They are computed on the CPU, with no gradient:
    images that ask for one are refused.

    Args:
        estimator: with ``predict_proba``, fitted on flat images ``[N, C * H * W]`` of classes
            0 to K-1.
        name: how errors call it.

    Raises:
        TypeError: an estimator without ``predict_proba``.
    """

    def __init__(self, estimator: Any, name: str) -> None:
        super().__init__()
        if not hasattr(estimator, "predict_proba"):
            last = getattr(estimator, "steps", [(name, estimator)])[-1][1]
            raise TypeError(
                f"estimator: expected one with predict_proba, {type(last).__name__} has none:"
                " CalibratedClassifierCV(estimator) gives it one, SVC has it with probability=True"
            )
        self.estimator, self.name = estimator, name
        # nothing but where the module is: routines work on the device of their network
        self.register_buffer("place", torch.zeros(()), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, float32 ``[N, K]``, on the images' device.

        Raises:
            TypeError: the images require a gradient.
        """
        if images.requires_grad and torch.is_grad_enabled():
            raise TypeError(
                f"net: expected a network, for its gradient; {self.name!r} is a"
                f" {type(self.estimator).__name__} of scikit-learn and has none (evolution and"
                " noise need none, and forgeries made on a network can be shown to it)"
            )
        pixels = images.detach().flatten(1).float().cpu().numpy()
        probability = self.estimator.predict_proba(pixels)
        return torch.from_numpy(np.log(probability.clip(LEAST))).float().to(images.device)


@dataclass(frozen=True)
class Kind:
    """An estimator before it is fitted, and what it is in words."""

    described: str
    make: Callable[[], Any]


def _neighbours() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(5)


def _tree() -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(min_samples_leaf=5, random_state=0)


def _linear_machine() -> Any:
    from sklearn.svm import LinearSVC

    return _calibrated(LinearSVC(C=0.01, random_state=0))


def _kernel_machine() -> Any:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    class Kernel(TransformerMixin, BaseEstimator):  # type: ignore[misc] # they have no types
        """Similarity to each training image, by one product of matrices: twice as fast."""

        def fit(self, images: np.ndarray, labels: Any = None) -> Kernel:
            self.images_ = images
            return self

        def transform(self, images: np.ndarray) -> np.ndarray:
            return rbf_kernel(images, self.images_, gamma=GAMMA)

    machines = OneVsRestClassifier(SVC(C=5.0, kernel="precomputed"))
    return _calibrated(make_pipeline(Kernel(), machines))


def _calibrated(machine: Any) -> Any:
    """Platt's (1999) probabilities: a sigmoid of each class's margin, learned by 3 folds."""
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(machine, method="sigmoid", cv=3, ensemble=False)


ESTIMATORS = {
    "knn": Kind("5 nearest neighbours; confidence is their share", _neighbours),
    "svm-linear": Kind("linear support vector machines, Platt's confidence", _linear_machine),
    "svm-rbf": Kind("RBF-kernel support vector machines, Platt's confidence", _kernel_machine),
    "tree": Kind("decision tree; confidence is the share of the leaf", _tree),
}


@cache
def estimator(name: str) -> Any:
    """One of ``ESTIMATORS``, as scikit-learn's own; the fit, seconds, is done once a process."""
    images, labels = digits()
    index = fitted_indices(labels)
    return ESTIMATORS[name].make().fit(images[index].flatten(1).numpy(), labels[index].numpy())


def fitted(name: str) -> Estimator | Machine:
    """One of ``ESTIMATORS`` as a module: the support vector machines with a gradient."""
    made = estimator(name)
    return Machine.of(made) if name.startswith("svm") else Estimator(made, name)


def comparison_indices(labels: Tensor) -> Tensor:
    """Places of the first 100 of each class among ``labels`` of ``digits()``: int64, ascending.

    Taken from the front, so that a first slice of ``digits()`` of some hundred is among them.
    """
    seen = nn.functional.one_hot(labels).cumsum(0).gather(1, labels[:, None])[:, 0]
    return (seen <= COMPARED_PER_CLASS).nonzero()[:, 0]


def fitted_indices(labels: Tensor) -> Tensor:
    """Places of the others, 400 of each class: int64, ascending."""
    compared = torch.zeros(len(labels), dtype=torch.bool)
    compared[comparison_indices(labels)] = True
    return (~compared).nonzero()[:, 0]


def comparison_digits() -> tuple[Tensor, Tensor]:
    """The 1,000 embedded digits, 100 a class, that nothing shipped learned from.

    The only digits on which networks and estimators are compared; in the order of ``digits()``.

    Returns:
        images, float32 ``[1000, 1, 28, 28]`` in [0, 1], and labels, int64 ``[1000]``.
    """
    images, labels = digits()
    index = comparison_indices(labels)
    return images[index], labels[index]
