"""One evolution in a folder of its own: it goes on where it was stopped, and opens as a gallery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from foolkit.encodings import CPPN, Encoding, Pixels
from foolkit.evolution import Elites, evolve
from foolkit.files import json_bytes, sync, write_atomically
from foolkit.models import Classifier
from foolkit.runs.folder import RESULTS, TABLE, claim, claimed, write_gallery, write_table

ENCODINGS: dict[str, type[CPPN] | type[Pixels]] = {"cppn": CPPN, "pixels": Pixels}
ELITES, CHECKPOINT = "elites.safetensors", "checkpoint.safetensors"


def run(
    folder: Path, net: Classifier, encoding: Encoding[Any], config: dict[str, Any], **options: Any
) -> Elites:
    """Evolve, and write elites, PNGs, a listing and a gallery.

    The settings that the folder and its gallery show are those of the elites that lie there. Where
    another process has meanwhile bred the same run further, its elites stay, and are returned.

    Args:
        folder: new, empty, or of the same run, which then goes on from its checkpoint.
        net: the network.
        encoding: how genomes become images.
        config: what determines the run, as JSON; its ``"generations"`` may have changed.
        options: of ``evolve``, ``batch`` among them.

    Returns:
        The elites, also after Ctrl-C.

    Raises:
        ValueError: the folder holds another run or other files; what ``evolve`` raises.
        OSError: the folder cannot be written.
    """
    with claimed(folder, config, free=("generations",)):
        elites = evolve(net, encoding, checkpoint=folder / CHECKPOINT, **options)
    with suppress(FileNotFoundError, ValueError):
        there = Elites.load(folder / ELITES)
        if generations_of(there) > generations_of(elites):
            elites = there
    claim(folder, {**config, "generations": generations_of(elites)}, free=("generations",))
    elites.export(folder / "images", net, options["batch"])
    listing = json.loads((folder / "images" / "elites.json").read_text("utf-8"))
    rows = [
        {
            **row,
            "file": f"images/{row['file']}",
            "about": (
                f"elite of class {row['class']} ({100 * row['confidence']:.2f} % sure of it), bred"
                f" in generation {row['born']}"
            ),
        }
        for row in listing
    ]
    finish(folder, rows)
    sync(folder)
    elites.save(folder / ELITES)  # the last: where it is, all else is, on the disk too
    sync(folder)
    return elites


def generations_of(elites: Elites) -> int:
    """How many generations have been bred."""
    return len(elites.history.confidence) - 1


def finish(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Listing, table and gallery of a run, the most certain first; returns the gallery's path."""
    rows = sorted(rows, key=lambda row: -row["confidence"])
    write_atomically(folder / RESULTS, json_bytes(rows))
    write_table(folder / TABLE, rows)
    return write_gallery(folder)
