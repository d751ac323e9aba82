"""The examples of the documents and of the docstrings."""

import doctest
import importlib

import numpy as np
import pytest
import spikelens
from conftest import ROOT

MODULES = ["spikelens", "spikelens._catalogue", "spikelens.attr", "spikelens.attribution", "spikelens.network"]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "python").glob("*.md")), ids=lambda page: page.stem)
def test_pages(page):
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8", optionflags=doctest.ELLIPSIS)
    assert found.failed == 0 and (found.attempted >= 5 or page.stem == "own_model")


def test_the_list_of_pages_is_whole():
    listed = (ROOT / "docs" / "python.md").read_text()
    for page in (ROOT / "docs").glob("python/*.md"):
        assert f"(python/{page.name})" in listed
    for notebook in (ROOT / "docs").glob("notebooks/*.ipynb"):
        assert f"(notebooks/{notebook.name})" in listed


def test_the_reference_is_that_of_the_docstrings(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from write_python_reference import REFERENCE, reference

    assert reference() == REFERENCE.read_text(), "python scripts/write_python_reference.py writes it anew"


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, extraglobs={"np": np, "spikelens": spikelens}).failed == 0


def test_the_paragraph_of_the_readme(tmp_path, monkeypatch):
    """Run as it stands, on a run that is made here."""
    text = (ROOT / "README.md").read_text()
    code = text.split("## In Python", 1)[1].split("```python\n", 1)[1].split("```", 1)[0]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    spikelens.parse("8C3-LIF-MP2-10F", (1, 28, 28), 10).save(tmp_path / "runs" / "fashion.safetensors")
    names = {"images": np.random.default_rng(0).random((8, 1, 28, 28), np.float32), "my_function": np_maps}
    exec(compile(code, "README.md", "exec"), names)


def np_maps(net, inputs, targets):
    return inputs[:, 0]
