"""Images and labels: the embedded digits, MNIST, and a folder of pictures."""

from foolkit.data.digits import digits, mnist
from foolkit.data.faces import Drawing, drawing, faces
from foolkit.data.photographs import photographs

__all__ = [
    "Drawing",
    "digits",
    "drawing",
    "faces",
    "mnist",
    "photographs",
]
