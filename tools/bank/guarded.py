"""Makes the forgeries against detectors anew: ``python -m tools.bank.guarded``.

It stops and goes on: ``--checkpoints`` holds each part, of one network, guard and encoding.
"""

from __future__ import annotations

import numpy as np
import torch

from foolkit.analysis.guarded import Guarded
from foolkit.bank.guarded import (
    DETECTORS,
    ENOUGH,
    FILE,
    GENERATIONS,
    GUARDS,
    PAINTED,
    RUNS,
    detector_digits,
)
from foolkit.bank.store import VICTIMS
from foolkit.checks import check_choice
from foolkit.encodings import CPPN, Pixels
from foolkit.evolution import MapElites
from foolkit.files import as_bytes
from foolkit.gradients import ascent
from foolkit.models import load as load_network
from foolkit.models import predict
from tools.bank.program import make_parts

CHILDREN = 100  # of a generation
ALL = 0.9999  # in every class: the run has nothing left to do


def breed(net: torch.nn.Module, encoding: str, *, generations: int, seed: int) -> MapElites:
    """One run against a network, guarded or not; it ends early if all ten digits are there."""
    check_choice(encoding, ("direct", "cppn"), "encoding")
    shape = (1, 28, 28)
    kind = Pixels(shape, eta=1.0) if encoding == "direct" else CPPN(shape)
    search = MapElites(net, kind, batch=CHILDREN, seed=seed)

    def done(search: MapElites) -> bool:
        return search.generation % 5 == 0 and bool((search.confidence[:10] >= ALL).all())

    return search.run(generations, progress=False, callback=done)


def in_bytes(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images of 8 bits; the gradient passes as if they were not rounded."""
    return images + ((images * 255).round() / 255 - images).detach()


def paint(net: torch.nn.Module, steps: int) -> dict[str, np.ndarray]:
    """Columns of ``PAINTED`` images, which the gradient leads past the guard to each digit."""
    goals = torch.arange(PAINTED) % 10
    start = torch.rand(PAINTED, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    start[:10] = 0.5
    made = ascent(net, goals, start=start, steps=steps, transform=in_bytes, progress=False)
    pixels = as_bytes(made.images[:, 0])
    said = predict(net, pixels[:, None].float() / 255)
    confidence = said.gather(1, goals[:, None])[:, 0]
    pixels[confidence <= 0.5] = 0
    reached = made.steps.short().numpy()
    return {"images": pixels.numpy(), "confidence": confidence.numpy(), "reached": reached}


def make(victim: str, guard: str, encoding: str, runs: int = RUNS) -> dict[str, np.ndarray]:
    """The stored columns of one part."""
    net = load_network(victim)
    if guard != "none":
        known, labels, held = detector_digits()
        net = Guarded(net, DETECTORS[guard](net).fit(known, labels), held)
    if encoding == "painted":
        return paint(net, GENERATIONS[encoding])
    columns: dict[str, list] = {name: [] for name in ("images", "confidence", "reached")}
    first = 1000 * VICTIMS.index(victim)
    for run in range(runs):
        search = breed(net, encoding, generations=GENERATIONS[encoding], seed=first + run)
        elites = search.elites
        confidence = elites.confidence[:10]
        pixels = as_bytes(elites.images[:10, 0])
        pixels[confidence <= 0.5] = 0
        columns["images"].append(pixels.numpy())
        columns["confidence"].append(confidence.numpy())
        reached = elites.history.reached(ENOUGH)[:10]
        columns["reached"].append(reached.numpy().astype(np.int16))
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def main() -> None:
    """Command line: make all of it again, or go on."""
    parts = [(v, g, e) for v in VICTIMS for g in GUARDS for e in GENERATIONS]
    make_parts("guarded", __doc__, FILE, RUNS, parts, make)


if __name__ == "__main__":
    main()
