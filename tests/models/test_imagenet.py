"""One ImageNet network is always at hand; others are asked where they are."""

import pytest
import torch

from foolkit.models import imagenet as find
from foolkit.models import loading, squeezenet
from foolkit.models.imagenet import PROGRAMS, TORCHVISION, programs

needs_networks = pytest.mark.skipif(not programs(), reason="no networks in $FOOLKIT_DATA/imagenet")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A machine that has neither data nor downloads, nor a connection."""

    def fail(*arguments, **more):
        raise AssertionError("a download was tried")

    monkeypatch.delenv("FOOLKIT_DATA", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    return tmp_path


@needs_networks
def test_the_programs_of_the_data_folder_are_asked_too():
    found = find()
    assert tuple(found) == (squeezenet.NAME, *PROGRAMS)
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


def test_without_data_or_downloads_one_network_is_there(empty):
    assert tuple(find()) == (squeezenet.NAME,)


def test_torchvisions_are_taken_from_its_cache(empty):
    """State dicts at hand where torchvision would have put them: nothing is downloaded."""
    models = loading.import_torchvision().models
    (empty / "checkpoints").mkdir()
    for name in TORCHVISION[1:]:
        torch.manual_seed(0)
        file = models.get_model_weights(name).DEFAULT.url.rpartition("/")[2]
        torch.save(models.get_model(name, weights=None).state_dict(), empty / "checkpoints" / file)
    found = find()
    assert tuple(found) == (squeezenet.NAME, *TORCHVISION[1:])
    assert all(net.input_shape == (3, 224, 224) for net in found.values())


def test_without_the_package_the_error_names_the_extra(empty, monkeypatch):
    monkeypatch.setattr(squeezenet, "PACKAGE", "no_such_package")
    with pytest.raises(FileNotFoundError, match=r"foolkit\[photographs\]"):
        find()
