"""The bank of the world outside: what is stored fools as it is said to."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import store, world
from tools.bank import world as program

pytest.importorskip("cv2")


def test_the_file_is_small():
    assert len((store.PLACE / world.FILE).read_bytes()) < 4e5


def test_the_gallery_holds_pieces_of_every_photograph_and_drawn_scenes():
    gallery = world.gallery()
    assert gallery.pictures.shape == (248, 3, 128, 128)
    assert gallery.photograph.bincount().tolist() == [16] * 14 + [24]
    goals = world.wanted()
    assert gallery.photograph[goals].tolist() == list(range(10))
    assert not set(world.BEFORE) & set(world.HELD_OUT)


@pytest.fixture(scope="module")
def found():
    """Share of wallpapers and held-out objects for which the wanted picture is among the five."""
    things, photograph = world.objects(world.HELD_OUT)
    goals = world.wanted()
    other = world.gallery().photograph[goals][:, None] != photograph
    shares = {}
    for made, images in world.wallpapers().items():
        shown = fk.analysis.in_front(things, images)
        top = world.search().top(shown.flatten(0, 1)).unflatten(0, shown.shape[:2])
        shares[made] = float((top == goals[:, None, None]).any(2)[other].float().mean())
    return shares


def test_painted_wallpapers_lead_the_search_where_they_should(found):
    assert set(found) == set(world.MADE)
    assert found["painted"] > 0.7
    for images in world.wallpapers().values():
        assert images.shape == (10, 3, 64, 64)


def test_patterns_are_pedestrians():
    made = world.pedestrians()
    assert set(made) == {*world.MADE, "fine pixels"}
    net = fk.models.pedestrian()
    for kind, images in made.items():
        assert images.shape == (10, 1, 128, 64)
        share = (fk.models.predict(net, images)[:, 1] > 0.5).double().mean()
        assert share == 1 or kind in ("pixels", "fine pixels")
    coarse = made["pixels"]
    squares = coarse[:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(coarse, squares)


def test_accidents_are_counts_of_every_judge_and_kind():
    stored = world.accidents()
    assert set(stored) == set(world.JUDGES) == set(program.SHOWN)
    for judge, row in stored.items():
        assert list(row) == list(fk.analysis.textures((1, 8, 8)))
        assert {one.images for one in row.values()} == {program.SHOWN[judge]}
        assert all(0 <= one.hits <= one.images for one in row.values())


def test_a_judge_is_a_network_with_what_counts():
    net, least, alarms, titles = world.judge("pedestrian")
    assert (net.name, least, alarms) == ("pedestrian", 0.5, [1])
    assert not set(titles) & set(world.PEOPLE)
    assert world.judge("lenet")[1:] == (0.99, None, None)
    with pytest.raises(ValueError, match="name: expected one of"):
        world.judge("nobody")


def test_small_runs_of_the_program_have_the_columns_that_are_read(tmp_path, monkeypatch):
    for made in program.world.MADE:
        paper = program.wallpaper(made, generations=0, steps=1)["images"]
        assert paper.shape == (10, 3, 64, 64)
    monkeypatch.setattr(program, "RUNS", 2)
    for made in (*world.MADE, "fine pixels"):
        figure = program.pattern(made, generations=1, steps=2)["images"]
        assert figure.shape == (2, 1, 128, 64)
    counts = program.chance("lenet", 200)
    assert counts["counts"].shape == (5, 2)
    assert counts["kinds"].tolist() == list(fk.analysis.textures((1, 8, 8)))


def test_parts_that_are_there_are_not_made_again(tmp_path, monkeypatch, capsys):
    made = []

    def part(name):
        return lambda: made.append(name) or {"images": torch.zeros(1).numpy()}

    monkeypatch.setattr(program, "parts", lambda: {name: part(name) for name in ("a/b", "a/c")})
    for arguments in ([], [], ["--anew", "a/c"]):
        monkeypatch.setattr("sys.argv", ["world", "--out", str(tmp_path), *arguments])
        program.main()
    assert made == ["a/b", "a/c", "a/c"]
    assert set(store_names(tmp_path)) == {"a/b/images", "a/c/images"}


def store_names(folder):
    """Of the arrays in the file."""
    import numpy as np

    with np.load(folder / world.FILE) as held:
        return list(held.files)
