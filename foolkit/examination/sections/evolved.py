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
from foolkit.seeds import generator_of, seeds_of_parts

NAME, TITLE = "evolved", "Can evolution find images of every class?"
CHAPTER = "regular-patterns"
CERTAIN = 0.99
RUNS, BATCH, WANTED = 3, 50, 200
SHOWN = 6
KEPT = 100  # classes of each run whose images the sections to come look at: memory for 1000
# seconds that breeding and drawing take beside the network, a generation, and more for each value
BESIDE, DRAWN = 0.01, 5e-7
KINDS = {"patterns": "regular patterns", "noise": "noise"}


def need(sizes: Sizes) -> Need:
    """A look at each child, in both encodings."""
    passes = len(KINDS) * RUNS * BATCH
    beside = len(KINDS) * RUNS * (BESIDE + DRAWN * sizes.values)
    return Need("generations", WANTED, 5, passes, 0, 4.0, beside=beside)


def names(_: Sizes) -> tuple[str, ...]:
    """Of each encoding."""
    return tuple(f"bred_{kind}{of}" for kind in KINDS for of in ("", "_confidence"))


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
        found: list[Tensor] = []
        images: list[Tensor] = []
        rows: list[Tensor] = []
        for seed in seeds_of_parts(context.seed, RUNS):
            elites = evolve(
                context.net, encoding, generations=generations, batch=BATCH, seed=seed,
                progress=False,
            )  # fmt: skip
            if len(elites.history.confidence) <= generations:
                raise KeyboardInterrupt  # evolve returns what it has
            if not found:
                pictures += _surest(context, elites, kind)
            found.append(elites.confidence.cpu())
            rows.append(_some(found[-1], context.seed))
            images.append(elites.images[rows[-1].to(elites.images.device)])
        confidence = torch.cat(found)
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
        kept |= {
            f"{kind}.images": torch.cat(images),
            f"{kind}.goals": torch.cat(rows),
            f"{kind}.runs": torch.arange(RUNS).repeat_interleave(len(rows[0])),
        }
    shares = {KINDS[n.name.removeprefix("bred_")]: n for n in numbers if "confidence" not in n.name}
    worst = max(shares.values(), key=lambda number: number.value)
    numbers.sort(key=lambda number: number is not worst)
    kind = next(words for words, number in shares.items() if number is worst)
    verdict = (
        f"{RUNS} runs of {generations} generations bred {kind} that it is 99 % certain of for"
        f" {100 * worst.value:.3g} % of its classes."
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
        note=f"MAP-Elites, {BATCH} children a generation; intervals over {RUNS} runs, of which the"
        " surest elites of the first are shown.",
        kept=kept,
        **how,
    )  # fmt: skip


def _some(confidence: Tensor, seed: int) -> Tensor:
    """``KEPT`` classes at most, ascending: those of which it is certain first, drawn at random."""
    order = torch.randperm(len(confidence), generator=generator_of(seed))
    uncertain = (confidence[order] < CERTAIN).int()
    return order[uncertain.argsort(stable=True)][:KEPT].sort().values


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


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
