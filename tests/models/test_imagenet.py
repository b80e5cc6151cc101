"""Where ImageNet networks are looked for, and what is said when there are none."""

import pytest
import torch

from foolkit.models import imagenet as find
from foolkit.models import loading
from foolkit.models.imagenet import PROGRAMS, TORCHVISION, programs

needs_networks = pytest.mark.skipif(not programs(), reason="no networks in $FOOLKIT_DATA/imagenet")


@needs_networks
def test_the_programs_of_the_data_folder_come_first():
    found = find()
    assert tuple(found) == PROGRAMS
    for name, net in found.items():
        assert net.name == name
        assert net.input_shape == (3, 224, 224)
        assert len(net.classes) == 1000
        assert net.classes[9] == "ostrich"


def test_an_incomplete_folder_counts_as_none(tmp_path, monkeypatch):
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / f"{PROGRAMS[0]}.pt2").write_bytes(b"")
    monkeypatch.setenv("FOOLKIT_DATA", str(tmp_path))
    assert programs() == {}


def test_torchvisions_are_taken_from_its_cache(tmp_path, monkeypatch):
    """State dicts at hand where torchvision would have put them: nothing is downloaded."""
    models = loading.import_torchvision().models
    monkeypatch.delenv("FOOLKIT_DATA", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    for name in TORCHVISION:
        torch.manual_seed(0)
        file = models.get_model_weights(name).DEFAULT.url.rpartition("/")[2]
        torch.save(
            models.get_model(name, weights=None).state_dict(), tmp_path / "checkpoints" / file
        )
    found = find()
    assert tuple(found) == TORCHVISION
    assert all(net.input_shape == (3, 224, 224) for net in found.values())


def test_without_any_the_error_says_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOLKIT_DATA", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def fail(*arguments, **more):
        raise OSError("no connection")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(FileNotFoundError, match=r"mobilenet_v1\.pt2.*FOOLKIT_DATA.*no connection"):
        find()
