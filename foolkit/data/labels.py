"""What pictures show: from a table, or from the folders that they lie in."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from foolkit.checks import check_names, path_of


def labels_of_folders(names: Sequence[str], classes: Sequence[str]) -> Tensor | None:
    """The class of each picture by the folder it lies in; None if they lie in none.

    Args:
        names: of ``photographs``: ``"cat/one.jpg"`` lies in the folder of the class ``cat``.
        classes: the K names; a folder may also be called by the number of a class.

    Returns:
        int64 ``[N]``.

    Raises:
        ValueError: a folder that is no class.
    """
    names, classes = check_names(names, "names"), check_names(classes, "classes")
    folders = [PurePosixPath(name).parent.name for name in names]
    if not any(folders):
        return None
    numbers = _Numbers(classes)
    return torch.tensor([numbers.of(word, name) for word, name in zip(folders, names, strict=True)])


def labels_of_table(path: str | Path, names: Sequence[str], classes: Sequence[str]) -> Tensor:
    """The class of each picture by a CSV file, one picture a line: ``cat/one.jpg,tabby``.

    The class is a name or a number from 0; a first line ``file,label`` may say so. Lines of other
    pictures are passed over.

    Args:
        path: the table, in UTF-8.
        names: of ``photographs``; the table may leave out their folders.
        classes: the K names.

    Returns:
        int64 ``[N]``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line without two columns, a picture that is not in the table or twice with
            two classes, a class that the network does not have.
    """
    names, classes = check_names(names, "names"), check_names(classes, "classes")
    path = path_of(path, "path")
    if not path.is_file():
        raise FileNotFoundError(f"labels: expected a CSV file, found none at {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"labels: expected a CSV file in UTF-8, got {path} ({error})") from error
    words: dict[str, str] = {}
    for number, row in rows:
        if len(row) < 2:
            raise ValueError(f"labels: expected file,label in line {number} of {path}, got {row}")
        name, word = row[0].strip(), row[1].strip()
        if number == 1 and word.lower() in ("label", "class"):
            continue
        if words.setdefault(name, word) != word:
            raise ValueError(f"labels: {path} gives {name!r} two classes, {words[name]} and {word}")
    numbers = _Numbers(classes)
    return torch.tensor([numbers.of(_word_of(name, words, path), name) for name in names])


def _word_of(name: str, words: Mapping[str, str], path: Path) -> str:
    for known in (name, PurePosixPath(name).name):
        if known in words:
            return words[known]
    raise ValueError(f"labels: expected a line for {name!r} in {path}, found none")


class _Numbers:
    """The numbers of classes by their names."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = classes
        self.exact: dict[str, list[int]] = {}
        self.plain: dict[str, list[int]] = {}
        for number, name in enumerate(classes):
            self.exact.setdefault(name, []).append(number)
            self.plain.setdefault(_plain(name), []).append(number)

    def of(self, word: str, picture: str) -> int:
        found = self.exact.get(word) or self.plain.get(_plain(word), [])
        if not found and word.isascii() and word.isdigit() and int(word) < len(self.classes):
            found = [int(word)]
        if len(found) == 1:
            return found[0]
        expected = f"labels: expected one of the network's {len(self.classes)} classes, by name"
        if found:
            raise ValueError(
                f"{expected} or number: {word!r}, of {picture}, are the classes"
                f" {', '.join(map(str, found))}: say which by its number"
            )
        near = difflib.get_close_matches(_plain(word), self.plain, 3)
        said = f"; did you mean {', '.join(near)}?" if near else ""
        raise ValueError(
            f"{expected} or number from 0 to {len(self.classes) - 1}, got {word!r} for"
            f" {picture}{said}"
        )


def _plain(name: str) -> str:
    """Without the differences that names of files make."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
