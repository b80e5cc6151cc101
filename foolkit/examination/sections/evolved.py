"""Images bred from nothing (Nguyen, Yosinski and Clune 2015), noise and patterns, by MAP-Elites."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from foolkit.analysis import mean_interval
from foolkit.book.scoreboard import NEARLY_NONE
from foolkit.checks import image_shape
from foolkit.encodings import CPPN, Encoding, Pixels
from foolkit.evolution import Elites, evolve
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Picture, Section, judged
from foolkit.plot import percent
from foolkit.seeds import seeds_of_parts

NAME, TITLE = "evolved", "Can evolution find images of every class?"
CHAPTER = "regular-patterns"
CERTAIN = 0.99
RUNS, BATCH, WANTED = 3, 50, 200
SHOWN = 6
BESIDE = 0.01  # seconds that breeding and drawing take beside the network, a generation
KINDS = {"patterns": "regular patterns", "noise": "noise"}


def need(sizes: Sizes) -> Need:
    """A look at each child, in both encodings."""
    passes = len(KINDS) * RUNS * BATCH
    return Need("generations", WANTED, 5, passes, 0, 4.0, beside=len(KINDS) * RUNS * BESIDE)


def run(context: Context) -> Section:
    """The share of classes with an image of which the network is certain, of each encoding."""
    generations = context.plan[NAME].count
    shape = image_shape(context.images.shape[1:])
    encodings: dict[str, Encoding[Any]] = {"noise": Pixels(shape)}
    if shape[0] in (1, 3):
        encodings = {"patterns": CPPN(shape), **encodings}
    numbers: list[Number] = []
    pictures: list[Picture] = []
    kept: dict[str, Tensor] = {}
    for kind, encoding in encodings.items():
        bred = [
            evolve(context.net, encoding, generations=generations, batch=BATCH, seed=seed,
                   progress=False)
            for seed in seeds_of_parts(context.seed, RUNS)
        ]  # fmt: skip
        if any(len(elites.history.confidence) <= generations for elites in bred):
            raise KeyboardInterrupt  # evolve returns what it has
        confidence = torch.cat([elites.confidence for elites in bred]).cpu()
        runs = torch.arange(RUNS).repeat_interleave(len(context.classes))
        share = mean_interval(confidence >= CERTAIN, runs=runs, seed=context.seed)
        numbers.append(
            Number.of(f"bred_{kind}", f"classes with {KINDS[kind]} of which it is 99 % certain",
                      share, RUNS, better="lower")
        )  # fmt: skip
        mean = mean_interval(confidence.double(), runs=runs, seed=context.seed)
        numbers.append(
            Number.of(f"bred_{kind}_confidence", f"mean confidence in {KINDS[kind]} of all classes",
                      mean, RUNS, better="lower")
        )  # fmt: skip
        pictures += _surest(context, bred[0], kind)
        kept |= {
            f"{kind}.images": torch.cat([elites.images for elites in bred]),
            f"{kind}.runs": runs,
        }
    shares = {KINDS[n.name.removeprefix("bred_")]: n for n in numbers if "confidence" not in n.name}
    worst = max(shares.values(), key=lambda number: number.value)
    numbers.sort(key=lambda number: number is not worst)
    kind = next(words for words, number in shares.items() if number is worst)
    verdict = (
        f"{RUNS} runs of {generations} generations bred {kind} that it is 99 % certain of for"
        f" {100 * worst.value:.0f} % of its classes."
    )
    how = judged(worst, NEARLY_NONE)
    if how["grade"] == "good" and context.plan[NAME].cut:
        how["grade"] = "unclear"  # breeding had not ended
    told = "; ".join(f"{words} {number}" for words, number in shares.items())
    return Section(
        NAME, TITLE, CHAPTER, verdict,
        numbers=tuple(numbers),
        pictures=tuple(pictures),
        charts=(
            bars(
                shares, alt=f"Shares of classes for which an image was bred: {told}.",
                caption="None of these images shows anything.",
                label="classes with an image of which it is 99 % certain",
            ),
        ),
        cut=context.plan[NAME].cut,
        note=f"MAP-Elites, {BATCH} children a generation; intervals over {RUNS} runs, of which the"
        " surest elites of the first are shown.",
        kept=kept,
        **how,
    )  # fmt: skip


def _surest(context: Context, elites: Elites, kind: str) -> list[Picture]:
    """The elites of which the network is surest."""
    rows = elites.confidence.argsort(descending=True)[:SHOWN].tolist()
    return [
        Picture.of(
            elites.images[row], f"bred {kind}, read as {context.classes[row]}",
            f"“{context.classes[row]}”, {percent(float(elites.confidence[row]))}",
            row,
        )
        for row in rows
    ]  # fmt: skip


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, run)
