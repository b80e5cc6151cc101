"""A network that may refuse: its answer counts only where a detector accepts the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foolkit.analysis.detectors import Detector, acceptance_threshold
from foolkit.checks import check_images, image_shape
from foolkit.models.door import answer

LEAST = 1e-6  # confidence of the class "refused" in an accepted image: no logit is infinite
REFUSED = "refused"


class Guarded(nn.Module):
    """A network and a detector as one classifier, with a class more: "refused".

    For evolution and for gradients, which attack it as any other classifier. With z the score's
    distance from the threshold, in units of ``spread``, the confidence in class k is
    ``p_k a(z)`` and that in "refused" is ``1 - a(z)``, where

    * ``a = 1 - LEAST`` if z >= 0: an accepted image has the network's own confidence, and
    * ``a = 1 / (2 (1 - z))`` if z < 0: at most one half, and less the farther it is from being
      accepted. A refused image has next to no confidence, but a slope that a search can climb.

    So a confidence of a digit above one half proves that the image was accepted.

    Args:
        net: to logits ``[N, K]``.
        detector: fitted.
        images: held-out images that should be accepted, to set threshold and spread;
            float32 ``[N, C, H, W]`` in [0, 1].
        accepted: the share of them that is.

    Attributes:
        input_shape, classes, name: as of a ``foolkit.models.Classifier``; K + 1 classes.
        threshold: an image is accepted if its score is at least this.
        spread: standard deviation of the scores of ``images``.
        accepts: ``[N]`` bool of images, checked.

    Raises:
        TypeError, ValueError: an argument that does not fit; too few images; scores that are all
            equal.
    """

    threshold: Tensor
    spread: Tensor

    def __init__(
        self, net: nn.Module, detector: Detector, images: Tensor, *, accepted: float = 0.95
    ) -> None:
        super().__init__()
        if not isinstance(detector, Detector):
            raise TypeError(f"detector: expected a Detector, got {type(detector).__name__}")
        check_images(images, getattr(net, "input_shape", None))
        self.net, self.detector = net, detector
        scores = detector.score(images)
        spread = float(scores.std()) if len(scores) > 1 else 0.0
        if spread <= 1e-6 * float(scores.abs().max()):  # what rounding alone may give
            raise ValueError("images: expected such as have different scores, got equal ones")
        for name, value in (
            ("threshold", acceptance_threshold(scores, accepted)),
            ("spread", spread),
        ):
            self.register_buffer(name, torch.tensor(value, device=scores.device))
        self.name = f"{getattr(net, 'name', type(net).__name__)} behind {type(detector).__name__}"
        self.input_shape = image_shape(images.shape[1:])
        self.classes = (*getattr(net, "classes", ()), REFUSED)

    def accepts(self, images: Tensor) -> Tensor:
        """Whether each image is accepted; bool ``[N]``."""
        return self.detector.score(images) >= self.threshold

    def forward(self, images: Tensor) -> Tensor:
        """Logarithms of the confidences, ``[N, K + 1]``; "refused" is the last class."""
        logits, score = self.detector.look(images)
        if logits is None or self.detector.net is not self.net:
            logits = answer(self.net, images)
        z = (score - self.threshold) / self.spread
        refused = 2 * (1 - z.clamp(max=0))
        accepted = torch.where(z >= 0, 1 - LEAST, 1 / refused)
        parts = logits.float().log_softmax(1) + accepted.log()[:, None]
        return torch.cat([parts, (1 - accepted).log()[:, None]], 1)
