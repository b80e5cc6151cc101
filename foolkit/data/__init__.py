"""Images and labels: the embedded digits, MNIST, and a folder of pictures."""

from foolkit.data.digits import digits, mnist
from foolkit.data.photographs import photographs

__all__ = ["digits", "mnist", "photographs"]
