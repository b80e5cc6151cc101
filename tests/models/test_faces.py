import json

import pytest

from foolkit.data.faces import faces
from foolkit.models.faces import FOLDER, SEEDS, FaceNet, accepted, load_face_net


def test_both_networks_are_equally_large():
    pooled, whole = (sum(p.numel() for p in FaceNet(h).parameters()) for h in ("pooled", "whole"))
    assert abs(pooled / whole - 1) < 0.025


@pytest.mark.parametrize("seed", range(SEEDS))
def test_pooled_networks_accept_scrambled_faces_and_whole_ones_fewer(seed):
    scrambled = faces(300, "scrambled", seed=5)
    pooled, whole = (load_face_net(head, seed=seed) for head in ("pooled", "whole"))
    assert accepted(pooled, scrambled) > accepted(whole, scrambled) + 0.2
    card = json.loads((FOLDER / "faces.json").read_text("utf-8"))
    told = card["accepted_of_1000_new_pictures"][pooled.name]["scrambled"]
    assert accepted(pooled, scrambled) == pytest.approx(told, abs=0.1)


def test_bad_names_are_errors():
    with pytest.raises(ValueError, match="seed: expected 0 to 2, got 3"):
        load_face_net("pooled", seed=3)
    with pytest.raises(ValueError, match="head: expected one of"):
        load_face_net("none")
