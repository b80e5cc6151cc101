"""A convolutional network of the present: normalised, residual, no large layer at the end."""

from __future__ import annotations

from torch import Tensor, nn

from foolkit.checks import check_count

MOST_CHANNELS = 2**12


class Block(nn.Module):
    """``x + f(x)`` with two normalised 3x3 convolutions (He et al. 2016, "Identity mappings")."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(self.relu(self.norm1(x)))
        return x + self.conv2(self.relu(self.norm2(inner)))


class ResNet(nn.Sequential):
    """Two stages of two residual blocks, the second twice as wide, then a mean over all places.

    205,098 parameters with 32 and 64 channels. Images ``[N, 1, 28, 28]`` in [0, 1].

    Args:
        channels: of the first stage.
    """

    def __init__(self, channels: int = 32) -> None:
        channels = check_count(channels, "channels", most=MOST_CHANNELS)
        super().__init__()
        wide = 2 * channels
        self.stem = nn.Conv2d(1, channels, 5, stride=2, padding=2, bias=False)  # to 14x14
        self.block1 = Block(channels)
        self.block2 = Block(channels)
        self.down = nn.Conv2d(channels, wide, 3, stride=2, padding=1, bias=False)  # to 7x7
        self.block3 = Block(wide)
        self.block4 = Block(wide)
        self.norm = nn.BatchNorm2d(wide)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(wide, 10)
