"""Whether an attack along the gradient was withstood or hindered (Athalye et al. 2018)."""

from __future__ import annotations

from foolkit.analysis import exact_share, robustness
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Section
from foolkit.examination.sections.attacks import nearest_usual

NAME, TITLE, CHAPTER = "masked", "Does its gradient hide anything?", "training-defences"
STEPS, RESTARTS, GENERATIONS = 20, 2, 100
WORDS = {
    "clean": "no attack", "noise": "noise", "fgsm": "one step along the gradient",
    "pgd": "many steps along the gradient", "transfer": "many steps on the second network",
    "evolution": "evolution, which knows no gradient",
    "without limit": "ten steps without a limit",
}  # fmt: skip


def need(sizes: Sizes) -> Need:
    """Steps of each attack."""
    slopes = STEPS * (RESTARTS + 1 + sizes.judge)
    return Need(
        "pictures", sizes.pictures, min(10, sizes.pictures), GENERATIONS + slopes, slopes, 2.0
    )


def names(sizes: Sizes) -> tuple[str, ...]:
    """Of each attack."""
    attacks = [
        attack for attack in WORDS if attack != "clean" and (attack != "transfer" or sizes.judge)
    ]
    return "zero_gradients", *(f"right_under_{attack.replace(' ', '_')}" for attack in attacks)


def run(context: Context) -> Section:
    """Accuracy under attacks that know more and less, and the signs that this order is wrong."""
    rows = context.some_right(NAME)
    size = nearest_usual(context.epsilons)
    found = robustness(
        context.net, context.images[rows], context.labels[rows], epsilon=size, steps=STEPS,
        strangers=[] if context.judge is None else [context.judge], restarts=RESTARTS,
        generations=GENERATIONS, seed=context.seed,
    )  # fmt: skip
    shown = {
        WORDS[attack]: Number.of(
            f"right_under_{attack.replace(' ', '_')}",
            f"still right under {WORDS[attack]}" + (f", {size:g} a pixel"
            if attack not in ("clean", "without limit") else ""),
            exact_share(right.cpu()), len(rows), better="higher",
        )
        for attack, right in found.right.items()
        if attack != "clean"  # all are right
    }  # fmt: skip
    zero = Number.of(
        "zero_gradients", "pictures at which the gradient is exactly zero",
        exact_share(found.flat.cpu()), len(rows), better="lower",
    )  # fmt: skip
    signs = [sign for sign, seen in found.masked().items() if seen]
    verdict = (
        f"There are signs that its gradient misleads: {'; '.join(signs)}."
        if signs
        else f"None of {len(found.masked())} signs of a gradient that misleads was seen."
    )
    told = "; ".join(f"{words} {number}" for words, number in shown.items())
    return Section(
        NAME, TITLE, CHAPTER, verdict,
        grade="bad" if signs else "good",
        good="no sign at all; each is decided by an interval. That none is seen proves nothing",
        numbers=(zero, *shown.values()),
        charts=(
            bars(
                shown, alt=f"Shares of pictures that are still right: {told}.",
                caption="The more an attack knows, and the more it may do, the less it should"
                " leave.",
                label="share of the pictures that are read right",
            ),
        ),
        note="An attack beats another if, of the pictures on which one of them alone succeeds, it"
        " has more than half, beyond chance.",
    )  # fmt: skip


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run, gradient=True)
