"""Classifiers: the contract, the shipped networks, a network of your own."""

from foolkit.models.classifier import Classifier, evaluating, predict
from foolkit.models.dense import Sigmoid, Softmax
from foolkit.models.judges import Judge, comparison_digits
from foolkit.models.lenet import LeNet
from foolkit.models.loading import load
from foolkit.models.resnet import ResNet
from foolkit.models.shipped import available, card
from foolkit.models.vit import ViT

__all__ = [
    "Classifier",
    "Judge",
    "LeNet",
    "ResNet",
    "Sigmoid",
    "Softmax",
    "ViT",
    "available",
    "card",
    "comparison_digits",
    "evaluating",
    "load",
    "predict",
]
