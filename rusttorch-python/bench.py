"""Times calls through Python beside PyTorch's and writes docs/benchmarks-python.md.

    python bench.py --wheel rusttorch.whl --pytorch /path/to/a/python/that/has/torch
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).parent
ROUNDS = 5

# Name, what is made before, the statement, and its target in nanoseconds.
CASES = [
    ("a + b, 8 elements", "a, b = torch.ones(8), torch.ones(8)", "a + b", 250),
    ("a * 2.0, 8 elements", "a = torch.ones(8)", "a * 2.0", 300),
    ("x.sum(), 8 elements", "x = torch.ones(8)", "x.sum()", 350),
    ("a > b, 8 elements", "a, b = torch.ones(8), torch.ones(8)", "a > b", None),
    ("x.exp(), 8 elements", "x = torch.ones(8)", "x.exp()", None),
    ("x.reshape(2, 4)", "x = torch.ones(8)", "x.reshape(2, 4)", None),
    ("x[3]", "x = torch.ones(8)", "x[3]", None),
    ("x[1:5]", "x = torch.ones(8)", "x[1:5]", None),
    ("x.shape", "x = torch.ones(8)", "x.shape", None),
    ("x.item()", "x = torch.ones(())", "x.item()", None),
    ("torch.zeros(8)", "", "torch.zeros(8)", None),
    (
        "Linear(64, 64) forward, batch 1, no_grad",
        "m, x = torch.nn.Linear(64, 64), torch.ones(1, 64); torch._C._set_grad_enabled(False) "
        "if hasattr(torch, '_C') else torch._rusttorch._set_grad_enabled(False)",
        "m(x)",
        1_500,
    ),
    (
        "Adam step, 10 parameters of 64",
        "ps = [torch.nn.Parameter(torch.ones(64)) for _ in range(10)]\n"
        "for p in ps: p.grad = torch.ones(64)\n"
        "o = torch.optim.Adam(ps)",
        "o.step()",
        15_000,
    ),
]

# Imports the module in a fresh interpreter: milliseconds, and MiB over the interpreter's own.
IMPORT = """
import time, resource
import sys
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() / 2**20
before, start = resident(), time.perf_counter()
import {module}
print(1e3 * (time.perf_counter() - start), resident() - before)
"""


def worker(module):
    """The shortest time of each case in nanoseconds."""
    import importlib
    import timeit

    torch = importlib.import_module(module)
    torch.set_num_threads(1)
    times = []
    for _, setup, statement, _ in CASES:
        names = {"torch": torch}
        exec(setup, names)
        timer = timeit.Timer(statement, globals=names)
        number = max(1, int(2e-2 / max(timer.timeit(100) / 100, 1e-8)))
        times.append(min(timer.repeat(7, number)) / number * 1e9)
        (torch._rusttorch if module == "rusttorch" else torch._C)._set_grad_enabled(True)
    print(json.dumps({"version": torch.__version__, "times": times}))


def run(python, module, path):
    """A worker in another process."""
    environment = {**os.environ, "PYTHONPATH": str(path) if path else ""}
    command = [python, __file__, "--worker", module]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def imported(python, module, path):
    """Milliseconds and MiB of an import, the best of some."""
    environment = {**os.environ, "PYTHONPATH": str(path) if path else ""}
    command = [python, "-c", IMPORT.format(module=module)]
    runs = [subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout for _ in range(5)]
    return min(tuple(map(float, r.split())) for r in runs)


def cpu():
    """The name of the CPU."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=pathlib.Path)
    parser.add_argument("--pytorch", default=sys.executable)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "docs" / "benchmarks-python.md")
    parser.add_argument("--worker")
    chosen = parser.parse_args()
    if chosen.worker:
        return worker(chosen.worker)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(chosen.wheel).extractall(folder)
        ours, theirs = [], []
        # In turn, so that what else the machine does falls on both.
        for _ in range(ROUNDS):
            ours.append(run(sys.executable, "rusttorch", folder))
            theirs.append(run(chosen.pytorch, "torch", None))
        ours_import, theirs_import = imported(sys.executable, "rusttorch", folder), imported(chosen.pytorch, "torch", None)
    lines = [
        "# Calls through Python beside PyTorch's",
        "",
        f"`make bench-python` wrote this on {datetime.date.today()}: rusttorch {ours[0]['version']}, PyTorch "
        f"{theirs[0]['version'].split('+')[0]}, Python {platform.python_version()}, {cpu()}, one thread. Each figure is the "
        f"shortest of {ROUNDS} processes of 7 runs; load average {load:.2f} before. A target that is missed is marked so.",
        "",
        "| call | rusttorch | PyTorch | target |",
        "|---|---:|---:|---:|",
    ]
    for i, (name, _, _, target) in enumerate(CASES):
        a, b = (min(r["times"][i] for r in rounds) for rounds in (ours, theirs))
        met = "" if target is None else f"{target} ns" + ("" if a <= target else ", missed")
        lines.append(f"| `{name}` | {a:.0f} ns | {b:.0f} ns | {met} |")
    size = chosen.wheel.stat().st_size / 2**20
    for name, a, b, unit, target in (
        ("import", ours_import[0], f"{theirs_import[0]:.0f} ms", "ms", 60),
        ("memory of the import", ours_import[1], f"{theirs_import[1]:.0f} MiB", "MiB", 25),
        ("wheel", size, "", "MiB", 8),
    ):
        lines.append(f"| {name} | {a:.1f} {unit} | {b} | {target} {unit}{'' if a <= target else ', missed'} |")
    text = "\n".join(lines) + "\n"
    chosen.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
