"""The support vector machines of ``judges`` as networks: the same answers, with a gradient."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice
from foolkit.models.classifier import Classifier
from foolkit.models.judges import GAMMA, fitted

MACHINES = ("svm-linear", "svm-rbf")


class Machine(nn.Module):
    """One machine a class, each with its margin and Platt's confidence in it.

    The margin of class k is positive where its machine says yes:

    * linear: ``f_k(x) = w_k . x + b_k``;
    * kernel: ``f_k(x) = sum_i a_ik exp(-gamma |x - x_i|^2) + b_k`` over the support vectors.

    Platt (1999) made a confidence of it, ``sigmoid(-(A_k f_k + B_k))``. The *logit* of that is
    what this module returns: its sigmoid is the machine's confidence, and the sigmoids divided by
    their sum are scikit-learn's ``predict_proba``.

    Images ``[N, C, H, W]``; everything is computed in float32.

    Args:
        weights: ``[K, V]``, of the pixels (linear) or of the support vectors.
        offset: ``[K]``, b.
        platt: ``[2, K]``, A and B.
        vectors: ``[V, C * H * W]``, the support vectors; None: a linear machine.
        gamma: of the kernel.
    """

    def __init__(
        self,
        weights: Tensor,
        offset: Tensor,
        platt: Tensor,
        vectors: Tensor | None = None,
        gamma: float = GAMMA,
    ) -> None:
        super().__init__()
        tensors = {"weights": weights, "offset": offset, "platt": platt, "vectors": vectors}
        for name, tensor in tensors.items():
            self.register_buffer(name, None if tensor is None else tensor.float())
        self.gamma = gamma

    def margins(self, images: Tensor) -> Tensor:
        """``f_k``, ``[N, K]``: scikit-learn's ``decision_function``."""
        pixels = images.flatten(1)
        if self.vectors is not None:
            cross = pixels @ self.vectors.T
            own = self.vectors.square().sum(1)
            square = (pixels.square().sum(1, keepdim=True) + own - 2 * cross).clamp_min(0)
            pixels = torch.exp(-self.gamma * square)
        return pixels @ self.weights.T + self.offset

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``, each the log-odds of its machine's own confidence."""
        return -(self.platt[0] * self.margins(images) + self.platt[1])


def machine(name: Literal["svm-linear", "svm-rbf"]) -> Classifier:
    """A support vector machine that an attack can differentiate.

    It is made from the judge of that name (``foolkit.models.load``), which is fitted if it was
    not; its sigmoids are independent of each other (``foolkit.analysis.scores``).

    Raises:
        ValueError: another name.
    """
    check_choice(name, MACHINES, "name")
    judge = fitted(name)
    made = (_linear if name == "svm-linear" else _kernel)(judge.estimator)
    return Classifier(made, input_shape=(1, 28, 28), classes=10, name=name).eval()


def _calibrated(estimator: Any) -> tuple[Any, Tensor]:
    """The machine behind Platt's sigmoids, and their A and B, ``[2, K]``."""
    (inner,) = estimator.calibrated_classifiers_
    return inner.estimator, torch.tensor([[c.a_, c.b_] for c in inner.calibrators]).T


def _linear(estimator: Any) -> Machine:
    inner, platt = _calibrated(estimator)
    return Machine(torch.from_numpy(inner.coef_), torch.from_numpy(inner.intercept_), platt)


def _kernel(estimator: Any) -> Machine:
    inner, platt = _calibrated(estimator)
    kernel, machines = (step for _, step in inner.steps)
    vectors = torch.from_numpy(kernel.images_)
    weights = torch.zeros(len(machines.estimators_), len(vectors))
    for row, one in zip(weights, machines.estimators_, strict=True):
        row[torch.from_numpy(one.support_).long()] = torch.from_numpy(one.dual_coef_[0]).float()
    offset = torch.tensor([float(one.intercept_[0]) for one in machines.estimators_])
    used = weights.abs().amax(0) > 0
    return Machine(weights[:, used], offset, platt, vectors[used])
