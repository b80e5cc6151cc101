"""Breeds the champions of the ImageNet networks anew: ``python -m tools.bank.champions``.

A run that is killed goes on from its checkpoint when the command is given again.
"""

from __future__ import annotations

import time
from pathlib import Path

from foolkit.bank import champions
from foolkit.evolution import Elites, MapElites
from foolkit.files import json_bytes, write_atomically
from foolkit.models.classifier import Classifier, fingerprint
from foolkit.models.imagenet import imagenet, programs
from tools.bank import program

# network, encoding, seed, generations
RUNS = (
    ("mobilenet_v1", "cppn", 0, 1000), ("mobilenet_v1", "cppn", 1, 400),
    ("mobilenet_v1", "cppn", 2, 400), ("mobilenet_v1", "direct", 0, 400),
    ("mobilenet_v1", "direct", 1, 400), ("mobilenet_v1", "direct", 2, 400),
    ("squeezenet1_0", "cppn", 0, 200), ("squeezenet1_0", "direct", 0, 200),
)  # fmt: skip


def breed(
    net: Classifier, encoding: str, *, generations: int, seed: int, checkpoint: Path
) -> Elites:
    """One run, from its checkpoint if there is one."""
    search = MapElites(
        net, champions.encoding_of(encoding, net.input_shape), batch=champions.BATCH, seed=seed,
        precision="float32",
    )  # fmt: skip
    if checkpoint.is_file():
        search = search.resume(checkpoint)
    return search.run(generations - search.generation, checkpoint=checkpoint).elites


def write(folder: Path, runs: list[dict], networks: dict[str, Classifier]) -> None:
    """The file of columns, and the card.

    Args:
        folder: where both go.
        runs: each with its network, encoding, seed, seconds, and its ``columns`` as tensors.
        networks: by name, of which the card keeps fingerprints.
    """
    arrays, listed = {}, []
    for run in runs:
        for name, tensor in run["columns"].items():
            array = tensor.cpu().numpy()
            kind = champions.SMALL.get(name, array.dtype)
            arrays[f"{champions.key(run)}/{name}"] = array.astype(kind)
        judged = int(run["columns"]["evaluations"][-1])
        listed.append(run | {"columns": list(run["columns"]), "evaluations": judged})
    card = {
        "made": "python -m tools.bank.champions",
        "networks": {name: fingerprint(net) for name, net in networks.items()},
        "shape": list(next(iter(networks.values())).input_shape),
        "batch": champions.BATCH, "precision": "float32", "runs": listed,
    }  # fmt: skip
    program.write(folder, champions.FILE, arrays)
    write_atomically(folder / champions.CARD, json_bytes(card))


def main() -> None:
    """Command line: breed all of it again."""
    parser = program.options("champions", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("champions"))
    chosen = parser.parse_args()
    chosen.checkpoints.mkdir(parents=True, exist_ok=True)
    if not programs():
        parser.exit(2, "expected the networks in $FOOLKIT_DATA/imagenet, found none\n")
    networks, runs = imagenet(), []
    for network, encoding, seed, generations in RUNS:
        start = time.process_time()
        elites = breed(
            networks[network], encoding, generations=generations, seed=seed,
            checkpoint=chosen.checkpoints / f"{network}-{encoding}-{seed}.safetensors",
        )  # fmt: skip
        seconds = round(time.process_time() - start)
        found = champions.columns(elites, networks)
        runs.append(
            {
                "network": network, "encoding": encoding, "seed": seed, "core_seconds": seconds,
                "columns": found,
            }
        )  # fmt: skip
    write(chosen.out, runs, networks)


if __name__ == "__main__":
    main()
