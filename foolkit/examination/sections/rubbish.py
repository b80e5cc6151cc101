"""How sure it is of what shows nothing: noise, shuffled pictures, black and white."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from foolkit.analysis import exact_share, shuffle_tiles
from foolkit.analysis.space import DRAWS
from foolkit.book.scoreboard import NEARLY_NONE
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Picture, Section, judged
from foolkit.models.classifier import predict
from foolkit.plot import percent
from foolkit.seeds import generator_of

NAME, TITLE, CHAPTER = "rubbish", "How sure is it of nothing at all?", "why"
CERTAIN, SURE = 0.99, "99 % certain"
GRIDS = (4, 5, 7, 3, 2)  # tiles across, the first that divides the picture
KINDS = {
    "uniform": "uniform noise",
    "gaussian": "Gaussian noise around grey",
    "smooth": "noise with the spectrum of photographs",
    "tiles": "your pictures with their tiles shuffled",
}
WANTED = 1000
LEVEL = 1 - 0.05 / len(KINDS)  # of each kind: the worst of all is judged


def need(sizes: Sizes) -> Need:
    """A look at each image of each kind."""
    return Need("images", WANTED, 20, len(KINDS), 0, 1.0)


def names(_: Sizes) -> tuple[str, ...]:
    """Of each kind."""
    return tuple(f"certain_of_{kind}" for kind in KINDS)


def run(context: Context) -> Section:
    """The share of each kind of which it is certain; the worst is judged."""
    numbers: list[Number] = []
    pictures: list[Picture] = []
    shown: dict[str, Number] = {}
    for kind, images in rubbish(context).items():
        confidence, said = predict(context.net, images, context.chunk).max(1)
        if kind in KINDS:
            share = exact_share((confidence >= CERTAIN).cpu(), LEVEL)
            number = Number.of(
                f"certain_of_{kind}", f"{KINDS[kind]}: images of which it is {SURE}",
                share, len(images), better="lower",
            )  # fmt: skip
            numbers.append(number)
            shown[KINDS[kind]] = number
        surest = int(confidence.argmax())
        name, sure = context.classes[int(said[surest])], percent(float(confidence[surest]))
        pictures.append(
            Picture.of(images[surest], f"{KINDS.get(kind, kind)}, read as {name}",
                       f"{KINDS.get(kind, kind)}: “{name}”, {sure}", len(pictures))
        )  # fmt: skip
    numbers.sort(key=lambda number: (-number.value, -number.high))  # the worst is judged
    worst = next(name for name, number in shown.items() if number is numbers[0])
    verdict = (
        f"Of {worst} it is {SURE} in {100 * numbers[0].value:.3g} % of the cases, more often than"
        " of any other rubbish."
    )
    if not numbers[0].value:
        verdict = f"Of no kind of rubbish tried was it ever {SURE}."
    told = "; ".join(f"{name} {number}" for name, number in shown.items())
    return Section(
        NAME, TITLE, CHAPTER, verdict,
        numbers=tuple(numbers),
        pictures=tuple(pictures),
        charts=(
            bars(
                shown, alt=f"Shares of images of which it is certain: {told}.",
                caption="A network that knew what it does not know would have no bars here.",
                label=f"share of images of which it is {SURE}",
            ),
        ),
        note=f"Intervals of {100 * LEVEL:.2f} %, so that all hold together with 95 %. Of each kind"
        " the image of which it is surest is shown; black and white are one each.",
        **judged(numbers[0], NEARLY_NONE),
    )  # fmt: skip


def rubbish(context: Context) -> dict[str, Tensor]:
    """Images of every kind, float32 ``[count, C, H, W]``; of black and white one."""
    count, shape = context.plan[NAME].count, tuple(context.images.shape[1:])
    draws = generator_of(context.seed, context.images.device)
    found = {kind: partial(DRAWS[kind], shape)(count, draws) for kind in ("uniform", "smooth")}
    normal = torch.randn((count, *shape), generator=draws, device=draws.device)
    found["gaussian"] = (0.5 + 0.25 * normal).clamp(0, 1)
    grid = next((g for g in GRIDS if shape[1] % g == 0 and shape[2] % g == 0), None)
    if grid is not None:
        found["tiles"] = shuffle_tiles(context.images[:count], grid, seed=context.seed)
    for name, level in (("black", 0.0), ("white", 1.0)):
        found[name] = torch.full((1, *shape), level, device=draws.device)
    return found


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run)
