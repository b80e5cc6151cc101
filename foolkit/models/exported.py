"""Programs written by ``torch.export.save``: what is in the file is checked before it is loaded.

torch's own loader unpickles what a ``.pt2`` file asks it to unpickle, evaluates the expressions
in it, and looks up the functions that it names. Here the archive is read first, by the reader
that torch uses and from the very bytes that torch then gets, and refused if it holds anything but
plain tensors, arithmetic of sizes, and calls of the operators of ``foolkit.models.operators``.

What that promises: nothing is unpickled, and no Python of the file's runs. What it does not: the
operators are programs in C++ of which one may have a fault, and a program may ask for more memory
or time than there is, so that a hostile file may still crash the process or fill the machine. Nor
are an unknown file's answers worth anything.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foolkit.checks import check_flag, image_shape
from foolkit.models.operators import is_allowed

MOST = 2**31
PLAIN = {None, "builtins.tuple", "builtins.list", "builtins.dict"}  # containers of arguments
PROSE = {"metadata", "guards_code", "as_string", "as_strings", "torch_version"}  # never code here
NAME = re.compile(r"[\w.]*", re.ASCII)
SIZES = {
    "Symbol", "Integer", "Max", "Min", "Abs", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or",
    "Not", "FloorDiv", "CleanDiv", "CeilDiv", "ModularIndexing", "Where", "PythonMod", "Mod",
    "Add", "Mul", "IntTrueDiv", "CeilToInt", "FloorToInt", "TruncToInt",
    "Identity",
}  # fmt: skip
ARITHMETIC = (
    ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.BinOp,
    ast.UnaryOp, ast.Compare, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.unaryop, ast.cmpop,
)  # fmt: skip
LONGEST = 1000  # characters of an expression; torch's own have some tens
HIGHEST = 8  # exponent in an expression
SYMBOL = re.compile(r"[suz]{1,2}\d{1,4}|oo|int_oo", re.ASCII)
ENDLESS = re.compile(r"[suz]{1,2}\d{5,}", re.ASCII)  # torch makes all symbols up to the number


class Exported(nn.Module):
    """A program of ``torch.export`` as a module for any number of images.

    A program whose batch is fixed, or has a least or a greatest size, gets batches that it takes:
    the images in parts, the last of them filled up with copies of an image, whose answers are cut
    off. Modes mean nothing to a program; ``.eval()`` and ``.train()`` do nothing.

    Args:
        program: from images float32 ``[N, C, H, W]`` to logits ``[N, K]``.
        source: how errors call it.

    Raises:
        TypeError, ValueError: a program of other inputs or outputs.
    """

    def __init__(self, program: torch.export.ExportedProgram, source: str) -> None:
        super().__init__()
        images = _only_input(program, source)
        self.input_shape = image_shape(images.shape[1:])
        self.least, self.most = _batches(program, images.shape[0], source)
        free = "check_guards" in inspect.signature(program.module).parameters
        # the guards are Python source of the file; what they guard is checked by the contract
        self.program = program.module(**({"check_guards": False} if free else {}))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        if self.least <= len(images) <= self.most:
            return self.program(images)
        return torch.cat([self._filled(part) for part in images.split(self.most)])

    def _filled(self, images: Tensor) -> Tensor:
        missing = self.least - len(images)
        if missing <= 0:
            return self.program(images)
        filling = images[-1:].expand(missing, *images.shape[1:])
        return self.program(torch.cat([images, filling]))[: len(images)]

    def train(self, mode: bool = True) -> Exported:
        """The flag alone: programs refuse to be told their mode."""
        self.training = mode
        return self


def load_exported(
    path: Path, *, trust: bool = False, device: torch.device | str = "cpu"
) -> Exported:
    """A ``.pt2`` file as a module; nothing of it is unpickled or evaluated unless ``trust``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a program, refused without trust, or of other inputs than images.
        TypeError: a program for other numbers than float32.
    """
    check_flag(trust, "trust")
    if not path.is_file():
        raise FileNotFoundError(f"source: expected a .pt2 file, found none at {path}")
    content = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ValueError(f"source: expected a program of torch.export, got another file: {path}")
    if not trust:
        _check(content, path)
    try:
        with _quiet():
            program = torch.export.load(io.BytesIO(content))
            if torch.device(device).type != "cpu":
                from torch.export.passes import move_to_device_pass

                program = move_to_device_pass(program, str(device))
    except Exception as error:  # torch's loader raises whatever a damaged file makes it raise
        raise ValueError(
            f"source: torch {torch.__version__} cannot load the program {path}:"
            f" {_first_line(error)}"
        ) from error
    return Exported(program, str(path))


def _check(content: bytes, path: Path) -> None:
    """Raise ``ValueError`` for an archive whose loading would run code of the file's."""

    def refuse(what: str) -> None:
        raise ValueError(
            f"source: {path} {what}, which could run any code on this machine; trust=True loads"
            " it all the same (do so only if you know who made the file)"
        )

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise _incomplete(path, error) from error
    if any(entry.filename == "version" for entry in entries):  # everything in it is pickled
        refuse("is of the format before torch 2.8, which is unpickled")
    sizes = [entry.file_size for entry in entries]
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(sizes) > len(content)
    ):
        raise ValueError(
            f"source: expected a program as torch.export.save writes it, got {path}: it is"
            " compressed, and may be of any size; trust=True loads it all the same"
        )
    try:
        reader = torch._C.PyTorchFileReader(io.BytesIO(content))
        names = reader.get_all_records()
        model, weights, constants = (
            json.loads(reader.get_record(name))
            for name in (
                "models/model.json",
                "data/weights/model_weights_config.json",
                "data/constants/model_constants_config.json",
            )
        )
        samples = reader.get_record("data/sample_inputs/model.pt")
    except (RuntimeError, ValueError, RecursionError) as error:
        raise _incomplete(path, error) from error
    if {entry.filename.partition("/")[2] for entry in entries} != set(names):
        raise _incomplete(path, ValueError("two tables of contents"))
    try:
        _check_records(refuse, names, model, weights, constants, samples)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _incomplete(path, error) from error


def _incomplete(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"source: expected a complete program of torch.export (torch 2.8 or newer), got {path}:"
        f" {_first_line(error)}"
    )


def _check_records(
    refuse: Callable[[str], None],
    names: list[str],
    model: Any,
    weights: Any,
    constants: Any,
    samples: bytes,
) -> None:
    """Refuse what is in the records of a program, if it is more than it needs."""
    for name in names:
        if name.startswith("models/") and name != "models/model.json":
            refuse("holds more than one program")
        if name.startswith("data/aotinductor/"):
            refuse("holds compiled code")
        if name in ("data/weights/model.pt", "data/constants/model.pt"):
            refuse(f"holds pickled tensors ({name})")
    for kind, config in (("weight", weights), ("constant", constants)):
        for name, about in config["config"].items():
            if about["use_pickle"] or not re.fullmatch(r"(weight|tensor)_\d+", about["path_name"]):
                refuse(f"holds a pickled {kind} ({name})")
    if samples:
        try:
            torch.load(io.BytesIO(samples), weights_only=True)
        except Exception:  # whatever it is, torch would go on to unpickle it
            refuse("holds pickled sample inputs that are not plain tensors")
    for complaint in _complaints(model):
        refuse(complaint)
    for config in (weights, constants):
        for complaint in _complaints(list(config["config"])):
            refuse(complaint)


def _complaints(part: Any, key: str = "") -> Iterator[str]:
    """What in a program's description is more than operators, names and arithmetic.

    torch writes Python source from it, so that a name which is none would be code.
    """
    if isinstance(part, dict):
        for name, value in part.items():
            if name not in PROSE:
                yield from _complaints(name, "name")
                yield from _complaints(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from _complaints(value, key)
    elif isinstance(part, str):
        if key in ("target", "as_operator"):
            if not is_allowed(part):
                yield f"calls {part[:60]!r}, which is not an operator of inference"
        elif key == "expr_str":
            if not _is_arithmetic(part):
                yield f"holds an expression that is no arithmetic ({part[:60]!r})"
        elif key in ("in_spec", "out_spec"):
            if not _is_plain(json.loads(part)):
                yield "takes or gives something else than plain containers of tensors"
        elif key in ("as_float", "as_floats") and part in ("Infinity", "-Infinity", "NaN"):
            pass  # numbers that JSON has no sign for
        elif not NAME.fullmatch(part) or ENDLESS.fullmatch(part):
            yield f"holds a name that is none ({part[:60]!r})"


def _is_arithmetic(text: str) -> bool:
    """Whether an expression has numbers, symbols and known functions of them, and is quickly done.

    Powers have a small constant exponent and are not of powers: ``9**9**9`` fills the memory.
    """
    if len(text) > LONGEST:
        return False
    try:
        nodes = list(ast.walk(ast.parse(text.strip(), mode="eval")))
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return False
    for node in nodes:
        if not isinstance(node, ARITHMETIC):
            return False
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in SIZES
        ):
            return False
        if isinstance(node, ast.Name) and not (node.id in SIZES or SYMBOL.fullmatch(node.id)):
            return False
        if isinstance(node, ast.Constant) and not (
            (isinstance(node.value, (bool, int, float)) and abs(node.value) <= 2**63)
            or (
                isinstance(node.value, str)
                and re.fullmatch(r"\w+", node.value, re.ASCII)
                and not ENDLESS.fullmatch(node.value)
            )
        ):
            return False
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            exponent = getattr(node.right, "value", None)
            if type(exponent) is not int or not 0 <= exponent <= HIGHEST:
                return False
            if any(isinstance(below, ast.Pow) for below in ast.walk(node.left)):
                return False
    return True


def _is_plain(spec: Any) -> bool:
    """Whether a pytree's description has nothing but tuples, lists and dicts of strings."""
    if isinstance(spec, list):
        return all(isinstance(part, int) or _is_plain(part) for part in spec)
    if not isinstance(spec, dict) or spec.get("type") not in PLAIN:
        return False
    context = spec.get("context")
    keys = json.loads(context) if isinstance(context, str) else context
    plain = keys is None or (isinstance(keys, list) and all(isinstance(k, str) for k in keys))
    return plain and _is_plain(spec.get("children_spec", []))


def _only_input(program: torch.export.ExportedProgram, source: str) -> Tensor:
    """The program's one input, as a tensor without content."""
    wanted = set(program.graph_signature.user_inputs)
    found = [
        node.meta.get("val")
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in wanted
    ]
    if len(found) != 1 or not isinstance(found[0], Tensor):
        raise ValueError(
            f"source: expected a program of one input, images, got {len(found)}: {source}"
        )
    images = found[0]
    if images.ndim != 4 or not all(isinstance(size, int) for size in images.shape[1:]):
        raise ValueError(
            "source: expected a program for images [N, C, H, W] of fixed C, H and W,"
            f" got {list(images.shape)}: {source}"
        )
    if images.dtype != torch.float32:
        raise TypeError(
            f"source: expected a program for float32 images in [0, 1], got {images.dtype}: {source}"
        )
    return images


def _batches(
    program: torch.export.ExportedProgram, size: int | torch.SymInt, source: str
) -> tuple[int, int]:
    """The least and the greatest batch that the program takes."""
    if isinstance(size, int):
        return size, size
    symbol = size.node.expr
    limits = program.range_constraints.get(symbol)
    if not symbol.is_Symbol or limits is None:
        raise ValueError(f"source: expected a fixed or a free batch size, got {symbol}: {source}")
    return max(1, int(limits.lower)), int(min(MOST, limits.upper))


@contextmanager
def _quiet() -> Iterator[None]:
    """torch logs what it also raises; once is enough."""
    loggers = [logging.getLogger(name) for name in ("torch.export", "torch._export")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
