"""Retrains with a class for what fooled, anew: ``python -m tools.bank.retrained``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from tqdm.auto import tqdm

from foolkit.bank.retrained import (
    ADDED,
    BUDGETS,
    CHAINS,
    CHILDREN,
    ENOUGH,
    PATIENCE,
    PATIENT_RUNS,
    SEEDED,
    Budget,
    eleven,
)
from foolkit.data import mnist
from foolkit.encodings import CPPN
from foolkit.evolution import MapElites
from foolkit.files import as_bytes, write_atomically
from foolkit.models import Classifier, LeNet
from foolkit.models import load as load_network
from foolkit.models.shipped import as_float16, as_float32
from foolkit.models.train import Recipe, accuracy, fit
from tools.bank.program import keep, options, write

EPOCHS = 2  # of every retrained network, from new weights


def breed(
    net: Classifier, *, runs: int, seed: int, generations: int, until: float | None = None
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
        search.run(generations, until=until, progress=False, callback=collect)
        elites = search.elites
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


def begun(name: str, seed: int, path: Path) -> dict[str, Any]:
    """A chain before its first round, or what ``keep_round`` kept of it.

    Returns:
        ``round``: the next; ``net``: that it meets; ``fooling``: the images of the class, uint8
        ``[N, 28, 28]``; ``draws``: the generator that picks them; ``stored``: columns.
    """
    net, draws = load_network(name), torch.Generator().manual_seed(seed)
    fooling = torch.zeros((0, 28, 28), dtype=torch.uint8)
    state: dict[str, Any] = {
        "round": 0, "net": net, "fooling": fooling, "draws": draws, "stored": {}
    }  # fmt: skip
    if not path.exists():
        return state
    held = torch.load(path, weights_only=True)
    module = LeNet(11)
    module.load_state_dict(held["net"])
    draws.set_state(held["draws"])
    stored = {column: tensor.numpy() for column, tensor in held["stored"].items()}
    return {**held, "net": eleven(module, "retrained"), "draws": draws, "stored": stored}


def keep_round(path: Path, state: dict[str, Any]) -> None:
    """Keep a chain after a round; whoever is killed here has the round before."""
    stored = {column: torch.from_numpy(np.array(a)) for column, a in state["stored"].items()}
    net, draws = state["net"].module.state_dict(), state["draws"].get_state()
    keep(path, {**state, "net": net, "draws": draws, "stored": stored})


def chain(
    name: str, seed: int, budget: Budget, checkpoints: Path
) -> tuple[dict[str, np.ndarray], Classifier]:
    """All rounds of one chain: the stored columns, and the last network.

    Started again with the same ``checkpoints`` it goes on after the last whole round.
    """
    images, labels = mnist("train")
    test = mnist("test")
    checkpoints.mkdir(parents=True, exist_ok=True)
    path = checkpoints / f"{Path(budget.file).stem}-{name}.pt"
    state = begun(name, seed, path)
    for number in tqdm(range(state["round"], budget.rounds + 1), name, unit=" rounds"):
        net = state["net"]
        made, ever = breed(
            net, runs=budget.runs if number else budget.first, seed=seed + 100 * number,
            generations=budget.generations, until=budget.until,
        )  # fmt: skip
        found = {key: column[: 10 * budget.runs].numpy() for key, column in made.items()}
        right = accuracy(net, *test)
        state["stored"] |= {f"{name}/{number}/{key}": column for key, column in found.items()}
        state["stored"] |= {
            f"{name}/{number}/accuracy": np.float64(right),
            f"{name}/{number}/learned": np.int64(len(state["fooling"])),
        }
        tqdm.write(
            f"{name}, round {number}: accuracy {right:.4f}, median confidence"
            f" {np.median(found['confidence']):.4f}, {len(ever)} images"
        )
        if number < budget.rounds:
            many = SEEDED if number == 0 else ADDED
            chosen = torch.randperm(len(ever), generator=state["draws"])[:many]
            state["fooling"] = torch.cat([state["fooling"], ever[chosen]])
            state["net"] = retrain(images, labels, state["fooling"], seed + number + 1)
        keep_round(path, state | {"round": number + 1})
    return state["stored"], state["net"]


def patiently(name: str, net: Classifier, runs: int, seed: int) -> dict[str, np.ndarray]:
    """The columns of longer evolutions, with other seeds than any round's."""
    made, _ = breed(net, runs=runs, seed=seed + 900, generations=PATIENCE)
    columns = {f"{name}/patient/{key}": column.numpy() for key, column in made.items()}
    return columns | {f"{name}/patient/accuracy": np.float64(accuracy(net, *mnist("test")))}


def main() -> None:
    """Command line: all chains of a budget, or go on with them."""
    parser = options("retrained", __doc__)
    parser.add_argument("budget", choices=tuple(BUDGETS))
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/retrained"))
    chosen = parser.parse_args()
    budget, start, stored = BUDGETS[chosen.budget], time.process_time(), {}
    for place, name in enumerate(CHAINS):
        seed = 1000 * (place + 1)
        columns, net = chain(name, seed, budget, chosen.checkpoints)
        stored |= columns
        if chosen.budget == "short":
            stored |= patiently(name, net, PATIENT_RUNS, seed)
            weights = as_float16(net.module.state_dict())
            write_atomically(chosen.out / f"retrained-{name}.safetensors", save(weights))
        write(chosen.out, budget.file, stored)
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()
