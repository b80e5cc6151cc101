"""Files that are either the old version or the new one, never a part of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from foolkit.checks import check_count, path_of

PART = ".part-"  # in the name of a file that is being written
DIGEST = "digest"  # of all that a file holds, beside the facts about its tensors
FORMAT = "format"  # 2 from when the facts, the types and the shapes were in the digest too
STALE = 3600.0  # seconds after which nobody is still writing it
AGAIN = 3  # times that a file is written again whose folder was removed meanwhile


def check_writable(path: Path, argument: str) -> None:
    """Raise ``OSError`` now, and not after an hour of work, if ``path`` cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        part = _part(path)
        part.touch()
        part.unlink()
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{argument}: expected a folder that can be written, and a name that will do:"
            f" {error.strerror}",
            str(path),
        ) from error


def _part(path: Path) -> Path:
    """Where ``path`` is written before it has its name: no two writers have the same place."""
    return path.with_name(f".{path.name}{PART}{secrets.token_hex(4)}")


def is_part(path: Path) -> bool:
    """Whether it is what a killed writer left, or one that still writes."""
    return path.name.startswith(".") and PART in path.name


def remove_stale(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder."""
    for path in filter(is_part, folder.glob(".*")):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink()


def sync(folder: Path) -> None:
    """Wait until all that lies in a folder is on the disk: a loss of power leaves it as it is.

    Raises:
        OSError: the disk failed.
    """
    for place, _, names in os.walk(folder):
        paths = [os.path.join(place, name) for name in names]
        if os.name != "nt":  # where folders cannot be synced
            paths.append(place)
        for path in paths:
            try:
                handle = os.open(path, os.O_RDONLY)
            except FileNotFoundError:  # another process, which ends the same run, has removed it
                continue
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside ``path``, flush to the disk, then rename over it.

    Its folder is made if need be; and made again if another process, which ends the same run
    just now, removes it meanwhile.
    """
    for _ in range(AGAIN):
        with suppress(FileNotFoundError):
            return _write(path, content)
    return _write(path, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def json_bytes(facts: Any) -> bytes:
    """Facts as a text file for people too."""
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()


def file_name(name: str) -> str:
    """A name with nothing but letters, digits and underscores, of at most 40."""
    return "".join(c if c.isalnum() else "_" for c in name)[:40]


def as_bytes(images: Tensor) -> Tensor:
    """Images in [0, 1] of any shape as 8-bit numbers, uint8."""
    return (images * 255).round().to(torch.uint8)


def write_png(path: Path, image: Tensor) -> None:
    """An image ``[C, H, W]`` in [0, 1] as a PNG of 8 bits.

    Other channels than one (grey) or three (colour) stand side by side in grey: a PNG would take
    the second or the fourth for transparency.
    """
    if len(image) not in (1, 3):
        image = image.permute(1, 0, 2).flatten(1)[None]
    pixels = as_bytes(image).permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path)


def read_png(path: Path, channels: int | None = None) -> Tensor:
    """A PNG as float32 ``[C, H, W]`` in [0, 1].

    Args:
        path: a file of ``write_png``.
        channels: C; by default what the file has, which other numbers than 1 and 3 are not seen
            in.

    Raises:
        TypeError, ValueError: no path; channels that the file does not have.
        OSError: no such file, or no picture.
    """
    path = path_of(path, "path")
    if channels is not None:
        channels = check_count(channels, "channels")
    with Image.open(path) as opened:
        pixels = torch.from_numpy(np.array(opened))
    pixels = (pixels[:, :, None] if pixels.ndim == 2 else pixels).permute(2, 0, 1).float().div(255)
    if channels is not None and channels != len(pixels):
        if pixels.shape[2] % channels:
            raise ValueError(f"channels: expected those of {path}, got {channels}")
        pixels = pixels[0].unflatten(1, (channels, -1)).permute(1, 0, 2)
    return pixels


def save_tensors(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Tensors and a JSON-able description of them in one safetensors file, atomically."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # one entry: safetensors writes several in an order of its own, and equal runs are equal files
    facts = {**facts, FORMAT: 2}
    about = json.dumps({**facts, DIGEST: _digest(contiguous, facts)})
    write_atomically(path, save(contiguous, metadata={"foolkit": about}))


def _digest(tensors: dict[str, Tensor], facts: dict[str, Any] | None = None) -> str:
    """Of names and numbers, and of facts, types and shapes: a flipped bit changes it."""
    digest = hashlib.blake2b(digest_size=16)
    if facts is not None:
        digest.update(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        if facts is not None:
            digest.update(f"{tensors[name].dtype} {list(tensors[name].shape)}".encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_tensors(path: Path, argument: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What ``save_tensors`` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: truncated, corrupt, or not written by foolkit.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{argument}: expected a file, found none at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["foolkit"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if not isinstance(facts, dict):
            raise ValueError("no description of its tensors")
        written = facts.pop(DIGEST, None)  # the oldest files have none
        known = facts if FORMAT in facts else None
        if (written is not None or known) and written != _digest(tensors, known):
            raise ValueError("what it holds is not what was written")
        facts.pop(FORMAT, None)
        return tensors, facts
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{argument}: expected a complete safetensors file written by foolkit,"
            f" got {path} ({error})"
        ) from error
