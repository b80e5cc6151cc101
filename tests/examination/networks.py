"""The small networks and pictures of the tests of examinations."""

import torch
from torch import nn

K, N = 4, 48


def tiny():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 16), nn.ReLU(),
        nn.Linear(16, K),
    )  # fmt: skip
    with torch.no_grad():
        net[-1].weight *= 20  # so that it is certain of something
    return net.eval()


def judge():
    """Nearly the same network, which reads nearly the same pictures right."""
    net = tiny()
    with torch.no_grad():
        for weights in net.parameters():
            weights *= 1 + 0.05 * torch.randn(weights.shape)
    return net


def pictures():
    draws = torch.Generator().manual_seed(1)
    images = (torch.rand((N, 1, 8, 8), generator=draws) * 255).round() / 255
    labels = tiny()(images).argmax(1)
    labels[:6] = (labels[:6] + 1) % K  # which it reads wrong
    return images, labels
