"""The package as it is installed: size, symbols, types, import."""

import os
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest
import spikelens
from conftest import PEERS, ROOT
from spikelens import _core

EXTENSION = pathlib.Path(_core.__file__)


def with_peers(script):
    """The output of a fresh interpreter that finds the libraries by others too."""
    environment = {"PYTHONPATH": ":".join(map(str, PEERS.glob("lib/python3*/site-packages"))), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def need_torch():
    if not list(PEERS.glob("lib/python3*/site-packages/torch")):
        pytest.skip("needs torch: ./run peers torch installs it")


@pytest.mark.parametrize("before", ["numpy", "torch"])
def test_import_takes_at_most_three_tenths_of_a_second(before):
    """Of the processor: how busy the machine is besides does not count."""
    if before == "torch":
        need_torch()
    clock = "start = time.process_time()\nimport spikelens\nprint(time.process_time() - start)"
    assert min(float(with_peers(f"import {before}, time\n{clock}")) for _ in range(2)) <= 0.3


@pytest.mark.parametrize("order", ["import torch, spikelens", "import spikelens, torch"])
def test_pytorch_is_loaded_before_or_after(order):
    need_torch()
    with_peers(f"""
{order}
import numpy as np
net = spikelens.parse("4F-LIF-3F", (1, 2, 2), 3)
x = torch.ones(2, 1, 2, 2, requires_grad=True)
assert (net.simulate(x).scores == net.simulate(np.ones((2, 1, 2, 2))).scores).all()
y = spikelens.attr.Grad2d(net).attribute(x, target=1)
assert isinstance(y, torch.Tensor) and y.shape == x.shape
torch.nn.functional.conv2d(torch.ones(1, 1, 9, 9), torch.ones(1, 1, 3, 3)).sum()
""")


def test_the_extension_has_no_symbol_of_libtorch_and_shows_none_of_its_own():
    symbols = subprocess.run(["nm", "-C", "-D", EXTENSION], check=True, capture_output=True, text=True).stdout
    assert "PyInit__core" in symbols
    assert not re.search(r"\b(at|c10|torch)::", symbols)
    shown = [line for line in symbols.splitlines() if re.search(r" [TDB] ", line)]
    assert [line.split()[-1] for line in shown if "spikelens::" in line] == []


def test_types_match_the_extension(monkeypatch):
    pytest.importorskip("nanobind", reason="needs nanobind")
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from write_python_stub import STUB, stub

    assert stub() == STUB.read_text(), "python scripts/write_python_stub.py writes it anew"


def test_a_wheel_stands_alone(tmp_path):
    """auditwheel takes it, it is small, and it works from wherever it is put."""
    pytest.importorskip("auditwheel", reason="needs auditwheel: ./run python installs it")
    compiler = {"CC": "/usr/bin/cc", "CXX": "/usr/bin/c++", **os.environ}

    def call(*words, **keywords):
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=ROOT, timeout=900, **keywords)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ".", env=compiler)
    (made,) = tmp_path.glob("*.whl")
    tools = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
    call(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", tmp_path / "repaired", made, env=tools)
    (repaired,) = (tmp_path / "repaired").glob("*manylinux*.whl")
    assert repaired.stat().st_size <= 60 << 20
    with zipfile.ZipFile(repaired) as wheel:
        wheel.extractall(tmp_path / "alone")
    script = """
import numpy as np, spikelens
net = spikelens.parse("4C3-LIF-3F", (1, 8, 8), 5)
print(spikelens.__file__, spikelens.attribute(net, np.ones((1, 1, 8, 8)), "ig2d", target=1))
"""
    assert str(tmp_path) in call(
        sys.executable, "-c", script, env={**os.environ, "PYTHONPATH": str(tmp_path / "alone")}
    )


def test_every_public_name_is_documented():
    for name in spikelens.__all__:
        thing = getattr(spikelens, name)
        assert (thing.__doc__ or "").strip(), name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if callable(value) and not member.startswith("_"):
                assert value.__doc__, f"{name}.{member}"
