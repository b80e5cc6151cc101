"""Trains the family anew: ``python -m tools.bank.family --checkpoints FOLDER``.

One file a network is kept in that folder, so that a stopped run goes on with the next. When all
are there they are written as one file of weights and one of cards.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm.auto import tqdm

from foolkit.data import digits, mnist
from foolkit.models import family
from foolkit.models.shipped import as_float16, as_float32
from foolkit.models.train import MNIST_CREDIT, Recipe, accuracy, fit, training_digits

CONVOLUTIONS = Recipe("", epochs=3)  # otherwise as of the shipped LeNet
RECIPES = {
    "lenet": CONVOLUTIONS,
    "narrow": CONVOLUTIONS,
    "wide": CONVOLUTIONS,
    "relu": CONVOLUTIONS,
    "tanh": CONVOLUTIONS,
    "dense": Recipe("", epochs=10, batch=100, learning_rate=0.05),
    "residual": Recipe(
        "", epochs=2, batch=128, learning_rate=0.1, warmup=0.1, decayed="weights"
    ),
}  # fmt: skip


def recipe(name: str) -> Recipe:
    """All that determines a member, on one processor."""
    design, seed = family.design_of(name), int(name.rpartition("-")[2])
    # seeds of their own: 0 to 3 are those of the shipped networks
    return replace(RECIPES[design], architecture=family.WORDS[design], seed=100 + seed)


def train(name: str, images: Tensor, labels: Tensor) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A member's weights as they are stored, and its card."""
    how = recipe(name)
    torch.manual_seed(how.seed)
    net = family.DESIGNS[family.design_of(name)]()
    fit(net, images, labels, how, progress=False)
    weights = as_float16(net.state_dict())
    net.load_state_dict(as_float32(weights))
    return weights, {
        "name": family.PREFIX + name,
        **asdict(how),
        "training_data": "the 55,000 MNIST training digits outside the embedded 5,000",
        "accuracy_test": round(accuracy(net, *mnist("test")), 4),
        "accuracy_held_out": round(accuracy(net, *digits()), 4),
        "parameters": sum(p.numel() for p in net.parameters()),
        "stored_as": "float16",
        "data_credit": MNIST_CREDIT,
    }


def main() -> None:
    """Command line: train what is not there yet, then write the family."""
    parser = argparse.ArgumentParser(prog="python -m tools.bank.family", description=__doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of one file each")
    parser.add_argument("--out", type=Path, default=Path(str(family.FOLDER)))
    chosen = parser.parse_args()
    chosen.checkpoints.mkdir(parents=True, exist_ok=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    images, labels = training_digits("train")
    # one seed of every design before the next seed
    for name in tqdm(sorted(family.NAMES, key=lambda n: n[-1]), unit=" networks"):
        kept = chosen.checkpoints / f"{name}.safetensors"
        if kept.exists():
            continue
        start = time.process_time()
        weights, card = train(name, images, labels)
        kept.with_suffix(".json").write_text(json.dumps(card), "utf-8")
        save_file(weights, kept)
        tqdm.write(f"{name}: {card['accuracy_test']}, {time.process_time() - start:.0f} s")
    stored, cards = {}, {}
    for name in family.NAMES:
        kept = chosen.checkpoints / f"{name}.safetensors"
        stored |= {f"{name}/{key}": tensor for key, tensor in load_file(kept).items()}
        cards[name] = json.loads(kept.with_suffix(".json").read_text("utf-8"))
    save_file(stored, chosen.out / family.WEIGHTS)
    (chosen.out / family.CARDS).write_text(json.dumps(cards, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
