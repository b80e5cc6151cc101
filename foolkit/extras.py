"""Libraries that only some parts need: an installation may lack them, and the error says so."""

from __future__ import annotations

from importlib.util import find_spec


def needs(module: str, extra: str) -> None:
    """Go on if ``module``, which the extra ``foolkit[extra]`` brings, is installed.

    Raises:
        ModuleNotFoundError: it is not; the message says what to install.
    """
    if find_spec(module) is None:
        raise ModuleNotFoundError(
            f'{module}: expected it to be installed, it is not: pip install "foolkit[{extra}]"',
            name=module,
        )
