"""Breeds against the defended networks anew: ``python -m foolkit.bank.make_defended``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from foolkit.bank.defended import ENOUGH, FILE, GENERATIONS, KEPT, NETWORKS, RUNS
from foolkit.bank.make_guarded import breed
from foolkit.bank.store import PLACE
from foolkit.models import load as load_network


def make(network: str, encoding: str, runs: int = RUNS) -> dict[str, np.ndarray]:
    """The stored columns of one part."""
    net = load_network(network)
    images, confidence, reached = [], [], []
    for run in range(runs):
        seed = 1000 * NETWORKS.index(network) + run
        elites = breed(net, encoding, generations=GENERATIONS[encoding], seed=seed).elites
        if run < KEPT:
            images.append((elites.images[:, 0] * 255).round().to(torch.uint8))
        confidence.append(elites.confidence)
        reached.append(elites.history.reached(ENOUGH).short())
    columns = {"images": images, "confidence": confidence, "reached": reached}
    return {name: torch.cat(parts).numpy() for name, parts in columns.items()}


def main() -> None:
    """Command line: breed all of it again."""
    parser = argparse.ArgumentParser(
        prog="python -m foolkit.bank.make_defended", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=Path(str(PLACE)))
    parser.add_argument("--runs", type=int, default=RUNS)
    chosen = parser.parse_args()
    start, stored = time.process_time(), {}
    parts = [(network, encoding) for network in NETWORKS for encoding in GENERATIONS]
    for network, encoding in tqdm(parts, unit=" parts"):
        for name, column in make(network, encoding, chosen.runs).items():
            stored[f"{network}/{encoding}/{name}"] = column
    chosen.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(chosen.out / FILE, **stored)
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()
