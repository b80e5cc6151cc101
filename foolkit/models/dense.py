"""Networks without convolutions, as Szegedy et al. (2013) used them on MNIST."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from foolkit.checks import check_count

MOST_UNITS = 2**20  # of a layer


class Softmax(nn.Sequential):
    """One linear layer under a softmax: 7,850 parameters. FC10 in the paper's tables.

    Images ``[N, 1, 28, 28]`` in [0, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(784, 10)


class _Dense(nn.Sequential):
    """Fully connected layers, each under the same function, then 10 logits."""

    def __init__(self, widths: Sequence[int], name: str, function: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        inputs = 784
        for i, width in enumerate(widths, start=1):
            units = check_count(width, "widths", most=MOST_UNITS)
            self.add_module(f"fc{i}", nn.Linear(inputs, units))
            self.add_module(f"{name}{i}", function())
            inputs = units
        self.add_module(f"fc{len(widths) + 1}", nn.Linear(inputs, 10))


class Sigmoid(_Dense):
    """Fully connected layers of sigmoid units, then 10 logits: the paper's FC100-100-10.

    Images ``[N, 1, 28, 28]`` in [0, 1].

    Args:
        widths: units of each hidden layer.
    """

    def __init__(self, *widths: int) -> None:
        super().__init__(widths, "sigmoid", nn.Sigmoid)


class Rectifier(_Dense):
    """Fully connected layers of rectifiers, then 10 logits: the same body for several losses.

    Images ``[N, 1, 28, 28]`` in [0, 1].

    Args:
        widths: units of each hidden layer.
    """

    def __init__(self, *widths: int) -> None:
        super().__init__(widths, "relu", nn.ReLU)
