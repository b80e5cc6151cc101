"""``foolkit`` on the command line: the experiments of the book, on any network.

Exit codes: 0, done; 1, the disk failed; 2, bad input, with one line that says what is wrong;
130, stopped by Ctrl-C, after what there was had been written.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
import torch
from torch import Tensor

import foolkit as fk
from foolkit.analysis.transfer import Forgeries
from foolkit.evolution import Elites
from foolkit.files import (
    check_writable,
    file_name,
    json_bytes,
    load_tensors,
    save_tensors,
    write_atomically,
)
from foolkit.gradients import Ascent, Perturbed
from foolkit.models import Classifier
from foolkit.models.classifier import fingerprint
from foolkit.models.shipped import check_name
from foolkit.runs import batches, evolution
from foolkit.runs.folder import GALLERY, claim, write_gallery, write_images

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
IMAGES = "images.safetensors"
METHODS = ("fgsm", "pgd", "deepfool", "carlini_wagner", "lbfgs", "noise")
SIZED = ("fgsm", "pgd", "noise")  # need a size; the others look for the smallest
Options = dict[str, Any]


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
    except (ValueError, TypeError, FloatingPointError) as error:
        if os.environ.get("FOOLKIT_TRACEBACK"):
            raise
        _say(f"error: {' '.join(str(error).split())}")
        sys.exit(2)


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    try:
        torch.empty(1, device=value)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise click.BadParameter(
            f"{value!r} cannot be used: {str(error).splitlines()[0]}"
        ) from None
    return value


def crops(function: Callable) -> Callable:
    """The options that show a network crops of larger images."""
    for option in (
        click.option("--size", type=click.IntRange(1), default=None, metavar="PIXELS",
                     help="Height and width of the images that --crops cuts from  [default: 256]"),
        click.option("--crops", type=int, default=None, metavar="10|1",
                     help="Judge larger images by the mean over ten crops, or by their centre."),
    ):  # fmt: skip
        function = option(function)
    return function


def network(function: Callable) -> Callable:
    """The options that name a network."""
    function = crops(function)
    for option in (
        click.option("--trust", is_flag=True, help="Unpickle files: only if you made them."),
        click.option("--input-shape", type=int, nargs=3, default=None, metavar="C H W",
                     help="Of a factory whose module does not say."),
        click.option("--classes", type=click.Path(path_type=Path), default=None, metavar="FILE",
                     help="Class names, one a line."),
        click.option("--weights", default=None, metavar="FILE",
                     help="State dict for torchvision:NAME (default: torchvision's own)."),
        click.option("--model", required=True, metavar="MODEL",
                     help="A shipped name, torchvision:NAME, FILE.pt2, or package.module:factory."),
    ):  # fmt: skip
        function = option(function)
    return function


def experiment(function: Callable) -> Callable:
    """The options of every experiment."""
    for option in (
        click.option("--quiet", is_flag=True, help="No progress bar."),
        click.option("--device", default="cpu", show_default=True, callback=_device,
                     help="cpu, cuda, cuda:1, mps."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                     help="Of all that is random."),
        click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
                     help="New, empty, or of the same run."),
    ):  # fmt: skip
        function = option(function)
    return function


def _load(options: Options) -> Classifier:
    classes = options["classes"]
    if classes is not None:
        if not classes.is_file():
            raise FileNotFoundError(f"classes: expected a file of names, found none at {classes}")
        classes = classes.read_text("utf-8").splitlines()
    net = fk.models.load(
        options["model"],
        options["device"],
        weights=options["weights"],
        classes=classes,
        input_shape=options["input_shape"],
        trust=options["trust"],
    )
    return _cropped(net, options)


def _cropped(net: Classifier, options: Options) -> Classifier:
    """The network, or the network before crops."""
    if options["crops"] is None:
        if options["size"] is not None:
            raise click.UsageError("--size is that of the images which --crops cuts from")
        return net
    return fk.models.cropped(net, options["size"] or 256, options["crops"])


def _config(name: str, net: Classifier, options: Options) -> dict[str, Any]:
    """What determines a run: its options, and the weights of its network."""
    kept = {
        key: str(value) if isinstance(value, Path) else value
        for key, value in options.items()
        if key not in ("out", "quiet", "trust", "model") and value is not None
    }
    return {"command": name, "model": options["model"], "network": fingerprint(net), **kept}


@command.command()
@network
@click.option(
    "--encoding",
    type=click.Choice(["pixels", "cppn"]),
    default="cppn",
    show_default=True,
    help="Direct (static) or indirect (patterns).",
)
@click.option("--released-code", is_flag=True, help="The settings of the paper's program.")
@click.option("--generations", type=click.IntRange(0), default=200, show_default=True)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Children of a generation.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="bfloat16 screens the children; what is reported is float32.",
)
@experiment  # fmt: skip
def evolve(**options: Any) -> int:
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
    net, out = _load(options), options["out"]
    kind = evolution.ENCODINGS[options["encoding"]]
    make = kind.released_code if options["released_code"] else kind
    encoding = make(net.input_shape)
    elites = evolution.run(
        out,
        net,
        encoding,
        _config("evolve", net, options),
        generations=options["generations"],
        batch=options["batch"],
        seed=options["seed"],
        precision=options["precision"],
        progress=not options["quiet"],
    )
    done = len(elites.history.confidence) - 1
    median = float(elites.history.median[-1])
    click.echo(f"{len(elites)} classes, generation {done}, median confidence {median:.4f}")
    click.echo(f"gallery: {out / GALLERY}")
    if done < options["generations"]:
        _say(f"stopped at generation {done} of {options['generations']}; start again to go on")
        return 130
    return 0


@command.command()
@network
@click.option("--method", type=click.Choice(METHODS), default="pgd", show_default=True)
@click.option(
    "--images",
    default="digits",
    show_default=True,
    metavar="FOLDER",
    help="Pictures, or the word digits: the embedded handwritten ones.",
)
@click.option(
    "--count",
    type=click.IntRange(1),
    default=None,
    help="The first so many images  [default: all; 100 digits]",
)
@click.option(
    "--epsilon",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="Size, in units of the pixel range (fgsm, pgd: Linf; noise: L2).",
)
@click.option(
    "--target",
    type=click.IntRange(0),
    default=None,
    help="Class to be reached  [default: leave the right one].",
)
@click.option("--steps", type=click.IntRange(1), default=None, help="At most (iterative methods).")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True)
@experiment  # fmt: skip
def attack(**options: Any) -> int:
    """Change images a little, until they fool.

    The right class of a picture from a folder is what the network said of it before.
    Started again with the same options, it continues with the batch where it was stopped.

    \b
    Examples:
      foolkit attack --model lenet --method lbfgs --out runs/lbfgs
      foolkit attack --model my_model.pt2 --method pgd --epsilon 0.03 --images photos/ \\
                     --out runs/pgd
    """
    method, epsilon = options["method"], options["epsilon"]
    if (epsilon is None) == (method in SIZED):
        needs = (
            "needs --epsilon" if method in SIZED else "takes no --epsilon: it looks for the least"
        )
        raise click.UsageError(f"--method {method} {needs}")
    if options["steps"] is not None and method in ("fgsm", "noise"):
        raise click.UsageError(f"--method {method} takes no --steps")
    net, out = _load(options), options["out"]
    images, labels, names = _pictures(net, options)
    target = options["target"]
    if target is not None:
        if target >= len(net.classes):
            raise click.UsageError(f"--target: expected 0 to {len(net.classes) - 1}, got {target}")
        labels = torch.full_like(labels, target)
    claim(out, _config("attack", net, options))
    settings: Options = {"targeted": target is not None, "batch": options["batch"]}
    if epsilon is not None:
        settings["size" if method == "noise" else "epsilon"] = epsilon
    if options["steps"] is not None:
        settings["steps"] = options["steps"]
    if method not in ("fgsm", "noise"):
        settings["progress"] = False  # the bar is that of the batches

    def change(rows: slice) -> Perturbed:
        drawn = {"seed": options["seed"] + rows.start} if method in ("pgd", "noise") else {}
        return getattr(fk.gradients, method)(net, images[rows], labels[rows], **settings, **drawn)

    size, bar = options["batch"], not options["quiet"]
    found = batches.in_parts(
        out, Perturbed, change, len(images), size, originals=images, progress=bar
    )
    abouts = [
        f"{name}, {'to become' if target is not None else 'was'} {net.classes[label]},"
        f" largest change {255 * linf:.1f}/255"
        for name, label, linf in zip(names, labels.tolist(), found.linf.tolist(), strict=True)
    ]
    return _perturbed(net, found, abouts, names, out)


def _pictures(net: Classifier, options: Options) -> tuple[Tensor, Tensor, list[str]]:
    count, device = options["count"], options["device"]
    if options["images"] == "digits":
        images, labels = (tensor[: count or 100].to(device) for tensor in fk.data.digits())
        return images, labels, [f"digit {n}" for n in range(len(images))]
    images, names = fk.data.photographs(options["images"], net.input_shape, most=count)
    images = images.to(device)
    labels = fk.models.predict(net, images, options["batch"]).argmax(1)
    return images, labels, list(names)


def _perturbed(
    net: Classifier, found: Perturbed, abouts: list[str], names: list[str], out: Path
) -> int:
    """Write what a gradient made."""
    files = [f"{n:04d}-{file_name(Path(name).stem)}.png" for n, name in enumerate(names)]
    write_images(out / "images", found.images, files)
    fields = ("images", "originals", "labels", "predicted", "success", "l2", "linf")
    tensors = {field: getattr(found, field) for field in fields}
    facts = {"kind": "perturbed", "targeted": found.targeted, "classes": net.classes}
    save_tensors(out / IMAGES, tensors, facts)
    rows = [
        {"file": f"images/{file}", "predicted": net.classes[k], "confidence": c, "about": about}
        for file, k, c, about in zip(
            files, found.predicted.tolist(), found.confidence.tolist(), abouts, strict=True
        )
    ]
    share = float(found.success.float().mean())
    click.echo(
        f"{len(found)} images, {100 * share:.1f} % fool the network"
        f" ({100 * float(found.success_8bit.float().mean()):.1f} % as files),"
        f" median L2 {float(found.l2.median()):.4f}"
    )
    click.echo(f"gallery: {evolution.finish(out, rows)}")
    batches.clear(out)
    return 0


@command.command()
@network
@click.option(
    "--goal",
    type=click.IntRange(0),
    multiple=True,
    help="A class to paint; may be repeated  [default: all].",
)
@click.option("--start", type=click.Choice(["noise", "grey"]), default="noise", show_default=True)
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True, help="At most.")
@click.option(
    "--decay",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Towards grey, the penalty of the paper.",
)
@click.option(
    "--blur",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Pixels, every fourth step.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.9999,
    show_default=True,
    help="Confidence at which an image is done.",
)
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True)
@experiment  # fmt: skip
def ascend(**options: Any) -> int:
    """Paint images by climbing a class's score.

    Started again with the same options, it continues with the batch where it was stopped.

    \b
    Example:
      foolkit ascend --model my_model.pt2 --goal 3 --goal 7 --out runs/painted
    """
    net, out = _load(options), options["out"]
    goals = torch.tensor(options["goal"] or range(len(net.classes)), device=options["device"])
    if int(goals.max()) >= len(net.classes):
        raise click.UsageError(
            f"--goal: expected 0 to {len(net.classes) - 1}, got {int(goals.max())}"
        )
    claim(out, _config("ascend", net, options))
    same = ("start", "steps", "decay", "blur", "threshold", "batch")
    settings = {name: options[name] for name in same}

    def paint(rows: slice) -> Ascent:
        seed = options["seed"] + rows.start
        return fk.gradients.ascent(net, goals[rows], seed=seed, progress=False, **settings)

    found = batches.in_parts(
        out, Ascent, paint, len(goals), options["batch"], progress=not options["quiet"]
    )
    abouts = [
        f"painted to become {net.classes[goal]}, "
        + (f"{steps} steps" if steps >= 0 else "not there in time")
        for goal, steps in zip(goals.tolist(), found.steps.tolist(), strict=True)
    ]
    return _perturbed(net, found, abouts, [net.classes[k] for k in goals.tolist()], out)


@command.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="MODEL",
    help="A judge, as for the other commands; may be repeated.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.9999,
    show_default=True,
    help="Confidence that counts as certain.",
)
@click.option("--trust", is_flag=True, help="Unpickle files: only if you made them.")
@crops
@experiment  # fmt: skip
def transfer(**options: Any) -> int:
    """Show finished RUNS to other networks.

    \b
    Example:
      foolkit transfer runs/static runs/patterns --model lenet --model resnet --out runs/table
    """
    forgeries = {str(run): _forgeries(run) for run in options["runs"]}
    judges = {
        model: _cropped(fk.models.load(model, options["device"], trust=options["trust"]), options)
        for model in options["models"]
    }
    config = {
        "command": "transfer",
        "model": ", ".join(judges),
        "runs": list(forgeries),
        **{name: options[name] for name in ("threshold", "seed", "device")},
        **{name: options[name] for name in ("crops", "size") if options[name] is not None},
    }
    out = options["out"]
    claim(out, config)
    found = fk.analysis.transfer(
        judges,
        forgeries,
        threshold=options["threshold"],
        seed=options["seed"],
        progress=not options["quiet"],
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
    if (run / evolution.ELITES).is_file():
        return Forgeries.of(Elites.load(run / evolution.ELITES))
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
    click.echo(
        f"foolkit {fk.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    )
    return 0
