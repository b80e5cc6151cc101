"""The recipes of the shipped networks: ``python -m foolkit.models.train lenet``.

Training is on the 55,000 training digits of MNIST that are not among the embedded 5,000, so
those stay held out. Weights are rounded to float16 before any accuracy is measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from foolkit.data import digits, mnist
from foolkit.models.classifier import predict
from foolkit.models.shipped import ARCHITECTURES


@dataclass(frozen=True)
class Recipe:
    """All that determines a shipped network, on one processor."""

    architecture: str
    seed: int = 0
    epochs: int = 12
    batch: int = 64
    learning_rate: float = 0.02  # of SGD with momentum 0.9, falling to 0 along a cosine
    weight_decay: float = 5e-4


RECIPES = {"lenet": Recipe("LeNet")}


def fit(
    net: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe, progress: bool = True
) -> None:
    """Train ``net`` in place on ``images`` ``[N, C, H, W]`` by stochastic gradient descent."""
    generator = torch.Generator().manual_seed(recipe.seed)
    net.to(memory_format=torch.channels_last).train()
    steps = recipe.epochs * (len(images) // recipe.batch)
    optimizer = torch.optim.SGD(
        net.parameters(), recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with tqdm(total=steps, disable=not progress, unit=" steps") as bar:
        for _ in range(recipe.epochs):
            order = torch.randperm(len(images), generator=generator)
            for index in order.split(recipe.batch)[: len(images) // recipe.batch]:
                loss = cross_entropy(net(images[index]), labels[index])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()
    net.eval()


def accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of ``images`` whose most confident class is their label."""
    return float((predict(net, images).argmax(1) == labels).double().mean())


def train(name: str, folder: Path) -> dict:
    """Train one shipped network, write its weights and its model card into ``folder``."""
    recipe = RECIPES[name]
    torch.manual_seed(recipe.seed)
    net = ARCHITECTURES[recipe.architecture]()
    fit(net, *mnist("train"), recipe)
    weights = {key: value.half().contiguous() for key, value in net.state_dict().items()}
    net.load_state_dict({key: value.float() for key, value in weights.items()})
    card = {
        "name": name,
        **asdict(recipe),
        "training_data": "the 55,000 MNIST training digits outside the embedded 5,000",
        "accuracy_test": round(accuracy(net, *mnist("test")), 4),
        "accuracy_held_out": round(accuracy(net, *digits()), 4),
        "parameters": sum(p.numel() for p in net.parameters()),
        "stored_as": "float16",
        "data_credit": "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges",
    }
    save_file(weights, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    return card


def main(run: Callable[[str, Path], dict] = train) -> None:
    """Command line: train the named networks, or all."""
    parser = argparse.ArgumentParser(prog="python -m foolkit.models.train", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *RECIPES], help="default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or RECIPES:
        print(json.dumps(run(name, arguments.out), indent=2))


if __name__ == "__main__":
    main()
