"""Trains LeNets on the worst image of the box: ``python -m tools.bank.hardened``.

What ``--out`` has is not trained again. It stops and goes on: ``--checkpoints`` holds what it has
after each pass over the digits. Where
a processor has bfloat16, the attack within the training runs in it, about twice as fast; the
weights learn, and every accuracy is measured, in float32.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from foolkit.bank.hardened import (
    ATTACKS,
    EPSILON,
    FILE,
    FORTY,
    LENGTH,
    TRAININGS,
    WATCHED,
    file_of,
)
from foolkit.files import write_atomically
from foolkit.gradients import ensemble, fgsm, pgd
from foolkit.models import comparison_digits, predict
from foolkit.models.defences import tradeoff, worst_in_box
from foolkit.models.lenet import LeNet
from foolkit.models.precision import channels_last
from foolkit.models.shipped import as_float16, as_float32
from foolkit.models.train import accuracy, training_digits
from tools.bank.program import keep_pass, options, passes_done, write

BATCH, RATE = 100, 1e-3
GROWN = 2  # passes until the box has its whole size


class Rough(nn.Module):
    """A copy of a network in bfloat16, for images and logits in float32."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.exact = [net]  # a list hides it from PyTorch: it is no part of the copy
        self.net = copy.deepcopy(net).bfloat16().requires_grad_(False)

    def follow(self) -> None:
        """Take the weights over."""
        with torch.no_grad():
            for own, exact in zip(self.net.parameters(), self.exact[0].parameters(), strict=True):
                own.copy_(exact)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images.bfloat16()).float()


def lengths(steps: int, start: bool) -> float:
    """Of a step: Madry's for 40; of one, Wong's or Goodfellow's; else 1.7 boxes in all."""
    if steps == 40:
        return LENGTH
    if steps == 1:
        return 1.25 * EPSILON if start else EPSILON
    return 1.7 * EPSILON / steps


def said(net: nn.Module, images: Tensor) -> Tensor:
    """Probabilities ``[N, K]``, for an attack that is to lead away from them."""
    with torch.no_grad():
        return net(images).softmax(1)


def watched(net: nn.Module) -> list[float]:
    """What is left of the accuracy, as ``MEASURED``."""
    images, labels = (part[:WATCHED] for part in comparison_digits())
    one = fgsm(net, images, labels, epsilon=EPSILON)
    many = pgd(net, images, labels, epsilon=EPSILON, steps=20, step_size=3 * LENGTH, seed=0)
    stood = [float((~made.success).double().mean()) for made in (one, many)]
    return [accuracy(net, images, labels), *stood]


def train(
    name: str, seed: int, images: Tensor, labels: Tensor, checkpoints: Path
) -> tuple[nn.Module, list[list[float]]]:
    """One network and ``watched`` after each pass, or go on where ``checkpoints`` left off.

    Of ``images`` it is shown the first ``TRAININGS[name].digits``.

    Every pass draws from a seed of its own, so a training that was stopped is the same as one
    that was not.
    """
    training = TRAININGS[name]
    images, labels = images[: training.digits], labels[: training.digits]
    torch.manual_seed(seed)
    net = channels_last(LeNet(rectified=training.rectified))
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    path = checkpoints / f"{name}-{seed}.pt"
    noted = checkpoints / f"{name}-{seed}.txt"
    done = passes_done(path, net, optimizer)
    history = np.loadtxt(noted, ndmin=2).tolist()[:done] if done else []
    plan = [steps for passes, steps in training.phases for _ in range(passes)]
    rough, batches = Rough(net), len(images) // BATCH
    for epoch in range(done, len(plan)):
        generator = torch.Generator().manual_seed(1000 * seed + epoch)
        order = torch.randperm(len(images), generator=generator)[: batches * BATCH]
        for batch, index in enumerate(order.split(BATCH)):
            behind = epoch + batch / batches
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1 + math.cos(math.pi * behind / len(plan))) / 2
            share = min(1.0, behind / GROWN)
            rough.follow()
            shown, answers = images[index], labels[index]
            changed = worst_in_box(
                rough,
                shown,
                answers if training.beta is None else said(rough, shown),
                epsilon=share * EPSILON,
                steps=plan[epoch],
                length=share * lengths(plan[epoch], training.start),
                generator=generator if training.start else None,
            )
            loss = (
                cross_entropy(net(changed), answers)
                if training.beta is None
                else tradeoff(net, shown, changed, answers, beta=training.beta)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        history.append(watched(net))
        text = "\n".join(" ".join(f"{share:.4f}" for share in row) for row in history)
        write_atomically(noted, text.encode())
        keep_pass(path, net, optimizer, epoch + 1)
        print(
            f"{name} {seed}: pass {epoch + 1} of {len(plan)}, loss {loss.item():.3f},",
            history[-1],
            flush=True,
        )
    return net.eval(), history


def attacked(net: nn.Module) -> dict[str, np.ndarray]:
    """Which of the first ``WATCHED`` comparison digits are right under each of ``ATTACKS``."""
    images, labels = (part[:WATCHED] for part in comparison_digits())
    box: dict[str, Any] = {"net": net, "images": images, "labels": labels, "epsilon": EPSILON}
    many = pgd(**box, steps=100, step_size=LENGTH, restarts=5, seed=1, progress=False)
    all_four = ensemble(**box, steps=50, queries=1000, seed=1, progress=False)
    made = (fgsm(**box), many, all_four)
    right = (predict(net, images).argmax(1) == labels, *(~one.success for one in made))
    return {name: stood.numpy() for name, stood in zip(ATTACKS, right, strict=True)}


def main() -> None:
    """Command line: train, seed by seed, or go on; what is finished is in the bank at once."""
    parser = options("hardened", __doc__)
    parser.add_argument("names", nargs="*", choices=[[], *TRAININGS], help="default: all")
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/hardened"))
    chosen = parser.parse_args()
    for folder in (chosen.checkpoints, chosen.out):
        folder.mkdir(parents=True, exist_ok=True)
    images, labels = training_digits("train")
    stored = {}
    if (chosen.out / FILE).exists():
        with np.load(chosen.out / FILE) as held:
            stored = dict(held)
    chosen_names = chosen.names or list(TRAININGS)
    for seed in range(max(TRAININGS[name].seeds for name in chosen_names)):
        for name in (name for name in chosen_names if seed < TRAININGS[name].seeds):
            if f"{name}/{seed}/passes" in stored:
                continue
            net, history = train(name, seed, images, labels, chosen.checkpoints)
            stored[f"{name}/{seed}/passes"] = np.array(history, dtype=np.float32)
            if name in FORTY:
                weights = as_float16(net.state_dict())
                net.load_state_dict(as_float32(weights))
                for attack, right in attacked(net).items():
                    stored[f"{name}/{seed}/{attack}"] = right
                if seed == 0:
                    write_atomically(chosen.out / file_of(name), save(weights))
            write(chosen.out, FILE, stored)


if __name__ == "__main__":
    main()
