"""LeNet as the paper's experiments used it."""

from __future__ import annotations

from torch import nn

from foolkit.checks import MOST_CLASSES, check_count, check_flag
from foolkit.models.pixel_gradient import GreyConv2d


class LeNet(nn.Sequential):
    """The LeNet of Caffe, on which Nguyen et al. (2015) bred their digits.

    20 filters of 5x5, max-pool 2, 50 filters of 5x5, max-pool 2, 500 units with the one ReLU,
    10 logits: 431,080 parameters, no dropout, no normalisation. Images ``[N, 1, 28, 28]`` in
    [0, 1]. Caffe's version scales by 1/256 and subtracts the mean image; this one takes the
    pixels as they are.

    Args:
        classes: logits; 11 where "no digit" is a class of its own.
        rectified: whether a ReLU follows each pool too, as in the networks of Madry et al. (2018).
            Weights of either kind fit the other.
    """

    def __init__(self, classes: int = 10, *, rectified: bool = False) -> None:
        check_count(classes, "classes", minimum=2, most=MOST_CLASSES)
        check_flag(rectified, "rectified")
        super().__init__()
        self.conv1 = GreyConv2d(20)  # of 5x5
        self.pool1 = nn.MaxPool2d(2)
        if rectified:  # behind the pool it does the same as before it, on a quarter of the numbers
            self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.pool2 = nn.MaxPool2d(2)
        if rectified:
            self.relu2 = nn.ReLU()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(800, 500)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(500, classes)
