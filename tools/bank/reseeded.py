"""The shipped trainings from other first weights: ``python -m tools.bank.reseeded``."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from foolkit.analysis import MaxSoftmax, robustness
from foolkit.bank.defended import ENOUGH, NETWORKS
from foolkit.bank.defended import GENERATIONS as UNTIL
from foolkit.bank.guarded import detector_digits
from foolkit.bank.reseeded import (
    ATTACKED,
    ATTACKS,
    CROSSED,
    DRAWN,
    FILE,
    GENERATIONS,
    OUTSIDERS,
    RESTARTS,
    RUNS,
    SCORED,
    SEEDS,
    SIZES,
    STEPS,
)
from foolkit.files import write_atomically
from foolkit.gradients import ascent, fgsm, pgd
from foolkit.models import Classifier, comparison_digits, predict
from foolkit.models import load as load_network
from foolkit.models.lenet import LeNet
from foolkit.models.precision import channels_last
from foolkit.models.shipped import as_float16, fill
from foolkit.models.train import RECIPES, fit, training_digits
from tools.bank.guarded import breed
from tools.bank.program import gathered, options, write


@cache
def network(name: str, seed: int, checkpoints: Path) -> Classifier:
    """The shipped network for its own seed; else one that is trained now, or was."""
    shipped, recipe = load_network(name), RECIPES[name]
    if seed == recipe.seed:
        return shipped
    path = checkpoints / f"{name}-{seed}.safetensors"
    if not path.exists():
        torch.manual_seed(seed)
        fresh = LeNet()
        fit(fresh, *training_digits(recipe.split), replace(recipe, seed=seed), progress=False)
        write_atomically(path, save(as_float16(fresh.state_dict())))
    module = LeNet()
    fill(module, path)
    channels_last(module)
    about = {"input_shape": shipped.input_shape, "classes": shipped.classes}
    return Classifier(module, **about, name=f"{name}, seed {seed}").eval()


def withstood(net: nn.Module) -> dict[str, np.ndarray]:
    """Which of the first digits are right under each attack, and how sure the net is if not."""
    images, labels = (part[:ATTACKED] for part in comparison_digits())
    found = robustness(
        net, images, labels, epsilon=SIZES["goodfellow"], strangers=[load_network("lenet-b")],
        steps=STEPS, restarts=RESTARTS, generations=GENERATIONS, seed=1,
    )  # fmt: skip
    right = {attack: found.right[attack] for attack in ATTACKS}
    larger = {"net": net, "images": images, "labels": labels, "epsilon": SIZES["madry"]}
    right["fgsm 0.3"] = ~fgsm(**larger).success
    right["pgd 0.3"] = ~pgd(
        **larger, steps=STEPS, restarts=RESTARTS, seed=1, progress=False
    ).success
    one = fgsm(net, images, labels, epsilon=SIZES["goodfellow"])
    return {
        **{attack: stood.numpy() for attack, stood in right.items()},
        "sure": one.confidence[one.success].mean().numpy(),
    }


def reached(net: Classifier, seed: int) -> dict[str, np.ndarray]:
    """Which classes evolution and the gradient reach from nothing, bool ``[RUNS, 10]``."""
    found = {}
    for encoding, generations in UNTIL.items():
        runs = [
            breed(net, encoding, generations=generations, seed=seed + run).elites
            for run in range(RUNS)
        ]
        found[encoding] = np.stack([(e.history.reached(ENOUGH) >= 0).numpy() for e in runs])
    painted = ascent(net, torch.arange(10).repeat(RUNS), steps=150, seed=seed, progress=False)
    found["ascent"] = (painted.steps >= 0).reshape(RUNS, 10).numpy()
    return found


def scores(net: nn.Module) -> dict[str, np.ndarray]:
    """How sure of two kinds of unseen digits, and of what Hendrycks et al. (2019) showed theirs."""
    digits = comparison_digits()[0][:DRAWN]
    draws = torch.Generator().manual_seed(1)
    drawn = (
        (0.5 + 0.5 * torch.randn(DRAWN, 1, 28, 28, generator=draws)).clamp(0, 1),
        (torch.rand(DRAWN, 1, 28, 28, generator=draws) < 0.5).float(),
        1 - digits,
    )
    rate = MaxSoftmax(net).score
    shown = {"digits": digits, "held": detector_digits()[2]} | dict(
        zip(OUTSIDERS, drawn, strict=True)
    )
    return {kind: rate(images).numpy() for kind, images in shown.items()}


def make(part: str, name: str, checkpoints: Path) -> dict[str, np.ndarray]:
    """All columns of one network."""
    seed = int(part)
    net = network(name, seed, checkpoints)
    found = withstood(net) | reached(net, 10_000 * (seed + 1) + 1_000 * NETWORKS.index(name))
    if name in SCORED:
        found |= scores(net)
    images, labels = (one[:ATTACKED] for one in comparison_digits())
    for maker in (maker for maker, judge in CROSSED if judge == name):
        made = fgsm(network(maker, seed, checkpoints), images, labels, epsilon=SIZES["goodfellow"])
        found[maker] = (predict(net, made.images).argmax(1) == labels).numpy()
    return found


def main() -> None:
    """Command line: train, attack, breed; stopped, it goes on network by network."""
    parser = options("reseeded", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/reseeded"))
    chosen = parser.parse_args()
    parts = [(str(seed), name) for seed in SEEDS for name in NETWORKS]
    write(chosen.out, FILE, gathered(
        parts, chosen.checkpoints, lambda *part: make(*part, chosen.checkpoints)
    ))  # fmt: skip


if __name__ == "__main__":
    main()
