"""What an attack leaves in its folder: files, what the network says of each, and one summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foolkit.files import file_name, json_bytes, sync, write_atomically
from foolkit.gradients import Perturbed
from foolkit.models import Classifier
from foolkit.runs.evolution import finish
from foolkit.runs.folder import keep_only, write_images

IMAGES, SUMMARY = "images.safetensors", "summary.json"


def write(
    folder: Path,
    found: Perturbed,
    net: Classifier,
    names: Sequence[str],
    *,
    abouts: Sequence[str] | None = None,
    known: bool = True,
    beside: bool = True,
    lossless: bool = False,
) -> dict[str, Any]:
    """PNGs, a listing, a table, a gallery and a summary of what was made.

    The listing is of the *files*, whose values were rounded to 8 bits: ``predicted``,
    ``confidence``, ``success_8bit``, ``l2`` and ``linf`` are those of what lies in the folder.
    ``success`` is that of the image before it was rounded, which ``images.safetensors`` holds.

    Args:
        folder: of the run.
        found: on the CPU.
        net: that was attacked.
        names: of the images.
        abouts: what the gallery says of each; by default its name, class and change.
        known: the labels are what the images show, and not what the network said of them.
        beside: write the originals and the changes, enlarged, as well.
        lossless: write the images as ``.npy`` as well: float32 ``[C, H, W]``, not rounded.

    Returns:
        The summary.

    Raises:
        OSError: a file cannot be written.
    """
    stems = [f"{n:04d}-{file_name(PurePosixPath(name).stem)}" for n, name in enumerate(names)]
    pngs = [f"{stem}.png" for stem in stems]
    files = found.files.float() / 255
    change = files - found.originals
    write_images(folder / "images", files, pngs)
    if beside:
        write_images(folder / "originals", found.originals.clamp(0, 1), pngs)
        write_images(folder / "changes", enlarged(change), pngs)
    if lossless:
        arrays = [f"{stem}.npy" for stem in stems]
        keep_only(folder / "lossless", "*.npy", arrays)
        for name, image in zip(arrays, found.images.numpy(), strict=True):
            np.save(folder / "lossless" / name, image)
    found.save(folder / IMAGES)
    flat = change.flatten(1)
    columns = {
        "name": list(names),
        "label": [net.classes[k] for k in found.labels.tolist()],
        "before": [net.classes[k] for k in found.before.tolist()],
        "predicted": [net.classes[k] for k in found.predicted_8bit.tolist()],
        "confidence": found.confidence_8bit.tolist(),
        "success": found.success.tolist(),
        "success_8bit": found.success_8bit.tolist(),
        "l2": flat.norm(dim=1).tolist(),
        "linf": flat.abs().amax(1).tolist(),
    }
    rows = []
    for n, png in enumerate(pngs):
        row: dict[str, Any] = {"file": f"images/{png}"}
        if beside:
            row |= {"original": f"originals/{png}", "change": f"changes/{png}"}
        if lossless:
            row["lossless"] = f"lossless/{stems[n]}.npy"
        row |= {name: values[n] for name, values in columns.items()}
        rows.append(row | {"about": abouts[n] if abouts else _about(row, found.targeted, known)})
    about = summary(found)
    write_atomically(folder / SUMMARY, json_bytes(about))
    finish(folder, rows)
    sync(folder)
    return about


def enlarged(change: Tensor) -> Tensor:
    """Changes ``[N, C, H, W]`` around grey, the largest of each image black or white."""
    largest = change.abs().flatten(1).amax(1).clamp_min(1e-12)
    return 0.5 + change / (2 * largest.view(-1, 1, 1, 1))


def _about(row: dict[str, Any], targeted: bool, known: bool) -> str:
    """What became of an image in words, those apart that needed no attack."""
    already = (row["before"] == row["label"]) == targeted
    if already:
        end = "was there before" if targeted else "was wrong before"
    elif row["success"] and not row["success_8bit"]:
        end = "fooled before it was rounded to a file"
    else:
        end = "fooled" if row["success_8bit"] else "not fooled"
    words = [row["name"], f"the original is called {row['before']}"]
    if targeted or known:
        words.insert(1, f"{'to become' if targeted else 'shows'} {row['label']}")
    return f"{', '.join(words)}; {end}; largest change {255 * row['linf']:.1f}/255"


def summary(found: Perturbed) -> dict[str, Any]:
    """What is to be said of a run, by name.

    * ``clean_accuracy``, ``robust_accuracy``, ``robust_accuracy_8bit`` (as files), untargeted: the
      shares of all images that the network reads as their labels say;
    * ``fooled``, ``fooled_8bit``: images that were right (targeted: away from the goal) before, and
      are no more; ``tried``: how many were;
    * ``median_l2``, ``median_linf``: of those fooled alone, before rounding; None if there are
      none.
    """
    right = (found.before == found.labels) != found.targeted
    fooled = found.fooled
    about: dict[str, Any] = {"images": len(found)}
    if not found.targeted:
        about |= {
            name: getattr(found, name)
            for name in ("clean_accuracy", "robust_accuracy", "robust_accuracy_8bit")
        }
    about |= {
        "tried": int(right.sum()),
        "fooled": int(fooled.sum()),
        "fooled_8bit": int((found.success_8bit & right).sum()),
    }
    for name in ("l2", "linf"):
        sizes = getattr(found, name)[fooled]
        about[f"median_{name}"] = float(torch.median(sizes)) if len(sizes) else None
    return about


def told(about: dict[str, Any], known: bool) -> list[str]:
    """A summary in lines; ``known``: the labels are not what the network said itself."""
    lines = []
    if "clean_accuracy" in about:
        clean, robust, rounded = (
            f"{100 * about[name]:.1f} %"
            for name in ("clean_accuracy", "robust_accuracy", "robust_accuracy_8bit")
        )
        first = f"clean accuracy {clean}" if known else "no labels: what the network said is right"
        lines.append(
            f"{about['images']} images, {first}; robust accuracy {robust} ({rounded} as files)"
        )
        of = "that were right are fooled"
    else:
        lines.append(f"{about['images']} images")
        of = "that were not there before reached their goal"
    line = f"{about['fooled']} of {about['tried']} {of} ({about['fooled_8bit']} as files)"
    if about["median_l2"] is not None:
        line += f"; of these the median L2 is {about['median_l2']:.4g},"
        line += f" Linf {about['median_linf']:.4g}"
    return [*lines, line]
