import os

import pytest
import torch

from foolkit.files import check_writable, load_tensors, save_tensors, write_atomically


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
