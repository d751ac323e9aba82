"""Asks axe-core for faults of accessibility in every report of a folder, at two widths, light and dark, with all that
is folded opened. Exit 77: no Chromium here; 78: no axe (./run peers brings it)."""

import pathlib
import sys

from browser import Browser, find_chromium

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map((v) => {
  const reason = (n) => (n.any[0] || n.all[0] || n.none[0] || {message: ''}).message;
  const examples = v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + reason(n)).join(' | ');
  return `${v.id} (${v.impact}): ${v.help}; ${v.nodes.length} times, as in ${examples}`;
}))"""


def find_axe():
    return next(
        iter(sorted((ROOT / "build" / "peers").glob("lib/python3*/site-packages/axe_playwright_python/axe.min.js"))),
        None,
    )


def faults_of(browser, path, axe):
    faults = []
    for width in (390, 1440):
        for scheme in ("light", "dark"):
            browser.size(width, 900, width < 600)
            browser.prefer(scheme)
            browser.open(path)
            browser.evaluate(
                "document.querySelectorAll('details').forEach((d) => { d.open = true; }); "
                "window.dispatchEvent(new Event('beforeprint'))"
            )
            browser.evaluate(axe + "\n;1")
            faults += [f"{path.name} at {width} px, {scheme}: {fault}" for fault in browser.evaluate(RUN)]
    return faults


def main(folder):
    program, axe = find_chromium(), find_axe()
    if not program:
        return 77
    if not axe:
        return 78
    browser = Browser(program)
    try:
        faults = [
            fault for path in sorted(folder.glob("*.html")) for fault in faults_of(browser, path, axe.read_text())
        ]
    finally:
        browser.close()
    print("\n".join(faults), file=sys.stderr)
    return 1 if faults else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
