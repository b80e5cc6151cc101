"""The import of torchvision, beside a torch that can and one that cannot load its library."""

import subprocess
import sys
import textwrap


def run(code, path):
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": str(path), "PATH": "", "SYSTEMROOT": "C:\\Windows"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def fake(tmp_path, text):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(text)
    return tmp_path


def test_a_healthy_torchvision_is_just_imported(tmp_path):
    path = fake(tmp_path, "VALUE = 'imported'\n")
    out = run(
        """
        from foolkit import _torchvision
        print(_torchvision.import_torchvision().VALUE, _torchvision._declared)
        """,
        path,
    )
    assert out.split() == ["imported", "None"]


def test_a_torchvision_without_its_library_is_imported_all_the_same(tmp_path):
    broken = """
    import torch
    try:
        torch._C._dispatch_has_kernel_for_dispatch_key("torchvision::nms", "Meta")
        assert torch.ops.torchvision.nms
    except (AttributeError, RuntimeError):
        raise RuntimeError("operator torchvision::nms does not exist") from None
    VALUE = "imported"
    """
    path = fake(tmp_path, textwrap.dedent(broken))
    out = run(
        """
        import torch
        from foolkit import _torchvision
        print(_torchvision.import_torchvision().VALUE)
        try:
            torch.ops.torchvision.nms(torch.rand(1, 4), torch.rand(1), 0.5)
        except NotImplementedError:
            print("refused")
        """,
        path,
    )
    assert out.split() == ["imported", "refused"]


def test_another_failure_is_not_hidden(tmp_path):
    path = fake(tmp_path, "raise RuntimeError('something else')\n")
    out = run(
        """
        from foolkit import _torchvision
        try:
            _torchvision.import_torchvision()
        except RuntimeError as error:
            print(error)
        """,
        path,
    )
    assert out.strip() == "something else"


def test_the_installed_torchvision():
    out = run(
        """
        from foolkit._torchvision import import_torchvision
        print(len(import_torchvision().models.list_models()) > 50)
        """,
        "",
    )
    assert out.strip() == "True"


def test_the_toolkit_does_not_import_it_unasked():
    out = run("import sys, foolkit; print('torchvision' in sys.modules)", "")
    assert out.strip() == "False"
