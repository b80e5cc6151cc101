"""Measures the family anew: ``python -m tools.bank.networks --checkpoints FOLDER``.

One file a network is kept in that folder, so that a stopped run goes on with the next. At the end
all networks are shown the forgeries of each, which takes about a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy
from tqdm.auto import tqdm

from foolkit.analysis import (
    answers_along_rays,
    bend_from_tangent,
    class_shares,
    random_directions,
    transfer,
)
from foolkit.bank.networks import (
    BENT,
    BOOK,
    DIGITS,
    EPSILON,
    FAR_SURE,
    FILE,
    FORGED,
    FORMULAS,
    GENERATIONS,
    KEPT,
    LEVEL,
    NAMES,
    PAINTED,
    PAINTED_KEPT,
    RAYS,
    ROOM,
    ROOM_IMAGES,
    RUNS,
    SHOWN,
    STEPPED,
    STEPS,
    SURE,
    UNIFORM,
    WALKED,
    WAYS,
    forgeries,
    network,
)
from foolkit.data import digits
from foolkit.encodings import CPPN, Pixels
from foolkit.evolution import evolve
from foolkit.files import as_bytes
from foolkit.gradients import ascent, fgsm, lbfgs, noise
from foolkit.models import Classifier, family, predict
from tools.bank.program import options, write

CHILDREN = 200  # of a generation, as in the chapters
FIRST = 3000  # of the digits that are not looked at
FURTHER = 1.1  # times the smallest change, which survives rounding to 8 bits
SHAPE = (1, 28, 28)


def uniform(net: Classifier) -> dict[str, Tensor]:
    """What the network calls images of uniform noise, and how certain it is at most."""
    draws = torch.Generator().manual_seed(0)
    answer = predict(net, torch.rand((UNIFORM, *SHAPE), generator=draws))
    return {
        "uniform": answer.argmax(1).bincount(minlength=10).short(),
        "luck": answer.amax(0),
    }


@dataclass(frozen=True)
class Redrawn:
    """The genomes of one encoding, drawn in another way: a control."""

    encoding: Pixels | CPPN
    draw: Callable[[Tensor], Tensor]
    shape: tuple[int, int, int] = SHAPE

    @property
    def genomes(self) -> Any:
        return self.encoding.genomes

    def sample(self, n: int, generator: torch.Generator) -> Any:
        return self.encoding.sample(n, generator)

    def vary(self, parents: Any, generator: torch.Generator, generation: int = 1) -> Any:
        return self.encoding.vary(parents, generator, generation)

    def render(self, genomes: Any) -> Tensor:
        return (self.draw(self.encoding.render(genomes)) * 255).round() / 255


def smooth(images: Tensor) -> Tensor:
    """The mean of 5 x 5 pixels, at the contrast of before."""
    mean = avg_pool2d(images - 0.5, 5, 1, 2, count_include_pad=False)
    return (0.5 + 5 * mean).clamp(0, 1)


def shuffle(images: Tensor) -> Tensor:
    """Every image's pixels in one other order."""
    order = torch.randperm(784, generator=torch.Generator().manual_seed(1))
    return images.flatten(1)[:, order].view_as(images)


ENCODINGS: dict[str, Any] = {
    "noise": Pixels(SHAPE),
    "patterns": CPPN(SHAPE),
    "smooth": Redrawn(Pixels(SHAPE), smooth),
    "shuffled": Redrawn(CPPN(SHAPE), shuffle),
}


def evolved(net: Classifier, kind: str) -> dict[str, Tensor]:
    """Evolutions with the settings of the chapters."""
    runs = [
        evolve(
            net, ENCODINGS[kind], generations=GENERATIONS[kind], batch=CHILDREN, seed=seed,
            progress=False,
        )
        for seed in range(RUNS[kind])
    ]  # fmt: skip
    columns = {f"{kind}/history": torch.stack([run.history.confidence for run in runs])}
    if kind in SHOWN:
        columns[f"{kind}/images"] = torch.stack([as_bytes(run.images[:, 0]) for run in runs])
    return columns


def random_formulas(net: Classifier) -> dict[str, Tensor]:
    """The best of many formulas without selection."""
    formulas, draws = ENCODINGS["patterns"], torch.Generator().manual_seed(1000)
    judged = [
        predict(net, formulas.render(formulas.sample(CHILDREN, draws))).amax(0)
        for _ in range(FORMULAS // CHILDREN)
    ]
    return {"random": torch.stack(judged).amax(0)}


def nearest(net: Classifier) -> dict[str, Tensor]:
    """The smallest changes that L-BFGS finds, and noise of the same size."""
    x, y = held_out()
    right = (predict(net, x).argmax(1) == y).nonzero()[:DIGITS, 0]
    x, y = x[right], y[right]
    found = lbfgs(net, x, y, progress=False)
    shaken = noise(net, x, y, size=found.l2, seed=0)
    further = (x + FURTHER * found.perturbation)[:KEPT].clamp(0, 1)
    return {
        "distortion": found.rms.where(found.success, torch.nan),
        "shaken": shaken.success,
        "neighbours": as_bytes(further[:, 0]),
        "digit": (FIRST + right[:KEPT]).short(),
        "truth": y[:KEPT].to(torch.int8),
        "bend": bend(net, x, y, float(found.l2[found.success].quantile(0.5))),
    }


def bend(net: Classifier, x: Tensor, y: Tensor, reach: float) -> Tensor:
    """How straight the network is from digits, uphill and anywhere; medians ``[2, lengths]``."""
    trial = x.clone().requires_grad_(True)
    cross_entropy(net(trial), y, reduction="sum").backward()
    assert trial.grad is not None
    ways = {"gradient": trial.grad, "random": random_directions(len(x), SHAPE, seed=1)}
    lengths = [times * reach for times in BENT]
    return torch.stack(
        [bend_from_tangent(net, x, ways[way], lengths).nanmedian(0).values for way in WAYS]
    )


def room(net: Classifier) -> dict[str, Tensor]:
    """Who owns random images of three kinds."""
    found = [
        class_shares(net, kind, images=ROOM_IMAGES, levels=(0, SURE), progress=False)
        for kind in ROOM
    ]
    return {"room": torch.stack([one.hits for one in found]).short()}


def rays(net: Classifier) -> dict[str, Tensor]:
    """How often the network is certain on the way from a digit to far away."""
    begin, way = held_out()[0][:RAYS], random_directions(RAYS, SHAPE, seed=2)
    sure = answers_along_rays(net, begin, way, WALKED)[0] >= FAR_SURE
    return {"rays": sure.double().mean(0)}


def stepped(net: Classifier) -> dict[str, Tensor]:
    """One step along the gradient's sign."""
    x, y = (part[:STEPPED] for part in held_out())
    found = fgsm(net, x, y, epsilon=EPSILON, clip=False)
    sure = found.confidence[found.success].double().mean()
    return {"stepped": torch.stack([found.success.double().mean(), sure])}


def climbed(net: Classifier) -> dict[str, Tensor]:
    """Gradient ascent from noise."""
    goals = torch.arange(PAINTED) % 10
    found = ascent(net, goals, threshold=LEVEL, steps=STEPS, seed=0, progress=False)
    there = found.confidence >= LEVEL
    return {
        "climbed": found.steps.where(there, -1).short(),
        "painted/images": as_bytes(found.images[:PAINTED_KEPT, 0]),
    }


def held_out() -> tuple[Tensor, Tensor]:
    """Digits that no member was trained on: those of the chapter on neighbours."""
    images, labels = digits()
    return images[FIRST:], labels[FIRST:]


PARTS: dict[str, Callable[[Classifier], dict[str, Tensor]]] = {
    "uniform": uniform,
    **{kind: partial(evolved, kind=kind) for kind in GENERATIONS},
    "random": random_formulas,
    "nearest": nearest,
    "room": room,
    "rays": rays,
    "stepped": stepped,
    "climbed": climbed,
}


def measure(net: Classifier) -> dict[str, np.ndarray]:
    """All columns of one network; says how long each part took."""
    columns: dict[str, np.ndarray] = {}
    spent = []
    for part, make in PARTS.items():
        start = time.process_time()
        columns |= {key: column.numpy() for key, column in make(net).items()}
        spent.append(f"{part} {time.process_time() - start:.1f}")
    tqdm.write(f"{net.name}, s: {', '.join(spent)}")
    return columns


def shown(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What every network makes of the forgeries of each, and of their controls."""
    judges = {name: network(name) for name in NAMES}
    columns = {}
    for kind in tqdm(FORGED, unit=" kinds"):
        made = {name: forgeries(name, kind, stored) for name in NAMES}
        found = transfer(judges, made, threshold=LEVEL, resamples=1, progress=False)
        asked = "error" if kind in ("neighbours", "magnified") else "same"
        for place, name in enumerate(NAMES):
            columns[f"{name}/{kind}/transfer"] = found.measures[asked].value[place].numpy()
            columns[f"{name}/{kind}/control"] = found.control[asked].value[place].numpy()
            if asked == "same":
                said = found.verdicts[name]
                sure = (said.predicted == made[name].classes) & (said.own >= LEVEL)  # judge, image
                columns[f"{name}/{kind}/certain"] = sure[:, sure[place]].double().mean(1).numpy()
    return columns


def measure_all(nets: Iterable[Classifier], checkpoints: Path) -> dict[str, np.ndarray]:
    """The columns of all networks under their names: what ``checkpoints`` lacks is measured.

    One file a network is kept there, so that a stopped run goes on with the next.
    """
    checkpoints.mkdir(parents=True, exist_ok=True)
    stored: dict[str, np.ndarray] = {}
    for net in tqdm(nets, unit=" networks"):
        name = net.name.removeprefix(family.PREFIX)
        kept = checkpoints / f"measured-{name}.npz"
        if not kept.exists():
            write(checkpoints, kept.name, measure(net))
        with np.load(kept) as columns:
            stored |= {f"{name}/{key}": columns[key] for key in columns.files}
    return stored


def main() -> None:
    """Command line: measure what is not there yet, then write all that is."""
    parser = options("networks", __doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of one file each")
    chosen = parser.parse_args()
    # one seed of every design before the next seed
    order = sorted(family.NAMES, key=lambda name: name[-1])
    stored = measure_all(map(network, [*BOOK, *order]), chosen.checkpoints)
    write(chosen.out, FILE, stored | shown(stored))


if __name__ == "__main__":
    main()
