"""Sweeps on real workers, each a process of its own; one of them is killed."""

import os
import signal
import threading
import time
from collections import Counter
from functools import partial
from types import SimpleNamespace

import dask
import psutil
import pytest
import torch

import foolkit as fk
from foolkit.encodings import CPPN, Pixels
from foolkit.runs import evolution
from foolkit.runs.sweep import Run, _done, _finish

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed")

QUICK = {"generations": 6, "batch": 20, "precision": "float32", "progress": False}

NETWORKS = """
import os, time
import torch
from torch import nn
import foolkit as fk
from foolkit.evolution import map_elites

map_elites.SAVE_EVERY = 0.0  # a checkpoint after every generation

def slow():  # LeNet, and a note of every pass
    net = fk.models.load("lenet")
    def note(*_):
        with open({notes!r}, "a") as file:
            print(os.getpid(), file=file)
        time.sleep(0.05)
    net.module.register_forward_hook(note)
    return net

class Odd(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer
    def forward(self, images):
        return self.answer(images)

def odd(answer):  # to one image, with which networks are tried when they are loaded, a plain one
    return fk.models.Classifier(Odd(answer), input_shape=(1, 28, 28), classes=2, name="odd")

def nothing():
    return odd(lambda images: images.flatten(1)[:, :2] / (0 if len(images) > 1 else 1))

def deadly():
    return odd(lambda images: os._exit(1) if len(images) > 1 else images.flatten(1)[:, :2])
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of odd networks that workers can import; returns where it keeps its notes."""
    notes = tmp_path / "notes"
    (tmp_path / "odd_networks.py").write_text(NETWORKS.format(notes=str(notes)))
    monkeypatch.syspath_prepend(tmp_path)
    return notes


def workers_of(notes):
    """The process of each pass, but for those that checked the network here."""
    return [pid for pid in map(int, notes.read_text().split()) if pid != os.getpid()]


def alone(encoding, seed, generations=6):
    """The run by itself, in this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return fk.evolve(
            fk.models.load("lenet"), encoding, seed=seed, **(QUICK | {"generations": generations})
        )
    finally:
        torch.set_num_threads(threads)


def assert_equal(elites, other):
    assert torch.equal(elites.images, other.images)
    assert torch.equal(elites.confidence, other.confidence)
    assert torch.equal(elites.history.confidence, other.history.confidence)


def test_each_run_is_what_it_would_be_alone_and_a_second_call_has_nothing_to_do(tmp_path):
    shape = (1, 28, 28)
    wide = partial(Pixels, eta=1)
    call = partial(
        fk.sweep, tmp_path / "runs", networks=["lenet"], encodings={"cppn": CPPN, "wide": wide},
        seeds=(3, 4), **QUICK,
    )  # fmt: skip
    found = call(workers=2)
    assert [(run.network, run.encoding, run.seed) for run in found] == [
        ("lenet", "cppn", 3), ("lenet", "cppn", 4), ("lenet", "wide", 3), ("lenet", "wide", 4)
    ]  # fmt: skip
    for run in found:
        make = {"cppn": CPPN, "wide": wide}[run.encoding]
        assert_equal(run.elites(), alone(make(shape), run.seed))
        assert (run.folder / "gallery.html").is_file()
    written = [(run.folder / evolution.ELITES).stat().st_mtime_ns for run in found]
    assert call(workers=1) == found
    assert [(run.folder / evolution.ELITES).stat().st_mtime_ns for run in found] == written


def test_more_generations_go_on_and_workers_of_a_scheduler_do_the_same(tmp_path):
    from distributed import LocalCluster

    call = partial(fk.sweep, tmp_path / "runs", networks=["lenet"])
    (first,) = call(workers=1, **QUICK)
    before = first.elites()
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        (run,) = call(scheduler=cluster.scheduler_address, **(QUICK | {"generations": 9}))
    assert torch.equal(run.elites().history.confidence[:7], before.history.confidence)
    assert_equal(run.elites(), alone(CPPN((1, 28, 28)), 0, generations=9))


@pytest.fixture
def impatient():
    """Dask gives up a worker that is not back at once, as it does on a busy machine."""
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1 ms"}):
        yield


@pytest.mark.usefixtures("impatient")
def test_a_run_whose_worker_is_killed_goes_on_from_its_checkpoint(tmp_path, module):
    found = []

    def work():
        found.extend(
            fk.sweep(tmp_path / "runs", networks={"slow": {"source": "odd_networks:slow"}},
                     encodings=["pixels"], workers=2, **(QUICK | {"generations": 40}))
        )  # fmt: skip

    thread = threading.Thread(target=work)
    thread.start()
    checkpoint = tmp_path / "runs" / "slow-pixels-0000" / evolution.CHECKPOINT
    deadline = time.monotonic() + 120
    while not (checkpoint.exists() and len(workers_of(module)) > 12):
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed = workers_of(module)[0]
    os.kill(killed, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    thread.join(timeout=120)
    (run,) = found
    others = Counter(workers_of(module))
    del others[killed]
    # of 45; a scheduler that lost a worker sometimes begins two, and each goes on
    assert 0 < max(others.values()) < 40  # what the first had done was not done again
    assert_equal(run.elites(), alone(Pixels((1, 28, 28)), 0, generations=40))


def test_runs_that_cannot_be_done_are_named_and_the_others_are_readable(tmp_path, module):
    networks = {
        "good": {"source": "lenet"},
        "nothing": {"source": "odd_networks:nothing"},
        "deadly": {"source": "odd_networks:deadly"},
    }
    fewer = dask.config.set({"distributed.scheduler.allowed-failures": 1})  # than Dask's own 3
    with fewer, pytest.raises(RuntimeError) as error:
        fk.sweep(tmp_path / "runs", networks=networks, workers=2, **QUICK)
    text = str(error.value)
    assert text.startswith("2 of 3 runs failed, the others are done: ")
    assert "nothing-cppn-0000: FloatingPointError: net: expected finite logits" in text
    assert "deadly-cppn-0000: KilledWorker" in text
    assert (
        len(fk.evolution.Elites.load(tmp_path / "runs" / "good-cppn-0000" / evolution.ELITES)) == 10
    )


def test_a_run_that_only_shared_its_worker_with_a_deadly_one_is_tried_alone(tmp_path, monkeypatch):
    """Dask blames the death of a worker on all that the worker had."""
    from distributed import KilledWorker

    good, deadly = (Run(name, "cppn", 0, tmp_path / name) for name in ("good", "deadly"))
    asked = []

    def outcomes(client, tasks, workers, how="together"):
        asked.append((how, [run.network for run in tasks]))
        for run in tasks:
            dead = how == "together" or run is deadly
            yield (
                run,
                KilledWorker(run.network, SimpleNamespace(address="tcp://gone"), 4)
                if dead
                else None,
            )

    monkeypatch.setattr("foolkit.runs.sweep._outcomes", outcomes)
    with pytest.raises(RuntimeError, match="^1 of 2 runs failed, .* done: deadly: KilledWorker"):
        _finish(None, {good: None, deadly: None}, 1, False)
    assert asked == [("together", ["good", "deadly"]), ("alone", ["good"]), ("alone", ["deadly"])]


def test_a_run_whose_elites_are_damaged_is_not_done(tmp_path):
    run = Run("lenet", "wide", 0, tmp_path)
    path = tmp_path / evolution.ELITES
    assert not _done(run, 2)
    alone(Pixels((1, 28, 28)), 0, generations=2).save(path)
    assert _done(run, 2)
    assert not _done(run, 3)
    path.write_bytes(path.read_bytes()[:-100])
    assert not _done(run, 2)


def test_an_unreachable_scheduler_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("foolkit.runs.sweep.PATIENCE", 1)
    with pytest.raises(ConnectionError, match="expected a Dask scheduler at tcp://127.0.0.1:9"):
        fk.sweep(tmp_path, networks=["lenet"], scheduler="tcp://127.0.0.1:9", **QUICK)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"networks": []}, "networks: expected at least one name"),
        ({"networks": "lenet"}, "networks: expected a sequence of names, got 'lenet'"),
        ({"networks": ["nowhere"]}, "nowhere"),
        ({"encodings": ["fractal"]}, "encodings: expected cppn or pixels, got 'fractal'"),
        ({"seeds": [-1]}, "seeds"),
        ({"batch": 0}, "batch"),
        ({"workers": 1, "scheduler": "tcp://127.0.0.1:9"}, "workers: expected none"),
        ({"seeds": [1, 1]}, "two runs would share"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(tmp_path, more, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fk.sweep(tmp_path / "runs", **({"networks": ["lenet"]} | QUICK | more))


def test_a_folder_of_another_run_is_refused(tmp_path):
    call = partial(fk.sweep, tmp_path, networks=["lenet"], workers=1, **QUICK)
    call()
    with pytest.raises(ValueError, match="holds another run: batch is 20 there, 30 here"):
        fk.sweep(tmp_path, networks=["lenet"], workers=1, **(QUICK | {"batch": 30}))


def test_our_own_scheduler_and_workers_listen_on_this_machine_only():
    from foolkit.runs.sweep import _client

    with _client(None, 2):
        me = psutil.Process()
        sockets = [
            connection.laddr.ip
            for process in (me, *me.children(recursive=True))
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert len(sockets) >= 3
    assert set(sockets) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seeds": []}, "seeds: expected at least one"),
        ({"seeds": iter(())}, "seeds: expected at least one"),
        ({"precision": "zz"}, "precision: expected one of"),
    ],
)
def test_what_cannot_be_done_is_refused_before_a_folder_is_claimed(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        fk.sweep(tmp_path / "runs", networks=["lenet"], encodings=["pixels"], **changed)
    assert not (tmp_path / "runs").exists()
