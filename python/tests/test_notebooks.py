"""The notebooks run, cell by cell, and show what they end a cell with."""

import ast
import json
import sys

import pytest
from conftest import ROOT, need

NOTEBOOKS = ROOT / "docs" / "notebooks"


def run_cell(source, names):
    """As a notebook does: the value of the last expression is shown."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        assert getattr(shown, "_repr_html_", shown.__repr__)()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook(path, monkeypatch):
    need("snntorch")
    need("torch").set_num_threads(1)
    monkeypatch.setattr(sys, "path", [str(NOTEBOOKS), *sys.path])
    names = {}
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs"), "outputs are left out of the repository"
        if cell["cell_type"] == "code":
            run_cell("".join(cell["source"]), names)
