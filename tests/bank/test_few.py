"""What is stored of few pixels, patches and universal perturbations, judged anew."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import few, store
from tools.bank.few import PARTS, read_rightly


@pytest.fixture(scope="module")
def stored():
    return few.stored()


def test_every_part_is_there_and_small(stored):
    parts = {"/".join(part) for part in PARTS}
    assert parts == {name.rsplit("/", 1)[0] for name in stored if "photographs" not in name} | {
        name for name in parts if "photographs" in name
    }
    assert all(any(name.startswith(f"{part}/") for name in stored) for part in parts)
    assert (store.PLACE / few.FILE).stat().st_size < 300_000
    for count in few.PIXELS:
        for kind in ("search", "random"):
            assert stored[f"pixels/{count}/{kind}"].shape == (few.SEARCHED,)
    for name in few.NETWORKS:
        assert stored[f"single/{name}/fools"].shape == (few.EVERY, 28, 28)


def test_what_single_pixels_do_is_what_they_do():
    net, stored = fk.models.load("fc100-100-10"), few.stored()
    assert f"single/{net.name}/fools" not in stored  # a network of the book, not of the family
    name = few.NETWORKS[-1]
    net = fk.models.load(name)
    images, labels = read_rightly(net, 2)
    found = fk.gradients.every_pixel(net, images, labels, progress=False)
    clear = (found.abs() > 0.01).all(1)
    assert torch.equal((found > 0).any(1)[clear], stored[f"single/{name}/fools"][:2][clear])


def test_patches_are_read_as_their_goals_more_often_than_random_greys():
    net = fk.models.load(few.MAKER)
    images, labels = read_rightly(net, 150)
    for size in few.SIZES:
        made = few.patches(size)
        assert [one.target for one in made] == list(range(10))
        assert all(one.pixels.shape == (1, size, size) for one in made)
    hits = []
    for one in made:
        grey = fk.gradients.Patch(torch.rand_like(one.pixels), target=one.target)
        other = labels != one.target
        hits.append([
            float(two.judged(net, images[other], labels[other]).fooled.float().mean())
            for two in (one, grey)
        ])  # fmt: skip
    made, greys = torch.tensor(hits).mean(0)
    assert made > greys + 0.2


def test_universal_changes_do_what_is_stored(stored):
    name = few.FAMILY[0]
    change = few.universal(name)
    assert change.change.abs().max() <= few.EPSILON + 1e-6
    images, labels = (part[: few.JUDGED] for part in fk.models.comparison_digits())
    for judge in (0, 3):
        net = fk.models.load(fk.models.family.PREFIX + few.FAMILY[judge])
        found = int(change.judged(net, images, labels).fooled.sum())
        assert abs(found - int(stored[f"universal/{name}/fooled"][judge])) <= 2


def test_the_toaster_and_the_pattern_for_photographs():
    net = fk.models.load(few.PHOTOGRAPHED)
    photographs, _ = fk.data.embedded_photographs(net.input_shape)
    toaster = few.photograph_patch()
    assert net.classes[toaster.target] == few.TARGET
    nothing = torch.zeros(4, dtype=torch.int64)
    hits = toaster.judged(net, photographs[:4], nothing).fooled
    others = [one.judged(net, photographs[:4], nothing).fooled
              for one in few.photograph_controls(photographs).values()]  # fmt: skip
    assert hits.sum() > max(int(one.sum()) for one in others)
    change = few.photograph_universal().change * 255
    assert torch.allclose(change, change.round(), atol=1e-4)
    assert change.abs().max() <= few.LEVELS + 1e-4


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="size: expected one of '8'"):
        few.patches(9)
    with pytest.raises(ValueError, match="name: expected one of 'lenet-1'"):
        few.universal("vit")
