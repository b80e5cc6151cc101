"""Networks in files of other kinds than torch.export's: ONNX, TorchScript, pickled modules."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

from foolkit._torchvision import import_torchvision
from foolkit.extras import needs

Shape = tuple[int, int, int]
EXPORT = (
    "where the network was made, torch.export.save(torch.export.export(net.eval(), (images,),"
    ' strict=True), "net.pt2") writes one that needs no converter'
)


def load_onnx(path: Path) -> tuple[nn.Module, Shape | None]:
    """A graph of ONNX as a module, and the shape of its images, if the graph fixes it.

    Raises:
        FileNotFoundError: no such file.
        ModuleNotFoundError: the extra ``onnx`` is not installed.
        ValueError: no graph, of more or other inputs than images, or with an operator that
            onnx2torch does not know.
    """
    if not path.is_file():
        raise FileNotFoundError(f"source: expected a graph of ONNX, found no file at {path}")
    needs("onnx2torch", "onnx")
    import_torchvision()  # which onnx2torch imports
    import onnx
    import onnx2torch

    try:
        graph = onnx.load(str(path))
    except Exception as error:  # protobuf raises errors of its own
        raise ValueError(f"source: expected a graph of ONNX, got {path} ({error})") from error
    weights = {tensor.name for tensor in graph.graph.initializer}
    inputs = [one for one in graph.graph.input if one.name not in weights]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise ValueError(
            f"source: expected one input of images [N, C, H, W], got {len(inputs)} inputs: {path}"
        )
    try:
        module = onnx2torch.convert(graph)
    except NotImplementedError as error:
        raise ValueError(f"source: onnx2torch cannot convert {path} ({error}); {EXPORT}") from error
    _, *sizes = (dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim)
    fixed: Shape | None = (sizes[0], sizes[1], sizes[2]) if all(sizes) else None
    return module, fixed


def is_script(path: Path) -> bool:
    """Whether a file is an archive of TorchScript."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("constants.pkl") for name in archive.namelist())


def load_script(path: Path) -> tuple[nn.Module, None]:
    """A program of TorchScript, which may do what a program may: of a trusted file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript itself
        return torch.jit.load(str(path), map_location="cpu"), None


def load_pickled(path: Path) -> tuple[nn.Module, None]:
    """A module that was pickled whole, which runs code: of a trusted file.

    Raises:
        ValueError: something else.
    """
    try:
        module = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # a pickle raises whatever it meets
        raise ValueError(f"source: expected a pickled module, got {path} ({error})") from error
    if not isinstance(module, nn.Module):
        what = type(module).__name__
        raise ValueError(
            f"source: expected a pickled module, got {what} in {path}: a state dict needs its"
            " architecture, 'torchvision:NAME' with weights, or 'package.module:factory'"
        )
    return module, None
