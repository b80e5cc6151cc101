"""Makes the bank anew: ``python -m tools.bank.families``, or of the named networks alone."""

from __future__ import annotations

import json
import time

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from foolkit.bank.store import CARD, COLUMNS, FAMILIES, FILE, VICTIMS, fools, read
from foolkit.encodings import CPPN, Pixels
from foolkit.evolution import MapElites
from foolkit.gradients import ascent, lbfgs
from foolkit.models import Classifier, comparison_digits, load, predict
from tools.bank.program import options, write

RUNS = 30
DIGITS = 100  # that are perturbed: the first comparison digits that the network reads rightly
CHILDREN = 100  # of a generation
GENERATIONS = {"direct": 150, "cppn": 100}  # at most
ENOUGH = 0.9999  # confidence in every class that ends a run
LOOK = 5  # generations between two looks at whether it is there
ETA = 1.0  # of the direct encoding: wide steps, which need fewer generations than the paper's 15

MADE = {
    "lbfgs": f"the first {DIGITS} comparison digits that the network reads rightly,"
    " foolkit.gradients.lbfgs, untargeted",
    "direct": f"foolkit.encodings.Pixels with eta {ETA:g}, {CHILDREN} children a generation, until"
    f" every class is at {ENOUGH}, at most {GENERATIONS['direct']} generations",
    "cppn": f"foolkit.encodings.CPPN, {CHILDREN} children a generation, until every class is at"
    f" {ENOUGH}, at most {GENERATIONS['cppn']} generations",
    "ascent": f"foolkit.gradients.ascent from uniform noise, until {ENOUGH}",
}


def evolved(net: Classifier, family: str, runs: int, seed: int, progress: bool) -> dict:
    """Images, classes, runs and seeds of all elites of ``runs`` evolutions."""
    kind = Pixels(net.input_shape, eta=ETA) if family == "direct" else CPPN(net.input_shape)
    found = []
    for run in tqdm(range(runs), f"{net.name} {family}", disable=not progress, unit=" runs"):
        search = MapElites(net, kind, batch=CHILDREN, seed=seed + run)
        for generation in range(GENERATIONS[family]):
            search.step()
            if generation % LOOK == 0 and bool((search.confidence >= ENOUGH).all()):
                break
        found.append(search.elites.images)
    k = len(net.classes)
    run = torch.arange(runs).repeat_interleave(k)
    return {
        "images": torch.cat(found), "classes": torch.arange(k).repeat(runs), "run": run,
        "seed": seed + run,
    }  # fmt: skip


def painted(net: Classifier, runs: int, seed: int, progress: bool) -> dict:
    """The same of images that the gradient paints: every one is a run of its own."""
    goals = torch.arange(len(net.classes)).repeat(runs)
    images = ascent(net, goals, seed=seed, progress=progress).images
    each = torch.arange(len(goals))
    return {"images": images, "classes": goals, "run": each, "seed": torch.full_like(each, seed)}


def perturbed(net: Classifier, digits: int, progress: bool) -> dict:
    """The same of comparison digits; nothing is drawn, so the seed is 0."""
    images, labels = comparison_digits()
    index = (predict(net, images).argmax(1) == labels).nonzero()[:digits, 0]
    changed = lbfgs(net, images[index], labels[index], progress=progress).images
    each = torch.arange(len(index))
    return {
        "images": changed, "classes": labels[index], "run": each, "seed": 0 * each, "digit": index,
    }  # fmt: skip


def part(
    victim: str, family: str, *, runs: int = RUNS, digits: int = DIGITS, progress: bool = True
) -> dict[str, np.ndarray]:
    """One family on one network, as ``store.read`` has it: images and ``COLUMNS``."""
    net, seed = load(victim), 1000 * VICTIMS.index(victim)
    if family == "lbfgs":
        made = perturbed(net, digits, progress)
    elif family == "ascent":
        made = painted(net, runs, seed, progress)
    else:
        made = evolved(net, family, runs, seed, progress)
    pixels = (made["images"] * 255).round()
    answer = predict(net, pixels / 255)
    predicted = answer.argmax(1)
    given: Tensor = predicted if family == "lbfgs" else made["classes"]
    columns = {
        "digit": torch.full_like(given, -1),
        **made,
        "classes": given,
        "predicted": predicted,
        "confidence": answer.gather(1, given[:, None])[:, 0],
    }
    stored = {name: columns[name].numpy().astype(kind) for name, kind in COLUMNS.items()}
    return {"images": pixels[:, 0].numpy().astype(np.uint8), **stored}


def summary(stored: dict[str, np.ndarray]) -> dict:
    """Of every network and family what there is, and how much of it fools."""
    labels = comparison_digits()[1].numpy()
    found: dict[str, dict] = {}
    for victim in VICTIMS:
        for family in FAMILIES:
            prefix = f"{victim}/{family}/"
            if prefix + "images" not in stored:
                continue
            columns = {name: stored[prefix + name] for name in COLUMNS}
            fooling = fools(columns, labels)
            found.setdefault(victim, {})[family] = {
                "images": len(fooling),
                "runs": len(np.unique(columns["run"])),
                "fooling": int(fooling.sum()),
                "at_0.9999": int((fooling & (columns["confidence"] >= ENOUGH)).sum()),
            }
    return found


def main() -> None:
    """Command line: make the parts of the named networks, keep the others."""
    parser = options("families", __doc__)
    parser.add_argument("victims", nargs="*", choices=[[], *VICTIMS], help="default: all")
    chosen = parser.parse_args()
    victims = chosen.victims or VICTIMS
    stored = {} if len(victims) == len(VICTIMS) else read()
    start = time.process_time()
    for victim in victims:
        for family in FAMILIES:
            columns = part(victim, family)
            stored |= {f"{victim}/{family}/{name}": column for name, column in columns.items()}
    print(f"{time.process_time() - start:.0f} s of processor time")
    write(chosen.out, FILE, stored)
    facts = {"made": MADE, "holds": summary(stored)}
    (chosen.out / CARD).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    print(json.dumps(facts["holds"], indent=2))


if __name__ == "__main__":
    main()
