"""The options that several commands of ``foolkit`` share, and the network that they name."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import foolkit as fk

if TYPE_CHECKING:
    from foolkit.models import Classifier
    from foolkit.models.adapted import Channels, Layout, Outputs

Decorated = Callable[..., Any]
PATHS = ("model", "weights", "classes", "images", "labels")  # options that may name a file


def _device(context: click.Context, __: click.Parameter, value: str | None) -> str:
    import torch

    if value is None:
        value = "cuda" if torch.cuda.is_available() else "cpu"
        click.echo(f"device: {value}", err=context.params.get("as_json", False))
    try:
        torch.zeros(1, device=value).item()  # what "meta" has no answer to
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise click.BadParameter(
            f"{value!r} cannot be used: {str(error).splitlines()[0]}"
        ) from None
    return value


def _seed(_: click.Context, __: click.Parameter, value: int) -> int:
    from foolkit.seeds import check_seed

    try:
        return check_seed(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> list[float] | None:
    """Numbers between commas."""
    if value is None:
        return None
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        raise click.BadParameter(f"expected numbers between commas, got {value!r}")
    return numbers


def crops(function: Decorated) -> Decorated:
    """The options that show a network crops of larger images."""
    for option in (
        click.option("--size", type=click.IntRange(1), metavar="PIXELS",
                     help="Height and width of the images that --crops cuts from  [default: 256]"),
        click.option("--crops", type=int, metavar="10|1",
                     help="Judge larger images by the mean over ten crops, or by their centre."),
    ):  # fmt: skip
        function = option(function)
    return function


@dataclass(frozen=True)
class Source:
    """What the options of a network say, and the network."""

    model: str
    weights: str | None = None
    classes: Path | None = None
    input_shape: tuple[int, int, int] | None = None
    mean: list[float] | None = None
    std: list[float] | None = None
    pixel_range: tuple[float, float] = (0.0, 1.0)
    channels: Channels = "RGB"
    layout: Layout = "NCHW"
    outputs: Outputs = "logits"
    trust: bool = False
    crops: int | None = None
    size: int | None = None

    def load(self, device: str) -> Classifier:
        """The network, or, with ``crops``, the network before crops."""
        if self.size is not None and self.crops is None:
            raise click.UsageError("--size is that of the images which --crops cuts from")
        net = fk.models.load(
            self.model, device, weights=self.weights, classes=self._names(),
            input_shape=self.input_shape, mean=_one(self.mean), std=_one(self.std),
            pixel_range=self.pixel_range, channels=self.channels, layout=self.layout,
            outputs=self.outputs, trust=self.trust,
        )  # fmt: skip
        return net if self.crops is None else fk.models.cropped(net, self.size or 256, self.crops)

    def _names(self) -> list[str] | None:
        """One a line; empty lines at the end, and a mark at the start, are no names."""
        if self.classes is None:
            return None
        if not self.classes.is_file():
            raise FileNotFoundError(
                f"classes: expected a file of names, found none at {self.classes}"
            )
        try:
            return self.classes.read_text("utf-8-sig").rstrip().splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"classes: expected names in UTF-8, got {self.classes} ({error})"
            ) from error


def _one(numbers: list[float] | None) -> float | list[float] | None:
    """One number is for all channels."""
    return numbers[0] if numbers is not None and len(numbers) == 1 else numbers


def network_options(function: Decorated) -> Decorated:
    """The options that say more of a network than its name."""
    function = crops(function)
    for option in (
        click.option("--trust", is_flag=True, help="Unpickle files: only if you made them."),
        click.option("--outputs", type=click.Choice(["logits", "probabilities"]), default="logits",
                     help="probabilities: the network ends in a softmax or a sigmoid."),
        click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), default="NCHW",
                     help="Of the images that the network takes."),
        click.option("--channels", type=click.Choice(["RGB", "BGR"]), default="RGB",
                     help="BGR: it takes blue first, and so do --mean and --std."),
        click.option("--pixel-range", type=float, nargs=2, default=(0.0, 1.0), metavar="LOW HIGH",
                     help="What it takes for black and white before --mean and --std"
                     "  [default: 0 1]"),
        click.option("--std", callback=_numbers, metavar="S[,S,S]",
                     help="Deviations that the network was trained with, as for --mean."),
        click.option("--mean", callback=_numbers, metavar="M[,M,M]",
                     help="Means, in --pixel-range, that it was trained with and does not"
                     " subtract."),
        click.option("--input-shape", type=int, nargs=3, metavar="C H W",
                     help="Of a network that does not say; pictures are fitted to it."),
        click.option("--classes", type=click.Path(path_type=Path), metavar="FILE",
                     help="Class names, one a line."),
        click.option("--weights", metavar="FILE",
                     help="State dict for torchvision:NAME (default: torchvision's own)."),
    ):  # fmt: skip
        function = option(function)
    return function


def _gathered(function: Decorated) -> Decorated:
    """The command gets what was said of a network as ``source``."""

    @functools.wraps(function)
    def command_of(**given: Any) -> int:
        own = {field.name: given.pop(field.name) for field in fields(Source) if field.name in given}
        return function(source=Source(**own), **given)

    return command_of


def network(function: Decorated) -> Decorated:
    """The options that name a network; the command gets them as ``source``."""
    return click.option(
        "--model", required=True, metavar="MODEL",
        help="A shipped name, torchvision:NAME, timm:NAME, FILE.pt2, FILE.onnx, or"
        " package.module:factory.",
    )(network_options(_gathered(function)))  # fmt: skip


def networks(function: Decorated) -> Decorated:
    """The options that name several networks; the command gets them as ``sources``."""

    @functools.wraps(function)
    def command_of(**given: Any) -> int:
        own = {field.name: given.pop(field.name) for field in fields(Source) if field.name in given}
        models = given.pop("models")
        sources = {model: Source(model, **own) for model in models}
        return function(sources=sources, **given)

    return click.option(
        "--model", "models", multiple=True, required=True, metavar="MODEL",
        help="A judge, as for the other commands; may be repeated. What the other options say of"
        " a network holds for every judge.",
    )(network_options(command_of))  # fmt: skip


def experiment(function: Decorated) -> Decorated:
    """The options of every experiment."""
    for option in (
        click.option("--quiet", is_flag=True, help="No progress bar."),
        click.option("--device", callback=_device,
                     help="cpu, cuda, cuda:1, mps  [default: cuda where there is one, else cpu]"),
        click.option("--seed", type=click.IntRange(0), default=0, callback=_seed,
                     help="Of all that is random."),
        click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
                     help="New, empty, or of the same run."),
    ):  # fmt: skip
        function = option(function)
    return function


def reported(function: Decorated) -> Decorated:
    """The option that says what came out to a program; the command gets it as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, is_eager=True,  # before --device
        help="Say what came out as one JSON object on standard output.",
    )(function)  # fmt: skip


def settings(net: Classifier | None = None, **more: Any) -> dict[str, Any]:
    """What determines a run: its command, its options, the weights of its network.

    Of the options all but those that change no result: what is added to a command is in it. A
    file is the same however its path is written.

    Args:
        net: the network.
        more: what an option means that was not given, or given in another way.
    """
    from foolkit.models.classifier import fingerprint

    context = click.get_current_context()
    given = {
        name: value
        for name, value in {**context.params, **more}.items()
        if name not in ("out", "quiet", "trust", "as_json") and value not in (None, ())
    }
    for name in set(PATHS) & set(given):
        given[name] = os.path.normpath(given[name])
    own = {} if net is None else {"network": fingerprint(net)}
    return {"command": context.info_name, **json.loads(json.dumps(given, default=str)), **own}
