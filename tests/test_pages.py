"""The built pages in a real browser: offline, linked, described, usable."""

import gzip
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"
OTHERS = ("404", "genindex", "search")
PAGES = sorted(p.stem for p in HTML.glob("*.html") if p.stem not in OTHERS)

if not PAGES:
    pytestmark = pytest.mark.skip(reason="no built pages: run `make html` first")

WIDGETS = re.compile(
    r'<script type="application/vnd\.jupyter\.widget-(?:state|view)\+json">.*?</script>', re.DOTALL
)
POLICY = "default-src 'none'; script-src 'self' blob:; style-src 'self'; img-src data: blob:"

COLOURS = ["color-contrast", "link-in-text-block"]  # axe's rules that ask for colours
SETTLED = 300  # milliseconds


@pytest.fixture(scope="module", params=PAGES)
def name(request):
    """Of a page: all that is asked of one comes together."""
    return request.param


@pytest.fixture(scope="module")
def site(serving):
    """The built book on a local port."""
    with serving(HTML) as address:
        yield address


@pytest.fixture(scope="module")
def settled(watched, closing):
    """``with settled(url, **options) as page``: opens a page, and lets it settle."""

    @contextmanager
    def opened(url, **options):
        page = watched(**options)
        with closing([page], "-".join([Path(url).stem, *options.values()])):
            page.goto(url, wait_until="load")
            page.wait_for_timeout(SETTLED)
            yield page

    return opened


# Three visits of each page, which several tests share.


@pytest.fixture(scope="module")
def page(settled, site, name):
    """As a reader of the story sees it, on a wide light screen."""
    with settled(f"{site}/{name}.html") as opened:
        yield opened


@pytest.fixture(scope="module")
def from_disk(settled, name):
    """On a wide dark screen, without a server."""
    with settled(f"{HTML.as_uri()}/{name}.html", theme="dark") as opened:
        yield opened


@pytest.fixture(scope="module")
def lab(settled, site, name):
    """With all code; on a wide screen first, then on a telephone."""
    with settled(f"{site}/{name}.html", reading="lab") as opened:
        yield opened


@pytest.fixture
def visit(visit):
    """Opens a page and lets it settle."""

    def open_page(url, **options):
        page = visit(url, **options)
        page.wait_for_timeout(SETTLED)
        return page

    return open_page


def test_the_book_is_small():
    """A whole book, with the weights of every network that its pages run."""
    files = [path for path in HTML.glob("**/*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 45e6
    weights = [path for path in files if "safetensors" in path.name]
    assert weights
    assert len({path.read_bytes() for path in weights}) == len(weights)


def test_asks_for_nothing_outside_and_has_no_errors(page, from_disk, site, assert_clean):
    assert_clean(page, site)
    assert_clean(from_disk, HTML.as_uri())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(page, from_disk, theme, serious_violations):
    """Of what is not colour, the theme changes nothing."""
    seen, rules = (page, None) if theme == "light" else (from_disk, COLOURS)
    assert seen.evaluate("document.documentElement.dataset.theme") == theme
    assert serious_violations(seen, only=rules) == []


def test_is_a_readable_document(page):
    assert page.locator("main article h1").count() == 1
    # a card's picture is an ornament: the link that it stands in has its words
    for image in page.locator("main img:not(.book-card img)").all():
        assert image.get_attribute("alt").strip()
    for figure in page.locator("main figure").all():
        assert figure.locator("figcaption").text_content().strip()
        if figure.locator("xpath=ancestor::details[not(@open)]").count():
            continue  # in a solution, still folded
        assert figure.locator("img:visible").count() == 1
        figure.scroll_into_view_if_needed()  # only then is it loaded
        shown = figure.locator("img:visible").element_handle()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=shown)
    page.wait_for_function(  # MathJax comes when it comes
        "count => document.querySelectorAll('mjx-container').length === count",
        arg=page.locator("main .math").count(),
    )


def test_the_first_page_is_light(visit, site):
    """As a server sends it, compressed, until its first widget lives."""
    sent = {}
    page = visit("about:blank", width=390)
    page.on("response", lambda one: sent.__setitem__(one.url, len(gzip.compress(one.body()))))
    page.goto(f"{site}/index.html", wait_until="load")
    page.locator(".fk-widget[data-ready]").first.wait_for()
    page.wait_for_timeout(500)
    assert sum(sent.values()) < 1.5e6, sent
    assert not any("fontawesome.js" in url or "tex-svg" in url for url in sent)


def test_a_widget_and_a_figure_load_when_they_come_near(visit, site):
    page = visit(f"{site}/real-world.html", width=390)
    before = len(page.asked)
    assert not any("safetensors" in url for url in page.asked)
    places = page.locator(".book-widget")
    assert not places.last.locator(".fk-widget").count()
    places.last.scroll_into_view_if_needed()
    places.last.locator(".fk-widget[data-ready]").wait_for()
    assert any("safetensors" in url for url in page.asked)
    assert len(page.asked) > before + 1


def test_formulas_are_drawn_by_a_script_that_comes_only_where_one_is(name):
    text = (HTML / f"{name}.html").read_text("utf-8")
    assert ("tex-svg.js" in text) == ('class="math' in text)


def test_links_lead_somewhere(page, site):
    targets = page.eval_on_selector_all("main a[href]", "all => all.map(a => a.href)")
    for url in {target for target in targets if target.startswith(site)}:
        file, _, anchor = url.removeprefix(site + "/").partition("#")
        assert (HTML / file).is_file(), url
        if anchor and file.endswith(".html"):
            assert f'id="{anchor}"' in (HTML / file).read_text("utf-8"), url


# what of an article is wider than its place, with how it copes with that
WIDE = """() => {
    const article = document.querySelector(".bd-article"), found = [];
    const right = article.getBoundingClientRect().right + 1;
    for (const one of article.querySelectorAll("*")) {
        const box = one.getBoundingClientRect(), overflow = getComputedStyle(one).overflowX;
        if (!box.width || one.closest("mjx-assistive-mml, svg, .math:not(div)")) continue;
        const scrolls = one.scrollWidth > one.clientWidth + 1 && overflow !== "visible";
        const inside = one.parentElement.closest(".book-wide, .fk-scroll");
        if (scrolls || (box.right > right && !inside)) {
            found.push([one.tagName, one.className, one.textContent.trim().slice(0, 60)]);
        }
    }
    return found;
}"""


def resized(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(SETTLED)
    return page


def test_nothing_is_wider_than_the_column(page, lab):
    for reading, seen in (("story", page), ("lab", lab)):
        assert seen.locator("html").get_attribute("data-reading") == reading
        assert seen.evaluate(WIDE) == []


def test_on_a_telephone_only_code_and_tables_scroll_sideways_and_say_so(lab):
    resized(lab, 390)
    for tag, classes, text in lab.evaluate(WIDE):
        assert tag in ("PRE", "TABLE", "DIV"), (tag, classes, text)
        assert "book-wide" in classes or "fk-scroll" in classes, (tag, classes, text)
    for wide in lab.locator("pre.book-wide").all():
        said = wide.evaluate("one => getComputedStyle(one, '::before').content")
        assert "scrolls sideways" in said
        assert wide.get_attribute("tabindex") == "0"


@pytest.mark.parametrize("width", [390, 360])
def test_fits_a_telephone(page, lab, width):
    for seen in (page, lab):
        assert resized(seen, width).evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_claim_happens_on_the_first_screen(visit, site, width, height, theme):
    """Before any code, and without a press: a digit, its neighbour, noise, and their verdicts."""
    page = visit(f"{site}/index.html", width=width, theme=theme)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.fk-verdict')].map(p => p.textContent);"
        " return all.length === 3 && all.slice(1).every(text => text.endsWith('99.99 %')) }"
    )
    digit, changed, noise = page.locator(".fk-verdict").all_inner_texts()
    assert digit[1] == noise[1] != changed[1]
    for part in page.locator("article h1, .fk-shot canvas, .fk-verdict, .fk-bars, .fk-main").all():
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    if width == 1280:
        scrub = page.locator(".fk-scrub input").bounding_box()
        assert scrub["y"] + scrub["height"] <= height
    sizes = [c.bounding_box()["width"] for c in page.locator(".fk-shot canvas").all()]
    assert max(sizes) - min(sizes) <= 3
    assert page.locator("pre:visible").count() == 0


def test_the_first_page_leads_to_every_chapter_by_a_card(visit, site):
    page = visit(f"{site}/index.html")
    cards = page.locator("a.book-card")
    others = ("index", "glossary", "notes", "speed", "teaching", "references")
    chapters = [name for name in PAGES if name not in others]
    links = cards.evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert sorted(links) == sorted(f"{name}.html" for name in chapters)
    for card in cards.all():
        card.scroll_into_view_if_needed()
        assert re.search(r"\d+ minutes", card.inner_text())
    page.wait_for_timeout(500)
    widths = page.locator("a.book-card img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert len(widths) == len(chapters)
    assert min(widths) > 0


def test_search_shows_excerpts_on_a_server_and_from_disk(visit, site, assert_clean):
    for start in (site, HTML.as_uri()):
        page = visit(f"{start}/search.html?q=wallpaper")
        page.locator("#search-results li a").first.wait_for()
        excerpt = page.locator("#search-results li .context").first
        excerpt.wait_for()
        assert "wallpaper" in excerpt.inner_text().lower()
        page.wait_for_timeout(500)
        assert_clean(page, start)


def test_an_address_that_leads_nowhere_leads_back(visit, site, assert_clean):
    page = visit(f"{site}/404.html")
    page.get_by_role("link", name="To the first page").click()
    assert page.locator("article h1").inner_text().startswith("Certain and Wrong")
    assert_clean(page, site)


def test_the_sidebar_has_the_first_page_and_counts_the_chapters(visit, site):
    page = visit(f"{site}/why.html")
    links = page.locator(".bd-docs-nav li a")
    assert links.first.get_attribute("href") == "index.html"
    first = links.nth(1).evaluate("one => getComputedStyle(one, '::before').content")
    assert "counter(chapter)" in first
    assert links.last.evaluate("one => getComputedStyle(one, '::before').content") == "none"


def test_references_lead_to_the_papers_and_back(visit, site):
    page = visit(f"{site}/references.html#id3")
    entries = page.locator(".citation")
    linked = page.locator(".citation a[href^='https://arxiv.org/abs/']")
    assert linked.count() > 0.5 * entries.count()
    for link in linked.all():
        assert link.get_attribute("href").endswith(link.inner_text().removeprefix("arXiv:"))
    back = page.locator(".citation .book-cited a")
    assert back.count() >= entries.count()
    back.first.click()
    assert page.locator("article h1").count() == 1


def test_without_scripts_captions_are_there_and_widgets_are_named(visit, site):
    page = visit(f"{site}/confidence.html", java_script_enabled=False)
    captions = page.locator("main figure figcaption")
    visible = [c for c in captions.all() if not c.locator("xpath=ancestor::details").count()]
    assert visible
    assert all(caption.is_visible() for caption in visible)
    instead = page.locator(".cell noscript p").first
    assert instead.is_visible()
    assert "needs JavaScript" in instead.text_content()


def test_on_paper_bars_are_filled_and_code_is_whole(visit, site):
    page = visit(f"{site}/index.html")
    page.locator(".fk-bar").first.wait_for(state="attached")
    page.emulate_media(media="print")
    assert (
        page.locator(".fk-bar").first.evaluate("one => getComputedStyle(one).printColorAdjust")
        == "exact"
    )
    assert page.locator(".book-code:visible, .book-reading:visible").count() == 0
    page = visit(f"{site}/why.html")
    page.evaluate("document.documentElement.dataset.reading = 'lab'")
    page.emulate_media(media="print")
    wide = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert page.locator("pre").evaluate_all(wide) == 0


def test_the_ledger_has_the_colours_of_the_page(visit, site):
    for theme in ("light", "dark"):
        page = visit(f"{site}/why.html", theme=theme)
        ledger = page.locator(".text_html").first
        assert ledger.evaluate("one => getComputedStyle(one).backgroundColor") == "rgba(0, 0, 0, 0)"
        colours = [
            one.evaluate("one => getComputedStyle(one).color")
            for one in (ledger.locator("td").first, page.locator("main article p").first)
        ]
        assert colours[0] == colours[1]
        cell = ledger.locator("td").first
        assert cell.evaluate("one => parseFloat(getComputedStyle(one).paddingRight)") >= 8


def test_says_what_it_is_about(name):
    head = (HTML / f"{name}.html").read_text("utf-8").partition("</head>")[0]
    (title,) = re.findall(r"<title>(.*?)</title>", head)
    assert title.count("Certain and Wrong") == 1
    (description,) = re.findall(r'<meta name="description" content="([^"]+)"', head)
    assert 20 <= len(description) <= 220
    assert 'property="og:title"' in head
    assert "thebe" not in head.lower().replace("sphinx-thebe.css", "")
    (picture,) = re.findall(r'<meta property="og:image" content="([^"]+)"', head)
    assert (HTML / picture).is_file()


def test_its_widgets_work_under_a_strict_content_security_policy(visit, site, name, assert_clean):
    """Without the theme, which has scripts and styles of its own in the page."""
    found = WIDGETS.findall((HTML / f"{name}.html").read_text("utf-8"))
    if not found:
        return  # a page to read
    strict = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>strict</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<link rel="icon" href="data:,"></head><body>{"".join(found)}'
        '<script defer src="_static/anywidget-host.js"></script></body></html>'
    )
    page = visit("about:blank")
    page.complaints.clear()  # what the theme's setting says on a page without a store
    page.route(
        f"{site}/strict.html", lambda route: route.fulfill(body=strict, content_type="text/html")
    )
    page.goto(f"{site}/strict.html")
    page.wait_for_function(
        "count => document.querySelectorAll('.fk-widget[data-ready]').length === count",
        arg=sum("widget-view" in one for one in found),
    )
    for button in page.locator(".fk-widget button:visible:enabled").all():
        if button.is_visible() and button.is_enabled():
            button.click()
    page.wait_for_timeout(300)
    assert_clean(page, site)
