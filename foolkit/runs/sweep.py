"""Many independent evolutions on many processors, by Dask: seeds x networks x encodings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from foolkit.checks import (
    check_count,
    check_kind,
    check_names,
    check_text,
    device_named,
    is_sequence,
    path_of,
)
from foolkit.encodings import Encoding
from foolkit.evolution import Elites
from foolkit.extras import needs
from foolkit.files import file_name
from foolkit.models import load
from foolkit.models.classifier import fingerprint
from foolkit.models.precision import Precision, check_precision
from foolkit.progress import progress_bar
from foolkit.runs import evolution
from foolkit.runs.folder import claim
from foolkit.seeds import check_seed

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 30  # seconds until a scheduler must have answered
LOOK_EVERY = 2  # seconds: whether our own workers are still there
REVIVALS = 20  # of workers, while no run ends
LOCAL = "127.0.0.1"  # where our own scheduler and workers listen, and nowhere else


@dataclass(frozen=True)
class Run:
    """One evolution of a sweep.

    Attributes:
        network, encoding: their names.
        seed: of all that is random in it.
        folder: where it lives, as ``foolkit evolve`` writes it: checkpoint, elites, gallery.
    """

    network: str
    encoding: str
    seed: int
    folder: Path

    def elites(self) -> Elites:
        """What was bred.

        Raises:
            FileNotFoundError: it has not ended.
        """
        return Elites.load(self.folder / evolution.ELITES)


def sweep(
    folder: str | Path,
    *,
    networks: Sequence[str] | Mapping[str, Mapping[str, Any]],
    encodings: Sequence[str] | Mapping[str, Callable[..., Encoding[Any]]] = ("cppn",),
    seeds: Sequence[int] = (0,),
    generations: int = 200,
    batch: int = 200,
    precision: Precision = "float32",
    device: str = "cpu",
    threads: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> list[Run]:
    """Breed elites for every network, with every encoding, from every seed, side by side.

    Each run has a folder of its own and is what it would be alone, whichever worker does it: the
    number of workers changes the time, not the result. Where a worker dies, its run goes on from
    its last checkpoint on another; a run that loses four workers is tried again when the others are
    done, alone, and given up if it loses four more. The same call, made again, does what is left.
    In a script, call it under ``if __name__ == "__main__":``, since the local workers begin by
    importing the script.

    Without ``scheduler`` the workers are processes on this machine. For a cluster give the
    address of any Dask scheduler whose workers see ``folder`` under the same path, such as, on
    SLURM, that of dask-jobqueue::

        cluster = dask_jobqueue.SLURMCluster(cores=1, memory="4GB", walltime="02:00:00")
        cluster.scale(64)
        fk.sweep("runs/many", networks=["lenet"], seeds=range(300),
                 scheduler=cluster.scheduler_address)

    Args:
        folder: new, or of this sweep or of parts of it.
        networks: what ``foolkit.models.load`` takes; or by name, the arguments of that call.
        encodings: ``"cppn"``, ``"pixels"``; or by name, functions from the shape ``(C, H, W)`` of
            the images to an encoding, such as ``functools.partial(Pixels, eta=1)``.
        seeds: of the runs.
        generations, batch, precision: of each run, as for ``evolve``.
        device: of each run. With ``"cuda"``, the local workers take turns at the GPUs.
        threads: of torch, in each run; runs are bit-equal only for equal numbers.
        workers: processes on this machine; default one for every ``threads`` processors, on a
            GPU one for each.
        scheduler: address of a Dask scheduler, such as ``"tcp://head:8786"``.
        progress: show a bar.

    Returns:
        The runs, in the order networks, encodings, seeds.

    Raises:
        ModuleNotFoundError: Dask is not installed (``pip install "foolkit[cluster]"``).
        ValueError, TypeError: an argument that does not fit, a folder of something else.
        ConnectionError: no scheduler at that address.
        RuntimeError: runs failed, which are named; all others were finished first.
    """
    needs("distributed", "cluster")
    place = path_of(folder, "folder").absolute()
    batch, threads = check_count(batch, "batch"), check_count(threads, "threads")
    generations = check_count(generations, "generations", minimum=0)
    device = str(device_named(device))
    if scheduler is not None:
        check_text(scheduler, "scheduler")
    # a generator would be empty the second time
    if not is_sequence(seeds):
        raise TypeError(f"seeds: expected a sequence of integers, got {seeds!r}")
    seeds = tuple(check_seed(seed, "seeds") for seed in seeds)
    if not seeds:
        raise ValueError("seeds: expected at least one, got none")
    check_precision(precision)
    if workers is not None:
        check_count(workers, "workers")
        if scheduler is not None:
            raise ValueError("workers: expected none beside a scheduler, which has its own")
    sources = _named(networks, "networks", lambda name: {"source": name})
    makers = _named(encodings, "encodings", _encoding)
    options = {"generations": generations, "batch": batch, "precision": precision}
    tasks = _claimed(place, sources, makers, seeds, options, device, threads)
    left = {run: task for run, task in tasks.items() if not _done(run, generations)}
    if left:
        count = min(len(left), workers or _workers(device, threads))
        with _client(scheduler, count) as client:
            _finish(client, left, count, progress)
    return list(tasks)


def _named(given: Any, argument: str, meaning: Callable[[str], Any]) -> dict[str, Any]:
    """Names and what they mean."""
    if isinstance(given, Mapping) and given:
        check_names(given, argument)
        return dict(given)
    return {name: meaning(name) for name in check_names(given, argument)}


def _encoding(name: str) -> Callable[..., Encoding[Any]]:
    if name not in evolution.ENCODINGS:
        raise ValueError(f"encodings: expected {' or '.join(evolution.ENCODINGS)}, got {name!r}")
    return evolution.ENCODINGS[name]


def _claimed(
    folder: Path,
    sources: Mapping[str, Mapping[str, Any]],
    makers: Mapping[str, Callable[..., Encoding[Any]]],
    seeds: Sequence[int],
    options: dict[str, Any],
    device: str,
    threads: int,
) -> dict[Run, Callable[[], None]]:
    """Every run with its work; each has been checked, and has its folder."""
    tasks: dict[Run, Callable[[], None]] = {}
    taken: set[Path] = set()
    for network, source in sources.items():
        check_kind(source, Mapping, "networks")
        try:
            net = load(**source)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"networks: expected what foolkit.models.load takes for {network!r} ({error})"
            ) from error
        weights = fingerprint(net)
        for make in makers.values():
            if not callable(make):
                raise TypeError(f"encodings: expected functions of a shape, got {make!r}")
        drawn = {name: make(net.input_shape) for name, make in makers.items()}
        for (name, encoding), seed in product(drawn.items(), seeds):
            place = folder / f"{file_name(network)}-{file_name(name)}-{seed:04d}"
            if place in taken:
                raise ValueError(f"folder: two runs would share {place}")
            taken.add(place)
            config = {
                "command": "evolve", "model": str(source["source"]), "network": weights,
                "encoding": repr(encoding), "seed": seed, "device": device, "threads": threads,
                **options,
            }  # fmt: skip
            claim(place, config, free=("generations",), argument="folder")
            run = Run(network, name, seed, place)
            tasks[run] = partial(_evolve, run, source, encoding, config, options, device, threads)
    return tasks


def _done(run: Run, generations: int) -> bool:
    try:
        return len(run.elites().history.confidence) > generations
    except (FileNotFoundError, ValueError):  # damaged elites are written anew
        return False


def _evolve(
    run: Run,
    source: Mapping[str, Any],
    encoding: Encoding[Any],
    config: dict[str, Any],
    options: dict[str, Any],
    device: str,
    threads: int,
) -> None:
    """What a worker does."""
    torch.set_num_threads(threads)
    net = load(**source, device=_place(device))
    evolution.run(run.folder, net, encoding, config, seed=run.seed, progress=False, **options)


def _place(device: str) -> str:
    """With several GPUs, the one whose turn it is; local workers are numbered."""
    from distributed import get_worker

    number, count = get_worker().name, torch.cuda.device_count()
    if device == "cuda" and count > 1 and isinstance(number, int):
        return f"cuda:{number % count}"
    return device


def _workers(device: str, threads: int) -> int:
    from dask.system import CPU_COUNT

    if device.startswith("cuda"):
        return max(1, torch.cuda.device_count())
    return max(1, CPU_COUNT // threads)


@contextmanager
def _client(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A connection to the scheduler, or to workers of our own for as long as they are needed."""
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise ConnectionError(
                f"scheduler: expected a Dask scheduler at {scheduler}, none answers ({error})"
            ) from error
        with client:
            yield client
        return
    # a run is one long task: one at a time for each process
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, host=LOCAL, dashboard_address=f"{LOCAL}:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client


def _finish(
    client: Client, tasks: Mapping[Run, Callable[[], None]], workers: int, progress: bool
) -> None:
    """All of the tasks; those that fail are named when the others are done.

    Dask blames the death of a worker on every run that the worker had, the one that it was about
    to begin too. Those that are said to have killed their workers are therefore tried once more,
    each with the workers to itself, so that only those that do are given up.
    """
    from distributed import KilledWorker

    failed: dict[Run, BaseException] = {}
    with progress_bar(len(tasks), "runs", progress=progress, delay=0) as bar:
        for run, error in _outcomes(client, tasks, workers):
            if error is not None:
                failed[run] = error
            bar.update(not isinstance(error, KilledWorker))
        for run in [run for run, error in failed.items() if isinstance(error, KilledWorker)]:
            ((_, again),) = _outcomes(client, {run: tasks[run]}, workers, "alone")
            if again is None:
                del failed[run]
            else:
                failed[run] = again
            bar.update()
    if failed:
        listed = "; ".join(
            f"{run.folder.name}: {type(error).__name__}: {error}" for run, error in failed.items()
        )
        raise RuntimeError(
            f"{len(failed)} of {len(tasks)} runs failed, the others are done: {listed}"
        ) from next(iter(failed.values()))


def _outcomes(
    client: Client, tasks: Mapping[Run, Callable[[], None]], workers: int, how: str = "together"
) -> Iterator[tuple[Run, BaseException | None]]:
    """Each run when it ends, and the error that ended it."""
    from distributed import wait

    left = {
        client.submit(task, key=f"{run.folder} {how}", pure=False): run
        for run, task in tasks.items()
    }
    revived = 0
    while left:
        try:
            done = wait(list(left), timeout=LOOK_EVERY, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            revived += _revive(client, workers)
            if revived > REVIVALS:
                raise RuntimeError(
                    "workers: expected processes that stay, all end as they start"
                ) from None
            continue
        revived = 0
        for future in done:
            run = left.pop(future)
            yield run, None if future.status == "finished" else future.exception()


def _revive(client: Client, workers: int) -> int:
    """Start our own workers again that Dask has lost; returns how many.

    It gives up a worker that is not back in time, on a busy machine, and does not note the end of
    one that ends in the moment in which it has started: the runs would wait for them for ever.
    """
    from distributed import LocalCluster, Status

    cluster = client.cluster
    if not isinstance(cluster, LocalCluster):
        return 0  # those of another scheduler are not ours to start
    there = list(cluster.workers.values())
    dead = [one for one in there if one.status == Status.running and not one.is_alive()]
    for nanny in dead:
        with suppress(Exception):  # it ended once more: the next look finds it
            cluster.sync(nanny.instantiate)
    missing = max(0, workers - len(there))
    if missing:
        cluster.scale(workers)
    return len(dead) + missing
