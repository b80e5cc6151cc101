"""ODIN: the confidence at a high temperature, after a small step that raises it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from foolkit.analysis.detectors import Detector
from foolkit.checks import check_module, check_number
from foolkit.models.door import answer


class ODIN(Detector):
    """Out-of-distribution detector for neural networks: Liang, Li and Srikant (2018).

    The image takes a step of ``epsilon`` along the sign of the gradient that raises the largest
    confidence at temperature T (the paper's equation 2); digits are to gain more by it than
    outsiders. The score is that confidence p after the step, as ``T log((K - 1) p / (1 - p))``: the
    same order, of which float32 would keep little in p itself, near 1 / K at T = 1000.

    A gradient that is asked of the score takes the step as given: the slope of a sign is 0.

    Args:
        net: to logits, with a gradient.
        temperature: T, > 0; the paper's choice is 1000.
        epsilon: the step, in units of the pixel range, >= 0. The paper chooses it on outsiders,
            which the default, a small step, was not. The stepped image is not clipped.
    """

    def __init__(
        self, net: nn.Module, *, temperature: float = 1000.0, epsilon: float = 0.0014
    ) -> None:
        check_module(net)
        super().__init__(net)
        check_number(temperature, "temperature", above=0)
        check_number(epsilon, "epsilon", least=0)
        self.temperature, self.epsilon = temperature, epsilon

    def rate(self, images: Tensor, logits: Tensor, features: Tensor) -> Tensor:
        assert self.net is not None  # its constructor wants one
        # a gradient of its own, also where whoever asks for the score wants none
        with torch.inference_mode(False), torch.enable_grad():
            start = images.detach().clone().requires_grad_()
            tempered = answer(self.net, start).double() / self.temperature
            slope = torch.autograd.grad(tempered.log_softmax(1).amax(1).sum(), start)[0]
        stepped = images + self.epsilon * slope.sign()
        tempered = answer(self.net, stepped).double() / self.temperature
        first, rest = tempered.sort(1, descending=True).values.split([1, logits.shape[1] - 1], 1)
        odds = first[:, 0] - rest.logsumexp(1) + math.log(logits.shape[1] - 1)
        return (self.temperature * odds).float()
