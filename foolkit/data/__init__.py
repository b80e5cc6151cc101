"""Images and labels: the embedded digits, MNIST, what is no digit, and a folder of pictures."""

from foolkit.data.digits import digits, mnist
from foolkit.data.faces import Drawing, drawing, faces
from foolkit.data.labels import labels_of_folders, labels_of_table
from foolkit.data.outsiders import crops, letters, small_digits
from foolkit.data.pedestrians import drawn_pedestrians
from foolkit.data.photographs import (
    Photograph,
    embedded_photographs,
    photograph_pieces,
    photographs,
    sample_photographs,
)

__all__ = [
    "Drawing",
    "Photograph",
    "crops",
    "digits",
    "drawing",
    "drawn_pedestrians",
    "embedded_photographs",
    "faces",
    "labels_of_folders",
    "labels_of_table",
    "letters",
    "mnist",
    "photograph_pieces",
    "photographs",
    "sample_photographs",
    "small_digits",
]
