import time

import pytest
import torch

import foolkit as fk
from foolkit.encodings import Pixels
from foolkit.evolution import MapElites, map_elites
from foolkit.files import load_tensors, save_tensors


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


def evolve(net, **changes):
    settings = {"batch": 50, "seed": 5, "progress": False, **changes}
    return fk.evolve(net, Pixels(net.input_shape), **settings)


def test_killed_and_resumed_is_bit_for_bit_never_stopped(lenet, kill_at):
    path = kill_at("fk.encodings.Pixels(net.input_shape)", generation=12)
    stopped = MapElites(lenet, Pixels(lenet.input_shape), batch=50, seed=5).resume(path)
    reached = stopped.generation
    assert reached >= 11
    resumed = evolve(lenet, generations=reached + 10, checkpoint=path)
    whole = evolve(lenet, generations=reached + 10)
    assert torch.equal(resumed.images, whole.images)
    assert torch.equal(resumed.confidence, whole.confidence)
    assert torch.equal(resumed.history.confidence, whole.history.confidence)
    assert torch.equal(resumed.parent, whole.parent)


def test_a_finished_run_is_not_run_again(lenet, tmp_path):
    path = tmp_path / "run.safetensors"
    first = evolve(lenet, generations=3, checkpoint=path)
    written = path.stat().st_mtime_ns
    time.sleep(0.01)
    again = evolve(lenet, generations=3, checkpoint=path)
    assert torch.equal(first.confidence, again.confidence)
    assert path.stat().st_mtime_ns >= written


@pytest.mark.parametrize("changes", [{"seed": 6}, {"batch": 51}, {"precision": "bfloat16"}])
def test_a_checkpoint_of_another_experiment_is_refused(lenet, tmp_path, changes):
    path = tmp_path / "run.safetensors"
    evolve(lenet, generations=1, checkpoint=path)
    before = path.read_bytes()
    (name,) = changes
    with pytest.raises(ValueError, match=f"checkpoint: .* another experiment: {name} is"):
        evolve(lenet, generations=2, checkpoint=path, **changes)
    assert path.read_bytes() == before


def test_other_weights_are_another_experiment(lenet, tmp_path):
    path = tmp_path / "run.safetensors"
    evolve(lenet, generations=1, checkpoint=path)
    other = fk.models.load("lenet")
    with torch.no_grad():
        other.module.fc2.bias[0] += 0.01
    with pytest.raises(ValueError, match="another experiment: weights"):
        evolve(other, generations=2, checkpoint=path)


def test_damaged_checkpoints_are_refused_and_kept(lenet, tmp_path):
    path = tmp_path / "run.safetensors"
    evolve(lenet, generations=1, checkpoint=path)
    damaged = path.read_bytes()[:-100]
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="checkpoint: expected a complete safetensors file"):
        evolve(lenet, generations=2, checkpoint=path)
    assert path.read_bytes() == damaged


def test_an_unwritable_folder_is_refused_before_work(lenet, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="checkpoint: expected a folder that can be written"):
        evolve(lenet, generations=10**9, checkpoint=tmp_path / "file" / "run")


def test_checkpoints_are_written_on_the_way(lenet, tmp_path, monkeypatch):
    monkeypatch.setattr(map_elites, "SAVE_EVERY", 0.0)
    path = tmp_path / "run.safetensors"
    seen = []
    evolve(lenet, generations=3, checkpoint=path, callback=lambda _: seen.append(path.exists()))
    assert all(seen)


def test_the_same_weights_in_another_network_are_noticed(tmp_path):
    """Another activation: no weight differs."""
    torch.manual_seed(0)
    layers = torch.nn.Flatten(), torch.nn.Linear(36, 20), torch.nn.Linear(20, 4)
    relu, tanh = (
        torch.nn.Sequential(*layers[:2], kind, layers[2])
        for kind in (torch.nn.ReLU(), torch.nn.Tanh())
    )
    path = tmp_path / "run.safetensors"
    settings = {"batch": 50, "progress": False, "checkpoint": path}
    fk.evolve(relu, Pixels((1, 6, 6)), generations=5, **settings)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="checkpoint: .*another network: the confidence of its"):
        fk.evolve(tanh, Pixels((1, 6, 6)), generations=6, **settings)
    assert path.read_bytes() == before
    assert len(fk.evolve(relu, Pixels((1, 6, 6)), generations=6, **settings).born) == 4


def test_a_checkpoint_of_odd_tensors_is_refused_by_name(lenet, tmp_path):
    path = tmp_path / "run.safetensors"
    evolve(lenet, generations=1, checkpoint=path)
    tensors, facts = load_tensors(path, "path")
    for name, tensor, message in (
        ("generator", torch.zeros_like(tensors["generator"]), "state: expected that of a gen"),
        ("history", torch.zeros(0, 10), "state: expected a generation and a history"),
        ("generation", torch.tensor([1, 2]), "state: expected a generation and a history"),
        ("odd", torch.zeros(1), "state: expected the tensors of this experiment; at odds: odd"),
    ):
        save_tensors(path, {**tensors, name: tensor}, facts)
        with pytest.raises(ValueError, match=message):
            evolve(lenet, generations=2, checkpoint=path)


def test_a_name_that_will_not_do_is_refused_before_work(lenet, tmp_path):
    for path in (tmp_path, tmp_path / ("long" * 61)):
        with pytest.raises(OSError, match="checkpoint: expected a folder that can be written"):
            evolve(lenet, generations=10**9, checkpoint=path)
