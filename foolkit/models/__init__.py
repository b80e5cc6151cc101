"""Classifiers: the contract, the shipped networks, a network of your own."""

from foolkit.models.classifier import Classifier, evaluating, predict
from foolkit.models.lenet import LeNet
from foolkit.models.shipped import available, card, load

__all__ = ["Classifier", "LeNet", "available", "card", "evaluating", "load", "predict"]
