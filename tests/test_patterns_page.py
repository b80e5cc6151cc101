"""Patterns bred in a small book: by the network and by the reader, on a server and from disk."""

import re

import pytest

WIDGET_PAGES = {"index": ["import foolkit as fk", "fk.widgets.BreedPatterns(seed=1, batch=20)"]}


@pytest.fixture
def visit(visit):
    """Opens the page and waits until the first generation is judged."""

    def open_page(url, **options):
        page = visit(f"{url}/index.html", **options)
        page.locator(".fk-patterns .fk-status", has_text="Generation 0").wait_for()
        return page

    return open_page


def generation(page):
    return int(page.locator(".fk-patterns .fk-title").first.inner_text().split()[1])


def test_the_network_breeds(visit, site, assert_clean):
    page = visit(site)
    page.get_by_role("button", name="Start", exact=True).click()
    counter = page.locator(".fk-patterns .fk-title", has_text=re.compile("generation ([5-9]|..)"))
    counter.first.wait_for()
    page.get_by_role("button", name="Pause").click()
    assert_clean(page, site)


def test_the_large_picture_is_the_tile_drawn_larger(visit, server):
    page = visit(server)
    assert page.locator("canvas.fk-224").get_attribute("width") == "224"
    # the middle pixel of every block of 8 x 8 beside the tile's pixel; edges are finer when large
    apart = page.evaluate("""() => {
        const read = (canvas) => canvas.getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height).data;
        const small = read(document.querySelector(".fk-tile canvas"));
        const large = read(document.querySelector("canvas.fk-224"));
        const differences = [];
        for (let y = 0; y < 28; y++) for (let x = 0; x < 28; x++) {
          const middle = large[4 * (224 * (8 * y + 4) + 8 * x + 4)];
          differences.push(Math.abs(small[4 * (28 * y + x)] - middle));
        }
        return differences.sort((a, b) => a - b);
    }""")
    assert apart[len(apart) // 2] < 40


def test_the_reader_breeds_by_keyboard(visit, server):
    page = visit(server)
    page.get_by_role("button", name="you choose").press("Enter")
    tiles = page.locator(".fk-tile")
    tiles.nth(2).press("Enter")
    assert tiles.nth(2).get_attribute("aria-pressed") == "true"
    tiles.nth(5).press("Space")
    page.get_by_role("button", name="Cross the two").press("Enter")
    assert generation(page) == 1
    assert "the parents come first" in page.locator(".fk-patterns .fk-status").inner_text()
    formula = page.locator(".fk-patterns pre").inner_text()
    assert "out = " in formula


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, server, theme, serious_violations):
    assert serious_violations(visit(server, theme=theme)) == []


def test_fits_a_telephone(visit, server):
    page = visit(server, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
