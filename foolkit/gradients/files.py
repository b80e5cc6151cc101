"""Small changes made as large as an image file needs: the smallest do not survive 8 bits."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_kind, check_number
from foolkit.gradients.problem import CHUNK, Problem, attacking, column
from foolkit.gradients.result import Perturbed, as_file, perturbed

FINER = 1.05  # from one multiple to the next


def for_files(
    net: nn.Module, found: Perturbed, *, most: float = 100.0, chunk: int = CHUNK
) -> Perturbed:
    """The smallest multiple of each change whose *file*, rounded to 8 bits, fools.

    ``deepfool``, ``carlini_wagner`` and ``lbfgs`` stop just beyond the boundary, and rounding
    takes their images back. Here the change of each is multiplied by 1.05, again and again, and
    the result rounded and asked about. The images returned are on the 8-bit grid, so that they
    and their files are one. What no multiple makes fool stays as it was found.

    Args:
        net: the network that was fooled.
        found: a result without a ball: of a method that looks for the smallest change.
        most: the largest multiple, above 1.
        chunk: images of one pass.

    Returns:
        The results, whose ``queries`` count these passes too.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_kind(found, Perturbed, "found")
    check_number(most, "most", above=1)
    chunk = check_count(chunk, "chunk")
    problem = Problem.checked(net, found.originals, found.labels, found.targeted)
    images, queries = found.images.clone(), found.queries.clone()
    left = torch.arange(len(found), device=images.device)
    with attacking(problem.net):
        for step in range(math.floor(math.log(most) / math.log(FINER)) + 1):
            fooled = []
            for rows in left.split(chunk):
                part = problem[rows]
                files = _multiplied(part, found.images[rows], FINER**step)
                queries[rows] += 1
                success = part.fooled(problem.net(files).float())
                images[rows] = torch.where(column(success), files, images[rows])
                fooled.append(success)
            left = left[~torch.cat(fooled)]
            if not len(left):
                break
    return perturbed(problem, images, queries, chunk)


def _multiplied(part: Problem, images: Tensor, factor: float) -> Tensor:
    """The originals with a multiple of their change, as their files are read."""
    moved = (part.images + factor * (images - part.images)).clamp(0, 1)
    return as_file(moved, part.images).float() / 255
