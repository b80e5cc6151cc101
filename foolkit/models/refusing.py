"""An eleventh answer, "none of these", for scores that stand alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foolkit.models.classifier import Classifier, check_classifier

NONE = "none"


class Refusing(nn.Module):
    """The logits of K independent questions, and a logit 0 for "none of these".

    With ``z_k = log(s_k / (1 - s_k))`` the softmax over the K + 1 is

        ``p_k = o_k / (1 + sum_j o_j)``, ``o_k = e^z_k = s_k / (1 - s_k)``:

    the probability of class k under the independent scores, given that at most one class is
    there. So ``p_k <= s_k`` always, equal where all others are 0, and "none" wins exactly where
    no score exceeds a half.

    Args:
        module: from images to K logits whose *sigmoids* are the scores.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K + 1]``; the last is 0."""
        logits = self.module(images)
        return torch.cat([logits, torch.zeros_like(logits[:, :1])], 1)


def refusing(net: Classifier) -> Classifier:
    """The same network with an eleventh class, ``"none"``, for whatever takes a softmax.

    Evolution, ascent and every attack speak of softmax confidences. Through this they climb and
    descend scores that stand alone, without knowing it (see ``Refusing``).

    Args:
        net: a classifier the *sigmoids* of whose logits are its scores.

    Raises:
        TypeError: no ``Classifier``.
        ValueError: it has a class of that name already.
    """
    check_classifier(net)
    if NONE in net.classes:
        raise ValueError(f"net: expected no class {NONE!r}, {net.name!r} has one")
    return Classifier(
        Refusing(net.module),
        input_shape=net.input_shape,
        classes=(*net.classes, NONE),
        name=f"{net.name}, refusing",
    ).eval()
