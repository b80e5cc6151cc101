"""All trainings of the chapters on defences, by one command that goes on."""

import importlib
import subprocess
import sys

import pytest

from tools.bank import defences


def test_it_goes_on_with_the_step_that_failed(tmp_path, monkeypatch):
    called = []

    def run(command, check):
        assert check
        called.append(command[2].removeprefix("tools.bank."))
        if called == ["hardened", "reseeded"]:
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", run)
    places = ["--out", str(tmp_path / "bank"), "--checkpoints", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["defences", *places])
    with pytest.raises(subprocess.CalledProcessError):
        defences.main()
    called.clear()
    defences.main()
    assert called == [step.split()[0] for step in defences.STEPS][1:]
    called.clear()
    defences.main()
    assert not called


@pytest.mark.parametrize("step", defences.STEPS)
def test_each_program_takes_what_it_is_given(step, tmp_path, monkeypatch, capsys):
    """Up to the help, which comes before any work."""
    _, _, module, *arguments = defences.command(step, tmp_path, tmp_path)
    monkeypatch.setattr(sys, "argv", [module, *arguments, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main()
    assert ended.value.code == 0
    assert "--checkpoints" in capsys.readouterr().out
