"""Does it know when it is right? (Guo et al. 2017)"""

from __future__ import annotations

from foolkit.analysis import (
    calibration_error,
    calibration_error_by_chance,
    exact_share,
    mean_interval,
    reliability,
)
from foolkit.book.scoreboard import about
from foolkit.examination.context import Context, Experiment, LeftOut, Sizes
from foolkit.examination.drawing import chart
from foolkit.examination.plan import Need
from foolkit.examination.report import Chart, Number, Section, judged
from foolkit.plot import COLOURS, FAINT, figure

NAME, TITLE, CHAPTER = "accuracy", "Does it know when it is right?", "confidence"
MARGIN = about(0.0, 0.02, "the confidence promises what the accuracy keeps, to two in a hundred",
               ".0%")  # fmt: skip
BINS = 10


def need(sizes: Sizes) -> Need:
    """A look at each picture."""
    return Need("pictures", sizes.pictures, min(50, sizes.pictures), 1, 0, 1.0)


def names(sizes: Sizes) -> tuple[str, ...]:
    """Nothing without labels."""
    found = ("accuracy", "mean_confidence", "overconfidence")
    errors = ("calibration_error", "calibration_error_by_chance")
    return (*found, *errors) if sizes.labels else ()


def run(context: Context) -> Section:
    """Accuracy, and how far the mean confidence is above it."""
    if not context.known:
        raise LeftOut("there are no labels (--labels), so nothing tells right from wrong")
    rows = context.some(NAME)
    confidence, right = context.confidence[rows].cpu(), (context.said == context.labels)[rows].cpu()
    n = len(right)
    gap = mean_interval(confidence.double() - right.double(), seed=context.seed)
    promise = Number.of(
        "overconfidence", "mean confidence less accuracy", gap, n, unit="difference", better="lower"
    )
    accuracy = Number.of(
        "accuracy", "pictures that are read right", exact_share(right), n, better="higher"
    )
    error = calibration_error(confidence, right, BINS)
    chance = calibration_error_by_chance(confidence, bins=BINS, seed=context.seed)
    mean = mean_interval(confidence.double(), seed=context.seed)
    numbers = (
        promise,
        accuracy,
        Number.of("mean_confidence", "mean confidence of its answers", mean, n, better="lower"),
        Number.of(
            "calibration_error", "expected calibration error", error, n, unit="difference",
            better="lower",
        ),
        Number.of(
            "calibration_error_by_chance",
            "the error that a perfectly calibrated network would show on so many pictures",
            float(chance.mean()), n, unit="difference", better="lower",
        ),
    )  # fmt: skip
    how = judged(promise, MARGIN)
    promised = {
        "good": "which is what it promises",
        "unclear": "which so few pictures cannot tell from what it promises",
        "bad": f"{'more' if gap.value > 0 else 'less'} than it keeps",
    }[how["grade"]]
    verdict = (
        f"It reads {accuracy.value:.1%} of the pictures right, with a mean confidence of"
        f" {mean.value:.1%}, {promised}."
    ).replace("%", " %")
    return Section(
        NAME, TITLE, CHAPTER, verdict, numbers=numbers,
        charts=(_diagram(context, rows),), **how,
    )  # fmt: skip


def _diagram(context: Context, rows: slice) -> Chart:
    """The reliability diagram."""
    right = (context.said == context.labels)[rows].cpu()
    bins = reliability(context.confidence[rows].cpu(), right, BINS)
    there = bins.count > 0
    told = "; ".join(
        f"{int(k)} answers at {float(c):.2f}: {float(a):.2f} right"
        for k, c, a in zip(
            bins.count[there], bins.confidence[there], bins.accuracy[there], strict=True
        )
    )
    drawn, ax = figure(
        alt=f"Accuracy against confidence, a point for each tenth: {told}.",
        caption="On the dashed line a confidence is what it says; below it, it promises too much.",
        size=(4.2, 3.6),
    )
    ax.plot([0, 1], [0, 1], "--", color=FAINT)
    ax.plot(bins.confidence[there], bins.accuracy[there], "-o", color=COLOURS[0])
    ax.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    return chart(drawn)


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
