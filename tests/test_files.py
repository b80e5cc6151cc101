import os
import shutil
import time

import pytest
import torch
from PIL import Image

from foolkit.files import (
    check_writable,
    is_part,
    load_tensors,
    read_png,
    remove_stale,
    save_tensors,
    sync,
    write_atomically,
    write_png,
)


def test_round_trip(tmp_path):
    tensors = {"a": torch.rand(3, 4), "b": torch.arange(5)}
    save_tensors(tmp_path / "deep" / "file", tensors, {"kind": "test", "n": 3})
    loaded, facts = load_tensors(tmp_path / "deep" / "file", "path")
    assert facts == {"kind": "test", "n": 3}
    assert all(torch.equal(tensors[name], loaded[name]) for name in tensors)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_another_process_removes_meanwhile_is_made_again(tmp_path, monkeypatch):
    path, replace = tmp_path / "parts" / "file", os.replace
    left = [2]  # times that it is removed

    def removed(*names):
        if left[0]:
            left[0] -= 1
            shutil.rmtree(path.parent)
        replace(*names)

    monkeypatch.setattr(os, "replace", removed)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    left[0] = 100
    with pytest.raises(FileNotFoundError):
        write_atomically(path, b"newer")


def test_truncated_corrupt_foreign_missing(tmp_path):
    path = tmp_path / "file"
    save_tensors(path, {"a": torch.rand(100)}, {})
    whole = path.read_bytes()
    for content in (whole[:-1], whole[:10], b"", b"hello" * 100):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="checkpoint: expected a complete safetensors file"):
            load_tensors(path, "checkpoint")
    from safetensors.torch import save_file

    save_file({"a": torch.rand(3)}, path)  # whole, but not ours
    with pytest.raises(ValueError, match="checkpoint: expected .* written by foolkit"):
        load_tensors(path, "checkpoint")
    with pytest.raises(FileNotFoundError, match="checkpoint: expected a file, found none"):
        load_tensors(tmp_path / "none", "checkpoint")


def test_an_unwritable_folder_is_found_out_early(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="checkpoint: expected a folder that can be written"):
        check_writable(tmp_path / "file" / "below", "checkpoint")
    with pytest.raises(OSError, match="checkpoint: .*it is a folder"):
        check_writable(tmp_path, "checkpoint")
    with pytest.raises(OSError, match="checkpoint: .*a name that will do"):
        check_writable(tmp_path / ("long" * 61), "checkpoint")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_equal_contents_are_equal_files(tmp_path):
    contents = set()
    for n in range(20):
        save_tensors(tmp_path / str(n), {"a": torch.ones(3), "b": torch.zeros(2)}, {"n": 1})
        contents.add((tmp_path / str(n)).read_bytes())
    assert len(contents) == 1


def test_a_flipped_bit_is_found(tmp_path):
    path = tmp_path / "file"
    save_tensors(path, {"a": torch.rand(100), "b": torch.zeros(3, dtype=torch.bool)}, {"n": 1})
    whole = path.read_bytes()
    for place in (len(whole) - 1, len(whole) - 200, len(whole) - 390):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match="checkpoint: .*not what was written"):
            load_tensors(path, "checkpoint")


def test_an_older_file_without_a_digest_is_read(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(3)}, tmp_path / "file", metadata={"foolkit": "{}"})
    assert torch.equal(load_tensors(tmp_path / "file", "path")[0]["a"], torch.ones(3))
    save_file({"a": torch.ones(3)}, tmp_path / "deep", metadata={"foolkit": "[" * 100_000})
    with pytest.raises(ValueError, match="path: expected a complete safetensors file"):
        load_tensors(tmp_path / "deep", "path")


def test_what_a_killed_writer_leaves_is_removed_once_it_is_old(tmp_path):
    write_atomically(tmp_path / "kept", b"")
    for name, age in ((".kept.part-0123", 7200), (".other.part-4567", 1)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
        assert is_part(tmp_path / name)
    remove_stale(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".other.part-4567", "kept"]


def test_sync_reaches_every_file_and_folder(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    reached, fsync = set(), os.fsync

    def note(handle):
        reached.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    sync(tmp_path)
    assert reached >= {p.stat().st_ino for p in (tmp_path / "deep" / "a", tmp_path / "b")}
    if os.name != "nt":
        assert reached >= {p.stat().st_ino for p in (tmp_path, tmp_path / "deep")}


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_a_png_of_any_number_of_channels_comes_back(tmp_path, channels):
    levels = torch.randint(256, (channels, 4, 6), generator=torch.Generator().manual_seed(0))
    image = levels.float().div_(255)
    write_png(tmp_path / "a.png", image)
    assert torch.equal(read_png(tmp_path / "a.png", channels), image)
    with Image.open(tmp_path / "a.png") as opened:
        assert opened.mode == ("RGB" if channels == 3 else "L")  # nothing is transparent
