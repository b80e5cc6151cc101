"""A perturbation bred without any gradient: squares of pixels, kept where they help."""

from __future__ import annotations

from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import CHUNK, Problem, attacking, check_within
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.gradients.square import searched
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

FIRST = 0.3  # share of the pixels that the first squares cover, as in the paper for MNIST


def blind(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    generations: int = 300,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: Seed = 0,
    chunk: int = CHUNK,
) -> Perturbed:
    """Evolution of one parent and one child an image: Square Attack (Andriushchenko et al. 2020).

    Every component of the change is plus or minus ``epsilon``: at first in stripes of one column,
    then, in each generation, one square of pixels is set anew, at one place and with one sign in
    each channel. The child lives if the network's margin for a wrong class has grown. Squares
    shrink as the search goes on. Nothing but logits is asked of the network, so that a gradient
    that vanishes or lies does not help it.

    Deviation: the paper halves the share of a square at fixed numbers of queries; here it falls
    along ``FIRST * 2^(-6 t)`` with t from 0 to 1 (``square`` does as the paper, and in L2).

    Args:
        net, images, labels, targeted, mask, chunk: as for ``fgsm``.
        epsilon: largest change of a pixel, in units of the pixel range.
        generations: children an image, each a forward pass.
        seed: of stripes and squares; an integer or a generator on the images' device.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(epsilon, "epsilon", least=0)
    check_within([epsilon])
    check_count(generations, "generations")
    chunk = check_count(chunk, "chunk")
    draws = generator_of(seed, images.device)
    shares = [FIRST * 2 ** (-6 * generation / generations) for generation in range(generations)]
    with attacking(problem.net), progress_bar(generations, "generations", progress=False) as bar:
        changed, queries = searched(problem, epsilon, "inf", shares, draws, chunk, bar)
    return perturbed(problem, changed, queries, chunk, ("inf", float(epsilon)))
