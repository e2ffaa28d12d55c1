"""The report in Chromium: for everybody, on a phone, without scripts and without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from flows.answers.report import report as flow
from flows.answers.report.blocks import PAGES
from flows.answers.report.one_run import report_run
from flows.publishing.options import Options
from tests.browser import CHROMIUM, Tab, tab

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

WIDTHS: Final = (1280, 390)
ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page(last_months: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the sample's last months."""
    out = tmp_path_factory.mktemp("seen") / "report.html"
    options = Options(workspace=last_months, memory="1GB", threads=1)
    flow.report(options, flow.Asked(made_on="a day"), out)
    return out


@pytest.fixture(scope="module")
def run_page(last_months: Path, page: Path) -> Path:
    """The page of its ingest, which has most to tell."""
    out = page.with_name("run.html")
    options = Options(workspace=last_months, memory="1GB", threads=1)
    report_run(options, "000001-ingest", out, "a day")
    return out


@pytest.fixture(scope="module")
def seen() -> Iterator[Tab]:
    with tab() as found:
        yield found


def test_axe_finds_nothing_wrong(seen: Tab, page: Path) -> None:
    seen.look(1280)
    seen.open(page)
    assert seen.violations() == []


def test_axe_finds_nothing_wrong_in_the_dark(seen: Tab, page: Path, last_months: Path) -> None:
    out = page.with_name("dark.html")
    options = Options(workspace=last_months, memory="1GB", threads=1)
    flow.report(options, flow.Asked(pages=["overview", "membership"], made_on="a day"), out)
    seen.look(1280, dark=True)
    seen.open(out)
    assert seen.violations() == []


def test_axe_finds_nothing_wrong_on_a_phone_and_with_a_run(seen: Tab, run_page: Path) -> None:
    seen.look(390)
    seen.open(run_page)
    assert seen.violations() == []


def test_axe_would_find_something(seen: Tab, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<title>x</title><main><img src='data:,'><p style='color:#eee'>pale</p></main>")
    seen.open(bad)
    assert {each.split(":")[0] for each in seen.violations()} >= {"image-alt", "color-contrast"}


@pytest.mark.parametrize("width", WIDTHS)
def test_it_does_not_scroll_sideways_and_shows_one_form_of_a_chart(
    seen: Tab, page: Path, width: int
) -> None:
    seen.look(width)
    seen.open(page)
    seen.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert seen.run("document.documentElement.scrollWidth") == width
    forms = seen.run(
        "[...document.querySelectorAll('figure svg')].filter(e => e.checkVisibility())"
        ".map(e => e.parentNode.className)"
    )
    assert len(forms) > 15
    assert set(forms) == {"wide" if width > 640 else "narrow"}


def test_no_text_of_a_chart_lies_beside_the_page(seen: Tab, page: Path) -> None:
    seen.look(390)
    seen.open(page)
    outside = seen.run(
        "[...document.querySelectorAll('figure svg text')].filter(e => e.checkVisibility())"
        ".map(e => [e.textContent, e.getBoundingClientRect()])"
        ".filter(([, r]) => r.width && (r.left < -1 || r.right > 391)).map(([text]) => text)"
    )
    assert outside == []


def test_it_is_readable_without_scripts(seen: Tab, page: Path) -> None:
    seen.look(1280, scripts=False)
    seen.open(page)
    visible = seen.run(
        "['h1', 'h2', '.figures dd', 'figure svg', 'table', 'summary'].map(name => "
        "[...document.querySelectorAll(name)].filter(e => e.checkVisibility()).length)"
    )
    assert all(visible)
    assert visible[1] == len(PAGES)
    seen.look(1280)


def test_scripts_sort_tables_and_show_what_a_mark_is(seen: Tab, page: Path) -> None:
    seen.look(1280)
    seen.open(page)
    sorts = (
        "(() => { const t = [...document.querySelectorAll('table')].find(t => "
        "t.caption.textContent == 'What became of delivered rows'); "
        "const b = t.querySelectorAll('th button')[3]; b.click(); b.click(); "
        "return [b.parentNode.ariaSort, "
        "[...t.tBodies[0].rows].map(r => Number(r.cells[3].dataset.v))] })()"
    )
    way, values = seen.run(sorts)
    assert way == "descending"
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 3
    told = seen.run(
        "(() => { const m = document.querySelector('figure svg .mark-rect path[aria-label]'); "
        "m.dispatchEvent(new PointerEvent('pointerover', {bubbles: true})); "
        "const t = document.getElementById('tip'); return [t.hidden, t.textContent] })()"
    )
    assert told[0] is False
    assert "customers" in told[1]
    assert seen.complaints == []


@pytest.mark.parametrize("width", [700, 1280])
def test_a_page_that_is_gone_to_shows_its_heading(seen: Tab, page: Path, width: int) -> None:
    seen.look(width)
    seen.open(page)
    seen.run("document.querySelector('nav a[href=\"#points\"]').click()")
    bottom, top = seen.run(
        "[document.querySelector('nav').getBoundingClientRect().bottom, "
        "document.querySelector('#points h2').getBoundingClientRect().top]"
    )
    assert bottom <= top < bottom + 150


def test_no_label_of_the_steps_of_points_lies_over_another(seen: Tab, page: Path) -> None:
    seen.look(390)
    seen.open(page)
    texts, over = seen.run(
        "(() => { const f = [...document.querySelectorAll('figure')].find(f => "
        "f.ariaLabel.startsWith('Twelve months of points')); "
        "const t = [...f.querySelectorAll('.narrow svg text')].filter(e => "
        "getComputedStyle(e).opacity != '0').map(e => [e.textContent, e.getBoundingClientRect()]);"
        "const over = []; for (const [a, r] of t) for (const [b, s] of t) if (a < b && "
        "r.left < s.right && s.left < r.right && r.top + 2 < s.bottom && s.top + 2 < r.bottom) "
        "over.push([a, b]); return [t.map(([a]) => a), over] })()"
    )
    assert {"opening", "membership", "used", "closing"} <= set(texts)
    assert over == []


@pytest.mark.parametrize("scripts", [True, False])
def test_the_numbers_of_charts_are_printed(seen: Tab, page: Path, scripts: bool) -> None:
    seen.look(1280, scripts=scripts)
    seen.open(page)
    seen.send("Emulation.setEmulatedMedia", media="print")
    hidden = seen.run(
        "[...document.querySelectorAll('details.numbers table')].filter(e => "
        "!e.getBoundingClientRect().height).length"
    )
    seen.send("Emulation.setEmulatedMedia", media="")
    seen.look(1280)
    assert hidden == 0


def test_before_printing_numbers_are_opened_and_closed_after_it(seen: Tab, page: Path) -> None:
    seen.look(1280)
    seen.open(page)
    how_many = "document.querySelectorAll('details.numbers[open]').length"
    seen.run("window.dispatchEvent(new Event('beforeprint'))")
    opened = seen.run(how_many)
    seen.run("window.dispatchEvent(new Event('afterprint'))")
    assert opened > 15
    assert seen.run(how_many) == 0


def test_it_prints_a_page_a_section(seen: Tab, page: Path) -> None:
    seen.look(1280)
    seen.open(page)
    seen.send("Emulation.setEmulatedMedia", media="print")
    breaks = seen.run(
        "[...document.querySelectorAll('section')].map(e => getComputedStyle(e).breakBefore)"
    )
    hidden = seen.run("getComputedStyle(document.querySelector('nav')).display")
    printed = seen.send("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27)
    seen.send("Emulation.setEmulatedMedia", media="")
    assert breaks == ["page"] * len(PAGES)
    assert hidden == "none"
    assert len(printed["data"]) > 10_000


def test_it_asks_for_nothing(seen: Tab, page: Path) -> None:
    seen.look(1280)
    seen.requests.clear()
    seen.open(page)
    assert set(seen.requests) == {page.as_uri()}


def test_it_opens_where_there_is_no_network(page: Path) -> None:
    apart = ["unshare", "-n", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody leave the network")
    # within, the loopback address is not there either until it is brought up
    code = (
        "import sys; from pathlib import Path; from tests.browser import tab\n"
        "import fcntl, socket, struct\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "fcntl.ioctl(s, 0x8914, struct.pack('16sh', b'lo', 1))\n"
        "page = Path(sys.argv[1])\n"
        "with tab() as seen:\n"
        "    seen.look(1280); seen.open(page)\n"
        "    print(sorted(set(seen.requests)) == [page.as_uri()], seen.complaints,\n"
        "        seen.run(\"document.querySelectorAll('figure svg').length\") > 30)\n"
    )
    ended = subprocess.run(
        [*apart, sys.executable, "-c", code, str(page)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.stdout == "True [] True\n", ended.stderr
