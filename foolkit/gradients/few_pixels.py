"""A few pixels set anew, found by differential evolution (Su, Vargas and Sakurai 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foolkit.checks import MOST_VALUES, check_count, check_number
from foolkit.gradients.problem import CHUNK, Problem, attacking
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

SPREAD = 0.5  # of the first colours around the middle grey, as in the paper: 127 of 255 levels


def few_pixels(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    pixels: int = 1,
    population: int = 100,
    generations: int = 40,
    weight: float = 0.5,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: Seed = 0,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """The one-pixel attack, with one pixel or a few (Su, Vargas and Sakurai 2019, section III).

    A candidate is a list of pixels, each with its place and its colour. In every generation each
    one gets a child by differential evolution (Storn and Price 1997), of three others drawn at
    random: ``child = a + weight (b - c)``, without crossover. The child takes the place of its own
    parent if the network's margin for a wrong class is larger. All candidates of all images are
    one batch; an image is done as soon as one of its candidates fools. Nothing but logits is asked
    of the network. With ``generations=0`` it is a random search among ``population`` candidates,
    the control of the evolution.

    Deviations: the margin of the logits in the place of the confidence, which is 1 in float32 for
    many digits, so that candidates could not be told apart; the search ends with the first
    candidate that fools, where the paper asks for a certain confidence; places beyond the edge are
    drawn anew, as ``scipy.optimize.differential_evolution`` does, and colours are cut off at 0 and
    1 (the paper is silent on both).

    Args:
        net, images, labels, targeted, chunk: as for ``fgsm``.
        pixels: how many may change, in all their channels; at most those of the image. Two may
            fall on one place, so fewer may have changed.
        population: candidates of an image, at least 4; the paper has 400.
        generations: at most; the paper has 100.
        weight: of the difference, ``F`` in the papers, above 0 and at most 2.
        mask: as for ``fgsm``; a candidate may name any pixel, but those off the mask stay.
        seed: of all that is drawn; an integer or a generator on the images' device.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result: of each image the candidate with the largest margin. ``queries`` is
        ``population`` times the generations that it took, the first included.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    n, channels, height, width = images.shape
    pixels = check_count(pixels, "pixels", most=height * width)
    most = MOST_VALUES // (n * pixels * (2 + channels))  # of what is held at once
    population = check_count(population, "population", minimum=4, most=most)
    check_count(generations, "generations", minimum=0)
    chunk = check_count(chunk, "chunk")
    check_number(weight, "weight", above=0, most=2)
    draws = generator_of(seed, images.device)
    places = (n, population, pixels, 2)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=draws, device=images.device)

    def lead_of(rows: Tensor, candidates: Tensor) -> Tensor:
        """Their margins, ``[rows, population]``."""
        which = rows.repeat_interleave(population)
        parts = zip(which.split(chunk), candidates.flatten(0, 1).split(chunk), strict=True)
        leads = []
        for images_of, some in parts:
            part = problem[images_of]
            logits = problem.net(painted(part, some)).float()
            margin = part.margin(logits)
            leads.append(torch.where(part.fooled(logits), margin, margin.clamp(max=0)))
        return torch.cat(leads).view(-1, population)

    with attacking(problem.net), progress_bar(generations, "generations", progress=progress) as bar:
        colours = torch.randn((*places[:3], channels), generator=draws, device=images.device)
        # of each pixel: down and across as shares of the image, then its colour
        candidates = torch.cat([uniform(*places), (0.5 + SPREAD * colours).clamp_(0, 1)], 3)
        lead = lead_of(torch.arange(n, device=images.device), candidates)
        queries = torch.full_like(problem.labels, population)
        for _ in range(generations):
            # for all images: what one is dealt depends neither on the chunk nor on the others
            others, anew = three_others(n, population, draws), uniform(*places)
            alive = (lead <= 0).all(1).nonzero()[:, 0]
            if not len(alive):
                break
            a, b, c = (
                candidates[alive[:, None], others[k, alive]] for k in range(3)
            )  # [alive, population, pixels, 2 + C]
            children = a + weight * (b - c)
            there, colour = children[..., :2], children[..., 2:].clamp(0, 1)
            beyond = (there < 0) | (there >= 1)
            children = torch.cat([torch.where(beyond, anew[alive], there), colour], 3)
            margins = lead_of(alive, children)
            better = margins > lead[alive]
            candidates[alive] = torch.where(better[..., None, None], children, candidates[alive])
            lead[alive] = torch.where(better, margins, lead[alive])
            queries[alive] += population
            bar.update()
        bar.update(generations - bar.n)
        best = candidates[torch.arange(n, device=images.device), lead.argmax(1)]
        changed = painted(problem, best)
    return perturbed(problem, changed, queries, chunk)


def painted(problem: Problem, candidates: Tensor) -> Tensor:
    """The images with the pixels of one candidate each set anew; of two on a place the last.

    Args:
        problem: N images.
        candidates: ``[N, pixels, 2 + C]``: down and across in [0, 1), and the colour.
    """
    images = problem.images.clone()
    height, width = images.shape[2:]
    size = torch.tensor([height, width], device=images.device)
    # float32 rounds what is just below 1 up
    places = (candidates[..., :2] * size).long().minimum(size - 1)
    rows = torch.arange(len(images), device=images.device)
    for k in range(candidates.shape[1]):
        down, across = places[:, k].unbind(1)
        images[rows, :, down, across] = candidates[:, k, 2:]
    return images if problem.mask is None else torch.where(problem.mask, images, problem.images)


def three_others(n: int, population: int, draws: torch.Generator) -> Tensor:
    """``[3, n, population]``: for each candidate three different others, uniformly."""
    taken = torch.arange(population, device=draws.device).expand(1, n, -1)
    for _ in range(3):
        # the k-th of those that are left: step over what is taken, the smallest first
        drawn = torch.randint(
            population - len(taken), (n, population), generator=draws, device=draws.device
        )
        for one in taken.sort(0).values:
            drawn += drawn >= one
        taken = torch.cat([taken, drawn[None]])
    return taken[1:]
