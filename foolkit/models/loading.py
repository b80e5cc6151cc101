"""Any network by a word: shipped, torchvision's, an exported program, or a factory in Python."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from foolkit._torchvision import import_torchvision
from foolkit.checks import check_flag, device_named, image_shape
from foolkit.models import family, mtcnn, shipped, squeezenet
from foolkit.models.adapted import Channels, Layout, Normalised, Outputs, adapted
from foolkit.models.classifier import Classifier, class_names
from foolkit.models.door import answer, check_table, evaluating, two_of_one
from foolkit.models.estimators import Estimator
from foolkit.models.exported import load_exported
from foolkit.models.foreign import is_script, load_onnx, load_pickled, load_script
from foolkit.models.precision import channels_last

FORMS = "or a .pt2 file, 'torchvision:NAME', 'timm:NAME', or 'package.module:factory'"
LIBRARIES = ("torchvision", "timm")  # whose networks have a name
IMAGENET = 1000
SHOWN = 6  # keys of a state dict that an error lists
# what torchvision sets for these when it loads their weights itself
QUIRKS = {
    name: {"transform_input": True, "aux_logits": True, "init_weights": False}
    for name in ("googlenet", "inception_v3")
}


def load(
    source: str | Path | nn.Module,
    device: torch.device | str = "cpu",
    *,
    weights: str | Path | None = None,
    classes: Sequence[str] | int | None = None,
    input_shape: tuple[int, int, int] | None = None,
    name: str | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    pixel_range: Sequence[float] = (0, 1),
    channels: Channels = "RGB",
    layout: Layout = "NCHW",
    outputs: Outputs = "logits",
    trust: bool = False,
) -> Classifier:
    """A network, in evaluation mode, that takes images in [0, 1].

    ====================================  =====================================================
    ``"lenet"``                           shipped with the package (``available()``)
    ``"family/tanh-1"``                   of 21 small networks of digits: seven designs, three
                                          seeds of each (``foolkit.models.family.NAMES``)
    ``"squeezenet1_1"``                   1000 classes of ImageNet, for 224 x 224 pixels or
                                          ``input_shape``; needs ``foolkit[photographs]``
    ``"mtcnn-proposal"``, ``-refine``,    a face or none, of 12, 24 or 48 pixels; needs
    ``-output``                           ``pip install --no-deps facenet-pytorch==2.6.0``
    ``"torchvision:squeezenet1_0"``       torchvision's, with its normalisation inside. Its own
                                          weights, downloaded unless they were; or ``weights``
    ``"timm:resnet18.a1_in1k"``           likewise timm's, where timm is installed; its own weights
                                          as timm loads them
    ``"net.pt2"``                         a program of ``torch.export.save``, of fixed or free
                                          batch, from float32 images in [0, 1] to logits
    ``"net.onnx"``                        a graph of ONNX; needs ``foolkit[onnx]``
    ``"net.pt"``                          a program of TorchScript or a pickled module, together
                                          with ``input_shape``; only with ``trust``
    ``"package.module:factory"``          what this Python function returns: a ``Classifier``,
                                          or a module together with ``input_shape``, or a fitted
                                          estimator of scikit-learn with ``predict_proba``
    a module, an estimator                your own, together with ``input_shape``
    ====================================  =====================================================

    Nothing is unpickled unless ``trust``: state dicts are safetensors, or loaded with
    ``weights_only=True``; the archive of a program is checked first, and refused if its loading
    could run code (see ``foolkit.models.exported``). A factory is code, which its name asks for.

    Args:
        source: one of these.
        device: where the network goes.
        weights: of torchvision's and timm's networks: a state dict, ``.safetensors`` or else
            torch's own format, or the name of one of torchvision's (``"IMAGENET1K_V2"``).
        classes: the K names, or K. By default those that come with the network; ImageNet's for 1000
            classes; else ``"0"`` to ``"K-1"``. K is what the network or state dict has.
        input_shape: ``(C, H, W)``, where the network itself does not say.
        name: how tables and files call it; by default made from ``source``.
        mean, std, pixel_range, channels, layout, outputs: as for ``Classifier``, of a network in a
            file, a factory or a module.
        trust: load even what is unpickled.

    Raises:
        FileNotFoundError: no such file; the package of the network's weights is not installed.
        ModuleNotFoundError: timm is not installed.
        ValueError: an unknown name, a file that is refused or does not fit (which keys, which
            shape); an argument that this kind of source does not take.
        TypeError: a program of another dtype, a factory that returns something else.
        FloatingPointError: the network's answer is NaN or infinite.
    """
    if hasattr(source, "predict_proba"):
        source = Estimator(source, type(source).__name__)
    if not isinstance(source, (str, os.PathLike, nn.Module)):
        raise TypeError(f"source: expected a name, a path or a module, got {type(source).__name__}")
    check_flag(trust, "trust")
    device = device_named(device)
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name: expected a word, got {name!r}")
    if classes is not None:
        classes = class_names(classes)
    if input_shape is not None:
        input_shape = image_shape(input_shape, "input_shape")
    if isinstance(source, nn.Module):
        text, kind = type(source).__name__, "module"
    else:
        text = os.fspath(source)
        kind = _kind(text, trust)
    own: dict[str, Any] = {
        "mean": mean, "std": std, "pixel_range": pixel_range, "channels": channels,
        "layout": layout, "outputs": outputs,
    }  # fmt: skip
    if kind in ("shipped", *LIBRARIES):
        for option, value in own.items():
            if value not in (None, (0, 1), "RGB", "NCHW", "logits"):
                raise ValueError(f"{option}: expected none, as {text!r} has its own, got {value!r}")
    if weights is not None and kind not in LIBRARIES:
        raise ValueError(
            f"weights: expected only with 'torchvision:NAME' or 'timm:NAME', got it with {text!r}"
        )
    if kind == "shipped":
        return _shipped(text, device, classes, input_shape, name)
    named: Sequence[str] | None = None
    module: nn.Module
    if kind == "program":
        program = load_exported(Path(text), trust=trust, device=device)
        module, shape, called = program, program.input_shape, Path(text).stem
    elif kind in ("onnx", "script", "pickle"):
        module, fixed = {"onnx": load_onnx, "script": load_script, "pickle": load_pickled}[kind](
            Path(text)
        )
        called = Path(text).stem
        if fixed is not None and layout == "NHWC":
            fixed = (fixed[2], fixed[0], fixed[1])
        module, shape, called, named = _taken(module, fixed or input_shape, called)
    elif kind in LIBRARIES:
        called = text.partition(":")[2]
        of = _torchvision if kind == "torchvision" else _timm
        module, shape, named = of(called, weights, classes, trust, input_shape)
    elif isinstance(source, nn.Module):
        module, shape, called, named = _taken(source, input_shape, text)
    else:
        module, shape, called, named = _made(text, input_shape)
    if kind == "program" and layout == "NHWC":
        shape = (shape[2], shape[0], shape[1])
    if kind not in LIBRARIES and input_shape is not None and tuple(input_shape) != tuple(shape):
        raise ValueError(
            f"input_shape: the network takes {tuple(shape)}, got {tuple(input_shape)}: {text}"
        )
    module = adapted(module.to(device), shape[0], **own).to(device)
    count = _classes_of(module, shape, device, text)
    if classes is None:
        classes = named or (
            imagenet_classes() if count == IMAGENET else list(map(str, range(count)))
        )
    if len(classes) != count:
        raise ValueError(f"classes: the network {text!r} has {count}, got {len(classes)} names")
    return Classifier(module, input_shape=shape, classes=classes, name=name or called).eval()


def imagenet_classes() -> tuple[str, ...]:
    """The 1000 names of ImageNet's classes, from torchvision's description of its weights."""
    models = import_torchvision().models
    return tuple(models.SqueezeNet1_0_Weights.IMAGENET1K_V1.meta["categories"])


def _kind(text: str, trust: bool) -> str:
    for library in LIBRARIES:
        if text.startswith(f"{library}:"):
            return library
    if text.lower().endswith(".pt2"):
        return "program"
    if text.lower().endswith(".onnx"):
        return "onnx"
    module, _, factory = text.partition(":")
    if factory.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return "factory"
    if Path(text).is_file():
        if trust:
            return "script" if is_script(Path(text)) else "pickle"
        raise ValueError(
            f"source: expected a program of torch.export (.pt2), got {_what_it_is(Path(text))}"
        )
    return "shipped"


def _what_it_is(path: Path) -> str:
    """What kind of file this is, and the line that makes a network of it."""
    ending = path.suffix.lower()
    ready = "load(module, input_shape=(C, H, W))"
    own = f"in Python, build the network, load them into it, and {ready} takes it"
    if ending in (".keras", ".h5"):
        return (
            "a network of Keras: in Python with KERAS_BACKEND=torch, module ="
            f" keras.saving.load_model({str(path)!r}); load(module, input_shape=(C, H, W),"
            " layout='NHWC', outputs='probabilities')"
        )
    trusted = "trust=True (--trust) together with input_shape loads it"
    if is_script(path):
        return f"a program of TorchScript: if you made it, {trusted}"
    try:
        state = _state_dict(path, trust=False)
    except ValueError:
        return f"no state dict, so a pickled module or a damaged file: if you made it, {trusted}"
    return (
        f"a state dict of {len(state)} tensors ({_some(list(state))}), which needs its"
        f" architecture: 'torchvision:NAME' with weights={str(path)!r}; of any other network, {own}"
    )


def _shipped(
    text: str,
    device: torch.device | str,
    classes: Sequence[str] | None,
    input_shape: tuple[int, int, int] | None,
    name: str | None,
) -> Classifier:
    if text == squeezenet.NAME:
        net = squeezenet.load(device, input_shape or (3, squeezenet.SIZE, squeezenet.SIZE))
        return _renamed(net, classes, name)
    if text in mtcnn.NAMES:
        net = mtcnn.load(text, device)
        if input_shape is not None and input_shape != net.input_shape:
            raise ValueError(f"input_shape: {text!r} takes {net.input_shape}, got {input_shape}")
        return _renamed(net, classes, name)
    member = text.startswith(family.PREFIX)
    try:
        if member:
            family.design_of(text.removeprefix(family.PREFIX))
        else:
            shipped.check_name(text)
    except ValueError as error:
        if member:
            raise
        raise ValueError(f"{error}, {squeezenet.NAME}, {', '.join(mtcnn.NAMES)}; {FORMS}") from None
    if input_shape is not None and tuple(input_shape) != (1, 28, 28):
        raise ValueError(f"input_shape: {text!r} takes (1, 28, 28), got {tuple(input_shape)}")
    if member:
        return _renamed(family.load(text.removeprefix(family.PREFIX), device), classes, name)
    return _renamed(shipped.load(text, device), classes, name)


def _renamed(net: Classifier, classes: Sequence[str] | None, name: str | None) -> Classifier:
    if name is None and classes is None:
        return net
    if classes is not None and len(classes) != len(net.classes):
        raise ValueError(
            f"classes: the network {net.name!r} has {len(net.classes)}, got {len(classes)} names"
        )
    return Classifier(
        net.module,
        input_shape=net.input_shape,
        classes=classes or net.classes,
        name=name or net.name,
    ).eval()


def _torchvision(
    name: str,
    weights: str | Path | None,
    classes: Sequence[str] | None,
    trust: bool,
    input_shape: tuple[int, int, int] | None,
) -> tuple[nn.Module, tuple[int, int, int], Sequence[str] | None]:
    """The network, the images that it takes, and its class names if these are its own weights."""
    models = import_torchvision().models
    if name not in models.list_models(module=models):
        near = _near(name, models.list_models(module=models), "torchvision.models.list_models()")
        raise ValueError(f"source: torchvision has no classifier {name!r}; {near}")

    def made(count: int) -> nn.Module:
        # not with weights=..., which would unpickle
        network: nn.Module = models.get_model(
            name, weights=None, num_classes=count, **QUIRKS.get(name, {})
        )
        return network

    known = models.get_model_weights(name)
    member = known.DEFAULT
    file = None
    if weights is not None:
        if str(weights) in known.__members__:
            member = known[str(weights)]
        else:
            file = Path(weights)
    named = member.meta["categories"]
    if file is not None:
        state = _state_dict(file, trust)
        if classes is None:
            count = _count_in(state, made)
            named = named if count is None or count == len(named) else class_names(count)
        else:
            named = classes
    else:
        try:
            state = member.get_state_dict(progress=True, check_hash=True, weights_only=True)
        except (OSError, RuntimeError) as error:
            raise FileNotFoundError(
                f"source: the weights of torchvision's {name} are not on this machine, and could"
                f" not be downloaded ({error}); weights=PATH takes a state dict from disk"
            ) from error
    network = made(len(named))
    _fit(network, state, name if weights is None else str(weights))
    channels_last(network).requires_grad_(False)
    as_trained = member.transforms()
    size = as_trained.crop_size[0]
    shape = (3, size, size) if input_shape is None else input_shape
    return Normalised(network, as_trained.mean, as_trained.std), shape, named


def _timm(
    name: str,
    weights: str | Path | None,
    classes: Sequence[str] | None,
    trust: bool,
    input_shape: tuple[int, int, int] | None,
) -> tuple[nn.Module, tuple[int, int, int], Sequence[str] | None]:
    """The network, the images that it takes, and its class names if they were given."""
    import_torchvision()  # timm imports it too
    try:
        timm = importlib.import_module("timm")
        data = importlib.import_module("timm.data")
    except ModuleNotFoundError as error:
        if error.name not in ("timm", "timm.data"):
            raise  # found, but something that it imports was not
        raise ModuleNotFoundError(
            f"timm: expected it to be installed for 'timm:{name}', it is not: pip install timm",
            name="timm",
        ) from None
    if not timm.is_model(name):
        near = _near(name, timm.list_models(), "timm.list_models()")
        raise ValueError(f"source: timm has no classifier {name!r}; {near}")

    def made(count: int | None) -> nn.Module:
        more = {} if count is None else {"num_classes": count}
        network: nn.Module = timm.create_model(name, pretrained=False, **more)
        return network

    if weights is None:
        try:
            network: nn.Module = timm.create_model(name, pretrained=True)
        except (OSError, RuntimeError) as error:
            raise FileNotFoundError(
                f"source: the weights of timm's {name} are not on this machine, and could not be"
                f" downloaded ({error}); weights=PATH takes a state dict from disk"
            ) from error
    else:
        state = _state_dict(Path(weights), trust)
        network = made(len(classes) if classes else _count_in(state, made))
        _fit(network, state, str(weights))
    channels_last(network).requires_grad_(False)
    as_trained = data.resolve_model_data_config(network)
    shape = as_trained["input_size"] if input_shape is None else input_shape
    return Normalised(network, as_trained["mean"], as_trained["std"]), tuple(shape), classes


def _count_in(state: Mapping[str, Tensor], made: Callable[[int], nn.Module]) -> int | None:
    """How many classes a state dict of this architecture is for: rows of what grows with them."""
    with torch.device("meta"):
        shapes = [
            {key: tensor.shape for key, tensor in made(k).state_dict().items()} for k in (2, 3)
        ]
    grow = [key for key, shape in shapes[0].items() if shape != shapes[1][key] and key in state]
    return len(state[grow[-1]]) if grow and state[grow[-1]].ndim else None


def _near(name: str, known: Sequence[str], listed: str) -> str:
    """Names that are nearly this one, or what lists them all."""
    import difflib

    near = difflib.get_close_matches(name, known, 3)
    return f"did you mean {', '.join(near)}?" if near else f"see {listed}"


def _state_dict(path: Path, trust: bool) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"weights: expected a state dict, found no file at {path}")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(
                f"weights: expected a complete safetensors file, got {path} ({error})"
            ) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=not trust)
    except Exception as error:  # a damaged pickle raises whatever it meets
        raise ValueError(
            f"weights: {path} is no state dict of plain tensors that torch can read without"
            " running code from it; trust=True unpickles it (only if you know who made it)"
        ) from error
    if isinstance(state, Mapping):
        for key in ("state_dict", "model_state_dict", "model"):  # what training scripts save
            if isinstance(state.get(key), Mapping):
                state = state[key]
                break
        if state and all(isinstance(k, str) and k.startswith("module.") for k in state):
            state = {k.removeprefix("module."): v for k, v in state.items()}  # of DataParallel
    if not isinstance(state, Mapping) or not all(
        isinstance(v, Tensor) and v.layout == torch.strided and not v.is_quantized
        for v in state.values()
    ):
        raise ValueError(
            "weights: expected a state dict, from names to dense tensors,"
            f" got {type(state).__name__}: {path}"
        )
    return state


def _fit(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load a state dict that fits whole, or say which keys do not."""
    own = network.state_dict()
    other = [
        f"{key} is {list(state[key].shape)} there, {list(own[key].shape)} here"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems = (
        ("missing", [key for key in own if key not in state]),
        ("unknown", [key for key in state if key not in own]),
        ("of another shape", other),
    )
    listed = "; ".join(f"{what}: {_some(keys)}" for what, keys in problems if keys)
    if listed:
        raise ValueError(f"weights: {source} does not fit the architecture; {listed}")
    network.load_state_dict(state)


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more


def _made(
    text: str, input_shape: tuple[int, int, int] | None
) -> tuple[nn.Module, tuple[int, int, int], str, Sequence[str] | None]:
    """What a factory returns: the module, its images, its name, its class names."""
    where, _, factory = text.partition(":")
    try:
        make: Callable[[], Any] = getattr(importlib.import_module(where), factory)
    except ModuleNotFoundError as error:
        if error.name is not None and not f"{where}.".startswith(f"{error.name}."):
            raise  # found, but something that it imports was not
        raise ValueError(
            f"source: no module {where!r} in {sys.path[0] or 'this folder'} or installed"
        ) from error
    except AttributeError as error:
        raise ValueError(f"source: the module {where!r} has no {factory!r}") from error
    made = make() if not isinstance(make, nn.Module) and callable(make) else make
    if hasattr(made, "predict_proba"):
        made = Estimator(made, factory)
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"source: expected {text} to return a torch.nn.Module, got {type(made).__name__}"
        )
    return _taken(made, input_shape, factory)


def _taken(
    made: nn.Module, input_shape: tuple[int, int, int] | None, name: str
) -> tuple[nn.Module, tuple[int, int, int], str, Sequence[str] | None]:
    """A module, its images, its name, its class names."""
    if isinstance(made, Classifier):
        return made.module, made.input_shape, made.name, made.classes
    shape = getattr(made, "input_shape", input_shape)
    if shape is None:
        raise ValueError(
            f"input_shape: expected (channels, height, width), as the module {name} does not say"
        )
    return made, tuple(shape), name, None


def _classes_of(
    module: nn.Module, shape: tuple[int, int, int], device: torch.device | str, text: str
) -> int:
    """How many classes there are, once the answer to an image of noise has been looked at.

    Noise, since a network that divides by an image's own deviation has no answer to a plain one.
    """
    draws = torch.Generator().manual_seed(0)
    noise = torch.rand((1, *shape), generator=draws, dtype=torch.float32).to(device)
    with torch.inference_mode(), evaluating(module):
        try:
            logits = answer(module, noise)
            logits = two_of_one(logits) if logits.numel() == 1 else logits
            check_table(logits, 1)
        except (TypeError, ValueError) as error:
            if isinstance(error.__cause__, RuntimeError):  # of PyTorch, in the network
                raise ValueError(
                    f"input_shape: {text} failed on images of shape {list(shape)}:"
                    f" {str(error.__cause__).strip().splitlines()[0]}"
                ) from error
            raise type(error)(f"source: {text}: {error}") from error
    if not logits.isfinite().all():
        raise FloatingPointError(
            f"source: expected finite logits of an image of noise, got NaN or infinity: {text}"
        )
    return logits.shape[1]
