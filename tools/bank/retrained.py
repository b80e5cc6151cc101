"""Retrains with a class for what fooled, anew: ``python -m tools.bank.retrained``."""

from __future__ import annotations

import time

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from tqdm.auto import tqdm

from foolkit.bank.retrained import (
    ADDED,
    CHAINS,
    CHILDREN,
    ENOUGH,
    FILE,
    GENERATIONS,
    PATIENCE,
    PATIENT_RUNS,
    ROUNDS,
    RUNS,
    SEEDED,
    eleven,
)
from foolkit.data import mnist
from foolkit.encodings import CPPN
from foolkit.evolution import MapElites
from foolkit.files import as_bytes
from foolkit.models import Classifier, LeNet
from foolkit.models import load as load_network
from foolkit.models.shipped import as_float16, as_float32
from foolkit.models.train import Recipe, accuracy, fit
from tools.bank.program import options, write

EPOCHS = 2  # of every retrained network, from new weights
MORE = 3  # times as many evolutions to seed the class with as are reported


def breed(
    net: Classifier, *, runs: int, seed: int, generations: int = GENERATIONS
) -> tuple[dict[str, Tensor], Tensor]:
    """Evolve patterns against ``net``, and keep all that it was ever certain of.

    Returns:
        of the ten digits' elites of all runs ``images`` (uint8 ``[N, 28, 28]``), ``confidence``
        and ``reached``; and every image, uint8 ``[M, 28, 28]``, that became an elite of a digit
        with a confidence of ``ENOUGH`` in some generation.
    """
    columns: dict[str, list[Tensor]] = {"images": [], "confidence": [], "reached": []}
    ever: list[Tensor] = []

    def collect(search: MapElites) -> None:
        elites = search.elites
        new = (elites.born == search.generation) & (elites.confidence >= ENOUGH)
        ever.append(as_bytes(elites.images[:10, 0][new[:10]]))

    for run in range(runs):
        search = MapElites(net, CPPN(net.input_shape), batch=CHILDREN, seed=seed + run)
        elites = search.run(generations, progress=False, callback=collect).elites
        columns["images"].append(as_bytes(elites.images[:10, 0]))
        columns["confidence"].append(elites.confidence[:10])
        columns["reached"].append(elites.history.reached(ENOUGH)[:10].short())
    return {name: torch.cat(parts) for name, parts in columns.items()}, torch.cat(ever)


def retrain(images: Tensor, labels: Tensor, fooling: Tensor, seed: int) -> Classifier:
    """A new LeNet for the digits and, as an eleventh class, the ``fooling`` images (uint8)."""
    torch.manual_seed(seed)
    module = LeNet(11)
    known = torch.cat([images, fooling.float().div(255)[:, None]])
    classes = torch.cat([labels, torch.full((len(fooling),), 10)])
    recipe = Recipe("LeNet", seed=seed, epochs=EPOCHS)
    fit(module, known, classes, recipe, progress=False)
    module.load_state_dict(as_float32(as_float16(module.state_dict())))
    return eleven(module, "retrained")


def chain(
    name: str, seed: int, rounds: int = ROUNDS, runs: int = RUNS
) -> tuple[dict[str, np.ndarray], Classifier]:
    """All rounds of one chain: the stored columns, and the last network."""
    images, labels = mnist("train")
    test = mnist("test")
    net, fooling = load_network(name), torch.zeros((0, 28, 28), dtype=torch.uint8)
    stored: dict[str, np.ndarray] = {}
    draws = torch.Generator().manual_seed(seed)
    for number in tqdm(range(rounds + 1), name, unit=" rounds"):
        made, ever = breed(net, runs=runs * (MORE if number == 0 else 1), seed=seed + 100 * number)
        found = {key: column[: 10 * runs].numpy() for key, column in made.items()}
        right = accuracy(net, *test)
        stored |= {f"{name}/{number}/{key}": column for key, column in found.items()}
        stored[f"{name}/{number}/accuracy"] = np.float64(right)
        tqdm.write(
            f"{name}, round {number}: accuracy {right:.4f}, median confidence"
            f" {np.median(found['confidence']):.4f}, {len(ever)} images"
        )
        if number < rounds:
            chosen = torch.randperm(len(ever), generator=draws)[: SEEDED if number == 0 else ADDED]
            fooling = torch.cat([fooling, ever[chosen]])
            net = retrain(images, labels, fooling, seed + number + 1)
    stored |= {f"{name}/patient/{k}": v for k, v in patiently(net, min(runs, PATIENT_RUNS), seed)}
    stored[f"{name}/patient/accuracy"] = np.float64(right)
    return stored, net


def patiently(net: Classifier, runs: int, seed: int) -> list[tuple[str, np.ndarray]]:
    """The columns of longer evolutions, with other seeds than any round's."""
    made, _ = breed(net, runs=runs, seed=seed + 900, generations=PATIENCE)
    return [(name, column.numpy()) for name, column in made.items()]


def main() -> None:
    """Command line: all chains again."""
    parser = options("retrained", __doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    chosen = parser.parse_args()
    start, stored = time.process_time(), {}
    for place, name in enumerate(CHAINS):
        columns, net = chain(name, 1000 * (place + 1), runs=chosen.runs)
        stored |= columns
        write(chosen.out, FILE, stored)
        weights = as_float16(net.module.state_dict())
        (chosen.out / f"retrained-{name}.safetensors").write_bytes(save(weights))
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()
