"""Two small networks that tell faces from what is none, alike but for one step.

``python -m foolkit.models.faces`` trains all that are shipped.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import product
from pathlib import Path
from typing import Literal, get_args

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from foolkit.checks import check_choice, check_count
from foolkit.data.faces import SIZE, What, faces
from foolkit.models.classifier import Classifier, predict
from foolkit.models.precision import channels_last
from foolkit.models.train import Recipe, fit

CLASSES = ("no face", "face")
SEEDS = 3  # networks shipped of each kind
Head = Literal["pooled", "whole"]
Lesson = Literal["parts", "order"]
NEGATIVES: dict[Lesson, tuple[What, ...]] = {
    "parts": ("missing", "blobs"),
    "order": ("missing", "blobs", "scrambled", "scrambled"),
}
FOLDER = files("foolkit.models") / "face_weights"
WEIGHTS = FOLDER / "faces.safetensors"  # of all that are shipped, as HEAD/LESSON/SEED/TENSOR


class FaceNet(nn.Sequential):
    """Sixteen features of windows of 6x6 pixels, about a part, then a head of two layers.

    Images ``[N, 1, 32, 32]`` in [0, 1] to logits ``[N, 2]``, "no face" and "face".

    Args:
        head: ``"pooled"``: each feature is averaged over the whole picture, so that what follows
            knows how much of it there is but not where; ``"whole"``: what follows sees every
            feature at each of 7x7 places. The hidden layer is as wide as makes both equally
            large, to within two parts in a hundred.
    """

    def __init__(self, head: Head) -> None:
        check_choice(head, get_args(Head), "head")
        super().__init__()
        inputs, hidden = {"pooled": (16, 508), "whole": (784, 12)}[head]
        self.conv1 = nn.Conv2d(1, 12, 5)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(12, 16, 1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2) if head == "whole" else nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(inputs, hidden)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 2)


@dataclass(frozen=True)
class FaceRecipe:
    """All that determines a face network, on one processor."""

    pictures: int = 3000  # half of them faces
    epochs: int = 12
    batch: int = 50
    learning_rate: float = 3e-3  # of Adam, falling to 0 along a cosine


def lesson(name: Lesson, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Pictures to learn from: ``n // 2`` faces, and as many that are none.

    Args:
        name: ``"parts"``: what is no face lacks parts, or has blobs in their place;
            ``"order"``: half of what is no face is a face scrambled.
        n: how many pictures.
        seed: of the draws.

    Returns:
        images, float32 ``[N, 1, 32, 32]``, and labels, int64 ``[N]``, 1 for a face.
    """
    check_choice(name, get_args(Lesson), "name")
    kinds = NEGATIVES[name]
    check_count(n, "n", minimum=2 * len(kinds))
    each = n // 2 // len(kinds)
    parts = [faces(each * len(kinds), "face", seed=seed * 10)]
    parts += [faces(each, kind, seed=seed * 10 + 1 + i) for i, kind in enumerate(kinds)]
    return torch.cat(parts), torch.arange(2).flip(0).repeat_interleave(each * len(kinds))


def train(
    head: Head, name: Lesson, *, seed: int = 0, recipe: FaceRecipe | None = None
) -> Classifier:
    """A face network trained now; ``seed`` is of its weights, its pictures and their order."""
    recipe = recipe or FaceRecipe()
    check_count(seed, "seed", minimum=0)
    images, labels = lesson(name, recipe.pictures, seed=1 + seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = FaceNet(head)
    how = Recipe(
        "FaceNet", seed, epochs=recipe.epochs, batch=recipe.batch, optimizer="adam",
        learning_rate=recipe.learning_rate, weight_decay=0.0,
    )  # fmt: skip
    fit(net, images, labels, how, progress=False)
    return _classifier(net, head, name, seed)


def load_face_net(head: Head, name: Lesson = "parts", *, seed: int = 0) -> Classifier:
    """A shipped face network, in evaluation mode; no download, nothing is unpickled.

    Args:
        head, name: see ``FaceNet`` and ``lesson``.
        seed: 0, 1 or 2.

    Raises:
        ValueError: a network that is not shipped.
    """
    check_choice(head, get_args(Head), "head")
    check_choice(name, get_args(Lesson), "name")
    check_count(seed, "seed", minimum=0)
    if seed >= SEEDS:
        raise ValueError(f"seed: expected 0 to {SEEDS - 1}, got {seed}")
    prefix = f"{head}/{name}/{seed}/"
    net = FaceNet(head)
    net.load_state_dict(
        {k.removeprefix(prefix): v.float() for k, v in _stored().items() if k.startswith(prefix)}
    )
    return _classifier(net, head, name, seed)


def accepted(net: nn.Module, images: Tensor) -> float:
    """The share of ``images`` that a face network calls a face."""
    return float(predict(net, images).argmax(1).double().mean())


@cache
def _stored() -> dict[str, Tensor]:
    with as_file(WEIGHTS) as path:
        return load_file(path)


def _classifier(net: FaceNet, head: Head, name: Lesson, seed: int) -> Classifier:
    channels_last(net)
    return Classifier(
        net, input_shape=(1, SIZE, SIZE), classes=CLASSES, name=f"{head}, {name}, {seed}"
    ).eval()


def main(folder: Path = Path(__file__).parent / "face_weights", seeds: int = SEEDS) -> None:
    """Train every shipped face network; write the weights, rounded to float16, and their card."""
    weights, shares = {}, {}
    new = {what: faces(1000, what, seed=1000) for what in get_args(What)}
    for seed, name, head in product(range(seeds), get_args(Lesson), get_args(Head)):
        net = train(head, name, seed=seed)
        net.load_state_dict({k: v.half().float() for k, v in net.state_dict().items()})
        for key, value in net.module.state_dict().items():
            weights[f"{head}/{name}/{seed}/{key}"] = value.half().contiguous()
        shares[net.name] = {what: round(accepted(net, images), 4) for what, images in new.items()}
        print(net.name, shares[net.name], flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faces.safetensors").write_bytes(save(weights))
    card = {
        "recipe": asdict(FaceRecipe()),
        "lessons": {name: ["face", *kinds] for name, kinds in NEGATIVES.items()},
        "training_data": "pictures drawn by foolkit.data.faces; nobody's photograph",
        "accepted_of_1000_new_pictures": shares,
        "parameters": {h: sum(p.numel() for p in FaceNet(h).parameters()) for h in get_args(Head)},
        "stored_as": "float16",
    }
    (folder / "faces.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
