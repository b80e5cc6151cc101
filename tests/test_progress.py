import pytest

from foolkit.progress import progress_bar


@pytest.mark.parametrize(
    ("switch", "progress", "hidden"),
    [(None, True, False), (None, False, True), ("1", True, False), ("0", True, True)],
)
def test_a_bar_shows_unless_the_caller_or_the_environment_says_no(
    monkeypatch, switch, progress, hidden
):
    monkeypatch.delenv("FOOLKIT_PROGRESS", raising=False)
    if switch is not None:
        monkeypatch.setenv("FOOLKIT_PROGRESS", switch)
    with progress_bar(3, "images", progress=progress) as bar:
        assert bar.disable == hidden


def test_another_value_of_the_switch_is_an_error(monkeypatch):
    monkeypatch.setenv("FOOLKIT_PROGRESS", "off")
    with pytest.raises(ValueError, match="FOOLKIT_PROGRESS: expected 0 or 1, got 'off'"):
        progress_bar(3, "images")
