"""Classifiers: the contract, the shipped networks, a network of your own."""

from foolkit.models.classifier import Classifier, predict
from foolkit.models.crops import cropped
from foolkit.models.dense import Rectifier, Sigmoid, Softmax
from foolkit.models.disguises import disguised
from foolkit.models.door import evaluating
from foolkit.models.enlarged import enlarged
from foolkit.models.estimators import Estimator, comparison_digits
from foolkit.models.face_detector import FaceDetector
from foolkit.models.frozen import frozen
from foolkit.models.imagenet import imagenet
from foolkit.models.lenet import LeNet
from foolkit.models.loading import load
from foolkit.models.machines import Machine
from foolkit.models.pedestrian import pedestrian
from foolkit.models.people import people_scores
from foolkit.models.rbf import RBF, nearest_digits
from foolkit.models.refusing import refusing
from foolkit.models.resnet import ResNet
from foolkit.models.shipped import available, card
from foolkit.models.synthesis import Synthesis
from foolkit.models.transformed import transformed
from foolkit.models.vit import ViT

__all__ = [
    "RBF",
    "Classifier",
    "Estimator",
    "FaceDetector",
    "LeNet",
    "Machine",
    "Rectifier",
    "ResNet",
    "Sigmoid",
    "Softmax",
    "Synthesis",
    "ViT",
    "available",
    "card",
    "comparison_digits",
    "cropped",
    "disguised",
    "enlarged",
    "evaluating",
    "frozen",
    "imagenet",
    "load",
    "nearest_digits",
    "pedestrian",
    "people_scores",
    "predict",
    "refusing",
    "transformed",
]
