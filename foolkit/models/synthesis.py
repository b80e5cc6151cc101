"""Classification by synthesis: a generative model of each class, and which explains an image best.

One variational autoencoder a class (Kingma and Welling 2014), as in the analysis by synthesis of
Schott et al. (2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number

PIXELS = 784
MOST_UNITS = 2**12


class Synthesis(nn.Module):
    """Ten small variational autoencoders; its logits are what each thinks of an image, in nats.

    Of class k the encoder gives a mean m and a variance v of a code, and the decoder draws G(m):

        ``log p(x | k) ~ - |x - G(m)|^2 / (2 sigma^2) - KL(N(m, v) || N(0, 1))``

    up to a constant: the evidence lower bound at the mean of the code instead of over its
    distribution. The softmax of these is the class's probability by Bayes' theorem with equal
    priors; the largest says whether any class explains the image at all.

    Deviation: Schott et al. search the best code of every image anew, by gradient descent; here
    the encoder names it, in one pass.

    Args:
        hidden: units of the one hidden layer of each encoder and each decoder.
        code: numbers of a code.
        sigma: standard deviation of a pixel about what is drawn, of the pixel range.
        classes: K.
    """

    def __init__(
        self, hidden: int = 64, code: int = 8, sigma: float = 0.2, classes: int = 10
    ) -> None:
        hidden = check_count(hidden, "hidden", most=MOST_UNITS)
        code = check_count(code, "code", most=MOST_UNITS)
        classes = check_count(classes, "classes", minimum=2, most=MOST_UNITS)
        check_number(sigma, "sigma", above=0)
        super().__init__()
        self.code, self.sigma = code, float(sigma)
        self.encode1 = Layers(classes, PIXELS, hidden)
        self.encode2 = Layers(classes, hidden, 2 * code)
        self.decode1 = Layers(classes, code, hidden)
        self.decode2 = Layers(classes, hidden, PIXELS)

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the codes, ``[K, N, code]``, of ``[K, N, 784]``."""
        mean, log_variance = self.encode2(self.encode1(pixels).relu()).chunk(2, -1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        """What each class draws, ``[K, N, 784]`` in (0, 1), of ``[K, N, code]``."""
        return self.decode2(self.decode1(codes).relu()).sigmoid()

    def bound(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The bound ``[K, N]`` of ``[K, N, 784]``: at codes that are drawn, or at their mean."""
        mean, log_variance = self.encode(pixels)
        codes = mean
        if generator is not None:
            drawn = torch.randn(mean.shape, generator=generator)
            codes = mean + (log_variance / 2).exp() * drawn
        error = (pixels - self.decode(codes)).square().sum(-1)
        apart = (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1) / 2
        return -error / (2 * self.sigma**2) - apart

    def forward(self, images: Tensor) -> Tensor:
        """``[N, K]`` of images ``[N, 1, 28, 28]`` in [0, 1]."""
        pixels = images.flatten(1)
        return self.bound(pixels.expand(self.encode1.weight.shape[0], *pixels.shape)).T

    def drawn(self, images: Tensor) -> Tensor:
        """What each class makes of each image, ``[N, K, 28, 28]``."""
        pixels = images.flatten(1)
        mean, _ = self.encode(pixels.expand(self.encode1.weight.shape[0], *pixels.shape))
        return self.decode(mean).transpose(0, 1).unflatten(2, (28, 28))


class Layers(nn.Module):
    """K linear layers side by side, ``[K, N, inputs]`` to ``[K, N, outputs]``."""

    def __init__(self, k: int, inputs: int, outputs: int) -> None:
        super().__init__()
        most = inputs**-0.5  # as nn.Linear begins
        self.weight = nn.Parameter(torch.empty(k, inputs, outputs).uniform_(-most, most))
        self.bias = nn.Parameter(torch.zeros(k, 1, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, inputs, self.weight)
