#!/usr/bin/env python3
"""Records what PyTorch answers: the reference of the conformance suite.

    python3 -m venv VENV
    VENV/bin/pip install torch==2.15.0 numpy
    VENV/bin/python conformance/reference/generate.py [--check] [TABLES.json]

or `make reference`. The op tables come as JSON from the crate itself (`cargo run -p rusttorch-conformance --bin
tables`, which is run here unless its output is given as a file), so that a row that is not recorded is an error
here. Writes `<family>.json`, `<family>.safetensors`, `MANIFEST.json`, `support.json` and `files.rs`, the list of the
families, beside this file. Two runs give identical bytes on one kind of CPU; vector code is pinned to AVX2 and one thread.
`--check` writes nothing and fails if a file would change. What the files hold: see recorder.py.
"""

import importlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

# Before PyTorch is loaded: the kernels it chooses are part of the reference.
os.environ.update(ATEN_CPU_CAPABILITY="avx2", DNNL_MAX_CPU_ISA="AVX2", MKL_CBWR="AVX2", OMP_NUM_THREADS="1")
sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import torch  # noqa: E402

from families import (  # noqa: E402
    activations, binary, cast, draws, index, layers, losses, matmul, optimizers, reduce, ternary, unary, views,
)
import support  # noqa: E402
from recorder import sha256  # noqa: E402

TORCH = "2.15.0"
SEED = 0
# What a backend is judged by; the frontend is, too.
CONTRACT = [
    unary.record, binary.record, binary.record_compare, ternary.record, cast.record, cast.record_fill,
    cast.record_promote, reduce.record, reduce.record_arg, reduce.record_scan, matmul.record, index.record,
    index.record_sort, views.record, views.record_join, activations.record_softmax, activations.record_activation,
    losses.record, layers.record_norm, layers.record_conv, layers.record_pool, layers.record_attention,
    optimizers.record, draws.record,
]


def frontend_records():
    """What the frontend alone is judged by: the functions `record...` of every other module in families/."""
    taken = {record.__module__ for record in CONTRACT}
    names = sorted(f"families.{p.stem}" for p in (HERE / "families").glob("*.py") if p.stem != "__init__")
    modules = [importlib.import_module(name) for name in names if name not in taken]
    return [f for m in modules for n, f in vars(m).items() if n.startswith("record") and f.__module__ == m.__name__]


FILES = """// Written by generate.py: the families whose files are beside this one.
files! {{
    /// Judged through the contract and through the frontend.
    CONTRACT_FAMILIES: {contract};
    /// Judged through the frontend.
    FRONTEND_FAMILIES: {frontend};
}}
"""


def printed_tables():
    command = ["cargo", "run", "--quiet", "-p", "rusttorch-conformance", "--bin", "tables"]
    return subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout


def main():
    check = "--check" in sys.argv
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(paths) > 1:
        sys.exit("usage: generate.py [--check] [TABLES.json] (see the head of this file)")
    version = torch.__version__.split("+")[0]
    if version != TORCH:
        sys.exit(f"PyTorch {TORCH} is the reference; this is {version}")
    tables_text = Path(paths[0]).read_text() if paths else printed_tables()
    tables = json.loads(tables_text)
    torch.set_num_threads(1)
    # Variances without degrees of freedom are asked for on purpose.
    warnings.filterwarnings("ignore", message=".*degrees of freedom.*")

    files = {}
    entries = {}
    frontend = frontend_records()
    families = []
    for record in CONTRACT + frontend:
        torch.manual_seed(SEED)
        family = record(tables)
        assert family.name not in entries, f"two families are called {family.name}"
        families.append(family)
        cases, data = family.case_text().encode(), family.bank_bytes()
        files[f"{family.name}.json"], files[f"{family.name}.safetensors"] = cases, data
        entries[family.name] = {
            "cases": len(family.cases),
            "gradients": sum("grad" in c for c in family.cases),
            "second": sum("grad2" in c for c in family.cases),
            "json": sha256(cases), "json_bytes": len(cases),
            "safetensors": sha256(data), "safetensors_bytes": len(data),
        }
    files["support.json"] = support.lines(families).encode()
    sources = sorted(HERE.glob("*.py")) + sorted((HERE / "families").glob("*.py"))
    manifest = {
        "torch": version, "cpu": torch.backends.cpu.get_cpu_capability(), "seed": SEED,
        "generator": sha256(b"".join(p.read_bytes() for p in sources)), "tables": sha256(tables_text.encode()),
        "support": sha256(files["support.json"]),
        "cases": sum(e["cases"] for e in entries.values()), "families": entries,
    }
    files["MANIFEST.json"] = (json.dumps(manifest, indent=1) + "\n").encode()

    names = [f'"{name}"' for name in entries]
    lists = {"contract": ", ".join(names[:len(CONTRACT)]), "frontend": ", ".join(names[len(CONTRACT):])}
    files["files.rs"] = FILES.format(**lists).encode()

    changed = [n for n, data in files.items() if not (HERE / n).exists() or (HERE / n).read_bytes() != data]
    stale = {p.name for p in HERE.glob("*.json")} | {p.name for p in HERE.glob("*.safetensors")}
    stale -= set(files)
    if check:
        if changed or stale:
            sys.exit(f"would change: {changed}, would remove: {sorted(stale)}")
        return
    for name, data in files.items():
        (HERE / name).write_bytes(data)
    for name in stale:
        (HERE / name).unlink()
    total = sum(map(len, files.values()))
    print(f"{manifest['cases']} cases in {len(entries)} families, {total} bytes, {len(changed)} files changed")
    for name, e in entries.items():
        print(f"  {name:12} {e['cases']:5} cases {e['gradients']:4} gradients {e['second']:3} second"
              f" {e['json_bytes']:8} + {e['safetensors_bytes']:7} bytes")


if __name__ == "__main__":
    main()
