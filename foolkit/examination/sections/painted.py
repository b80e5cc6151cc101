"""Images painted by following the gradient from grey noise (Nguyen et al. 2015, section 3.6)."""

from __future__ import annotations

import torch

from foolkit.analysis import exact_share
from foolkit.book.scoreboard import NEARLY_NONE
from foolkit.checks import image_shape
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Picture, Section, judged
from foolkit.gradients import ascent
from foolkit.plot import percent
from foolkit.seeds import generator_of

NAME, TITLE, CHAPTER = "painted", "Can its own gradient paint every class?", "gradient-images"
CERTAIN, SURE, STEPS, SHOWN = 0.99, "99 % certain", 100, 6


def need(sizes: Sizes) -> Need:
    """A gradient for each step of each class."""
    return Need("goals", sizes.classes, min(5, sizes.classes), STEPS, STEPS, 2.0)


def names(_: Sizes) -> tuple[str, ...]:
    """One."""
    return ("painted",)


def run(context: Context) -> Section:
    """The share of classes whose confidence the gradient raises to certainty."""
    draws = generator_of(context.seed)
    goals = torch.randperm(len(context.classes), generator=draws)[: context.plan[NAME].count]
    found = ascent(
        context.net, goals.to(context.images.device), steps=STEPS, threshold=CERTAIN,
        shape=image_shape(context.images.shape[1:]), seed=context.seed, chunk=context.chunk,
        progress=False,
    )  # fmt: skip
    there = found.success & (found.confidence >= CERTAIN)
    share = Number.of(
        "painted", f"classes painted until it is {SURE}", exact_share(there.cpu()), len(goals),
        better="lower",
    )  # fmt: skip
    surest = found.label_confidence.argsort(descending=True)[:SHOWN].tolist()
    names = [context.classes[k] for k in found.predicted.tolist()]
    pictures = tuple(
        Picture.of(
            found.images[row], f"painted noise, read as {names[row]}",
            f"“{names[row]}”, {percent(float(found.confidence[row]))}", row,
        )
        for row in surest
    )  # fmt: skip
    return Section(
        NAME, TITLE, CHAPTER,
        f"From noise, {STEPS} steps along its gradient make it {SURE} of"
        f" {100 * share.value:.3g} % of {len(goals)} classes.",
        numbers=(share,),
        pictures=pictures,
        charts=(
            bars({"classes painted": share}, alt=f"Share of classes painted: {share}.",
                 caption="What the gradient paints is certain, and shows nothing.",
                 label="share of the classes tried"),
        ),
        note="Uniform noise to begin with, no prior; intervals are over classes.",
        kept={"images": found.images[there], "classes": found.predicted[there]},
        **judged(share, NEARLY_NONE),
    )  # fmt: skip


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run, gradient=True)
