import pytest

SKIP_COMPARE = (
    "text/html",  # tables of a record, whose figures differ between machines
    "image/svg+xml",
    "application/vnd.jupyter.widget-view+json",
)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """nbval compares text; pictures and what only repeats them are passed over."""
    if getattr(collector, "path", None) and collector.path.suffix == ".ipynb":
        collector.skip_compare += SKIP_COMPARE
