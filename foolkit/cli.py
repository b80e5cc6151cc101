"""``foolkit`` on the command line: the experiments of the book, on any network.

PyTorch is imported by what needs it, so that help comes at once.

Exit codes: 0, done; 1, the disk failed; 2, bad input, with one line that says what is wrong;
130, stopped by Ctrl-C, after what there was had been written.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

import click

import foolkit as fk

if TYPE_CHECKING:
    from torch import Tensor

    from foolkit.analysis.forgeries import Forgeries
    from foolkit.gradients import Perturbed
    from foolkit.models import Classifier

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
IMAGES = "images.safetensors"
METHODS = ("fgsm", "pgd", "blind", "deepfool", "carlini_wagner", "lbfgs", "noise")
SIZED = ("fgsm", "pgd", "blind", "noise")  # need a size; the others look for the smallest
ONE_STEP = ("fgsm", "noise")
RANDOM = ("pgd", "blind", "noise")
Command = TypeVar("Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, and turn errors into exit codes."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # a network of one's own may lie in the folder one is in
    try:
        code = command.main(
            None if arguments is None else list(arguments),
            prog_name="foolkit",
            standalone_mode=False,
        )
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        sys.exit(130)
    except OSError as error:
        _say(f"error: {error}")
        sys.exit(1 if error.errno in DISK else 2)
    except (ValueError, TypeError, FloatingPointError, ModuleNotFoundError) as error:
        if os.environ.get("FOOLKIT_TRACEBACK"):
            raise
        _say(f"error: {' '.join(str(error).split())}")
        sys.exit(2)


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True,
    }
)  # fmt: skip
def command() -> None:
    """How neural networks are fooled, by experiment: for any classifier.

    \b
    Examples:
      foolkit models
      foolkit evolve --model lenet --encoding cppn --generations 200 --out runs/first
      foolkit evolve --model my_model.pt2 --out runs/mine
      foolkit attack --model torchvision:resnet18 --method pgd --epsilon 0.01 \\
                     --images photos/ --out runs/pgd
      foolkit transfer --model lenet --model resnet runs/first --out runs/table
    """


def _device(_: click.Context, __: click.Parameter, value: str) -> str:
    import torch

    try:
        torch.empty(1, device=value)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise click.BadParameter(
            f"{value!r} cannot be used: {str(error).splitlines()[0]}"
        ) from None
    return value


def crops(function: Command) -> Command:
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
    trust: bool = False
    crops: int | None = None
    size: int | None = None

    def load(self, device: str) -> Classifier:
        """The network, or, with ``crops``, the network before crops."""
        if self.size is not None and self.crops is None:
            raise click.UsageError("--size is that of the images which --crops cuts from")
        if self.classes is not None and not self.classes.is_file():
            raise FileNotFoundError(
                f"classes: expected a file of names, found none at {self.classes}"
            )
        names = None if self.classes is None else self.classes.read_text("utf-8").splitlines()
        net = fk.models.load(
            self.model, device, weights=self.weights, classes=names,
            input_shape=self.input_shape, trust=self.trust,
        )  # fmt: skip
        return net if self.crops is None else fk.models.cropped(net, self.size or 256, self.crops)


def network(function: Callable[..., int]) -> Callable[..., int]:
    """The options that name a network; the command gets them as ``source``."""

    @functools.wraps(function)
    def command_of(**given: Any) -> int:
        own = {field.name: given.pop(field.name) for field in fields(Source)}
        return function(source=Source(**own), **given)

    made = crops(command_of)
    for option in (
        click.option("--trust", is_flag=True, help="Unpickle files: only if you made them."),
        click.option("--input-shape", type=int, nargs=3, metavar="C H W",
                     help="Of a factory whose module does not say."),
        click.option("--classes", type=click.Path(path_type=Path), metavar="FILE",
                     help="Class names, one a line."),
        click.option("--weights", metavar="FILE",
                     help="State dict for torchvision:NAME (default: torchvision's own)."),
        click.option("--model", required=True, metavar="MODEL",
                     help="A shipped name, torchvision:NAME, FILE.pt2, or package.module:factory."),
    ):  # fmt: skip
        made = option(made)
    return made


def experiment(function: Command) -> Command:
    """The options of every experiment."""
    for option in (
        click.option("--quiet", is_flag=True, help="No progress bar."),
        click.option("--device", default="cpu", callback=_device,
                     help="cpu, cuda, cuda:1, mps."),
        click.option("--seed", type=click.IntRange(0), default=0,
                     help="Of all that is random."),
        click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
                     help="New, empty, or of the same run."),
    ):  # fmt: skip
        function = option(function)
    return function


def _settings(net: Classifier | None = None) -> dict[str, Any]:
    """What determines a run: its command, its options, the weights of its network.

    Of the options all but those that change no result: what is added to a command is in it.
    """
    from foolkit.models.classifier import fingerprint

    context = click.get_current_context()
    given = {
        name: value
        for name, value in context.params.items()
        if name not in ("out", "quiet", "trust") and value is not None
    }
    own = {} if net is None else {"network": fingerprint(net)}
    return {"command": context.info_name, **json.loads(json.dumps(given, default=str)), **own}


@command.command()
@network
@click.option("--encoding", type=click.Choice(["pixels", "cppn"]), default="cppn",
    help="Direct (static) or indirect (patterns).",
)  # fmt: skip
@click.option("--released-code", is_flag=True, help="The settings of the paper's program.")
@click.option("--generations", type=click.IntRange(0), default=200)
@click.option("--batch", type=click.IntRange(1), default=200, help="Children of a generation.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32",
    help="bfloat16 screens the children; what is reported is float32.",
)  # fmt: skip
@experiment
def evolve(
    source: Source, encoding: str, released_code: bool, generations: int, batch: int,
    precision: str, out: Path, seed: int, device: str, quiet: bool,
) -> int:  # fmt: skip
    """Breed the surest image of each class.

    MAP-Elites: one elite a class, the image that the network is most certain of.
    Started again with the same options, it continues where it was stopped; with more
    --generations, it goes on.

    \b
    Examples:
      foolkit evolve --model lenet --encoding pixels --out runs/static
      foolkit evolve --model my_model.pt2 --generations 5000 --batch 400 --device cuda \\
                     --out runs/mine
    """
    from foolkit.runs import evolution
    from foolkit.runs.folder import GALLERY

    net = source.load(device)
    kind = evolution.ENCODINGS[encoding]
    make = kind.released_code if released_code else kind
    elites = evolution.run(
        out, net, make(net.input_shape), _settings(net), seed=seed,
        generations=generations, batch=batch, precision=precision, progress=not quiet,
    )  # fmt: skip
    done = len(elites.history.confidence) - 1
    median = float(elites.history.median[-1])
    click.echo(f"{len(elites)} classes, generation {done}, median confidence {median:.4f}")
    click.echo(f"gallery: {out / GALLERY}")
    if done < generations:
        _say(f"stopped at generation {done} of {generations}; start again to go on")
        return 130
    return 0


@command.command()
@network
@click.option("--method", type=click.Choice(METHODS), default="pgd")
@click.option("--images", default="digits", metavar="FOLDER",
    help="Pictures, or the word digits: the embedded handwritten ones.",
)  # fmt: skip
@click.option(
    "--count", type=click.IntRange(1), help="The first so many images  [default: all; 100 digits]"
)
@click.option("--epsilon", type=click.FloatRange(0, min_open=True),
    help="Size, in units of the pixel range (fgsm, pgd, blind: Linf; noise: L2).",
)  # fmt: skip
@click.option(
    "--target", type=click.IntRange(0), help="Class to be reached  [default: leave the right one]."
)
@click.option("--steps", type=click.IntRange(1), help="At most (blind: generations).")
@click.option("--batch", type=click.IntRange(1), default=64)
@experiment
def attack(
    source: Source, method: str, images: str, count: int | None, epsilon: float | None,
    target: int | None, steps: int | None, batch: int, out: Path, seed: int, device: str,
    quiet: bool,
) -> int:  # fmt: skip
    """Change images a little, until they fool.

    The right class of a picture from a folder is what the network said of it before.
    Started again with the same options, it continues with the batch where it was stopped.

    \b
    Examples:
      foolkit attack --model lenet --method lbfgs --out runs/lbfgs
      foolkit attack --model my_model.pt2 --method pgd --epsilon 0.03 --images photos/ \\
                     --out runs/pgd
    """
    if (epsilon is None) == (method in SIZED):
        needs = (
            "needs --epsilon" if method in SIZED else "takes no --epsilon: it looks for the least"
        )
        raise click.UsageError(f"--method {method} {needs}")
    if steps is not None and method in ONE_STEP:
        raise click.UsageError(f"--method {method} takes no --steps")
    from foolkit.gradients import Perturbed
    from foolkit.runs import batches
    from foolkit.runs.folder import claim

    net = source.load(device)
    originals, labels, names = _pictures(net, images, count, device, batch)
    if target is not None:
        if target >= len(net.classes):
            raise click.UsageError(f"--target: expected 0 to {len(net.classes) - 1}, got {target}")
        labels = labels.new_full(labels.shape, target)
    claim(out, _settings(net))
    settings: dict[str, Any] = {"targeted": target is not None, "chunk": batch}
    if epsilon is not None:
        settings["size" if method == "noise" else "epsilon"] = epsilon
    if steps is not None:
        settings["generations" if method == "blind" else "steps"] = steps
    if method not in (*ONE_STEP, "blind"):
        settings["progress"] = False  # the bar is that of the batches
    seeds = _seeds(seed, len(originals), batch)

    def change(rows: slice) -> Perturbed:
        drawn = {"seed": seeds[rows.start // batch]} if method in RANDOM else {}
        routine = getattr(fk.gradients, method)
        return routine(net, originals[rows], labels[rows], **settings, **drawn)

    found = batches.in_parts(
        out, Perturbed, change, net, len(originals), batch,
        originals=originals, progress=not quiet,
    )  # fmt: skip
    abouts = [
        f"{name}, {'to become' if target is not None else 'was'} {net.classes[label]},"
        f" largest change {255 * linf:.1f}/255"
        for name, label, linf in zip(names, labels.tolist(), found.linf.tolist(), strict=True)
    ]
    return _perturbed(net, found, abouts, names, out)


def _seeds(seed: int, count: int, batch: int) -> list[int]:
    """One for each batch of ``count`` images."""
    from foolkit.seeds import seeds_of_parts

    return seeds_of_parts(seed, -(-count // batch))


def _pictures(
    net: Classifier, images: str, count: int | None, device: str, batch: int
) -> tuple[Tensor, Tensor, list[str]]:
    """The images, their classes and their names."""
    if images == "digits":
        pixels, labels = (tensor[: count or 100].to(device) for tensor in fk.data.digits())
        return pixels, labels, [f"digit {n}" for n in range(len(pixels))]
    pixels, names = fk.data.photographs(images, net.input_shape, most=count)
    pixels = pixels.to(device)
    return pixels, fk.models.predict(net, pixels, batch).argmax(1), list(names)


def _perturbed(
    net: Classifier, found: Perturbed, abouts: list[str], names: list[str], out: Path
) -> int:
    """Write what a gradient made."""
    from foolkit.files import file_name
    from foolkit.runs import batches, evolution
    from foolkit.runs.folder import write_images

    files = [f"{n:04d}-{file_name(Path(name).stem)}.png" for n, name in enumerate(names)]
    write_images(out / "images", found.images, files)
    found.save(out / IMAGES)
    rows = [
        {"file": f"images/{file}", "predicted": net.classes[k], "confidence": c, "about": about}
        for file, k, c, about in zip(
            files, found.predicted.tolist(), found.confidence.tolist(), abouts, strict=True
        )
    ]
    fooled, already = found.fooled, int((found.success & ~found.fooled).sum())
    so = "at their goal" if found.targeted else "wrong"
    click.echo(
        f"{len(found)} images, {100 * float(fooled.float().mean()):.1f} % fool the network"
        f" ({100 * float(found.success_8bit.float().mean()):.1f} % as files)"
        + (f", {already} were {so} before" if already else "")
        + (f", median L2 of those that fool {float(found.l2[fooled].median()):.4f}"
           if bool(fooled.any()) else "")
    )  # fmt: skip
    click.echo(f"gallery: {evolution.finish(out, rows)}")
    batches.clear(out)
    return 0


@command.command()
@network
@click.option("--goal", type=click.IntRange(0), multiple=True,
    help="A class to paint; may be repeated  [default: all].",
)  # fmt: skip
@click.option("--start", type=click.Choice(["noise", "grey"]), default="noise")
@click.option("--steps", type=click.IntRange(1), default=200, help="At most.")
@click.option("--decay", type=click.FloatRange(0, 1), default=0.0,
    help="Towards grey, the penalty of the paper.",
)  # fmt: skip
@click.option("--blur", type=click.FloatRange(0), default=0.0, help="Pixels, every fourth step.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.9999,
    help="Confidence at which an image is done.",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(1), default=64)
@experiment
def ascend(
    source: Source, goal: tuple[int, ...], start: Literal["noise", "grey"], steps: int,
    decay: float, blur: float, threshold: float, batch: int, out: Path, seed: int, device: str,
    quiet: bool,
) -> int:  # fmt: skip
    """Paint images by climbing a class's score.

    Started again with the same options, it continues with the batch where it was stopped.

    \b
    Example:
      foolkit ascend --model my_model.pt2 --goal 3 --goal 7 --out runs/painted
    """
    import torch

    from foolkit.gradients import Ascent, ascent
    from foolkit.runs import batches
    from foolkit.runs.folder import claim

    net = source.load(device)
    goals = torch.tensor(goal or range(len(net.classes)), device=device)
    if int(goals.max()) >= len(net.classes):
        raise click.UsageError(
            f"--goal: expected 0 to {len(net.classes) - 1}, got {int(goals.max())}"
        )
    claim(out, _settings(net))
    seeds = _seeds(seed, len(goals), batch)

    def paint(rows: slice) -> Ascent:
        return ascent(
            net, goals[rows], start=start, steps=steps, decay=decay, blur=blur,
            threshold=threshold, chunk=batch, seed=seeds[rows.start // batch],
            progress=False,  # the bar is that of the batches
        )  # fmt: skip

    found = batches.in_parts(out, Ascent, paint, net, len(goals), batch, progress=not quiet)
    abouts = [
        f"painted to become {net.classes[goal]}, "
        + (f"{steps} steps" if steps >= 0 else "not there in time")
        for goal, steps in zip(goals.tolist(), found.steps.tolist(), strict=True)
    ]
    return _perturbed(net, found, abouts, [net.classes[k] for k in goals.tolist()], out)


@command.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", "models", multiple=True, required=True, metavar="MODEL",
    help="A judge, as for the other commands; may be repeated.",
)  # fmt: skip
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.9999,
    help="Confidence that counts as certain.",
)  # fmt: skip
@click.option("--trust", is_flag=True, help="Unpickle files: only if you made them.")
@crops
@experiment
def transfer(
    runs: tuple[Path, ...], models: tuple[str, ...], threshold: float, trust: bool,
    crops: int | None, size: int | None, out: Path, seed: int, device: str, quiet: bool,
) -> int:  # fmt: skip
    """Show finished RUNS to other networks.

    \b
    Example:
      foolkit transfer runs/static runs/patterns --model lenet --model resnet --out runs/table
    """
    from foolkit.files import json_bytes, write_atomically
    from foolkit.runs.folder import claim

    forgeries = {str(run): _forgeries(run) for run in runs}
    judges = {
        model: Source(model, trust=trust, crops=crops, size=size).load(device) for model in models
    }
    claim(out, _settings())
    found = fk.analysis.transfer(
        judges, forgeries, threshold=threshold, seed=seed, progress=not quiet
    )
    table = found.table()
    write_atomically(out / "transfer.json", json_bytes(table))
    for row in table:
        if row["measure"] == "same" and row["kind"] != "excess":
            click.echo(
                f"{row['family']}: {row['judge']} gives {100 * row['value']:.1f} % of the"
                f" {'images' if row['kind'] == 'forgery' else 'controls'} the same class"
            )
    return 0


def _forgeries(run: Path) -> Forgeries:
    """The images of a finished run, those that fool their own network."""
    from foolkit.analysis.forgeries import Forgeries
    from foolkit.files import load_tensors
    from foolkit.runs.evolution import ELITES

    if (run / ELITES).is_file():
        return Forgeries.of(fk.evolution.Elites.load(run / ELITES))
    if not (run / IMAGES).is_file():
        raise FileNotFoundError(
            f"runs: expected a finished run, found neither of its files in {run}"
        )
    tensors, facts = load_tensors(run / IMAGES, "runs")
    keep = tensors["success"]
    if not bool(keep.any()):
        raise ValueError(f"runs: expected images that fool their own network, found none in {run}")
    return Forgeries(
        tensors["images"][keep],
        tensors["predicted"][keep],
        originals=tensors["originals"][keep],
        truth=None if facts["targeted"] else tensors["labels"][keep],
    )


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
def gallery(folder: Path) -> int:
    """Write the gallery of a run anew, from its results.

    \b
    Example:
      foolkit gallery runs/first
    """
    from foolkit.runs.folder import write_gallery

    click.echo(write_gallery(folder))
    return 0


@command.command()
def models() -> int:
    """List the networks that need no download.

    With their accuracy on MNIST's official test set; of squeezenet1_1, on 100 photographs.
    """
    for name in fk.models.available():
        card = fk.models.card(name)
        click.echo(f"{name:20} {100 * card['accuracy_test']:6.2f} %  {card['architecture']}")
    card = fk.models.card("squeezenet1_1")
    click.echo(
        f"{card['name']:20} {100 * card['accuracy_top1']:6.2f} %  {card['architecture']},"
        f" {card['needs']}"
    )
    return 0


@command.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER")
def train(names: tuple[str, ...], out: Path) -> int:
    """Train shipped networks anew, on full MNIST.

    \b
    Example:
      foolkit train lenet --out my-weights
    """
    from foolkit.files import check_writable
    from foolkit.models.shipped import check_name
    from foolkit.models.train import train as train_one

    for name in names:
        check_name(name)  # an unknown name is an error before any work
        if (out / f"{name}.json").exists():
            raise ValueError(f"out: expected a folder without a {name}, got {out}")
    check_writable(out / "card", "out")
    for name in names:
        click.echo(json.dumps(train_one(name, out), indent=2))
    return 0


@command.command()
def version() -> int:
    """Print the versions that a report of a problem should name."""
    import torch

    click.echo(
        f"foolkit {fk.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    )
    return 0
