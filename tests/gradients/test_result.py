"""Results: some of them, all of them together, elsewhere, and in a file."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.files import load_tensors, save_tensors
from foolkit.gradients import Ascent, Perturbed


@pytest.fixture
def found(five, spread, says):
    labels = says(five, spread)
    return fk.gradients.fgsm(five, spread, labels, epsilon=0.05)


@pytest.fixture
def painted(five):
    return paint(five, torch.arange(5))


def paint(net, goals):
    return fk.gradients.ascent(
        net, goals, shape=(1, 6, 6), start="grey", steps=40, step_size=0.003, progress=False
    )


@pytest.fixture(params=["found", "painted"])
def result(request):
    return request.getfixturevalue(request.param)


def same(one, other):
    assert type(one) is type(other)
    assert one.targeted is other.targeted
    mine, theirs = one.tensors(), other.tensors()
    assert list(mine) == list(theirs)
    for name, tensor in mine.items():
        assert tensor.dtype == theirs[name].dtype, name
        assert torch.equal(tensor, theirs[name]), name


def test_whatever_is_cut_is_whole_again(result):
    n = len(result)
    for cut in range(n + 1):
        same(type(result).cat([result[:cut], result[cut:]]), result)
    same(type(result).cat([result[i] for i in range(n)]), result)
    same(type(result).cat(list(result)), result)  # an iteration goes over batches of one


def test_rows_by_number_by_mask_and_by_slice(result):
    n = len(result)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    same(result[order][order.argsort()], result)
    mask = torch.zeros(n, dtype=torch.bool)
    mask[1:4] = True
    same(result[mask], result[1:4])
    same(result[torch.tensor([1, 2, 3])], result[1:4])
    same(result[2], result[2:3])
    same(result[-1], result[n - 1 :])
    assert len(result[:0]) == 0
    assert torch.equal(result[order].images, result.images[order])
    assert torch.equal(result[order].queries, result.queries[order])


def test_rows_that_are_not_there(result):
    n = len(result)
    for rows in (n, -n - 1, torch.tensor([n]), torch.ones(n + 1, dtype=torch.bool)):
        with pytest.raises(IndexError):
            result[rows]
    for rows in (True, 1.0, "first", [0, 1], torch.tensor(1), torch.tensor([1.0])):
        with pytest.raises(TypeError, match="rows: expected"):
            result[rows]


def test_saved_and_loaded_it_is_the_same(result, tmp_path):
    for part in (result, result[:1], result[:0]):
        part.save(tmp_path / "new" / "result.safetensors")
        same(type(part).load(str(tmp_path / "new" / "result.safetensors")), part)


def test_unclipped_images_survive_the_file(five, spread, says, tmp_path):
    free = fk.gradients.fgsm(five, spread, says(five, spread), epsilon=0.3, clip=False)
    assert free.images.min() < 0
    free.save(tmp_path / "free")
    same(Perturbed.load(tmp_path / "free"), free)


def test_it_moves(result):
    same(result.to("cpu"), result)
    assert all(tensor.is_meta for tensor in result.to("meta").tensors().values())


def test_joined_trajectories_stand_still_where_they_ended(five):
    quick, slow = (paint(five, torch.tensor(goals)) for goals in ([0], [1, 2]))
    assert len(quick.trajectory) < len(slow.trajectory)
    both = Ascent.cat([quick, slow])
    assert both.trajectory.shape == (len(slow.trajectory), 3)
    assert torch.equal(both.trajectory[:, 1:], slow.trajectory)
    assert torch.equal(both.trajectory[: len(quick.trajectory), :1], quick.trajectory)
    assert (both.trajectory[len(quick.trajectory) :, 0] == quick.trajectory[-1, 0]).all()
    assert both.steps.tolist() == [*quick.steps.tolist(), *slow.steps.tolist()]
    whole = paint(five, torch.arange(3))  # equal but for rounding, which batches change
    assert torch.allclose(both.trajectory, whole.trajectory, atol=1e-4)


def test_what_cannot_be_joined(found, painted, says):
    with pytest.raises(ValueError, match="parts: expected at least one, got none"):
        Perturbed.cat([])
    with pytest.raises(ValueError, match="parts: expected all targeted or none, got both"):
        Perturbed.cat([found, replace(found, targeted=True)])
    with pytest.raises(TypeError, match="parts: expected Perturbed, got Ascent"):
        Perturbed.cat([found, painted])
    with pytest.raises(TypeError, match="parts: expected Ascent, got Perturbed"):
        Ascent.cat([found])
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    other = fk.gradients.fgsm(net, torch.rand(2, 1, 2, 2), torch.tensor([0, 1]), epsilon=0.1)
    with pytest.raises(ValueError, match=r"parts: expected images of one shape, got \[\(1, 2, 2\)"):
        Perturbed.cat([found, other])


def test_files_that_will_not_do(found, painted, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError, match="path: expected a file, found none"):
        Perturbed.load(path)
    found.save(path)
    with pytest.raises(ValueError, match="path: expected a file of kind 'ascent', got 'perturbed'"):
        Ascent.load(path)
    tensors, facts = load_tensors(path, "path")
    (tmp_path / "cut").write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="path: expected a complete safetensors file"):
        Perturbed.load(tmp_path / "cut")
    painted.save(path)
    with pytest.raises(ValueError, match="path: expected a file of kind 'perturbed', got 'ascent'"):
        Perturbed.load(path)

    def refused(message, changed, facts=facts):
        save_tensors(path, changed, facts)
        with pytest.raises(ValueError, match=message):
            Perturbed.load(path)

    without = {name: tensor for name, tensor in tensors.items() if name != "l2"}
    refused("path: expected images, .* got before, confidence, confidence_8bit", without)
    refused("path: expected images, .* got before, .* odd", {**tensors, "odd": found.l2 + 1})
    refused("path: expected images, .* and targeted", tensors, {"kind": "perturbed"})
    refused("expected l2 as torch.float32", {**tensors, "l2": tensors["l2"].double()})
    refused(r"expected l0 as .* got torch.int64 \[3\]", {**tensors, "l0": tensors["l0"][:3]})
    refused("expected success as torch.bool", {**tensors, "success": found.labels + 1})
    refused("expected originals as", {**tensors, "originals": found.originals[..., :3]})


def test_how_they_look(found, painted):
    fooled = found.success
    assert 0 < int(fooled.sum()) < 12
    assert repr(found) == (
        f"Perturbed(12 images, {int(fooled.sum())} fooled,"
        f" median L2 of these {float(found.l2[fooled].median()):.2f})"
    )
    assert repr(found[~fooled]) == f"Perturbed({int((~fooled).sum())} images, 0 fooled)"
    count = int(painted.fooled.sum())
    assert repr(painted).startswith(f"Ascent(5 images, {count} fooled, median L2 of these ")
    assert painted.success.all()
    assert f"{5 - count} at the goal before" in repr(painted)
