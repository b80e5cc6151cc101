"""The generative judge: a variational autoencoder of each digit, trained.

``network`` reads it; ``python -m tools.bank.synthesis`` trains it anew, some minutes on one core.
"""

from __future__ import annotations

from foolkit.bank.store import PLACE
from foolkit.models.classifier import Classifier
from foolkit.models.shipped import DIGITS, fill
from foolkit.models.synthesis import Synthesis

FILE = "synthesis.safetensors"


def network() -> Classifier:
    """Ten autoencoders as a classifier whose logits are bounds of ``log p(x | k)``, in nats."""
    module = Synthesis()
    fill(module, PLACE / FILE)
    return Classifier(module, input_shape=(1, 28, 28), classes=DIGITS, name="synthesis").eval()
