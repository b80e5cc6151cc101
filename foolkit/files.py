"""Files that are either the old version or the new one, never a part of one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor


def check_writable(path: Path, argument: str) -> None:
    """Raise ``OSError`` now, and not after an hour of work, if ``path`` cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{argument}: expected a folder that can be written: {error.strerror}",
            str(path.parent),
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside ``path``, flush to the disk, then rename over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
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
    """An image ``[C, H, W]`` in [0, 1] as a PNG of 8 bits."""
    pixels = as_bytes(image).permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path)


def read_png(path: Path) -> Tensor:
    """A PNG as float32 ``[C, H, W]`` in [0, 1]."""
    pixels = torch.from_numpy(np.array(Image.open(path)))
    return (pixels[:, :, None] if pixels.ndim == 2 else pixels).permute(2, 0, 1).float().div(255)


def save_tensors(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Tensors and a JSON-able description of them in one safetensors file, atomically."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, metadata={"foolkit": json.dumps(facts)}))


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
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"{argument}: expected a complete safetensors file written by foolkit,"
            f" got {path} ({error})"
        ) from error
