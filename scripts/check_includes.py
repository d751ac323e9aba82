#!/usr/bin/env python3
"""Checks that includes flow one way: which folder of the tree may include what. ARCHITECTURE.md says why."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder: the folders it may include besides itself, or single headers of them.
MAY_INCLUDE = {
    "core": [],
    "io": ["core"],
    "draw": ["core"],
    "data": ["core", "io"],
    "encode": ["core"],
    "kernels": ["core"],
    "snn": ["core", "kernels"],
    "gpu": ["core", "kernels", "snn"],
    "train": ["core", "snn"],
    "model_io": ["core", "snn", "io", "train/train.h"],
    "interpret": ["core", "snn", "kernels/dispatch.h"],
    "attribute": ["core", "snn", "interpret/relevant_filters.h"],
    "evaluate": ["core", "snn", "attribute"],
    "pipeline": [
        "core",
        "io",
        "draw",
        "data",
        "encode",
        "snn",
        "train",
        "model_io",
        "interpret",
        "attribute",
        "evaluate",
    ],
    "report": ["core", "io", "draw", "snn", "attribute", "evaluate", "pipeline"],
    "reproduce": ["core", "io", "pipeline", "report"],
}
# Libraries of others, by how their includes begin, and the folders (or sources of one) that may use them.
LIBRARIES = {
    "LibTorch": (r"(torch|ATen|c10)/", ["train/torch"]),
    "CUDA": (r"cuda\w*\.h", ["gpu/cuda"]),
    "nlohmann-json": (r"nlohmann/", ["io", "data", "model_io", "pipeline", "report", "reproduce"]),
    "fmt": (r"fmt/", ["io", "draw", "data", "model_io", "pipeline", "report", "reproduce"]),
    "libjpeg-turbo": (r"j(peglib|error|config)\.h", ["io"]),
    "libpng": (r"png\.h", ["io"]),
    "libtiff": (r"tiff\w*\.h", ["io"]),
    "libwebp": (r"webp/", ["io"]),
    "HDF5": (r"(hdf5|H5\w+)\.h", ["io", "model_io"]),
    "libzip": (r"zip\.h", ["io"]),
    "LZ4": (r"lz4\w*\.h", ["data"]),
    "Zstandard": (r"zstd\w*\.h", ["data"]),
    "zlib": (r"zlib\.h", ["io", "data", "model_io", "report"]),
    "OpenSSL": (r"openssl/", ["io", "report"]),
    "libcurl": (r"curl/", ["data"]),
    "CLI11": (r"CLI/", []),
    "MPI": (r"mpi\.h", ["pipeline/mpi"]),
}
PUBLIC_LIBRARIES = ["nlohmann-json"]  # what those who include our headers need too

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def included_folder(path: str) -> str | None:
    """spikelens/snn/network.h and snn/plan.h belong to snn; gradient_step.h (beside its user) to no other folder."""
    path = path.removeprefix("spikelens/")
    return path.split("/")[0] if path.split("/")[0] in MAY_INCLUDE else None


def complaint(place: str, folder: str, public: bool, path: str, quoted: bool) -> str | None:
    if public and quoted and not path.startswith("spikelens/"):
        return f"a public header may not include the private {path}"
    target = included_folder(path)
    if target and target != folder:
        name = path.removeprefix("spikelens/")
        if target not in MAY_INCLUDE[folder] and name not in MAY_INCLUDE[folder]:
            return f"{folder} may not include {path}"
    for library, (pattern, users) in LIBRARIES.items():
        if quoted or not re.match(pattern, path):
            continue
        if not any(place.startswith(user + "/") or ("/" in user and place.startswith(user)) for user in users):
            return f"{place} may not use {library}"
        if public and library not in PUBLIC_LIBRARIES:
            return f"{library} may not show in a public header"
    return None


def complaints(tree: pathlib.Path, public: bool):
    for source in sorted(tree.rglob("*")):
        if source.suffix not in (".h", ".cpp", ".cu", ".inc"):
            continue
        place = source.relative_to(tree).as_posix()
        folder = place.split("/")[0]
        if folder not in MAY_INCLUDE:
            yield f"{source.relative_to(ROOT)}: the folder {folder} is not in the table of scripts/check_includes.py"
            continue
        for match in INCLUDE.finditer(source.read_text()):
            found = complaint(place, folder, public, match.group(2), match.group(1) == '"')
            if found:
                yield f"{source.relative_to(ROOT)}: {found}"


def main() -> int:
    found = [*complaints(ROOT / "include" / "spikelens", True), *complaints(ROOT / "src", False)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


sys.exit(main())
