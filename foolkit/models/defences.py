"""Training that is to make a network hard to fool, one loss for each idea.

Each function reads as its paper does and returns the loss of one batch, for
``foolkit.models.train.fit`` to step along. Nothing is drawn but from the generator.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from foolkit.data import crops
from foolkit.data.tiles import paste_tiles, tiled

TILES = 4  # outliers: a digit is cut into 4 x 4 pieces of 7 x 7 pixels
PHOTOGRAPHS = (0, 1)  # that outliers are cut from; the third stays for tests
EXPOSED = 0.5  # weight of the outliers' loss


def noisy(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    kind: Literal["sign", "uniform"],
    generator: torch.Generator,
) -> Tensor:
    """Cross-entropy of images under random noise, the control of Goodfellow et al. (2015).

    Every pixel moves by plus or minus ``epsilon`` (``"sign"``), or by a uniform amount between
    the two (``"uniform"``); then clipped to [0, 1].

    Args:
        net: from images to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        labels: int64 ``[N]``.
        epsilon: in units of the pixel range.
        kind: of the noise.
        generator: of the noise.
    """
    drawn = 2 * torch.rand(images.shape, generator=generator) - 1
    noise = drawn.sign() if kind == "sign" else drawn
    return cross_entropy(net((images + epsilon * noise).clamp(0, 1)), labels)


def fast_gradient_sign(
    net: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, share: float = 0.5
) -> Tensor:
    """The adversarial objective of Goodfellow et al. (2015, section 6).

    ``a J(x, y) + (1 - a) J(x + epsilon sign(grad_x J(x, y)), y)`` with a = ``share``. The paper
    does not clip the changed images; here they are clipped to [0, 1].
    """
    changed = (images + epsilon * _slope(net, images, labels).sign()).clamp(0, 1)
    logits = net(torch.cat([images, changed]))  # one pass for both halves of the sum
    clean, adversarial = logits.chunk(2)
    return share * cross_entropy(clean, labels) + (1 - share) * cross_entropy(adversarial, labels)


def projected_gradient(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """The loss of Madry et al. (2018): that of the worst image that a few steps find.

    A step is ``2.5 epsilon / steps`` long, so that the edge of the box is in reach from anywhere
    in it. The paper takes 40 steps of 0.01.
    """
    length = 2.5 * epsilon / steps
    changed = worst_in_box(
        net, images, labels, epsilon=epsilon, steps=steps, length=length, generator=generator
    )
    return cross_entropy(net(changed), labels)


def tradeoff(
    net: nn.Module, images: Tensor, changed: Tensor, labels: Tensor, *, beta: float
) -> Tensor:
    """The loss of TRADES (Zhang et al. 2019, equation 5): accuracy, and calm around each image.

    Cross-entropy of the images as they are, plus ``beta`` (the paper's 1 / lambda) times the
    divergence KL(p(images) || p(changed)) of what the network says of the two.

    Args:
        net, images, labels: as for ``noisy``.
        changed: ``[N, C, H, W]``, for which ``worst_in_box`` has sought the largest divergence:
            give it the probabilities of ``images`` as its labels.
        beta: weight of the second term; the authors' code has 1 for digits.
    """
    clean, moved = net(torch.cat([images, changed])).chunk(2)
    apart = kl_div(
        moved.log_softmax(1), clean.log_softmax(1), reduction="batchmean", log_target=True
    )
    return cross_entropy(clean, labels) + beta * apart


def worst_in_box(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int,
    length: float,
    generator: torch.Generator | None,
) -> Tensor:
    """The inner maximum of Madry et al. (2018, section 2.1), sought by steps along the sign.

    One step from a random start is the training of Wong et al. (2020), with a length of
    ``1.25 epsilon``; one step of ``epsilon`` from the image itself is that of Goodfellow et al.
    (2015) without the clean half.

    Args:
        net, images: as for ``noisy``.
        labels: int64 ``[N]``, or probabilities ``[N, K]``: with those that ``net`` gives the
            images, the cross-entropy is the divergence of TRADES and a number that does not move.
        epsilon: half the side of the box about each image, in units of the pixel range.
        steps: along the sign of the gradient; each ends inside the box and [0, 1].
        length: of a step, for every pixel.
        generator: of the uniform random start in the box; None starts from the images.

    Returns:
        The changed images ``[N, C, H, W]``.
    """
    low, high = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)
    changed = images
    if generator is not None:
        start = 2 * torch.rand(images.shape, generator=generator) - 1
        changed = torch.clamp(images + epsilon * start, low, high)
    for _ in range(steps):
        ahead = changed + length * _slope(net, changed, labels).sign()
        changed = torch.clamp(ahead, low, high)
    return changed


def exposed(
    net: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator, pieces: Tensor
) -> Tensor:
    """Outlier exposure (Hendrycks et al. 2019): outliers are to get every class alike.

    Half as many outliers as there are images: pieces of photographs, and digits of this very
    batch with their tiles shuffled. Their loss is the cross-entropy to the uniform distribution,
    with the weight 0.5 that the paper uses.

    Args:
        net, images, labels: as for ``noisy``.
        generator: which outliers.
        pieces: float32 ``[M, C, H, W]``, to draw pieces of photographs from.
    """
    quarter = len(images) // 4
    drawn = pieces[torch.randint(len(pieces), (quarter,), generator=generator)]
    outliers = torch.cat([drawn, shuffled(images[:quarter], generator)])
    known, unknown = net(torch.cat([images, outliers])).split([len(images), len(outliers)])
    return cross_entropy(known, labels) - EXPOSED * unknown.log_softmax(1).mean()


def photograph_pieces(n: int, seed: int = 0) -> Tensor:
    """``n`` pieces of the two photographs that outliers come from, ``[n, 1, 28, 28]``."""
    pieces, source = crops(-(-3 * n // 2) + 3, seed=seed)  # the photographs come in turn
    return pieces[torch.isin(source, torch.tensor(PHOTOGRAPHS))][:n]


def shuffled(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image ``[N, C, H, W]`` with its 4 x 4 tiles in an order of its own."""
    tiles = tiled(images, TILES)
    order = torch.rand(tiles.shape[:2], generator=generator).argsort(1)
    return paste_tiles(tiles[torch.arange(len(images))[:, None], order])


def _slope(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Gradient of the summed cross-entropy with respect to the pixels; the weights get none."""
    images = images.detach().requires_grad_()
    loss = cross_entropy(net(images), labels, reduction="sum")
    return torch.autograd.grad(loss, images)[0]
