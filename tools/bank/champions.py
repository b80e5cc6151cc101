"""Breeds the champions of ImageNet's classes: ``python -m tools.bank.champions``.

Some 17 hours of one core for all of it, so it may be stopped at any time: with the same
``--checkpoints`` it goes on where it was, exactly, and ``--write`` puts what there is into the
bank. Formulas without a checkpoint go on where the bank has them, since a run's elites and the
state of its generator are kept there; pixels, of which the bank has no thousand, begin again.
One line a minute says how far it is. For work beside other work: ``nice -n 15``.

``--precision bfloat16`` screens the children of a generation (see ``foolkit.models.precision``):
1.6 to 2 times as fast on a processor that has bfloat16, slower on others. A run that goes on from
the bank may change to it; the card says after how many images. On SqueezeNet the screen lost none
of the children that beat an elite, in 20,000 formulas that were judged both ways. Of pixels it
hands on nearly all (398 of 400 after 200,000 images), and costs time: 55 images a core-second with
it, 78 without.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from foolkit.bank import champions
from foolkit.bank.store import read
from foolkit.evolution import MapElites
from foolkit.files import json_bytes, write_atomically
from foolkit.models import load, squeezenet
from foolkit.models.classifier import Classifier, fingerprint
from foolkit.models.imagenet import imagenet, programs
from foolkit.models.precision import Precision
from tools.bank import program

BATCH = 400  # children of a generation, as in the paper
SAVE_EVERY = {"cppn": 60.0, "direct": 300.0}  # seconds; a checkpoint of pixels is 0.6 GB
TELL_EVERY = 60.0


@dataclass(frozen=True)
class Run:
    """One evolution; whatever its goal, a longer one begins with the same images."""

    encoding: str
    seed: int
    crops: int = 1
    network: str = squeezenet.NAME

    @property
    def file(self) -> str:
        """Of its checkpoint."""
        crops = "" if self.crops == 1 else f"-{self.crops}crops"
        return f"{self.network}-{self.encoding}-{self.seed}{crops}.safetensors"


# in this order, to so many judged images; the first comes to the paper's 2,000,000 last but one
STAGES = (
    (Run("cppn", 0), 125_000), (Run("direct", 0), 50_000), (Run("cppn", 1), 50_000),
    (Run("cppn", 2), 50_000), (Run("cppn", 0), 500_000), (Run("direct", 0), 200_000),
    (Run("cppn", 0, crops=10), 100_000), (Run("cppn", 1), 200_000), (Run("cppn", 2), 200_000),
    (Run("direct", 1), 200_000), (Run("direct", 2), 200_000), (Run("cppn", 0), 2_000_000),
    (Run("direct", 0), 1_000_000),
)  # fmt: skip


def search_of(
    run: Run, net: Classifier, batch: int = BATCH, precision: Precision = "float32"
) -> MapElites:
    """The run before its first generation."""
    victim = champions.seen(net, run.crops)
    encoding = champions.encoding_of(run.encoding, victim.input_shape)
    return MapElites(victim, encoding, batch=batch, seed=run.seed, precision=precision)


def breed(
    run: Run,
    net: Classifier,
    images: int,
    checkpoints: Path,
    batch: int = BATCH,
    precision: Precision = "float32",
) -> MapElites:
    """One run, from its checkpoint or from the bank, until it has judged so many images.

    Beside the checkpoint a small file keeps what it has cost, in seconds of a core.

    Raises:
        ValueError: the checkpoint is of another network or setting, which is named.
    """
    path = checkpoints / run.file
    search = search_of(run, net, batch, precision)
    cost = 0.0
    if path.is_file():
        search.resume(path)
        cost = spent(path)
    elif kept := stored(run, net, batch):
        search.load_state_dict(state(kept[1], search))
        cost = kept[0]["core_seconds"]
    left = -(-images // batch) - 1 - search.generation  # the first population is judged too
    if left <= 0:
        return search
    start = time.process_time()
    saved = told = time.monotonic()
    before, then = search.generation, start

    def save() -> None:
        search.save(path)
        seconds = round(cost + time.process_time() - start, 1)
        write_atomically(path.with_suffix(".json"), json_bytes({"core_seconds": seconds}))

    def after(_: MapElites) -> None:
        nonlocal saved, told, before, then
        now = time.monotonic()
        if now - told > TELL_EVERY:
            used = time.process_time()
            rate = (search.generation - before) * batch / (used - then)
            tell(run, search, f"{rate:.1f} images a core-second")
            told, before, then = now, search.generation, used
        if now - saved > SAVE_EVERY[run.encoding]:
            save()
            saved = time.monotonic()

    end = search.generation + left
    search.run(left, progress=False, callback=after)
    save()
    if search.generation < end:
        raise KeyboardInterrupt  # the search ended early by it, and gave what it had
    return search


def stored(
    run: Run, net: Classifier, batch: int = BATCH
) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """What the card says of a run that the bank can go on from, and its columns; None: no such."""
    found = listed(run)
    if (
        found is None
        or "generator" not in found["columns"]
        or found["batch"] != batch
        or champions.card()["networks"].get(run.network) != fingerprint(net)
    ):
        return None
    name, arrays = champions.key(found), read(champions.FILE)
    return found, {c: torch.from_numpy(arrays[f"{name}/{c}"]) for c in found["columns"]}


def listed(run: Run) -> dict[str, Any] | None:
    """What the card says of a run; None: nothing, or it is a bank that is begun now."""
    if not (champions.PLACE / champions.CARD).is_file():
        return None
    name = champions.key(asdict(run))
    return next((one for one in champions.card()["runs"] if champions.key(one) == name), None)


def state(columns: Mapping[str, Tensor], search: MapElites) -> dict[str, Tensor]:
    """The columns of a stored run as ``search.load_state_dict`` takes them; history begins here."""
    own = search.state_dict()
    found = {
        name: columns[name.removeprefix("genomes.")].to(own[name].dtype)
        for name in own
        if name not in ("generation", "history")
    }
    generation = int(columns["evaluations"][-1]) // search.batch - 1
    return found | {
        "generation": torch.tensor(generation),
        "history": columns["confidence"][None].float(),
    }


def spent(checkpoint: Path) -> float:
    """Seconds of a core that a run has cost until now."""
    cost = checkpoint.with_suffix(".json")
    return json.loads(cost.read_text("utf-8"))["core_seconds"] if cost.is_file() else 0.0


def tell(run: Run, search: MapElites, more: str = "") -> None:
    """One line about a run."""
    confidence = search.confidence
    sure = float((confidence >= champions.SURE).float().mean())
    print(
        time.strftime("%H:%M"), run.file.removesuffix(".safetensors"),
        f"{(search.generation + 1) * search.batch:,} images,",
        f"median {float(confidence.quantile(0.5)):.4f}, mean {float(confidence.mean()):.4f},",
        f"{sure:.1%} sure", more, file=sys.stderr, flush=True,
    )  # fmt: skip


def found(
    checkpoints: Path,
    net: Classifier,
    judges: Mapping[str, Classifier],
    batch: int = BATCH,
    precision: Precision = "float32",
) -> Iterator[dict[str, Any]]:
    """Every run that has a checkpoint, as it is now, as ``write`` takes it."""
    for run in dict.fromkeys(run for run, _ in STAGES):
        path = checkpoints / run.file
        if not path.is_file():
            continue
        search = search_of(run, net, batch, precision).resume(path)
        elites, now = search.elites, search.state_dict()
        begun = begun_from(run, net, search, batch)
        asked = judges if run.crops == 1 else {net.name: net}  # in ten crops a look costs ten
        columns = champions.columns(elites, asked, batch, run.crops, begun)
        if run.encoding == "cppn":  # what else the next generation depends on
            columns |= {name: now[name] for name in ("generator", "born", "parent", "parent_born")}
        yield asdict(run) | {
            "shape": list(search.encoding.shape),
            "batch": batch,
            "core_seconds": round(spent(path)),
            "screened_after": screened_after(run, search, begun),
            "columns": columns,
        }


def screened_after(run: Run, search: MapElites, begun: champions.Champions | None) -> int | None:
    """Images that a run had judged in float32 before its children were screened; None: all."""
    images = 0 if begun is None else int(begun.evaluations[-1])
    before: int | None = (listed(run) or {}).get("screened_after")
    if before is not None and before < images:  # of the stored run it went on from
        return before
    return None if search.precision == "float32" else images


def begun_from(
    run: Run, net: Classifier, search: MapElites, batch: int
) -> champions.Champions | None:
    """The stored run that a search went on from, up to there; None: it began by itself.

    Raises:
        ValueError: the bank does not have that point of it.
    """
    begun = search.generation + 1 - len(search.state_dict()["history"])
    if begun == 0:
        return None
    images = (begun + 1) * batch
    kept = stored(run, net, batch)
    if kept is None or images not in kept[1]["evaluations"]:
        raise ValueError(f"checkpoints: {run.file} went on from {images:,} images, which the bank"
                         " does not have: expected the bank that it was begun with")  # fmt: skip
    about, columns = kept
    until = int((columns["evaluations"] <= images).sum())
    shape = tuple(about["shape"])
    whole = champions.from_columns(columns, run.network, run.encoding, run.seed, shape, run.crops)
    return replace(
        whole,
        evaluations=whole.evaluations[:until],
        curves={name: curve[:until] for name, curve in whole.curves.items()},
    )


def judge_again(folder: Path, judges: Mapping[str, Classifier]) -> Iterator[dict[str, Any]]:
    """The formulas of a bank with what other networks say of them, as ``write`` takes them."""
    if not (folder / champions.CARD).is_file():
        return
    about, arrays = champions.card(), read(champions.FILE)
    for one in about["runs"]:
        new = {n: j for n, j in judges.items() if f"{n}/own" not in one["columns"]}
        if one["encoding"] != "cppn" or one["crops"] != 1 or not new:
            continue
        name = champions.key(one)
        columns = {c: torch.from_numpy(arrays[f"{name}/{c}"]) for c in one["columns"]}
        run = champions.from_columns(
            columns, one["network"], one["encoding"], one["seed"], tuple(one["shape"]),
            one["crops"],
        )  # fmt: skip
        for judge, net in new.items():
            said = champions.ask(
                champions.seen(net, run.crops), run.images(run.kept.sort().values),
                torch.arange(len(run.confidence)),
            )  # fmt: skip
            columns |= {f"{judge}/own": said.own, f"{judge}/named": said.named.to(torch.int16)}
        yield one | {"columns": columns}


def write(folder: Path, runs: Iterable[dict[str, Any]], networks: dict[str, Classifier]) -> None:
    """The file of columns, and the card; other runs in a file that is there already stay in it.

    Args:
        folder: where both go.
        runs: each with its network, encoding, seed, and its ``columns`` as tensors.
        networks: by name, of which the card keeps fingerprints.
    """
    about, arrays = {"networks": {}, "runs": []}, {}
    if (folder / champions.CARD).is_file():
        about = json.loads((folder / champions.CARD).read_text("utf-8"))
        with np.load(folder / champions.FILE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    listed = {champions.key(run): run for run in about["runs"]}
    for run in runs:
        key = champions.key(run)
        for name in listed.get(key, {"columns": []})["columns"]:
            del arrays[f"{key}/{name}"]
        for name, tensor in run["columns"].items():
            array = tensor.cpu().numpy()
            arrays[f"{key}/{name}"] = array.astype(champions.SMALL.get(name, array.dtype))
        judged = int(run["columns"]["evaluations"][-1])
        listed[key] = run | {"columns": list(run["columns"]), "evaluations": judged}
    card = about | {
        "made": "python -m tools.bank.champions",
        "networks": about["networks"] | {n: fingerprint(net) for n, net in networks.items()},
        "precision": "float32",
        "runs": list(listed.values()),
    }
    program.write(folder, champions.FILE, arrays)
    write_atomically(folder / champions.CARD, json_bytes(card))


def main() -> None:
    """Command line: go on breeding, or write what was bred."""
    parser = program.options("champions", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("champions"), metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="the bank now; breed nothing")
    parser.add_argument("--precision", choices=get_args(Precision), default="float32",
        help="of the first look at a generation",
    )  # fmt: skip
    chosen = parser.parse_args()
    chosen.checkpoints.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # a run's last bits depend on it
    net = load(squeezenet.NAME)
    if not chosen.write:
        try:
            for run, images in STAGES:
                tell(
                    run,
                    breed(run, net, images, chosen.checkpoints, precision=chosen.precision),
                    "done",
                )
        except KeyboardInterrupt:
            parser.exit(130, "stopped; the same command goes on\n")
    judges = imagenet() if programs() else {net.name: net}
    write(chosen.out, found(chosen.checkpoints, net, judges, precision=chosen.precision), judges)
    write(chosen.out, judge_again(chosen.out, judges), judges)


if __name__ == "__main__":
    main()
