"""Pages in a browser: no error, no request, every picture there, nothing wider than the page."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
if BROWSER is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)

WIDTHS = (1280, 390)
COLOURS = """image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [100, 100];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 100, 100);
  const pixels = new Uint32Array(context.getImageData(0, 0, 100, 100).data.buffer);
  return new Set(pixels).size;
}"""  # how many a picture has


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


def check(browser, page_file: Path, width: int, pictures: int) -> None:
    """Open a page and check what holds for all pages."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    page.wait_for_load_state("load")
    assert errors == []
    assert [url for url in requests if not url.startswith("data:")] == [page_file.as_uri()]
    images = page.query_selector_all("img")
    assert len(images) >= pictures
    for image in images:
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
        assert (image.get_attribute("alt") or "").strip()
        assert image.evaluate("image => image.getBoundingClientRect().right <= window.innerWidth + 1")
        assert image.evaluate(COLOURS) > 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    for link in page.query_selector_all("a[href^='#']"):
        anchor = link.get_attribute("href") or ""
        assert page.query_selector(anchor) is not None, anchor
    for link in page.query_selector_all("a.save"):
        assert (link.get_attribute("href") or "").startswith("data:")
    folder = Path("build/pages")
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{page_file.stem}-{width}.png", full_page=True)
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_run(browser, report_of_a_run: Path, width: int) -> None:
    check(browser, report_of_a_run, width, pictures=9)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_comparison(browser, report_of_a_comparison: Path, width: int) -> None:
    check(browser, report_of_a_comparison, width, pictures=3)


def test_tables_can_be_sorted(browser, report_of_a_comparison: Path) -> None:
    page = browser.new_page()
    page.goto(report_of_a_comparison.as_uri())
    head = page.query_selector("table.sortable th:nth-child(3)")
    column = "table => [...table.tBodies[0].rows].map(row => parseFloat(row.cells[2].textContent))"
    table = page.query_selector("table.sortable")
    head.click()
    up = table.evaluate(column)
    head.click()
    assert up == sorted(up)
    assert table.evaluate(column) == sorted(up, reverse=True)
    page.close()
