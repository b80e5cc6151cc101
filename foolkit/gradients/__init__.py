"""Gradients: adversarial perturbations, their controls, and images painted from nothing."""

from foolkit.gradients.apgd import apgd
from foolkit.gradients.ascent import Ascent, ascent
from foolkit.gradients.blind import blind
from foolkit.gradients.carlini_wagner import carlini_wagner
from foolkit.gradients.controls import noise
from foolkit.gradients.deepfool import deepfool
from foolkit.gradients.ensemble import Attacked, ensemble
from foolkit.gradients.every_pixel import every_pixel
from foolkit.gradients.few_pixels import few_pixels
from foolkit.gradients.files import for_files
from foolkit.gradients.fmn import fmn
from foolkit.gradients.lbfgs import lbfgs
from foolkit.gradients.patch import Patch, Placed, patch
from foolkit.gradients.result import Perturbed
from foolkit.gradients.sign import fgsm, pgd
from foolkit.gradients.square import square
from foolkit.gradients.universal import Universal, universal

__all__ = [
    "Ascent",
    "Attacked",
    "Patch",
    "Perturbed",
    "Placed",
    "Universal",
    "apgd",
    "ascent",
    "blind",
    "carlini_wagner",
    "deepfool",
    "ensemble",
    "every_pixel",
    "few_pixels",
    "fgsm",
    "fmn",
    "for_files",
    "lbfgs",
    "noise",
    "patch",
    "pgd",
    "square",
    "universal",
]
