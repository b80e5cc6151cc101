"""Gradients: adversarial perturbations, their controls, and images painted from nothing."""

from foolkit.gradients.ascent import Ascent, ascent
from foolkit.gradients.blind import blind
from foolkit.gradients.carlini_wagner import carlini_wagner
from foolkit.gradients.controls import noise
from foolkit.gradients.deepfool import deepfool
from foolkit.gradients.files import for_files
from foolkit.gradients.lbfgs import lbfgs
from foolkit.gradients.result import Perturbed
from foolkit.gradients.sign import fgsm, pgd

__all__ = [
    "Ascent",
    "Perturbed",
    "ascent",
    "blind",
    "carlini_wagner",
    "deepfool",
    "fgsm",
    "for_files",
    "lbfgs",
    "noise",
    "pgd",
]
