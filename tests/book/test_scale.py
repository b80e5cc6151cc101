import pytest

import foolkit as fk


def test_scaled(monkeypatch):
    monkeypatch.delenv("FOOLKIT_SCALE", raising=False)
    assert fk.scaled(3, 500) == 3
    monkeypatch.setenv("FOOLKIT_SCALE", "full")
    assert fk.scaled(3, 500) == 500
    monkeypatch.setenv("FOOLKIT_SCALE", "rehearsal")
    assert fk.scaled(3, 500) == 5
    assert fk.scaled(3, 30) == 1
    monkeypatch.setenv("FOOLKIT_SCALE", "large")
    with pytest.raises(ValueError, match="FOOLKIT_SCALE: expected quick, full, rehearsal, got"):
        fk.scaled(3, 500)
