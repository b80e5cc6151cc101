"""Detectors that know the pictures: which of them would have seen what fooled?"""

from __future__ import annotations

from torch import nn

from foolkit.analysis import (
    Detector,
    Energy,
    FeatureNeighbours,
    MaxSoftmax,
    PixelNeighbours,
    acceptance_threshold,
    mean_interval,
    score_all,
)
from foolkit.book.scoreboard import MOST, together
from foolkit.examination.context import Context, Experiment, LeftOut, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.forgeries import forgeries
from foolkit.examination.plan import Need
from foolkit.examination.report import GRADES, Number, Section
from foolkit.examination.sections.others import WORDS

NAME, TITLE, CHAPTER = "detectors", "Would a detector have seen it?", "rejection"
ACCEPTED, LEAST = 0.95, 40  # of the user's pictures; half of these decide the threshold
NEIGHBOUR = 5
NAMES = {
    "confidence": "the confidence", "energy": "the energy", "pixels": "neighbours in pixels",
    "features": "neighbours in features",
}  # fmt: skip


def need(sizes: Sizes) -> Need:
    """A look at each picture and at what fooled."""
    return Need("pictures", sizes.pictures, min(LEAST, sizes.pictures), 4, 0, 1.0)


def names(sizes: Sizes) -> tuple[str, ...]:
    """Of each family and each detector; nothing where the pictures are too few."""
    if sizes.pictures < LEAST:
        return ()
    return tuple(f"{family}_seen_by_{name}" for family in WORDS for name in NAMES)


def run(context: Context) -> Section:
    """The share of each family that each detector refuses, where it accepts 95 % of pictures."""
    images = context.images[context.some(NAME)]
    if len(images) < LEAST:
        cut = f" ({context.plan[NAME].cut})" if context.plan[NAME].cut else ""
        raise LeftOut(
            f"{len(images)} pictures are too few to set a threshold: {LEAST} are needed{cut}"
        )
    families = forgeries(context)
    if not families:
        raise LeftOut("nothing fooled it before")
    known, held = images[: len(images) // 2], images[len(images) // 2 :]
    detectors = {name: one.fit(known) for name, one in _detectors(context.net).items()}
    least = {
        name: acceptance_threshold(scores.cpu(), ACCEPTED)
        for name, scores in score_all(detectors, held, chunk=context.chunk).items()
    }
    numbers, verdicts, best = [], [], {}
    for family, forged in families.items():
        shown = forged.images.to(images.device)
        row = [
            Number.of(
                f"{family}_seen_by_{name}", f"{WORDS[family]} that {NAMES[name]} would refuse",
                mean_interval(scores.cpu() < least[name], runs=forged.runs, seed=context.seed),
                len(forged.runs.unique()), better="higher",
            )
            for name, scores in score_all(detectors, shown, chunk=context.chunk).items()
        ]  # fmt: skip
        said = [MOST.verdict(number.interval) for number in row]
        verdicts.append(True if True in said else None if None in said else False)
        best[WORDS[family]] = max(row, key=lambda number: number.value)
        numbers += row
    worst = min(best, key=lambda words: best[words].value)
    told = "; ".join(f"{words} {number}" for words, number in best.items())
    return Section(
        NAME, TITLE, CHAPTER,
        f"The best detector would have refused {100 * best[worst].value:.0f} % of the {worst};"
        " the others of what fooled it are seen more often, or as often.",
        grade=GRADES[together(verdicts)],
        good="of everything that fooled, some detector refuses most, more than half",
        numbers=tuple(numbers),
        charts=(
            bars(
                best, alt=f"Shares refused by the best detector of each: {told}.",
                caption="The detector that sees most of each; an attacker who knows it would go"
                " round it.",
                label="share that is refused",
            ),
        ),
        note=f"Detectors know half of the pictures, and accept {100 * ACCEPTED:.0f} % of the other"
        " half; they were not attacked themselves.",
    )  # fmt: skip


def _detectors(net: nn.Module) -> dict[str, Detector]:
    """Those that need no labels; neighbours in features where there is a last linear layer."""
    found: dict[str, Detector] = {
        "confidence": MaxSoftmax(net), "energy": Energy(net), "pixels": PixelNeighbours(NEIGHBOUR),
    }  # fmt: skip
    if any(isinstance(module, nn.Linear) for module in net.modules()):
        found["features"] = FeatureNeighbours(net, k=NEIGHBOUR)
    return found


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
