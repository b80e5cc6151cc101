"""Each single pixel set to black and to white: what one pixel can do, without a search."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import CHUNK, Problem, attacking
from foolkit.progress import progress_bar


def every_pixel(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    values: Sequence[float] = (0.0, 1.0),
    targeted: bool = False,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Tensor:
    """By how much each single pixel, set to each of a few values, leads the network astray.

    The exact answer where ``few_pixels`` with one pixel searches, as far as values between these
    do no more. It takes ``H W V`` forward passes an image: for small images only.

    Args:
        net, images, labels, targeted, chunk: as for ``fgsm``.
        values: V values in [0, 1], which all channels of the pixel get.
        progress: show a bar if it takes longer than a second.

    Returns:
        float32 ``[N, V, H, W]``: the margin of the best class that fools, above 0 where the
        network is fooled by that pixel alone.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise TypeError(f"values: expected a sequence of numbers, got {values!r}")
    levels = list(values)
    if not levels:
        raise ValueError("values: expected at least one number, got none")
    for value in levels:
        check_number(value, "values", least=0, most=1)
    chunk = check_count(chunk, "chunk")
    n, _, height, width = images.shape
    size = height * width
    every = torch.arange(n * len(levels) * size, device=images.device)
    colours, found = torch.tensor([float(v) for v in levels], device=images.device), []
    with attacking(problem.net), progress_bar(len(every), "pixels", progress=progress) as bar:
        for rows in every.split(chunk):
            part = problem[rows // (len(levels) * size)]
            changed, place = part.images.clone(), rows % size
            which = torch.arange(len(rows), device=images.device)
            colour = colours[rows // size % len(levels)]
            changed[which, :, place // width, place % width] = colour[:, None]
            found.append(part.margin(problem.net(changed).float()))
            bar.update(len(rows))
    return torch.cat(found).view(n, len(levels), height, width)
