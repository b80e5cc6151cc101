"""The folder of one run: its settings, its results, and a gallery that opens from disk."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from foolkit.files import (
    check_writable,
    is_part,
    json_bytes,
    remove_stale,
    write_atomically,
    write_png,
)

CONFIG, RESULTS, GALLERY = "config.json", "results.json", "gallery.html"
TABLE = "results.csv"

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
ul { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr));
     list-style: none; padding: 0; }
ul:has(img + img) { grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); }
.pictures { display: flex; gap: 2px; }
img { aspect-ratio: 1; flex: 1; image-rendering: pixelated; min-width: 0; object-fit: contain; }
figure { margin: 0; }
figcaption { font-size: 0.875rem; overflow-wrap: anywhere; }
dl { display: grid; gap: 0 1rem; grid-template-columns: max-content 1fr; }
dd { margin: 0; overflow-wrap: anywhere; }
"""


def claim(
    folder: Path, config: dict[str, Any], free: Sequence[str] = (), argument: str = "out"
) -> None:
    """Make the folder that of the run with this ``config``, or raise and write nothing.

    Args:
        folder: new, empty, or of the same run.
        config: what determines the run, as JSON.
        free: settings that may differ from those in the folder, and are then written anew.
        argument: what an error calls the folder.

    Raises:
        ValueError: the folder holds another run (the settings are named), or other files.
        OSError: the folder cannot be written.
    """
    path = folder / CONFIG
    config = json.loads(json.dumps(config))
    if path.is_file():
        try:
            there = _read(path)
            if not isinstance(there, dict):
                raise ValueError("no settings")
        except ValueError as error:
            raise ValueError(
                f"{argument}: expected the settings of a run in {path} ({error})"
            ) from error
        odd = [n for n in {**there, **config} if n not in free and there.get(n) != config.get(n)]
        if odd:
            raise ValueError(
                f"{argument}: {folder} holds another run: "
                + "; ".join(f"{n} is {there.get(n)!r} there, {config.get(n)!r} here" for n in odd)
            )
        remove_stale(folder)
        if there == config:
            return
    elif folder.is_dir() and not all(map(is_part, folder.iterdir())):
        raise ValueError(
            f"{argument}: expected a new or empty folder, or one of this run, got {folder}"
        )
    check_writable(path, argument)
    write_atomically(path, json_bytes(config))


@contextmanager
def claimed(folder: Path, config: dict[str, Any], free: Sequence[str] = ()) -> Iterator[None]:
    """As ``claim``; if what follows refuses its input, the folder is as it was before.

    So that an argument that only a routine finds wrong leaves no claim behind, which would
    refuse the corrected call.
    """
    before = folder.is_dir(), (folder / CONFIG).is_file()
    claim(folder, config, free)
    try:
        yield
    except (TypeError, ValueError, FloatingPointError):
        if not before[1] and [path.name for path in folder.iterdir()] == [CONFIG]:
            (folder / CONFIG).unlink()
            if not before[0]:
                folder.rmdir()
        raise


def _read(path: Path) -> Any:
    """What a JSON file holds; ``ValueError`` if it holds none, or is nested without end."""
    try:
        return json.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write_images(folder: Path, images: Tensor, names: Sequence[str]) -> None:
    """Images ``[N, C, H, W]`` in [0, 1] as PNGs of 8 bits; others of these runs are removed.

    Raises:
        OSError: a file cannot be written.
    """
    keep_only(folder, "*.png", names)
    for name, image in zip(names, images, strict=True):
        write_png(folder / name, image)


def keep_only(folder: Path, pattern: str, names: Sequence[str]) -> None:
    """Make a folder, or remove from it what runs with other images have left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(pattern):
        if path.name not in names:
            path.unlink()


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as a CSV file in UTF-8, a column for each key, in the order of the first row."""
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def write_gallery(folder: Path) -> Path:
    """``gallery.html``, from the settings and the results that the folder holds.

    A page of its own without script or style from elsewhere; every name in it is escaped.

    Raises:
        FileNotFoundError: no results there.
        ValueError: a damaged file.
    """
    results, config = folder / RESULTS, folder / CONFIG
    for path in (results, config):
        if not path.is_file():
            raise FileNotFoundError(f"folder: expected a run's results, found no {path}")
    try:
        rows, settings = (_read(path) for path in (results, config))
        items = "\n".join(_item(row) for row in rows)
        listed = "\n".join(
            f"<dt>{html.escape(str(name))}</dt><dd>{html.escape(str(value))}</dd>"
            for name, value in settings.items()
        )
        title = html.escape(f"{settings['command']}: {settings['model']}")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"folder: expected results of foolkit in {folder} ({error!r})") from error
    page = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"<p>{len(rows)} images, the most certain first.</p>\n<ul>\n{items}\n</ul>\n"
        f"<h2>Settings</h2>\n<dl>\n{listed}\n</dl>\n</main>\n</body>\n</html>\n"
    )
    write_atomically(folder / GALLERY, page.encode())
    return folder / GALLERY


def _item(row: dict[str, Any]) -> str:
    share = f"{100 * row.get('predicted_confidence', row['confidence']):.2f} %"
    said, about = html.escape(row["predicted"]), html.escape(row["about"])
    pictures = [(row["file"], f"{about}; the network says {said}, {share}")]
    if "original" in row:
        pictures = [
            (row["original"], "the original"), *pictures, (row["change"], "the change, enlarged")
        ]  # fmt: skip
    shown = "".join(
        f'<img src="{html.escape(source, quote=True)}" alt="{alt}" loading="lazy">'
        for source, alt in pictures
    )
    # bdi: a name that is written from the right, or says so, turns nothing else around
    return (
        f'<li><figure><div class="pictures">{shown}</div><figcaption><strong><bdi>{said}</bdi>,'
        f" {share}</strong><br><bdi>{about}</bdi></figcaption></figure></li>"
    )
