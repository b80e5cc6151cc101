"""``foolkit`` on the command line: the experiments of the book, on any network.

PyTorch is imported by what needs it, so that help comes at once.

Exit codes: 0, done; 1, the disk failed; 2, bad input, with one line that says what is wrong;
3, a condition of ``--fail-if`` holds; 130, stopped by Ctrl-C, after what there was had been
written.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

import foolkit as fk
from foolkit.options import Source, experiment, network, networks, reported, settings

if TYPE_CHECKING:
    from torch import Tensor

    from foolkit.analysis.forgeries import Forgeries
    from foolkit.gradients import Perturbed
    from foolkit.models import Classifier

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
METHODS = {  # and the options that each has; those without a size look for the smallest
    "fgsm": ("epsilon", "loss"),
    "pgd": ("epsilon", "norm", "loss", "steps", "restarts"),
    "apgd": ("epsilon", "norm", "loss", "steps", "restarts"),
    "square": ("epsilon", "norm", "steps"),
    "ensemble": ("epsilon", "norm", "steps"),
    "fmn": ("norm", "steps"),
    "blind": ("epsilon", "steps"),
    "deepfool": ("norm", "steps"),
    "carlini_wagner": ("steps",),
    "lbfgs": ("steps",),
    "noise": ("epsilon", "norm"),
}
RANDOM = ("pgd", "apgd", "square", "ensemble", "blind", "noise")
ONE_SIZE = ("apgd", "square", "ensemble", "blind")  # take one epsilon a call: called for each
SILENT = ("fgsm", "blind", "noise")  # have no bar of their own
FAILED = 3  # the exit code of a report beyond a limit
LEVELS = 8  # of 255: the size in Linf where none is given


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
        full = error.errno in DISK
        more = "; what was kept is whole: once there is space, the same command goes on"
        _say(f"error: {error}{more * full}")
        sys.exit(1 if full else 2)
    except (ValueError, TypeError, FloatingPointError, ModuleNotFoundError) as error:
        if os.environ.get("FOOLKIT_TRACEBACK"):
            raise
        _say(f"error: {' '.join(str(error).split())}")
        sys.exit(2)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _json(**facts: Any) -> None:
    """What came out, as one JSON object on standard output; what is not known is null."""
    facts["out"] = str(facts["out"])
    click.echo(json.dumps(_known(facts), indent=2, ensure_ascii=False))


def _known(facts: Any) -> Any:
    """The same without NaN, which is no JSON: ``None`` in its place."""
    return json.loads(json.dumps(facts), parse_constant=lambda _: None)


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
@reported
@experiment
def evolve(
    source: Source, encoding: str, released_code: bool, generations: int, batch: int,
    precision: str, as_json: bool, out: Path, seed: int, device: str, quiet: bool,
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
        out, net, make(net.input_shape), settings(net), seed=seed,
        generations=generations, batch=batch, precision=precision, progress=not quiet,
    )  # fmt: skip
    done = evolution.generations_of(elites)
    median = float(elites.history.median[-1])
    if as_json:
        _json(out=out, classes=len(elites), generation=done, median_confidence=median,
              finished=done >= generations)  # fmt: skip
    else:
        click.echo(f"{len(elites)} classes, generation {done}, median confidence {median:.4f}")
        click.echo(f"gallery: {out / GALLERY}")
    if done < generations:
        _say(f"stopped at generation {done} of {generations}; start again to go on")
        return 130
    return 0


def _sizes(_: click.Context, __: click.Parameter, values: tuple[float, ...]) -> list[float]:
    from foolkit.checks import check_number

    try:
        for value in values:
            check_number(value, "epsilon", above=0)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return sorted(set(values))


pictures = click.option(
    "--images", default="digits", metavar="FOLDER",
    help="Pictures, or folders of them, one a class; or the word digits: the embedded ones.",
)  # fmt: skip


@command.command()
@network
@click.option("--method", type=click.Choice(list(METHODS)), default="pgd")
@pictures
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="What the pictures show: file,label  [default: the names of their folders, if they are in"
    " any; else what the network says of them]",
)  # fmt: skip
@click.option(
    "--count", type=click.IntRange(1), help="The first so many images  [default: all; 100 digits]"
)
@click.option("--epsilon", type=float, multiple=True, callback=_sizes,
    help="Size in the norm, in units of the pixel range; may be repeated  [default in Linf:"
    f" {LEVELS}/255]",
)  # fmt: skip
@click.option("--norm", metavar="inf|2|1",
    help="pgd: inf, 2 or 1; apgd, square, ensemble: inf or 2; deepfool, fmn: 2 or inf; noise: 2,"
    " inf or rms  [default: the first]",
)  # fmt: skip
@click.option("--loss", type=click.Choice(["cross-entropy", "margin", "dlr"]),
    help="That fgsm, pgd and apgd raise  [default: cross-entropy]",
)  # fmt: skip
@click.option("--target", type=click.IntRange(0),
    help="Class to be reached  [default: leave the right one].",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(1), help="At most (blind: generations).")
@click.option("--restarts", type=click.IntRange(1), help="Of pgd and apgd  [default: 1]")
@click.option("--for-files", is_flag=True,
    help="Enlarge each change until its file fools (deepfool, fmn, carlini_wagner, lbfgs).",
)  # fmt: skip
@click.option("--lossless", is_flag=True, help="Write .npy files too, which are not rounded.")
@click.option("--batch", type=click.IntRange(1), default=64)
@reported
@experiment
def attack(
    source: Source, method: str, images: str, labels: Path | None, count: int | None,
    epsilon: list[float], norm: str | None, loss: str | None, target: int | None,
    steps: int | None, restarts: int | None, for_files: bool, lossless: bool, batch: int,
    as_json: bool, out: Path, seed: int, device: str, quiet: bool,
) -> int:  # fmt: skip
    """Change images a little, until they fool.

    Says how many the network reads right before (clean accuracy) and after (robust accuracy).
    Each image lies there as a PNG of 8 bits, and what is listed of it is what the network says of
    that file. With several --epsilon, each has a folder of its own in the folder.
    Started again with the same options, it continues with the batch where it was stopped.

    \b
    Examples:
      foolkit attack --model lenet --method lbfgs --out runs/lbfgs
      foolkit attack --model my_model.pt2 --images photos/ --labels photos.csv \\
                     --epsilon 0.01 --epsilon 0.03 --out runs/pgd
    """
    from foolkit.gradients import Attacked, Perturbed
    from foolkit.runs import batches, perturbed
    from foolkit.runs.folder import claimed, write_table

    given = {"epsilon": epsilon, "norm": norm, "loss": loss, "steps": steps, "restarts": restarts}
    options, sizes = _options_of(method, given)
    if for_files and "epsilon" in METHODS[method]:
        raise click.UsageError(f"--method {method} takes no --for-files: its size is given")
    net = source.load(device)
    originals, truth, names, known = _pictures(net, images, labels, count, device, batch)
    if target is not None:
        if target >= len(net.classes):
            raise click.UsageError(f"--target: expected 0 to {len(net.classes) - 1}, got {target}")
        truth = truth.new_full(truth.shape, target)
    seeds = _seeds(seed, len(originals), batch)
    routine = getattr(fk.gradients, method)
    kind = Attacked if method == "ensemble" else Perturbed
    calls = [options]
    if method in ONE_SIZE and len(sizes) > 1:
        calls = [{**options, "epsilon": size} for size in sizes]

    def change(rows: slice) -> Perturbed:
        more = {"seed": seeds[rows.start // batch]} if method in RANDOM else {}
        more |= {} if method in SILENT else {"progress": False}  # the bar is that of the batches
        parts = [
            routine(
                net, originals[rows], truth[rows], targeted=target is not None, chunk=batch,
                **one, **more,
            )
            for one in calls
        ]  # fmt: skip
        if for_files:
            return fk.gradients.for_files(net, parts[0], chunk=batch)
        # a routine that takes several sizes at once returns a list itself
        return kind.cat(parts[0] if isinstance(parts[0], list) else parts)

    about = settings(net, epsilon=sizes if len(sizes) > 1 else sizes[0] if sizes else None)
    with claimed(out, about):
        found = batches.in_parts(
            out, kind, change, net, len(originals), batch,
            originals=originals, labels=truth, progress=not quiet,
        )  # fmt: skip
    table = []
    if len(sizes) < 2:
        said = perturbed.write(out, found, net, names, known=known, lossless=lossless)
        table.append({"epsilon": sizes[0] if sizes else None, "out": str(out), **said})
        if not as_json:
            _tell(said, known, out)
    else:
        for size, part in zip(sizes, _parts_of(found, len(sizes), batch), strict=True):
            place = out / f"epsilon-{size}"
            with claimed(place, {**about, "epsilon": size}):
                said = perturbed.write(place, part, net, names, known=known, lossless=lossless)
            table.append({"epsilon": size, "out": str(place), **said})
            if not as_json:
                click.echo(f"epsilon {size:g}:")
                _tell(said, known, place)
        columns = [{name: cell for name, cell in row.items() if name != "out"} for row in table]
        write_table(out / "epsilons.csv", columns)
    if as_json:
        _json(out=out, method=method, targeted=target is not None, known_labels=known, runs=table)
    if known and target is None and found.clean_accuracy <= 2 / len(net.classes):
        _say(
            "the network reads hardly any of these images right: are the labels those of its"
            " classes, and was it trained on normalised images (--mean, --std)?"
        )
    batches.clear(out)
    return 0


def _options_of(method: str, given: dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    """What a routine is called with, and its sizes, once everything fits the method."""
    from foolkit.gradients.problem import check_within, norm_named

    for name, value in given.items():
        if value not in (None, []) and name not in METHODS[method]:
            why = ": it looks for the least" if name == "epsilon" else ""
            raise click.UsageError(f"--method {method} takes no --{name}{why}")
    sizes: list[float] = given["epsilon"]
    options: dict[str, Any] = {}
    # "inf" where there is no other
    norm = given["norm"] or ("2" if method in ("deepfool", "fmn", "noise") else "inf")
    if "norm" in METHODS[method]:
        known = {"pgd": ("inf", "2", "1"), "noise": ("2", "inf", "rms")}
        try:
            norm = options["norm"] = norm_named(norm, known.get(method, ("inf", "2")))
        except ValueError as error:
            raise click.UsageError(f"--{error}") from None
    if "epsilon" in METHODS[method]:
        if not sizes and norm != "inf":
            raise click.UsageError(f"--method {method} in the norm {norm} needs --epsilon")
        sizes = sizes or [LEVELS / 255]
        if norm == "inf":
            try:
                check_within(sizes)
            except ValueError as error:
                raise click.UsageError(f"--{error}") from None
        options["size" if method == "noise" else "epsilon"] = sizes if len(sizes) > 1 else sizes[0]
    for name in ("loss", "restarts"):
        if given[name] is not None:
            options[name] = given[name]
    if given["steps"] is not None:
        options["generations" if method == "blind" else "steps"] = given["steps"]
    return options, sizes


def _parts_of(found: Perturbed, count: int, batch: int) -> list[Perturbed]:
    """For each of ``count`` sizes its results; each batch has those of all sizes in turn."""
    import torch

    images = len(found) // count
    rows: list[list[Tensor]] = [[] for _ in range(count)]
    for first in range(0, images, batch):
        many = min(batch, images - first)
        for k in range(count):
            rows[k].append(torch.arange(many) + count * first + k * many)
    return [found[torch.cat(one)] for one in rows]


def _tell(about: dict[str, Any], known: bool, folder: Path) -> None:
    from foolkit.runs.folder import GALLERY
    from foolkit.runs.perturbed import told

    for line in told(about, known):
        click.echo(line)
    click.echo(f"gallery: {folder / GALLERY}")


def _seeds(seed: int, count: int, batch: int) -> list[int]:
    """One for each batch of ``count`` images."""
    from foolkit.seeds import seeds_of_parts

    return seeds_of_parts(seed, -(-count // batch))


def _pictures(
    net: Classifier, images: str, table: Path | None, count: int | None, device: str, batch: int
) -> tuple[Tensor, Tensor, list[str], bool]:
    """The images, their classes and names, and whether the classes are known or the network's."""
    if images == "digits":
        if table is not None:
            raise click.UsageError("--labels: the digits have their own")
        pixels, labels = (tensor[: count or 100].to(device) for tensor in fk.data.digits())
        return pixels, labels, [f"digit {n}" for n in range(len(pixels))], True
    pixels, names = fk.data.photographs(images, net.input_shape, most=count)
    pixels = pixels.to(device)
    known: Tensor | None
    if table is not None:
        known = fk.data.labels_of_table(table, names, net.classes)
    else:
        known = fk.data.labels_of_folders(names, net.classes)
    if known is None:
        return pixels, fk.models.predict(net, pixels, batch).argmax(1), list(names), False
    return pixels, known.to(device), list(names), True


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
@reported
@experiment
def ascend(
    source: Source, goal: tuple[int, ...], start: Literal["noise", "grey"], steps: int,
    decay: float, blur: float, threshold: float, batch: int, as_json: bool, out: Path, seed: int,
    device: str, quiet: bool,
) -> int:  # fmt: skip
    """Paint images by climbing a class's score.

    Started again with the same options, it continues with the batch where it was stopped.

    \b
    Example:
      foolkit ascend --model my_model.pt2 --goal 3 --goal 7 --out runs/painted
    """
    import torch

    from foolkit.gradients import Ascent, ascent
    from foolkit.runs import batches, perturbed
    from foolkit.runs.folder import claimed

    net = source.load(device)
    goals = torch.tensor(goal or range(len(net.classes)), device=device)
    if int(goals.max()) >= len(net.classes):
        raise click.UsageError(
            f"--goal: expected 0 to {len(net.classes) - 1}, got {int(goals.max())}"
        )
    seeds = _seeds(seed, len(goals), batch)

    def paint(rows: slice) -> Ascent:
        return ascent(
            net, goals[rows], start=start, steps=steps, decay=decay, blur=blur,
            threshold=threshold, chunk=batch, seed=seeds[rows.start // batch],
            progress=False,  # the bar is that of the batches
        )  # fmt: skip

    with claimed(out, settings(net)):
        found = batches.in_parts(
            out, Ascent, paint, net, len(goals), batch, labels=goals, progress=not quiet
        )
    names = [net.classes[k] for k in goals.tolist()]
    abouts = [
        f"painted to become {name}, " + (f"{n} steps" if n >= 0 else "not there in time")
        for name, n in zip(names, found.steps.tolist(), strict=True)
    ]
    said = perturbed.write(out, found, net, names, abouts=abouts, beside=False)
    if as_json:
        _json(out=out, **said)
    else:
        _tell(said, True, out)
    batches.clear(out)
    return 0


@command.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@networks
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.9999,
    help="Confidence that counts as certain.",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(1), default=64, help="Images of one pass.")
@reported
@experiment
def transfer(
    runs: tuple[Path, ...], sources: Mapping[str, Source], threshold: float, batch: int,
    as_json: bool, out: Path, seed: int, device: str, quiet: bool,
) -> int:  # fmt: skip
    """Show finished RUNS to other networks.

    \b
    Example:
      foolkit transfer runs/static runs/patterns --model lenet --model resnet --out runs/table
    """
    from foolkit.files import json_bytes, write_atomically
    from foolkit.runs.folder import claimed, write_table

    forgeries = {str(run): _forgeries(run) for run in runs}
    judges = {model: source.load(device) for model, source in sources.items()}
    with claimed(out, settings()):
        found = fk.analysis.transfer(
            judges, forgeries, threshold=threshold, seed=seed, chunk=batch, progress=not quiet
        )
    table = found.table()
    write_atomically(out / "transfer.json", json_bytes(_known(table)))
    write_table(out / "transfer.csv", table)
    if as_json:
        _json(out=out, rows=table)
        return 0
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
    from foolkit.runs.perturbed import IMAGES

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
@network
@pictures
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="What the pictures show: file,label  [default: the names of their folders, if they are in"
    " any; else what the network says of them counts as right]",
)  # fmt: skip
@click.option("--count", type=click.IntRange(1),
    help="The first so many images  [default: all; 100 digits]",
)  # fmt: skip
@click.option("--judge", metavar="MODEL",
    help="A second network, as for --model: what fools one is shown to the other.",
)  # fmt: skip
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=5.0,
    help="That it may take, roughly: more is done in more time.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="All of every experiment, whatever it takes.")
@click.option("--fail-if", "limits", multiple=True, metavar="CONDITION",
    help='Exit code 3 if it holds, such as "robust_accuracy@0.03<0.5"; may be repeated.',
)  # fmt: skip
@click.option("--batch", type=click.IntRange(1), default=64, help="Images of one pass, at most.")
@experiment
def examine(
    source: Source, images: str, labels: Path | None, count: int | None, judge: str | None,
    minutes: float, full: bool, limits: tuple[str, ...], batch: int, out: Path, seed: int,
    device: str, quiet: bool,
) -> int:  # fmt: skip
    """Make the book's experiments on a network, and report.

    The folder has report.html, report.json, report.csv and images/. Started again with the same
    options, it continues after the last section that was done.

    The network names one class an image, by a softmax. One that may name several is not examined
    rightly.

    \b
    Examples:
      foolkit examine --model lenet --out report/
      foolkit examine --model my_model.pt2 --images photos/ --labels labels.csv \\
                      --fail-if "robust_accuracy@0.03<0.5" --out report/
    """
    from foolkit.examination import Limit
    from foolkit.examination.report import PAGE
    from foolkit.examination.run import EPSILONS, sizes_of
    from foolkit.examination.sections import number_names

    conditions = [Limit.parse(text) for text in limits]  # before any work
    sizes = {*EPSILONS, *(limit.size for limit in conditions if limit.size is not None)}
    net = source.load(device)
    pixels, truth, _, known = _pictures(net, images, labels, count, device, batch)
    known_names = number_names(sizes_of(net, pixels, known, judge is not None, sorted(sizes)))
    for limit in conditions:
        limit.check(known_names)
    report = fk.examine(
        net, pixels, truth if known else None, minutes=None if full else minutes, seed=seed,
        judge=None if judge is None else Source(judge).load(device), folder=out, chunk=batch,
        epsilons=sorted(sizes), progress=not quiet,
    )  # fmt: skip
    for section in report.sections:
        click.echo(f"{section.name}: {section.verdict or section.error}")
    click.echo(f"report: {out / PAGE}")
    if not report.finished:
        _say("stopped; start again to go on")
        return 130
    failed = [limit for limit in conditions if limit.met(report)]
    for limit in failed:
        _say(f"failed: {limit.told(report.numbers[limit.name])}")
    return FAILED if failed else 0


@command.command()
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
def compare(one: Path, other: Path) -> int:
    """Show two reports of examine side by side.

    Better or worse is said where the intervals of a number do not overlap.

    \b
    Example:
      foolkit compare before/ after/
    """
    from foolkit.examination import Report
    from foolkit.examination import compare as beside

    for row in beside(Report.load(one), Report.load(other)):
        click.echo(f"{row['name']}: {row['one']} -> {row['other']}, {row['change']}")
    return 0


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

    Started again with the same options, it continues with the network where it was stopped.

    \b
    Example:
      foolkit train lenet --out my-weights
    """
    from foolkit.files import check_writable
    from foolkit.models.shipped import check_name
    from foolkit.models.train import train as train_one
    from foolkit.models.train import trained

    for name in names:
        check_name(name)  # an unknown name is an error before any work
    kept = {name: trained(name, out) for name in names}
    check_writable(out / "card", "out")
    for name in names:
        click.echo(json.dumps(kept[name] or train_one(name, out), indent=2))
    return 0


@command.command()
def version() -> int:
    """Print the versions that a report of a problem should name."""
    import torch

    click.echo(
        f"foolkit {fk.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    )
    return 0
