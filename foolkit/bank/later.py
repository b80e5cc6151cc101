"""What the digit chapters measure, measured on designs of after 2014: three small networks.

The battery is that of ``foolkit.bank.networks``. ``python -m tools.bank.later`` measures anew, a
few minutes a network on one core.
"""

from __future__ import annotations

from foolkit.bank.networks import Measured, stored

FILE = "later.npz"
# each by the name that ``foolkit.models.load`` takes; one training of each
DESIGNS = {
    "resnet": "wide residual network, 2016",
    "vit": "vision transformer, 2021",
    "mixer": "mixer, 2021",
}


def load() -> Measured:
    """All that is stored, in the order of ``DESIGNS``."""
    return stored(FILE, DESIGNS)
