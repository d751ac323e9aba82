"""What the tests share. Libraries by others come from the environment that SPIKELENS_PEERS names, or build/peers."""

import os
import pathlib
import site

import numpy as np
import pytest
import spikelens

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = pathlib.Path(os.environ.get("SPIKELENS_PEERS", ROOT / "build" / "peers"))
for folder in PEERS.glob("lib/python3*/site-packages"):
    site.addsitedir(str(folder))


@pytest.fixture(scope="session")
def program():
    """The program, whose results the package must repeat."""
    path = pathlib.Path(os.environ.get("SPIKELENS_PROGRAM", ROOT / "build" / "release" / "spikelens"))
    if not path.exists():
        pytest.skip(f"needs the program: there is no {path}")
    return path


@pytest.fixture(scope="session")
def net():
    return spikelens.parse("8C3-LIF-MP2-8C3-LIF-MP2-32F-LIF-10F", (1, 16, 16), 8, seed=3)


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(1).random((6, 1, 16, 16), np.float32)


@pytest.fixture(scope="session")
def spikes():
    """[N, T, C, H, W]"""
    return (np.random.default_rng(2).random((4, 8, 1, 16, 16)) < 0.2).astype(np.uint8)


def need(name, purpose="./run peers torch installs it"):
    """The module, or a skip that says what is missing."""
    return pytest.importorskip(name, reason=f"needs {name}: {purpose}")
