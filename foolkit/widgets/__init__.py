"""Live widgets: the real network in the reader's page, with or without a kernel.

Each is one JavaScript module beside its Python class. ``network.js`` is LeNet, forwards and
backwards, in plain JavaScript; ``attack.js`` and ``evolution.js`` are this book's two ways of
fooling it. All three are written to be read.
"""

from foolkit.widgets.breed import Breed
from foolkit.widgets.draw_and_fool import DrawAndFool
from foolkit.widgets.eraser import Eraser
from foolkit.widgets.quiz import Quiz

__all__ = ["Breed", "DrawAndFool", "Eraser", "Quiz"]
