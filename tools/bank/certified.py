"""Trains the networks that proofs are given for, and breeds: ``python -m tools.bank.certified``.

It stops and goes on: ``--checkpoints`` holds what it has after each pass over the digits, and
each part of the evolutions.
"""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from foolkit.analysis.interval_bounds import least_margins
from foolkit.analysis.smoothing import Smoothed
from foolkit.bank.certified import (
    BRED,
    EPSILON,
    FILE,
    GENERATIONS,
    NETWORKS,
    RUNS,
    SAMPLES,
    SIGMAS,
    Small,
    network,
)
from foolkit.data import mnist
from foolkit.files import as_bytes
from foolkit.models import predict
from foolkit.models.shipped import as_float16
from foolkit.models.train import accuracy, training_digits
from tools.bank.guarded import breed
from tools.bank.program import keep_pass, options, passes_done, write

EPOCHS = {"plain": 5, "noise-0.25": 10, "noise-0.5": 10, "boxes": 30}
BATCH = 100
WARM, GROWN = 1 / 30, 1 / 2  # shares of the training: until then no box; from then on all of it


def in_noise(net: nn.Module, images: Tensor, labels: Tensor, sigma: float) -> Tensor:
    """Cross-entropy under Gaussian noise, not clipped (Cohen et al. 2019, section 3.3)."""
    return cross_entropy(net(images + sigma * torch.randn_like(images)), labels)


def in_boxes(net: nn.Module, images: Tensor, labels: Tensor, behind: float) -> Tensor:
    """The loss of Gowal et al. (2018), ``k l(z) + (1 - k) l(worst z)``.

    The worst logits are those of the bounds; epsilon grows from 0, and k falls from 1 to 1/2.
    """
    grown = min(1.0, max(0.0, (behind - WARM) / (GROWN - WARM)))
    epsilon, k = grown * EPSILON, 1 - grown / 2
    clean = cross_entropy(net(images), labels)
    low, high = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)
    worst = -least_margins(net, low, high, labels)  # logits up to a constant: the label has 0
    return k * clean + (1 - k) * cross_entropy(worst, labels)


def loss_of(name: str, net: nn.Module, images: Tensor, labels: Tensor, behind: float) -> Tensor:
    """The loss of one batch, of which network and at which share of its training."""
    if name == "boxes":
        return in_boxes(net, images, labels, behind)
    if name in SIGMAS:
        return in_noise(net, images, labels, SIGMAS[name])
    return cross_entropy(net(images), labels)


def train(
    name: str, images: Tensor, labels: Tensor, checkpoints: Path, epochs: int | None = None
) -> nn.Module:
    """Train one of ``NETWORKS``, or go on where ``checkpoints`` left off.

    Every pass over the digits draws from a seed of its own, so a training that was stopped is
    the same as one that was not.
    """
    epochs = EPOCHS[name] if epochs is None else epochs
    torch.manual_seed(0)
    net = Small()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    path = checkpoints / f"{name}.pt"
    done = passes_done(path, net, optimizer)
    steps = len(images) // BATCH
    for epoch in range(done, epochs):
        torch.manual_seed(1 + epoch)
        order = torch.randperm(len(images))[: steps * BATCH]
        for step, index in enumerate(order.split(BATCH)):
            behind = (epoch + step / steps) / epochs
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * min(1.0, 1 + math.cos(math.pi * behind))
            loss = loss_of(name, net, images[index], labels[index], behind)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        keep_pass(path, net, optimizer, epoch + 1)
        print(f"{name}: {epoch + 1} of {epochs} passes, loss {loss.item():.3f}", flush=True)
    return net.eval()


def breed_against(name: str, encoding: str, runs: int = RUNS) -> dict[str, np.ndarray]:
    """The stored columns of one part: elites of ``runs`` evolutions."""
    net: nn.Module = network(name)
    if name in SIGMAS:
        net = Smoothed(net, (1, 28, 28), sigma=SIGMAS[name], samples=SAMPLES)
    pixels, confidence = [], []
    for seed in range(runs):
        search = breed(net, encoding, generations=GENERATIONS[encoding], seed=seed)
        images = as_bytes(search.elites.images[:10])
        # of the 8-bit image, which is what a reader is shown
        said = predict(net, images.float() / 255)
        pixels.append(images[:, 0].numpy())
        confidence.append(said[torch.arange(10), torch.arange(10)].numpy())
    return {"images": np.concatenate(pixels), "confidence": np.concatenate(confidence)}


def main() -> None:
    """Command line: train all four and breed against two, or go on."""
    parser = options("certified", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/certified"))
    chosen = parser.parse_args()
    for folder in (chosen.checkpoints, chosen.out):
        folder.mkdir(parents=True, exist_ok=True)
    images, labels = training_digits("train")
    for name in NETWORKS:
        net = train(name, images, labels, chosen.checkpoints)
        path = chosen.out / f"certified-{name}.safetensors"
        path.write_bytes(save(as_float16(net.state_dict())))
        print(f"{name}: right on {accuracy(net, *mnist('test')):.4f} of the test digits")
    stored = {}
    for name, encoding in product(BRED, GENERATIONS):
        path = chosen.checkpoints / f"{name}-{encoding}.npz"
        if not path.exists():
            write(chosen.checkpoints, path.name, breed_against(name, encoding))
        with np.load(path) as part:
            stored |= {f"{name}/{encoding}/{column}": part[column] for column in part.files}
    write(chosen.out, FILE, stored)


if __name__ == "__main__":
    main()
