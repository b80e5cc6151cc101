"""What the benchmarks measure is what they say; their speeds are no matter of tests."""

from benchmarks.cppn import networks


def test_networks_have_as_many_links_as_asked_for():
    for links in (10, 40):
        grown = networks(links, n=6)
        assert len(grown) == 6
        assert int(grown.links.min()) >= links
