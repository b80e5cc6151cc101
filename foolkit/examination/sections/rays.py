"""The control of all directions: how far a random one may be followed (Szegedy et al. 2013)."""

from __future__ import annotations

import torch

from foolkit.analysis import exact_share, random_directions
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import curves
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Section
from foolkit.gradients.problem import column
from foolkit.models.door import evaluating, finite_answer

NAME, TITLE, CHAPTER = "rays", "How special is the direction that fools?", "why"
MULTIPLES = (1, 2, 3, 5, 10)  # of the distance of a picture's neighbour


def need(sizes: Sizes) -> Need:
    """Looks along one ray a picture."""
    return Need("pictures", sizes.pictures, min(20, sizes.pictures), len(MULTIPLES), 0, 1.0)


def names(_: Sizes) -> tuple[str, ...]:
    """Of each multiple."""
    return tuple(f"ray_changes@{times}x" for times in MULTIPLES)


def run(context: Context) -> Section:
    """The share of pictures whose class a random direction changes, by multiples of the nearest."""
    rows = context.earlier("neighbours", "rows")[context.some(NAME)]
    far = context.earlier("neighbours", "l2")[: len(rows)]
    rows, far = rows[far > 0], far[far > 0]
    images, said = context.images[rows], context.said[rows]
    way = random_directions(len(rows), images.shape[1:], context.seed).to(images.device)
    numbers = []
    changed = torch.zeros_like(said, dtype=torch.bool)
    for times in MULTIPLES:
        with torch.inference_mode(), evaluating(context.net):
            moved = images + column(times * far) * way  # may leave the box, as a ray does
            answers = [finite_answer(context.net, part) for part in moved.split(context.chunk)]
        changed = changed | (torch.cat(answers).argmax(1) != said)
        numbers.append(
            Number.of(
                f"ray_changes@{times}x",
                f"another class on the way to {times} times the distance of the neighbour",
                exact_share(changed.cpu()), len(rows), better="lower",
            )
        )  # fmt: skip
    last = numbers[-1]
    told = "; ".join(f"to {t} times {n}" for t, n in zip(MULTIPLES, numbers, strict=True))
    return Section(
        NAME, TITLE, CHAPTER,
        f"In a random direction, {100 * last.value:.0f} % of the pictures change their class within"
        f" {MULTIPLES[-1]} times the distance of their nearest neighbour.",
        good="there is none: it says how rare the directions are in which a small change fools",
        numbers=tuple(numbers),
        charts=(
            curves(
                [float(times) for times in MULTIPLES], {"random directions": numbers},
                alt=f"Share of pictures that change their class, against the way: {told}.",
                caption="At 1 every picture has a direction that fools; here are random ones.",
                labels=("way, in distances of the neighbour", "share with another class"),
            ),
        ),
        note="One random direction a picture, not clipped to what an image can be.",
    )  # fmt: skip


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
