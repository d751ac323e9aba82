"""Opens every report of a folder in a headless Chromium and uses it. Exit 77: no Chromium here."""

import base64
import pathlib
import re
import sys
import zlib

from browser import Browser, find_chromium

FULL_ADDRESS = "#v=1&p=images&c=3&f=conv2.4&mu=5&i=test:679&s=shared"
STATE = """({
  c: document.querySelector('.class-panel.current').dataset.class,
  f: document.querySelector('.filter-card.current').dataset.filter,
  mu: document.querySelector('#mu-number').value, i: document.querySelector('#focus h3').textContent.split(': ')[0],
  s: document.querySelector('input[name=scale]:checked').value})"""
failures = []


def expect(condition, sentence):
    if not condition:
        failures.append(sentence)


def check_quiet(browser, place):
    for complaint in browser.complaints():
        failures.append(f"{place}: {complaint}")


def check_layout(browser, path):
    for width, mobile in ((390, True), (768, False), (1440, False)):
        for scheme in ("light", "dark"):
            browser.size(width, 900, mobile)
            browser.prefer(scheme)
            browser.open(path)
            room = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            expect(room[0] <= room[1], f"{path.name} at {width} px is {room[0]} px wide")
            check_quiet(browser, f"{path.name} at {width} px, {scheme}")


def check_address(browser, path):
    browser.open(path, FULL_ADDRESS)
    wanted = {"c": "3", "f": "conv2.4", "mu": "5", "i": "test:679", "s": "shared"}
    expect(browser.evaluate(STATE) == wanted, f"the address restores {browser.evaluate(STATE)}")
    address = browser.evaluate("location.hash")
    expect(address == FULL_ADDRESS, f"the address became {address}")
    browser.open(path, "#v=1&f=conv9.9&c=77&p=nowhere")
    expect("no " in browser.evaluate("document.querySelector('#notice').textContent"), "unknown names give no notice")
    expect(browser.evaluate(STATE)["c"] == "0", "an unknown class does not fall back")
    for anchor, expected in (
        ("#class-2", ("c", "2")),
        ("#filter-conv1.3", ("f", "conv1.3")),
        ("#image-test:810", ("i", "test:810")),
    ):
        browser.open(path, anchor)
        expect(browser.evaluate(STATE)[expected[0]] == expected[1], f"{anchor} is not followed")
    check_quiet(browser, "addresses")


BUDGETS = """(() => {
  const shown = (selector) => [...document.querySelectorAll(selector)].map((o) => o.textContent);
  const panels = ['.class-panel.current output.mu', '.filter-card.current output.mu', '#filters table output.mu'];
  return {
    number: document.querySelector('#mu-number').value,
    listed: shown('.class-panel.current ol.filters li').length,
    outputs: [...new Set([...panels.flatMap(shown), ...shown('.multiples .count').map((t) => t.split('μ = ')[1])])],
    count: Number(shown('.multiples a[aria-current] .count')[0].split(' ')[0]),
    sum: shown('.class-panel.current ol.filters li .number').reduce((sum, text) => sum + Number(text), 0),
  };
})()"""


def enter(browser, selector, value, event):
    """Gives an input a value, as a hand does that moves or types."""
    browser.evaluate(
        f"(() => {{ const input = document.querySelector('{selector}'); input.value = {value}; "
        f"input.dispatchEvent(new Event('{event}')); }})()"
    )


def slide(browser, position):
    enter(browser, "#mu-slider", position, "input")


def check_budget(browser, path):
    """One budget, the same wherever it is named, and some filter at every stop of the slider."""
    browser.open(path)
    stops = int(browser.evaluate("document.querySelector('#mu-slider').max")) + 1
    expect(stops > 10, f"the slider has {stops} stops")
    for position in range(stops):
        slide(browser, position)
        found = browser.evaluate(BUDGETS)
        expect(found["listed"] > 0, f"stop {position} of the slider selects no filter")
        expect(
            found["listed"] == found["count"],
            f"stop {position}: {found['listed']} filters beside '{found['count']} filters'",
        )
        expect(len(found["outputs"]) == 1, f"stop {position} shows the budgets {found['outputs']}")
        expect(
            abs(float(found["outputs"][0]) / float(found["number"]) - 1) < 5e-3,
            f"stop {position}: {found['outputs']} beside {found['number']}",
        )
    slide(browser, stops // 2)
    before = browser.evaluate(BUDGETS)
    browser.press("c")
    after = browser.evaluate(BUDGETS)
    expect(
        after["outputs"] == before["outputs"] and after["number"] == before["number"],
        "another class changes the budget",
    )
    # Between two stops weights are linear in μ: what is listed there lies between the neighbours'.
    sums = []
    for mu in (5, 6.5, 8):
        enter(browser, "#mu-number", mu, "change")
        sums.append(browser.evaluate(BUDGETS)["sum"])
        expect(
            browser.evaluate(BUDGETS)["outputs"] == [str(mu)],
            f"μ = {mu} is shown as {browser.evaluate(BUDGETS)['outputs']}",
        )
    expect(min(sums[0], sums[2]) < sums[1] < max(sums[0], sums[2]), f"weights between stops: {sums}")
    check_quiet(browser, "budgets")


def check_printing(browser, path):
    """Paper has every map, whether it came into view or not, and nothing folded; afterwards the page is as it was."""
    browser.size(1440, 900)
    browser.open(path)
    opened = browser.evaluate("document.querySelectorAll('details[open]').length")
    browser.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    unpainted = browser.evaluate(
        "[...document.querySelectorAll('.map[data-image]')].filter((m) => !m.querySelector('canvas')?.width).length"
    )
    expect(unpainted == 0, f"{unpainted} maps would be printed blank")
    expect(
        browser.evaluate("document.querySelectorAll('details:not([open])').length") == 0,
        "details would be printed folded",
    )
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.size(720, 1000)
    wide = browser.evaluate(
        "[...document.querySelectorAll('.gallery td')]"
        ".filter((c) => c.getBoundingClientRect().right > innerWidth + 1).length"
    )
    expect(wide == 0, f"{wide} maps are beyond the paper's edge")
    browser.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(
        browser.evaluate("document.querySelectorAll('details[open]').length") == opened, "printing leaves details open"
    )
    browser.call("Emulation.setEmulatedMedia", media="")
    check_quiet(browser, "printing")


def check_reading(browser, path):
    """Beside every map its colours with values; a table of long values can be read on a phone; one first heading."""
    browser.size(390, 900, True)
    browser.open(path)
    expect(browser.evaluate("document.querySelectorAll('h1').length") == 1, "not one h1")
    bare = browser.evaluate("""[...document.querySelectorAll('.map[data-image]')].map((m) => m.parentElement)
      .filter((of) => !of.querySelector('.colourbar') ||
                      ![...of.querySelectorAll('.ends > span')].every((e) => e.textContent)).length""")
    expect(bare == 0, f"{bare} maps without a colour bar and its values")
    narrow = browser.evaluate(
        "Math.min(...[...document.querySelectorAll('.manifest td')].map((c) => c.getBoundingClientRect().width))"
    )
    expect(narrow > 250, f"a value of the manifest has {narrow} px at 390 px")
    browser.size(1440, 900)


def check_keys(browser, path):
    browser.open(path)
    before = browser.evaluate(STATE)
    for key, changed in (("j", "i"), ("]", "mu"), ("c", "c"), ("s", "s")):
        browser.press(key)
        expect(browser.evaluate(STATE)[changed] != before[changed], f"{key} does not change {changed}")
    for key, restored in (("k", "i"), ("C", "c"), ("s", "s")):
        browser.press(key)
        expect(browser.evaluate(STATE)[restored] == before[restored], f"{key} does not restore {restored}")
    browser.press("?")
    expect(browser.evaluate("document.querySelector('#help').open"), "? does not open the help")
    browser.evaluate("document.querySelector('#help-close').click()")
    expect(not browser.evaluate("document.querySelector('#help').open"), "the help does not close")
    check_quiet(browser, "keys")


def decoded(png):
    """Colours of the palette PNGs that the report writes: rows of entries without filter."""
    chunks, at = {}, 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunks[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    width = int.from_bytes(chunks[b"IHDR"][:4], "big")
    rows, palette = zlib.decompress(chunks[b"IDAT"]), chunks[b"PLTE"]
    entries = [entry for k, entry in enumerate(rows) if k % (width + 1)]
    return [channel for entry in entries for channel in palette[3 * entry : 3 * entry + 3]]


def check_pixels(browser, path):
    """The canvas shows what the picture for readers without scripts shows; keys read the same pixel in every map."""
    browser.open(path)
    row = path.read_text().split('<tr id="image-test:417"')[1].split("</tr>")[0]
    pictures = re.findall(r'data-method="(\d+)".*?base64,([^"]+)"', row)
    expect(len(pictures) == 6, f"{len(pictures)} pictures of the first image's maps")
    browser.evaluate("document.querySelector('.gallery tr[data-image]').scrollIntoView()")
    for method, picture in pictures:
        canvas = f"document.querySelector('.gallery tr[data-image] .map[data-method=\"{method}\"] canvas')"
        browser.wait_for(f"!!{canvas}")
        pixels = browser.evaluate(
            f"[...{canvas}.getContext('2d').getImageData(0, 0, 28, 28).data].filter((v, k) => k % 4 !== 3)"
        )
        # Signed maps pass through 256 steps before they are coloured: neighbouring colours may differ.
        room = 9 if method in ("1", "2") else 0
        worst = max(abs(a - b) for a, b in zip(pixels, decoded(base64.b64decode(picture)), strict=True))
        expect(worst <= room, f"map {method} is painted {worst} levels off")
    browser.evaluate("document.querySelector('#focus .focus-maps .reader').focus()")
    browser.press("ArrowRight")
    reads = browser.evaluate("[...document.querySelectorAll('#focus .reads')].map((r) => r.textContent)")
    expect(len(reads) == 6 and all(reads), f"arrow keys read {reads}")
    check_quiet(browser, "pixels")


def check_tables_and_saving(browser, path):
    browser.open(path)
    order = browser.evaluate("""(() => {
      const table = document.querySelector('table.scores'), head = table.querySelectorAll('thead button')[1];
      head.click(); const up = [...table.tBodies[0].rows].map((r) => Number(r.cells[1].dataset.value));
      head.click(); const down = [...table.tBodies[0].rows].map((r) => Number(r.cells[1].dataset.value));
      return [up, down, table.querySelectorAll('th')[1].getAttribute('aria-sort')]; })()""")
    expect(order[0] == sorted(order[0]) and order[1] == sorted(order[1], reverse=True), f"sorting gives {order}")
    expect(order[2] == "descending", "aria-sort is not set")
    saved = browser.evaluate("""(async () => { const texts = []; const real = URL.createObjectURL;
      URL.createObjectURL = (blob) => { texts.push(blob.text()); return real(blob); };
      HTMLAnchorElement.prototype.click = () => {};
      for (const button of document.querySelectorAll('[data-save], [data-document]')) button.click();
      const all = await Promise.all(texts);
      const broken = (t) => new DOMParser().parseFromString(t, 'image/svg+xml').querySelector('parsererror');
      return all.map((t) => t.startsWith('<svg') ? !broken(t) : t.length > 20); })()""")
    expect(len(saved) > 20 and all(saved), "some figure or document does not save")
    check_quiet(browser, "tables and saving")


def check_without_script(browser, path):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(path, script=False)
    text = browser.evaluate("document.body.innerText")
    for word in ("accuracy", "Ankle boot", "conv2.3", "Limits"):
        expect(word in text, f"without scripts, {word} cannot be read")
    broken = browser.evaluate("[...document.images].filter((i) => !i.complete || !i.naturalWidth).length")
    expect(broken == 0, f"{broken} pictures do not decode")
    sizes = browser.evaluate(
        "[...document.querySelectorAll('.gallery .map img')].map((i) => Math.round(i.getBoundingClientRect().width))"
    )
    expect(len(sizes) > 20 and min(sizes) >= 84, f"without scripts, maps are {sorted(set(sizes))} px wide")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


EVENTS = """(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const place = (element) => element.getBoundingClientRect();
  return {
    open: all('details.events[open]').length,
    all: all('details.events').length,
    broken: all('#events img').filter((i) => !i.complete || !i.naturalWidth).length,
    wide: all('details.events[open] .recording').filter((f) => place(f).right > innerWidth).length,
    covered: all('.strip').filter((s) => place(s).height > 0 &&
      place(s.querySelector('.strip-bar')).top < place(s.querySelector('ol')).bottom).length,
    bars: all('.strip .strip-bar').length,
    uneven: all('#events ol.windows')
      .filter((o) => o.querySelectorAll('svg.spikes').length !== o.children.length).length,
  };
})()"""


def check_events(browser, path):
    """Recordings over space and time: shown, closed and opened, at every width, and without scripts."""
    for width in (390, 1440):
        browser.size(width, 900, width < 600)
        browser.open(path)
        found = browser.evaluate(EVENTS)
        expect(found["all"] == 4 and found["open"] == 1, f"{found} recordings at {width} px")
        expect(
            not found["broken"] and not found["uneven"],
            f"pictures or bars of events are missing at {width} px: {found}",
        )
        expect(found["bars"] > 0 and not found["covered"], f"colour bars of windows lie on them at {width} px: {found}")
        expect(not found["wide"], f"{found['wide']} recordings reach beyond {width} px")
        browser.press("j")
        expect(browser.evaluate(EVENTS)["open"] == 2, "the next recording's events are not opened")
    browser.open(path, "#event-test:679")
    expect(
        browser.evaluate("document.querySelector('details.events[data-image=\"2\"]').open"),
        "an address does not open its recording",
    )
    expect(browser.evaluate(STATE)["i"] == "test:679", "an address of events does not choose its recording")
    browser.evaluate("document.querySelector('#focus a[href^=\"#event-\"]').click()")
    check_quiet(browser, "events")
    browser.open(path, "#events")
    expect(
        browser.evaluate("document.querySelector('nav a[aria-current]').hash") == "#events",
        "the events' section is not marked",
    )
    check_quiet(browser, "the events' section")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(path, script=False)
    found = browser.evaluate(EVENTS)
    expect(found["open"] == 1 and not found["broken"], f"without scripts: {found}")
    expect(
        "windows of 8 steps" in browser.evaluate("document.body.innerText"), "without scripts, events are not explained"
    )
    check_quiet(browser, "events without scripts")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def main(folder):
    program = find_chromium()
    if not program:
        return 77
    browser = Browser(program)
    try:
        for path in sorted(folder.glob("*.html")):
            check_layout(browser, path)
        for check in (
            check_address,
            check_keys,
            check_budget,
            check_pixels,
            check_reading,
            check_printing,
            check_tables_and_saving,
            check_without_script,
        ):
            check(browser, folder / "full.html")
        check_events(browser, folder / "recordings.html")
    finally:
        browser.close()
    print("\n".join(failures), file=sys.stderr)
    return 1 if failures else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
