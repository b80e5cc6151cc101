import pytest

from foolkit.models.imagenet import programs

SKIP_COMPARE = (
    "text/html",  # tables of a record, whose figures differ between machines
    "image/svg+xml",
    "application/vnd.jupyter.widget-view+json",
)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """nbval compares text; pictures and what only repeats them are passed over."""
    if getattr(collector, "path", None) and collector.path.suffix == ".ipynb":
        collector.skip_compare += SKIP_COMPARE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The chapter on photographs is compared only where the networks are that made it."""
    if programs():
        return
    skip = pytest.mark.skip(reason="no networks in $FOOLKIT_DATA/imagenet")
    for item in items:
        if item.path.name == "imagenet.ipynb":
            item.add_marker(skip)
