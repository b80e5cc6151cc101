"""Breeds against the defended networks anew: ``python -m tools.bank.defended``."""

from __future__ import annotations

import numpy as np
import torch

from foolkit.bank.defended import ENOUGH, FILE, GENERATIONS, KEPT, NETWORKS, RUNS
from foolkit.files import as_bytes
from foolkit.models import load as load_network
from tools.bank.guarded import breed
from tools.bank.program import make_parts


def make(network: str, encoding: str, runs: int = RUNS) -> dict[str, np.ndarray]:
    """The stored columns of one part."""
    net = load_network(network)
    images, confidence, reached = [], [], []
    for run in range(runs):
        seed = 1000 * NETWORKS.index(network) + run
        elites = breed(net, encoding, generations=GENERATIONS[encoding], seed=seed).elites
        if run < KEPT:
            images.append(as_bytes(elites.images[:, 0]))
        confidence.append(elites.confidence)
        reached.append(elites.history.reached(ENOUGH).short())
    columns = {"images": images, "confidence": confidence, "reached": reached}
    return {name: torch.cat(parts).numpy() for name, parts in columns.items()}


def main() -> None:
    """Command line: breed all of it again."""
    parts = [(network, encoding) for network in NETWORKS for encoding in GENERATIONS]
    make_parts("defended", __doc__, FILE, RUNS, parts, make)


if __name__ == "__main__":
    main()
