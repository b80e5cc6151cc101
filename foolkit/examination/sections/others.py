"""One forgery, two networks: what fools this one before another, and the other way round."""

from __future__ import annotations

from foolkit.analysis import exact_share, transfer
from foolkit.book.scoreboard import Margin
from foolkit.examination import attack
from foolkit.examination.context import Context, Experiment, LeftOut, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.forgeries import forgeries
from foolkit.examination.plan import Need, gives_gradient
from foolkit.examination.report import Number, Section, judged
from foolkit.examination.sections.attacks import nearest_usual

NAME, TITLE, CHAPTER = "others", "Does what fools one network fool another?", "transfer"
FEW = Margin(0.0, 0.2, "one in five or less: what was made for another network rarely fools it")
WORDS = {
    "neighbours": "nearest neighbours", "attacks": "attacked pictures",
    "patterns": "bred patterns", "noise": "bred noise", "painted": "painted images",
}  # fmt: skip


def need(sizes: Sizes) -> Need:
    """An attack on the other network."""
    return attack.need(sizes.pictures, 2.0, int(sizes.judge))


def names(sizes: Sizes) -> tuple[str, ...]:
    """Nothing without a second network."""
    if not sizes.judge:
        return ()
    forged = [f"fools_judge_{family}" for family in WORDS]
    return f"fooled_by_judge@{nearest_usual(sizes.epsilons):g}", "fooled_by_noise", *forged


def run(context: Context) -> Section:
    """What the judge's fooling images do to the network, and those of the network to the judge."""
    if context.judge is None:
        raise LeftOut("there is no second network (--judge)")
    rows = context.some_right(NAME)
    images, labels = context.images[rows], context.labels[rows]
    size = nearest_usual(context.epsilons)
    effort = attack.effort_of(context.plan[NAME].weaker, gives_gradient(context.judge, images[:1]))
    (made,) = attack.strongest(
        context.judge, images, labels, [size], effort, seed=context.seed, chunk=context.chunk
    )
    keep = made.fooled
    if not bool(keep.any()):
        raise LeftOut(f"no attack of {size:g} a pixel fools the second network")
    read = transfer(
        {"this network": context.net}, made[keep], seed=context.seed, chunk=context.chunk,
        progress=False,
    )  # fmt: skip
    wrong = read.verdicts[read.families[0]].predicted[0].cpu() != labels[keep].cpu()
    shaken = read.control_verdicts[read.families[0]].predicted[0].cpu() != labels[keep].cpu()
    from_judge = Number.of(
        f"fooled_by_judge@{size:g}",
        f"pictures attacked on the second network, {size:g} a pixel, that this one misreads",
        exact_share(wrong), len(wrong), better="lower",
    )  # fmt: skip
    numbers = [
        from_judge,
        Number.of("fooled_by_noise", "control: the same pictures under noise of the same length",
                  exact_share(shaken), len(shaken), better="lower"),
    ]  # fmt: skip
    shown = {"attacked on the second network": from_judge, "noise of that length": numbers[1]}
    families = forgeries(context)
    if families:
        table = transfer({"judge": context.judge}, families, seed=context.seed,
                         chunk=context.chunk, progress=False)  # fmt: skip
        for place, family in enumerate(table.families):
            number = Number.of(
                f"fools_judge_{family}",
                f"{WORDS[family]} to which the second network gives the same class",
                table.measures["same"][place, 0], table.runs[place], better="lower",
            )  # fmt: skip
            numbers.append(number)
            shown[f"{WORDS[family]}, before the second"] = number
    told = "; ".join(f"{words} {number}" for words, number in shown.items())
    return Section(
        NAME, TITLE, CHAPTER,
        f"Of pictures changed until the second network misreads them, this one misreads"
        f" {100 * from_judge.value:.0f} %; of those under noise of the same length"
        f" {100 * numbers[1].value:.0f} %.",
        numbers=tuple(numbers),
        charts=(
            bars(
                shown, alt=f"Shares of images: {told}.",
                caption="What fools both was not made for both.",
                label="share that fools",
            ),
        ),
        note="Both networks are shown the same images; intervals are over pictures, and over runs"
        " where images were bred.",
        **judged(from_judge, FEW),
    )  # fmt: skip


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
