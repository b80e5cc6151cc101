"""Support vector machines as networks: scikit-learn's answers, with a gradient."""

from __future__ import annotations

from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from foolkit.checks import check_choice, check_number, check_tensor

GAMMA = 0.02  # of the kernel, for pixels in [0, 1]


class Machine(nn.Module):
    """One machine a class, each with its margin and Platt's confidence in it.

    The margin of class k is positive where its machine says yes:

    * linear: ``f_k(x) = w_k . x + b_k``;
    * kernel: ``f_k(x) = sum_i a_ik exp(-gamma |x - x_i|^2) + b_k`` over the support vectors.

    Platt (1999) made a confidence of it, ``p_k = sigmoid(-(A_k f_k + B_k))``, of each class by
    itself; scikit-learn's ``predict_proba`` divides these by their sum. A classifier gives logits.
    Which, depends on how the confidences are read, as of ``RBF``:

    * ``"softmax"``: ``log p_k``, whose softmax is ``predict_proba``;
    * ``"score"``: the log-odds of ``p_k``, whose *sigmoid* is ``p_k``.

    Images ``[N, C, H, W]``; everything is computed in float32.

    Args:
        weights: ``[K, V]``, of the pixels (linear) or of the support vectors.
        offset: ``[K]``, b.
        platt: ``[2, K]``, A and B.
        vectors: ``[V, C * H * W]``, the support vectors; None: a linear machine.
        gamma: of the kernel.
        read: ``"softmax"`` or ``"score"``; may be changed later.

    Raises:
        TypeError, ValueError: an argument that does not fit, another ``read``.
    """

    weights: Tensor
    offset: Tensor
    platt: Tensor
    vectors: Tensor | None

    def __init__(
        self,
        weights: Tensor,
        offset: Tensor,
        platt: Tensor,
        vectors: Tensor | None = None,
        gamma: float = GAMMA,
        read: Literal["softmax", "score"] = "softmax",
    ) -> None:
        super().__init__()
        check_choice(read, ("softmax", "score"), "read")
        self.read = read
        tensors = {"weights": weights, "offset": offset, "platt": platt, "vectors": vectors}
        check_tensor(weights, "weights", 2)
        check_tensor(offset, "offset", 1)
        check_tensor(platt, "platt", 2)
        classes, inputs = weights.shape
        sizes = [("offset", offset, [classes]), ("platt", platt, [2, classes])]
        if vectors is not None:
            check_tensor(vectors, "vectors", 2)
            sizes.append(("vectors", vectors, [inputs, vectors.shape[1]]))
        for name, given, size in sizes:
            if list(given.shape) != size:
                raise ValueError(f"{name}: expected {size}, got {list(given.shape)}")
        check_number(gamma, "gamma", above=0)
        for name, tensor in tensors.items():
            self.register_buffer(name, None if tensor is None else tensor.float())
        self.gamma = float(gamma)

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
        """Logits ``[N, K]``: see the class."""
        odds = -(self.platt[0] * self.margins(images) + self.platt[1])
        return logsigmoid(odds) if self.read == "softmax" else odds

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """From scikit-learn's ``CalibratedClassifierCV`` of one fold.

        Args:
            estimator: fitted, of a ``LinearSVC``, or of a pipeline of a kernel and one ``SVC`` a
                class, as ``foolkit.models.estimators`` makes them.
        """
        (inner,) = estimator.calibrated_classifiers_
        platt = torch.tensor([[c.a_, c.b_] for c in inner.calibrators]).T
        machine = inner.estimator
        if not hasattr(machine, "steps"):
            weights, offset = (torch.from_numpy(t) for t in (machine.coef_, machine.intercept_))
            return cls(weights, offset, platt)
        kernel, machines = (step for _, step in machine.steps)
        vectors = torch.from_numpy(kernel.images_)
        weights = torch.zeros(len(machines.estimators_), len(vectors))
        for row, one in zip(weights, machines.estimators_, strict=True):
            row[torch.from_numpy(one.support_).long()] = torch.from_numpy(one.dual_coef_[0]).float()
        offset = torch.tensor([float(one.intercept_[0]) for one in machines.estimators_])
        used = weights.abs().amax(0) > 0
        return cls(weights[:, used], offset, platt, vectors[used])
