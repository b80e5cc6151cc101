"""The paper's routine written as plainly as possible: what ours is timed and tested against."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn


def szegedy(
    net: nn.Module,
    image: Tensor,
    label: int,
    targeted: bool = False,
    *,
    precision: float = 0.05,
    steps: int = 30,
    flat: float | None = None,
) -> float:
    """L2 of one image's perturbation by SciPy: the objective and the search of ``lbfgs``.

    ``flat`` is the relative decrease that ends a minimisation; None: SciPy's own.
    """
    pixels = image.flatten().double().numpy()
    bounds = np.stack([-pixels, 1 - pixels], 1)
    best = np.full_like(pixels, np.inf)
    options = {"maxiter": steps} if flat is None else {"maxiter": steps, "ftol": flat}

    def loss(change: np.ndarray) -> tuple[float, np.ndarray, bool]:
        r = torch.tensor(change, dtype=torch.float32, requires_grad=True)
        logits = net((image.flatten() + r).view(1, *image.shape))[0]
        others = torch.arange(len(logits)) != label
        goal = logits[label] if targeted else logits[others].logsumexp(0)
        value = logits.logsumexp(0) - goal
        (slope,) = torch.autograd.grad(value, r)
        return value.item(), slope.double().numpy(), (int(logits.argmax()) == label) == targeted

    def objective(change: np.ndarray, c: float) -> tuple[float, np.ndarray]:
        nonlocal best
        value, slope, fools = loss(change)
        if fools and np.linalg.norm(change) < np.linalg.norm(best):
            best = change.copy()
        return value + c * change @ change, slope + 2 * c * change

    change = np.zeros_like(pixels)
    value, slope, fools = loss(change)
    if fools:
        return 0.0
    c, works, fails = np.square(slope).sum() / (4 * value), 0.0, np.inf
    while fails > works * (1 + precision) and c > 1e-9:
        change = minimize(
            objective, change, (c,), "L-BFGS-B", jac=True, bounds=bounds, options=options
        ).x
        if loss(change)[2]:
            works = c
        else:
            fails = c
            change = best if np.isfinite(best[0]) else change
        c = c / 4 if works == 0 else c * 4 if np.isinf(fails) else (works * fails) ** 0.5
    return float(np.linalg.norm(best))
