"""Checks every report in a folder as text: balanced tags, unique ids, links that lead somewhere, nothing loaded,
nothing inline that the policy would refuse, and values that unpack."""

import base64
import html.parser
import json
import pathlib
import re
import sys
import zlib

VOID = {"meta", "link", "img", "input", "br"}


class Checker(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.faults, self.blocks = [], [], [], [], {}

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        values = dict(attributes)
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        if "style" in names or any(name.startswith("on") for name in names):
            self.faults.append(f"<{tag}> has inline style or script")
        for name in ("src", "href", "xlink:href", "action", "poster", "data"):
            value = values.get(name)
            if value is not None and not value.startswith(("#", "data:")):
                self.faults.append(f"<{tag}> loads {value[:60]}")
        if tag == "img" and "alt" not in names:
            self.faults.append("<img> without alt")
        if "id" in values:
            self.ids.append(values["id"])
        if (values.get("href") or "").startswith("#"):
            self.links.append(values["href"][1:])
        if tag not in VOID:
            self.open.append((tag, values.get("id")))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1] if self.open else 'nothing'} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "script" and self.open[-1][1]:
            self.blocks[self.open[-1][1]] = self.blocks.get(self.open[-1][1], "") + data


def check(path):
    text = path.read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    checker.close()
    faults = checker.faults + [f"{tag} is never closed" for tag, _ in checker.open]
    faults += [f"id {name} twice" for name in {i for i in checker.ids if checker.ids.count(i) > 1}]
    faults += [f"link to #{name} leads nowhere" for name in set(checker.links) - set(checker.ids)]
    values = json.loads(zlib.decompress(base64.b64decode(checker.blocks["values"])))
    maps = zlib.decompress(base64.b64decode(checker.blocks["maps"]))
    size = sum(m["width"] * m["height"] for i in values["images"] for m in i["maps"] if m["state"] != "invalid")
    size *= 4 if values["exact"] else 1
    if size != len(maps):
        faults.append(f"{len(maps)} bytes of maps, expected {size}")
    for name, table in values["figures"].items():
        if any(len(row) != len(table["columns"]) for row in table["rows"]):
            faults.append(f"figure {name} has rows of different lengths")
    if re.search(r"@import|url\(", text):
        faults.append("the style loads something")
    return [f"{path.name}: {fault}" for fault in faults]


class Texts(html.parser.HTMLParser):
    """Text and title of every element, and what else there is."""

    def __init__(self):
        super().__init__()
        self.found, self.others = [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if len(attributes) != 3 or values.get("class") != "fuzz" or "hidden" not in values:
            self.others.append((tag, attributes))
        self.found.append(["", values.get("title") or ""])

    def handle_data(self, data):
        self.found[-1][0] += data

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check_fuzz(folder):
    """The texts in fuzz.json are those that a parser finds in fuzz.fragment, and nothing else is there."""
    fragment = folder / "fuzz.fragment"
    if not fragment.exists():
        return []
    parser = Texts()
    parser.feed(fragment.read_bytes().decode("utf-8"))
    parser.close()
    expected = json.loads((folder / "fuzz.json").read_text(encoding="utf-8"))
    if len(parser.found) != len(expected) or parser.others:
        return [f"{len(parser.found)} elements of {len(expected)}, and {parser.others[:3]}"]
    return [f"{want} came back as {got}" for want, got in zip(expected, parser.found) if want != got]


found = check_fuzz(pathlib.Path(sys.argv[1])) + [
    fault for path in sorted(pathlib.Path(sys.argv[1]).glob("*.html")) for fault in check(path)
]
print("\n".join(found), file=sys.stderr)
sys.exit(1 if found else 0)
