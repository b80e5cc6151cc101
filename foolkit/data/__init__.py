"""Images and labels: the embedded digits, MNIST, and faces drawn by code."""

from foolkit.data.digits import digits, mnist
from foolkit.data.faces import Drawing, drawing, faces

__all__ = ["Drawing", "digits", "drawing", "faces", "mnist"]
