"""Trains the generative judge anew: ``python -m tools.bank.synthesis``.

It stops and goes on: ``--checkpoints`` holds what it has after each pass over the digits.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from foolkit.bank.synthesis import FILE
from foolkit.data import mnist
from foolkit.models.shipped import as_float16, as_float32
from foolkit.models.synthesis import Synthesis
from foolkit.models.train import accuracy, training_digits
from tools.bank.program import keep_pass, options, passes_done

EPOCHS, BATCH = 60, 100  # digits of each class in a batch


def train(images: Tensor, labels: Tensor, checkpoints: Path, epochs: int = EPOCHS) -> Synthesis:
    """Train, or go on where ``checkpoints`` left off; every pass draws from a seed of its own.

    A pass shows the same number of every class, that of the rarest.
    """
    torch.manual_seed(0)
    net = Synthesis()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    path = checkpoints / "synthesis.pt"
    done = passes_done(path, net, optimizer)
    own = [images[labels == k].flatten(1) for k in range(10)]
    steps = min(map(len, own)) // BATCH
    for epoch in range(done, epochs):
        generator = torch.Generator().manual_seed(1 + epoch)
        orders = [torch.randperm(len(digits), generator=generator) for digits in own]
        total = 0.0
        for step in range(steps):
            behind = (epoch + step / steps) / epochs
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * (1 + math.cos(math.pi * behind))
            rows = slice(step * BATCH, (step + 1) * BATCH)
            batch = torch.stack([d[o[rows]] for d, o in zip(own, orders, strict=True)])
            loss = -net.bound(batch, generator).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        keep_pass(path, net, optimizer, epoch + 1)
        print(f"{epoch + 1} of {epochs} passes, {total / steps:.1f} nats", flush=True)
    return net.eval()


def main() -> None:
    """Command line: train, or go on."""
    parser = options("synthesis", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/synthesis"))
    chosen = parser.parse_args()
    for folder in (chosen.checkpoints, chosen.out):
        folder.mkdir(parents=True, exist_ok=True)
    net = train(*training_digits("train"), chosen.checkpoints)
    weights = as_float16(net.state_dict())
    net.load_state_dict(as_float32(weights))
    (chosen.out / FILE).write_bytes(save(weights))
    print(f"right on {accuracy(net, *mnist('test')):.4f} of the test digits")


if __name__ == "__main__":
    main()
