"""A small mixer: neither convolution nor attention."""

from __future__ import annotations

from torch import Tensor, nn


def _two_layers(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Block(nn.Module):
    """Two layers across the patches, then two within each; both added to what came in."""

    def __init__(self, patches: int, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.across = _two_layers(patches, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.within = _two_layers(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:  # [N, patches, width]
        x = x + self.across(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.within(self.norm2(x))


class Mixer(nn.Module):
    """An MLP-mixer on the 49 patches of 4x4 pixels (Tolstikhin et al. 2021), made small.

    Four blocks of width 64; the mean over the patches is classified. 82,062 parameters.
    Images ``[N, 1, 28, 28]`` in [0, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 64, 4, stride=4)
        self.blocks = nn.Sequential(*(Block(49, 64) for _ in range(4)))
        self.norm = nn.LayerNorm(64)
        self.fc = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        return self.fc(self.norm(self.blocks(x)).mean(1))
