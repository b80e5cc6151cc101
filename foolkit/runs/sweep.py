"""Many independent evolutions on many processors, by Dask: seeds x networks x encodings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from foolkit.checks import check_count
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
    its last checkpoint on another; a run that loses four workers is given up. The same call, made
    again, does what is left. In a script, call it under ``if __name__ == "__main__":``, since the
    local workers begin by importing the script.

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
    for name, value in (("batch", batch), ("threads", threads)):
        check_count(value, name)
    check_count(generations, "generations", minimum=0)
    # a generator would be empty the second time
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
    tasks = _claimed(Path(folder).absolute(), sources, makers, seeds, options, device, threads)
    left = {run: task for run, task in tasks.items() if not _done(run, generations)}
    if left:
        count = min(len(left), workers or _workers(device, threads))
        with _client(scheduler, count) as client:
            _finish(client, left, progress)
    return list(tasks)


def _named(given: Any, argument: str, meaning: Callable[[str], Any]) -> dict[str, Any]:
    """Names and what they mean."""
    if isinstance(given, str) or not given:
        raise ValueError(f"{argument}: expected names, got {given!r}")
    return dict(given) if isinstance(given, Mapping) else {name: meaning(name) for name in given}


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
        net = load(**source)
        weights = fingerprint(net)
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
            claim(place, config, free=("generations",))
            run = Run(network, name, seed, place)
            tasks[run] = partial(_evolve, run, source, encoding, config, options, device, threads)
    return tasks


def _done(run: Run, generations: int) -> bool:
    try:
        return len(run.elites().history.confidence) > generations
    except FileNotFoundError:
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


def _finish(client: Client, tasks: Mapping[Run, Callable[[], None]], progress: bool) -> None:
    """All of the tasks; those that fail are named when the others are done."""
    from distributed import as_completed

    futures = {
        client.submit(task, key=f"{run.folder}", pure=False): run for run, task in tasks.items()
    }
    failed = {}
    with progress_bar(len(futures), "runs", progress=progress, delay=0) as bar:
        for future in as_completed(futures):
            if future.status != "finished":
                failed[futures[future]] = future.exception()
            bar.update()
    if failed:
        listed = "; ".join(
            f"{run.folder.name}: {type(error).__name__}: {error}" for run, error in failed.items()
        )
        raise RuntimeError(
            f"{len(failed)} of {len(futures)} runs failed, the others are done: {listed}"
        ) from next(iter(failed.values()))
