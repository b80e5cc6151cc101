"""Accuracy against the size of an attack (Madry et al. 2018), and against noise of that size."""

from __future__ import annotations

from collections.abc import Sequence

from foolkit.analysis import exact_share
from foolkit.book.scoreboard import above
from foolkit.examination import attack
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import curves
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Section, judged
from foolkit.gradients import Attacked, noise

NAME, TITLE = "attacks", "How much of its accuracy survives an attack?"
CHAPTER = "training-defences"
USUAL = 0.03  # nearest to 8/255, the size that is judged
MARGIN = above(0.9, "nine in ten of what is read right without an attack")
NAMES = {
    "apgd-ce": "APGD on the cross-entropy", "apgd-t": "APGD towards each of the likeliest classes",
    "fmn": "FMN, which looks for the smallest change", "square": "Square, which knows no gradient",
}  # fmt: skip
ROUNDS = 2  # sizes at which a picture is still attacked, in a typical case: for the plan


def nearest_usual(epsilons: Sequence[float]) -> float:
    """The size that is judged."""
    return min(epsilons, key=lambda size: abs(size - USUAL))


def need(sizes: Sizes) -> Need:
    """The ensemble, at each size that has not yet fooled."""
    return attack.need(sizes.pictures, 6.0, min(ROUNDS, len(sizes.epsilons)), sizes.gradient)


def names(sizes: Sizes) -> tuple[str, ...]:
    """Of each size, and more of the usual one."""
    usual = nearest_usual(sizes.epsilons)
    each = [f"{of}_accuracy@{size:g}" for size in sizes.epsilons for of in ("robust", "noise")]
    return f"survives@{usual:g}", f"survives_noise@{usual:g}", *each


def run(context: Context) -> Section:
    """Robust accuracy at each size, with the share that survives at the usual one."""
    rows = context.some(NAME)
    images, labels = context.images[rows], context.labels[rows]
    right = (context.said == context.labels)[rows]
    sizes, chunk = context.epsilons, context.chunk
    effort = attack.effort_of(context.plan[NAME].weaker, context.gradient)
    results = attack.strongest(
        context.net, images, labels, sizes, effort, seed=context.seed, chunk=chunk
    )
    shaken = noise(
        context.net, images, labels, size=list(sizes), norm="inf", kind="sign", seed=context.seed,
        chunk=chunk,
    )  # fmt: skip
    n = len(images)
    robust, noisy = [], []
    for size, attacked, control in zip(sizes, results, shaken, strict=True):
        robust.append(
            Number.of(
                f"robust_accuracy@{size:g}", f"right under attack, {size:g} a pixel",
                exact_share((right & ~attacked.success).cpu()), n, better="higher",
            )
        )  # fmt: skip
        noisy.append(
            Number.of(
                f"noise_accuracy@{size:g}", f"control: right under noise, {size:g} a pixel",
                exact_share((right & ~control.success).cpu()), n, better="higher",
            )
        )  # fmt: skip
    usual = sizes.index(nearest_usual(sizes))
    of = context.some_right(NAME)
    of = of[of < n]
    survives = Number.of(
        f"survives@{sizes[usual]:g}",
        f"of those read right, still right under attack, {sizes[usual]:g} a pixel",
        exact_share((~results[usual].success)[of].cpu()), len(of), better="higher",
    )  # fmt: skip
    withstands = Number.of(
        f"survives_noise@{sizes[usual]:g}",
        f"control: of those read right, still right under noise, {sizes[usual]:g} a pixel",
        exact_share((~shaken[usual].success)[of].cpu()), len(of), better="higher",
    )  # fmt: skip
    verdict = (
        f"An attack of {sizes[usual]:g} a pixel leaves {survives.value:.0%} of its right answers;"
        f" noise of that size leaves {withstands.value:.0%}."
    ).replace("%", " %")
    told = "; ".join(
        f"at {size:g} {one} under attack, {other} under noise"
        for size, one, other in zip(sizes, robust, noisy, strict=True)
    )
    return Section(
        NAME, TITLE, CHAPTER, verdict,
        numbers=(survives, withstands, *robust, *noisy),
        charts=(
            curves(
                sizes, {"attack": robust, "noise of the same size": noisy},
                alt=f"Accuracy against the largest change of a pixel: {told}.",
                caption="Accuracy falls under attack long before it falls under noise, if it does.",
                labels=("largest change of a pixel", "accuracy"),
            ),
        ),
        note=_told(results[usual], sizes[usual], effort),
        kept={
            "images": results[usual].images, "classes": results[usual].predicted,
            "success": results[usual].success & right, "originals": images, "labels": labels,
            "breaker": results[usual].breaker,
        },
        **judged(survives, MARGIN),
    )  # fmt: skip


def _told(found: Attacked, size: float, effort: attack.Effort | None) -> str:
    """Which attacks there were, and which of them broke how many."""
    if effort is None:
        return (
            f"{NAMES['square']}, alone, with {attack.BLIND} queries, as the network gives none:"
            f" at {size:g} or less it broke {found.broken_by()['square']}. An attack that sees a"
            " gradient may break more."
        )
    broken = "; ".join(f"{NAMES[name]} {count}" for name, count in found.broken_by().items())
    return (
        f"Four attacks in turn, each on the pictures that those before it left; at {size:g} or"
        f" less they broke: {broken}. {effort.steps} steps, {effort.goals}"
        f" goal{'s' if effort.goals > 1 else ''},"
        f" {effort.queries} queries: what they leave is an upper bound of what a longer search"
        " would leave (foolkit.gradients.ensemble)."
    )


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
