"""Parts of a long attack: kept while it is not over, and only made once."""

import pytest
import torch

from foolkit.gradients import Ascent, Perturbed, ascent, fgsm
from foolkit.runs import batches


@pytest.fixture
def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 5)).eval()


@pytest.fixture
def images():
    return torch.rand(10, 1, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def labels():
    return torch.arange(10) % 5


def changing(net, images, labels, made, stop=99):
    def change(rows):
        if len(made) == stop:
            raise KeyboardInterrupt
        made.append(rows.start)
        return fgsm(net, images[rows], labels[rows], epsilon=0.1)

    return change


def test_all_parts_are_what_one_call_gives(tmp_path, net, images, labels):
    made = []
    found = batches.in_parts(
        tmp_path,
        Perturbed,
        changing(net, images, labels, made),
        net,
        10,
        4,
        originals=images,
        progress=False,
    )
    whole = fgsm(net, images, labels, epsilon=0.1)
    assert made == [0, 4, 8]
    for name, tensor in whole.tensors().items():
        assert torch.allclose(found.tensors()[name], tensor), name
    assert found.targeted is whole.targeted
    batches.clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_was_made_before_a_stop_is_kept(tmp_path, net, images, labels):
    made = []
    with pytest.raises(KeyboardInterrupt):
        batches.in_parts(
            tmp_path, Perturbed, changing(net, images, labels, made, 2), net, 10, 4, progress=False
        )
    found = batches.in_parts(
        tmp_path,
        Perturbed,
        changing(net, images, labels, made),
        net,
        10,
        4,
        originals=images,
        progress=False,
    )
    assert made == [0, 4, 8]
    assert torch.equal(found.images, fgsm(net, images, labels, epsilon=0.1).images)


def test_a_damaged_part_and_one_of_other_images_are_made_anew(tmp_path, net, images, labels):
    made = []
    again = changing(net, images, labels, made)
    batches.in_parts(tmp_path, Perturbed, again, net, 10, 4, originals=images, progress=False)
    first = sorted((tmp_path / batches.FOLDER).iterdir())[0]
    first.write_bytes(first.read_bytes()[:50])
    other = images.clone()
    other[9, 0, 0, 0] = 0.5
    batches.in_parts(tmp_path, Perturbed, again, net, 10, 4, originals=other, progress=False)
    assert made == [0, 4, 8, 0, 8]


def test_painted_parts_keep_their_steps(tmp_path, net):
    goals = torch.arange(5)

    def paint(rows):
        return ascent(
            net, goals[rows], shape=(1, 6, 6), start="grey", steps=20, step_size=0.1, progress=False
        )

    found = batches.in_parts(tmp_path, Ascent, paint, net, 5, 2, progress=False)
    again = batches.in_parts(tmp_path, Ascent, lambda rows: None, net, 5, 2, progress=False)
    for name, tensor in found.tensors().items():
        assert torch.equal(again.tensors()[name], tensor), name
    assert torch.equal(found.steps, paint(slice(None)).steps)


def test_a_part_of_another_network_with_the_same_weights_is_made_anew(
    tmp_path, net, images, labels
):
    made = []
    batches.in_parts(
        tmp_path, Perturbed, changing(net, images, labels, made), net, 10, 5, progress=False
    )
    other = torch.nn.Sequential(*net, torch.nn.Tanh())
    again = changing(other, images, labels, made)
    found = batches.in_parts(tmp_path, Perturbed, again, other, 10, 5, progress=False)
    assert made == [0, 5, 0, 5]
    assert torch.equal(found.confidence, fgsm(other, images, labels, epsilon=0.1).confidence)
