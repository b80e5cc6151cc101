"""Motifs of 7 x 7 pixels that are evidence for a digit, sixteen a class, of eight networks.

``load`` reads them; ``python -m tools.bank.motifs`` finds them again, some minutes on one core.
"""

from __future__ import annotations

import torch
from torch import Tensor

from foolkit.bank.store import read
from foolkit.checks import check_choice

FILE = "motifs.npz"
NETWORKS = (
    "lenet", "lenet-b", "lenet-half-1", "fc100-100-10", "fc200-200-10", "fc123-456-10", "resnet",
    "vit",
)  # fmt: skip
EACH = 16  # motifs of a class


def load(network: str) -> Tensor:
    """The motifs of one network of ``NETWORKS``, float32 ``[10, 16, 1, 7, 7]`` in [0, 1]."""
    check_choice(network, NETWORKS, "network")
    return torch.from_numpy(read(FILE)[network]).float().div_(255)
