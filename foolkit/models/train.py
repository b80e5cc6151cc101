"""The recipes of the shipped networks: ``python -m foolkit.models.train lenet``, or all.

Training is on the 55,000 training digits of MNIST that are not among the embedded 5,000, so
those stay held out. Weights are rounded to float16 before any accuracy is measured. What
scikit-learn fits is fitted when it is loaded; here it only gets its card.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import (
    affine_grid,
    binary_cross_entropy_with_logits,
    cross_entropy,
    grid_sample,
    multi_margin_loss,
    one_hot,
)

from foolkit.data import digits, mnist
from foolkit.files import write_atomically
from foolkit.models.classifier import predict
from foolkit.models.defences import (
    exposed,
    fast_gradient_sign,
    noisy,
    photograph_pieces,
    projected_gradient,
)
from foolkit.models.estimators import ESTIMATORS, FITTED_PER_CLASS, comparison_digits, fitted
from foolkit.models.precision import channels_last
from foolkit.models.rbf import RBF
from foolkit.models.shipped import ARCHITECTURES, as_float16, as_float32
from foolkit.progress import progress_bar

Split = Literal["train", "half-1", "half-2"]
Loss = Literal["softmax", "sigmoids", "hinge"]
Defence = Literal["noise", "fgsm", "pgd", "exposed"]
TRAINING_DIGITS = 55_000
PIECES = 10_000  # of photographs, as outliers
MNIST_CREDIT = "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges"


@dataclass(frozen=True)
class Recipe:
    """All that determines a shipped network, on one processor."""

    architecture: str
    seed: int = 0  # of the initial weights, the order of the digits and their distortions
    split: Split = "train"
    epochs: int = 12
    batch: int = 64
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"  # sgd has a momentum of 0.9
    learning_rate: float = 0.02  # falling to 0 along a cosine
    warmup: float = 0.0  # share of the steps in which the learning rate rises to that
    weight_decay: float = 5e-4  # of the gradient: a penalty of half of it times the sum of squares
    decayed: Literal["all", "weights"] = "all"  # "weights": no biases, no normalisation
    distorted: bool = False  # every digit a little turned, scaled and shifted
    loss: Loss = "softmax"  # of LOSSES


@dataclass(frozen=True)
class Defended(Recipe):
    """A recipe whose loss is to make the network hard to fool (``foolkit.models.defences``)."""

    defence: Defence = "noise"
    epsilon: float = 0.0  # largest change of a pixel, of the pixel range
    steps: int = 1  # along the gradient, from a random start if there are several
    growing: float = 0.0  # share of the training in which epsilon grows from 0


def softmax(decay: float) -> Recipe:
    """Szegedy's penalty ``decay * sum(w ** 2) / k`` on the weights of the layer of k = 10 units."""
    return Recipe(
        "FC10", epochs=20, batch=100, learning_rate=0.05,
        weight_decay=2 * decay / 10, decayed="weights",
    )  # fmt: skip


def sigmoid(architecture: str, seed: int = 0, split: Split = "train") -> Recipe:
    """Sigmoid units learn slowly by plain gradient descent, hence Adam."""
    return Recipe(
        architecture, seed, split, epochs=40, batch=100, optimizer="adam", learning_rate=2e-3,
        weight_decay=1e-6, decayed="weights",
    )  # fmt: skip


def dense(loss: Loss, seed: int) -> Recipe:
    """One body, trained by the loss alone in another way."""
    return Recipe(
        "FC64-64-10 of rectifiers", seed, epochs=12, batch=100, optimizer="adam",
        learning_rate=2e-3, weight_decay=1e-5, decayed="weights", loss=loss,
    )  # fmt: skip


def radial(architecture: str, epochs: int, loss: Loss, seed: int) -> Recipe:
    """Radial basis functions whose scores stand alone, or are divided by their sum."""
    return Recipe(
        architecture, seed, epochs=epochs, batch=100, optimizer="adam", learning_rate=5e-3,
        weight_decay=0.0, loss=loss,
    )  # fmt: skip


def defended(defence: Defence, epochs: int = 8, epsilon: float = 0.0) -> Defended:
    """The LeNet's own recipe, shorter, with another loss."""
    return Defended("LeNet", epochs=epochs, defence=defence, epsilon=epsilon)


def seeded(name: str, make: Callable[[int], Recipe]) -> dict[str, Recipe]:
    """Three networks that differ in their seed alone: ``name``, ``name-b``, ``name-c``."""
    return {name + ending: make(seed) for seed, ending in enumerate(("", "-b", "-c"))}


RECIPES = {
    "lenet": Recipe("LeNet"),
    "lenet-b": Recipe("LeNet", seed=1),
    "lenet-half-1": Recipe("LeNet", seed=2, split="half-1"),
    "lenet-half-2": Recipe("LeNet", seed=3, split="half-2"),
    "softmax-1e-4": softmax(1e-4),
    "softmax-1e-2": softmax(1e-2),
    "softmax-1": softmax(1.0),
    "fc100-100-10": sigmoid("FC100-100-10"),
    "fc200-200-10": sigmoid("FC200-200-10"),
    "fc123-456-10": sigmoid("FC123-456-10"),
    # Szegedy's experiment across training sets: two on one half, one on the other
    "fc100-100-10-half-1": sigmoid("FC100-100-10", seed=1, split="half-1"),
    "fc123-456-10-half-1": sigmoid("FC123-456-10", seed=2, split="half-1"),
    "fc100-100-10-half-2": sigmoid("FC100-100-10", seed=3, split="half-2"),
    "resnet": Recipe(
        "ResNet", epochs=8, batch=128, learning_rate=0.1, warmup=0.1, decayed="weights",
        distorted=True,
    ),
    "vit": Recipe(
        "ViT", epochs=12, batch=128, optimizer="adamw", learning_rate=2e-3, warmup=0.1,
        weight_decay=0.05, decayed="weights", distorted=True,
    ),
    "mixer": Recipe(
        "Mixer", epochs=6, batch=128, optimizer="adamw", learning_rate=2e-3, warmup=0.1,
        weight_decay=0.05, decayed="weights", distorted=True,
    ),
    # the same network, trained to withstand what fools it
    "lenet-noise": defended("noise", epsilon=0.25),
    "lenet-fgsm": defended("fgsm", epochs=6, epsilon=0.25),
    "lenet-pgd": Defended(
        "LeNet", epochs=8, optimizer="adam", learning_rate=1e-3, weight_decay=0.0,
        defence="pgd", epsilon=0.3, steps=3, growing=0.4,
    ),
    "lenet-exposed": defended("exposed"),
    # the same digits, asked for something other than a share of one (Goodfellow et al. 2015)
    **seeded("fc64-softmax", partial(dense, "softmax")),
    **seeded("fc64-sigmoids", partial(dense, "sigmoids")),
    **seeded("fc64-hinge", partial(dense, "hinge")),
    **seeded("rbf", partial(radial, "RBF, read as scores", 8, "sigmoids")),
    **seeded("rbf-softmax", partial(radial, "RBF under a softmax", 4, "softmax")),
}  # fmt: skip


def _each_by_itself(logits: Tensor, labels: Tensor) -> Tensor:
    """Every class asks "is it this one?"; the ten binary cross-entropies are added up."""
    truth = one_hot(labels, logits.shape[1]).to(logits)
    return binary_cross_entropy_with_logits(logits, truth, reduction="none").sum(1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "softmax": cross_entropy,
    "sigmoids": _each_by_itself,
    "hinge": multi_margin_loss,  # content once the class leads every other by 1
}


def training_indices(split: Split) -> Tensor:
    """Which of the 55,000 digits of ``mnist("train")`` a split has: int64, ascending.

    ``"half-1"`` and ``"half-2"`` are two halves of 27,500 that share no digit.

    Raises:
        ValueError: an unknown split.
    """
    if split == "train":
        return torch.arange(TRAINING_DIGITS)
    if split not in ("half-1", "half-2"):
        raise ValueError(f"split: expected 'train', 'half-1' or 'half-2', got {split!r}")
    order = torch.randperm(TRAINING_DIGITS, generator=torch.Generator().manual_seed(0))
    return order.chunk(2)[split == "half-2"].sort().values


def training_digits(split: Split) -> tuple[Tensor, Tensor]:
    """The images and the labels of a split, as ``mnist`` gives them.

    Raises:
        ValueError: an unknown split.
    """
    index = training_indices(split)
    images, labels = mnist("train")
    return images[index], labels[index]


def distort(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image turned by at most 10 degrees, scaled by at most 10 %, shifted by at most 2 px."""
    n, _, height, width = images.shape
    turn, wide, high, across, along = 2 * torch.rand((5, n), generator=generator) - 1
    turn, wide, high = turn * math.radians(10), 1 + 0.1 * wide, 1 + 0.1 * high
    across, along = across * 4 / width, along * 4 / height  # half a width is 1
    maps = torch.stack(
        [wide * turn.cos(), -wide * turn.sin(), across, high * turn.sin(), high * turn.cos(), along]
    )
    grid = affine_grid(maps.T.reshape(n, 2, 3), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


Objective = Callable[[nn.Module, Tensor, Tensor, torch.Generator, float], Tensor]


def objective(recipe: Recipe) -> Objective:
    """The loss of one batch: of a network, its images, labels, a generator, and how much of the
    training is behind, in [0, 1].
    """
    if not isinstance(recipe, Defended):

        def plain(
            net: nn.Module,
            images: Tensor,
            labels: Tensor,
            generator: torch.Generator,
            behind: float,
        ) -> Tensor:
            shown = distort(images, generator) if recipe.distorted else images
            return LOSSES[recipe.loss](net(shown), labels)

        return plain
    pieces = photograph_pieces(PIECES) if recipe.defence == "exposed" else torch.empty(0)

    def loss(
        net: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator, behind: float
    ) -> Tensor:
        epsilon = recipe.epsilon * min(1.0, behind / recipe.growing if recipe.growing else 1.0)
        if recipe.defence == "noise":
            return noisy(net, images, labels, epsilon=epsilon, kind="sign", generator=generator)
        if recipe.defence == "fgsm":
            return fast_gradient_sign(net, images, labels, epsilon=epsilon)
        if recipe.defence == "pgd":
            return projected_gradient(
                net, images, labels, epsilon=epsilon, steps=recipe.steps, generator=generator
            )
        return exposed(net, images, labels, generator=generator, pieces=pieces)

    return loss


def fit(
    net: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe, progress: bool = True
) -> None:
    """Train ``net`` in place on ``images`` ``[N, C, H, W]`` by stochastic gradient descent."""
    loss_of, done = objective(recipe), 0
    generator = torch.Generator().manual_seed(recipe.seed)
    channels_last(net).train()
    steps = recipe.epochs * (len(images) // recipe.batch)
    optimizer = _optimizer(net, recipe)

    def share(step: int) -> float:
        rising = min(1.0, (step + 1) / (recipe.warmup * steps + 1))
        return rising * (1 + math.cos(math.pi * step / steps)) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    with progress_bar(steps, "steps", progress=progress, delay=0) as bar:
        for _ in range(recipe.epochs):
            order = torch.randperm(len(images), generator=generator)
            for index in order.split(recipe.batch)[: len(images) // recipe.batch]:
                loss = loss_of(net, images[index], labels[index], generator, done / steps)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                done += 1
                bar.update()
    net.eval()


def _optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "sgd": lambda groups, rate: torch.optim.SGD(groups, rate, momentum=0.9),
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    decayed = [p for p in net.parameters() if recipe.decayed == "all" or p.ndim > 1]
    others = [p for p in net.parameters() if recipe.decayed == "weights" and p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}]
    if others:
        groups.append({"params": others, "weight_decay": 0.0})
    return kinds[recipe.optimizer](groups, recipe.learning_rate)


def accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of ``images`` whose most confident class is their label."""
    return float((predict(net, images).argmax(1) == labels).double().mean())


def train(name: str, folder: Path) -> dict[str, Any]:
    """Train one shipped network, write its weights and its model card into ``folder``.

    Of an estimator of scikit-learn, write the card alone.
    """
    if name in ESTIMATORS:
        return _write_card(folder, estimator_card(name))
    recipe = RECIPES[name]
    torch.manual_seed(recipe.seed)
    net = ARCHITECTURES[recipe.architecture]()
    images, labels = training_digits(recipe.split)
    if isinstance(net, RBF):
        net.place(images, labels, recipe.seed)
    fit(net, images, labels, recipe)
    weights = as_float16(net.state_dict())
    net.load_state_dict(as_float32(weights))
    write_atomically(folder / f"{name}.safetensors", save(weights))
    return _write_card(folder, network_card(name, net))


def trained(name: str, folder: Path) -> dict[str, Any] | None:
    """The card of a network that ``train`` has already put into ``folder``; None if it has not.

    Raises:
        ValueError: a file of that name which ``train`` did not write, or another recipe's.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    recipe = json.loads(json.dumps(asdict(RECIPES[name]) if name in RECIPES else {"name": name}))
    try:
        card = json.loads(path.read_text("utf-8"))
        if any(card.get(setting) != value for setting, value in recipe.items()):
            raise ValueError("another recipe")
        if name in RECIPES:
            ARCHITECTURES[card["architecture"]]().load_state_dict(
                as_float32(load_file(folder / f"{name}.safetensors"))
            )
        return card
    except (LookupError, AttributeError, ValueError, RecursionError, RuntimeError, OSError,
            SafetensorError) as error:  # fmt: skip
        raise ValueError(
            f"out: expected a folder without a {name}, or with one of this recipe, got {path}"
            f" ({' '.join(str(error).split())[:200]})"
        ) from error


def network_card(name: str, net: nn.Module) -> dict[str, Any]:
    """What is said of a network, measured now."""
    recipe = RECIPES[name]
    part = "" if recipe.split == "train" else f", {recipe.split}: 27,500 of them"
    return {
        "name": name,
        **asdict(recipe),
        "training_data": "the 55,000 MNIST training digits outside the embedded 5,000" + part,
        "accuracy_test": round(accuracy(net, *mnist("test")), 4),
        "accuracy_held_out": round(accuracy(net, *digits()), 4),
        "parameters": sum(p.numel() for p in net.parameters()),
        "stored_as": "float16",
        "data_credit": MNIST_CREDIT,
    }


def estimator_card(name: str) -> dict[str, Any]:
    """What is said of an estimator of scikit-learn, measured now."""
    net = fitted(name)
    return {
        "name": name,
        "architecture": ESTIMATORS[name].described,
        "training_data": f"{FITTED_PER_CLASS} of each class of the embedded digits, when loaded",
        "accuracy_test": round(accuracy(net, *mnist("test")), 4),
        "accuracy_held_out": round(accuracy(net, *comparison_digits()), 4),
        "held_out": "the other 1,000 embedded digits",
        "data_credit": MNIST_CREDIT,
    }


def _write_card(folder: Path, card: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(card, indent=2) + "\n"
    # the last: where it is, the weights are
    write_atomically(folder / f"{card['name']}.json", text.encode())
    return card


def main(run: Callable[[str, Path], dict[str, Any]] = train) -> None:
    """Command line: train the named networks, or all."""
    names = [*RECIPES, *ESTIMATORS]
    parser = argparse.ArgumentParser(prog="python -m foolkit.models.train", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *names], help="default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or names:
        print(json.dumps(run(name, arguments.out), indent=2))


if __name__ == "__main__":
    main()
