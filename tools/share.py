"""Makes the picture that is shown where a page of the book is shared: ``python tools/share.py``.

Every image and number in it is computed here: a held-out digit, the same one pushed by projected
gradient steps until the network is certain of something else, and noise bred for the first answer.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import torch

import foolkit as fk
from foolkit.widgets.draw_and_fool import sample_digits

ROOT = Path(__file__).resolve().parent.parent
SIZE = (1200, 630)  # pixels, as the services that show such pictures ask
INK, PAPER, ACCENT = "#f3f4f5", "#14181e", "#ffa90e"


def images() -> tuple[torch.Tensor, list[str]]:
    """Three images ``[3, 1, 28, 28]``, and what the network says of each."""
    net = fk.models.load("lenet")
    digit = sample_digits("lenet")[3][None]
    label = fk.models.predict(net, digit).argmax(1)
    other = fk.gradients.pgd(net, digit, label, epsilon=0.2, seed=0).images
    goal = fk.models.predict(net, other).argmax(1)
    pushed = fk.gradients.pgd(net, digit, goal, epsilon=0.25, targeted=True, seed=0).images
    bred = fk.evolve(
        net, fk.encodings.Pixels(net.input_shape), generations=150, seed=0, progress=False
    ).images[label]
    shown = torch.cat([digit, pushed, bred])
    sure, seen = fk.models.predict(net, shown).max(1)
    said = [f"“{s}”  {fk.plot.percent(c)}" for s, c in zip(seen, sure, strict=True)]
    return shown, said


def draw(path: Path) -> None:
    """Write the picture, a PNG of ``SIZE``."""
    shown, said = images()
    figure = plt.figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor=PAPER)
    figure.text(0.05, 0.845, "Certain and Wrong", color=INK, fontsize=46, weight="bold")
    figure.text(
        0.05, 0.765, "Fooling neural networks, by experiment", color=INK, fontsize=22, alpha=0.85
    )
    for number, (image, words) in enumerate(zip(shown, said, strict=True)):
        left = 0.05 + number * 0.31
        axes = figure.add_axes((left, 0.16, 0.28, 0.28 * SIZE[0] / SIZE[1]))
        axes.imshow(image[0], cmap="gray", vmin=0, vmax=1)
        axes.axis("off")
        figure.text(
            left + 0.14, 0.065, words, color=INK if number == 0 else ACCENT, fontsize=22,
            ha="center", weight="bold",
        )  # fmt: skip
    figure.savefig(path, facecolor=PAPER, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(ROOT / "book" / "assets" / "share.png")
