"""``python -m foolkit`` is the command ``foolkit``."""

from foolkit.cli import main

if __name__ == "__main__":
    main()
