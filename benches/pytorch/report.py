"""`docs/benchmarks.md`: figures beside targets and physical limits."""

import math
import os
import platform
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

OWN, TORCH = "rusttorch", "torch"
# Round medians that lie further apart are marked.
NOISY = 1.2
FORMS = ("foreach", "fused")
PEERS = ("numpy", "gemm", "matrixmultiply", "blas", "naive")

TITLES = {
    "overhead": "The price of a call",
    "elementwise": "Elementwise arithmetic",
    "functions": "Activations and functions",
    "reductions": "Reductions",
    "softmax": "Softmax, cross-entropy, binary cross-entropy",
    "losses": "Losses of differences",
    "matmul": "Matrix products",
    "optimizers": "Optimizer steps",
    "copies": "Copies and indexing",
    "sort": "Sorting",
}
# The least geometric mean of time of PyTorch by time of RustTorch.
MEANS = {"elementwise": 2.0, "functions": 3.0, "reductions": 2.0, "softmax": 2.0, "losses": 1.2, "matmul": 1.1,
         "copies": 1.2, "sort": 1.5}
# The most that a call on one element may take, in ns.
CALL = 80.0
# From this share of what the machine allows on, a call is at the limit.
AT_LIMIT = 0.9


@dataclass
class Limit:
    """What the machine allows."""

    level: str
    kernel: str
    threads: int
    best: float
    median: float
    unit: str


@dataclass
class Result:
    """Per contender the medians of its rounds, or why it has none."""

    times: dict
    quiet: bool = True

    def time(self, who):
        """Median of the rounds in ns, or None."""
        rounds = self.times.get(who)
        return statistics.median(rounds) if isinstance(rounds, list) and rounds else None

    def ratio(self, who=TORCH, to=OWN):
        """Time of `who` by time of `to`, or None."""
        a, b = self.time(who), self.time(to)
        return a / b if a and b else None

    def best_other(self):
        """The least time of all others, or None."""
        times = [self.time(who) for who in (TORCH, *PEERS)]
        return min((t for t in times if t), default=None)


class Facts:
    """Where, when and of what the figures are."""

    def __init__(self, root, about, options, loads, seconds):
        self.about, self.options, self.loads, self.seconds = about, options, loads, seconds
        self.revision = output("git", "-C", root, "describe", "--always", "--dirty", "--abbrev=10")
        self.rustc = output("rustc", "--version")
        self.date = time.strftime("%Y-%m-%d")
        self.cpu = first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
        self.caches = {level: cache(level) for level in (1, 2, 3)}
        self.memory = first("/proc/meminfo", "MemTotal")
        self.pages = text("/sys/kernel/mm/transparent_hugepage/enabled")

    def lines(self):
        kib = {level: f"L{level} {size >> 10} KiB" for level, size in self.caches.items() if size}
        load = " to ".join(f"{one:.2f}" for one, _, _ in self.loads)
        memory = f", {int(self.memory.split()[0]) >> 20} GiB" if self.memory else ""
        pages = f", transparent huge pages {self.pages}" if self.pages else ""
        settings = "few samples (`--quick`): no figures to rely on" if self.options.quick else \
            f"{self.options.rounds} rounds of 7 samples"
        return [
            f"- {self.cpu}, {os.cpu_count()} CPUs ({', '.join(kib.values())}){memory}{pages}",
            f"- {platform.system()} {platform.release()}, {self.rustc}, Python {platform.python_version()}",
            f"- RustTorch {self.revision}, backend `{self.about.get(OWN, '')}`; {self.about.get(TORCH, '')}",
            f"- {self.date}, {self.seconds / 60:.0f} minutes, load average {load}; {settings}",
        ]


def output(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def text(path):
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def first(path, key):
    """The value of the first line `key: value` of a file."""
    lines = (line.split(":", 1) for line in text(path).splitlines() if ":" in line)
    return next((value.strip() for name, value in lines if name.strip() == key), "")


def cache(level):
    """Bytes of a cache of the first CPU; 0 where nobody says."""
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if text(folder / "level") == str(level) and text(folder / "type") != "Instruction":
            return int(text(folder / "size").rstrip("K") or 0) << 10
    return 0


def nanoseconds(rounds):
    """A time with its mark, or why there is none."""
    if isinstance(rounds, list) and rounds:
        middle = statistics.median(rounds)
        mark = "~" if max(rounds) > NOISY * min(rounds) else ""
        return (f"{middle:,.1f}" if middle < 100 else f"{middle:,.0f}") + mark
    if isinstance(rounds, str):
        return "delegated" if "delegation refused" in rounds else "failed"
    return "–"


def shown(result, who):
    text = nanoseconds(result.times.get(who) if result else None)
    noisy = result and not result.quiet and not text.endswith("~") and text[0].isdigit()
    return text + "~" if noisy else text


def factor(ratio, target=None, limited=False):
    """A ratio: bold where it misses its target, in italics where the machine allows no more."""
    if ratio is None:
        return "–"
    digits = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    if not target or ratio >= target:
        return digits
    return f"*{digits}*" if limited else f"**{digits}**"


def row_target(group, op, size):
    """The least ratio of a row, or None."""
    if group == "elementwise":
        return {"1e3": None, "1.6e7": 4.0}.get(size, 1.0)
    if group == "reductions":
        return 5.0 if op.startswith(("var", "argmax", "max_index")) else 1.0
    if group == "optimizers":
        return 2.5 if size == "100x100000" else 20.0
    return {"functions": 1.0, "softmax": 2.0, "losses": 1.2, "copies": 1.0, "sort": 1.5}.get(group)


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


class Machine:
    """The limits, and what they allow a case."""

    def __init__(self, limits, caches):
        self.rates = {(l.level, l.kernel, l.threads): l.best for l in limits}
        self.caches = caches

    def bound(self, cost, dtype, threads):
        """The least time of a case in ns by bytes moved and by operations, or None."""
        reads, writes, operations = cost
        moved = reads + writes
        kernel = "read" if writes * 8 < reads else "triad" if reads * 2 > writes * 3 else "copy"
        rate = self.rates.get((self.level(moved, threads), kernel, threads))
        peak = self.rates.get(("core", f"fma_{dtype}", threads))
        bounds = [moved / rate if rate and moved else 0, operations / peak if peak and operations else 0]
        return max(bounds) or None

    def limits(self, cost, dtype, threads, group, result):
        """Whether a case is at its limit or, in a reduction, PyTorch is: none is asked to be faster than that."""
        bound, own, torch = self.bound(cost, dtype, threads), result.time(OWN), result.time(TORCH)
        if not bound or not own:
            return False
        return bound / own >= AT_LIMIT or bool(group == "reductions" and torch and bound / torch >= AT_LIMIT)

    def level(self, moved, threads):
        """Where the operands of a call lie when it comes back to them."""
        sizes = {"L1": self.caches[1] * threads, "L2": self.caches[2] * threads, "L3": self.caches[3]}
        return next((level for level, size in sizes.items() if moved <= size), "memory")


HEAD = """\
# Benchmarks

Written by `make bench-pytorch`; do not edit. RustTorch and PyTorch are timed in one run on one machine, in turns.

{facts}

A figure is the time of a call in nanoseconds, the allocation of its output included: the median over the rounds of the
median of a round's samples, each of 5 ms or more, after a warm-up. `~` marks a figure whose rounds differ by more than
{noise} %, or one taken while the second CPU was not free. PyTorch runs eagerly in `inference_mode` (with gradients
recorded in `.._backward`, which is value and gradient), called from Python; RustTorch is called from Rust, as a user
calls it. A ratio is the time of PyTorch divided by that of RustTorch: above 1 RustTorch is faster. **Bold** misses the
target, or is delegated; *italics* miss it at the limit: RustTorch is at {at_limit} % of what the machine allows or above or,
in a reduction, PyTorch is, beyond which no target is set. `delegated` is a call that the backend leaves to another one.
*Of limit* is the least time that the bytes moved and the operations allow, by the limits below, as a share of the time
taken. Large operands lie in huge pages where the system grants them: RustTorch's, and PyTorch's, as they are made by
numpy; what PyTorch allocates itself does not, and is slower to read.
"""


def document(facts, results, costs, limits, different):
    machine = Machine(limits, facts.caches)
    threads = list(dict.fromkeys(n for _, n in results))
    groups = [g for g in TITLES if any(case.startswith(f"{g}/") for case in costs)]
    shares = {"noise": round(100 * NOISY - 100), "at_limit": round(100 * AT_LIMIT)}
    parts = [HEAD.format(facts="\n".join(facts.lines()), **shares)]
    parts += [summary(groups, threads, results, costs, machine)]
    if limits:
        parts.append(limits_table(limits))
    for group in groups:
        cases = [case for case in costs if case.startswith(f"{group}/")]
        parts.append(f"## {TITLES[group]}\n\n{group_table(group, cases, threads, results, costs, machine)}")
        if group == "matmul":
            parts.append(peers_table(cases, threads, results, costs, machine))
    if different:
        rows = "\n".join(f"- `{case}`: {why}" for case, why in different.items())
        parts.append(f"## Not the same\n\nCases whose two sides do not compute the same:\n\n{rows}\n")
    return "\n".join(parts)


def table(head, rows):
    rule = "|".join("---:" if i > 1 else "---" for i in range(len(head)))
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def counted(threads):
    return f"{threads} thread" if threads == 1 else f"{threads} threads"


def summary(groups, threads, results, costs, machine):
    rows = []
    for group in groups:
        for n in threads:
            ratios, below, limited = {}, 0, 0
            for case in costs:
                result = results.get((case, n))
                if not case.startswith(f"{group}/") or not result:
                    continue
                if result.ratio() is None:
                    # Delegated, or failed.
                    below += 1
                    continue
                _, op, size, dtype = case.split("/")
                ratios[case] = result.ratio()
                if misses(group, op, size, result):
                    at_limit = machine.limits(costs[case], dtype, n, group, result)
                    below, limited = below + (not at_limit), limited + at_limit
            if not ratios:
                rows.append([TITLES[group], str(n), "0", "–", "–", "–", str(below), str(limited)])
                continue
            lowest = min(ratios, key=ratios.get)
            wanted = MEANS.get(group)
            rows.append([
                TITLES[group], str(n), str(len(ratios)), factor(mean(ratios.values()), wanted),
                f"≥ {wanted}" if wanted else "–", f"{ratios[lowest]:.2f} ({lowest.split('/', 1)[1]})", str(below),
                str(limited),
            ])
    head = ["group", "threads", "calls", "geometric mean", "target", "lowest", "below their target", "at the limit"]
    return f"## In short\n\n{table(head, rows)}"


def misses(group, op, size, result):
    """Whether a row misses its own target."""
    if group == "matmul":
        other, own = result.best_other(), result.time(OWN)
        return bool(other and own and other / own < 0.97)
    if group == "overhead":
        return size == "1" and result.time(OWN) > CALL
    fused = result.ratio("fused")
    if group == "optimizers" and size == "100x100000" and fused and fused < 1.0:
        return True
    target = row_target(group, op, size)
    return bool(target and result.ratio() < target)


def limits_table(limits):
    threads = sorted({l.threads for l in limits})
    rows, seen = [], dict.fromkeys((l.level, l.kernel, l.unit) for l in limits)
    for level, kernel, unit in seen:
        row = [level, kernel.replace("_", " ")]
        for n in threads:
            found = [l for l in limits if (l.level, l.kernel, l.threads) == (level, kernel, n)]
            row += [f"{found[0].best:.1f}", f"{found[0].median:.1f}"] if found else ["–", "–"]
        rows.append([*row, unit])
    head = ["level", "kernel"]
    for n in threads:
        head += [f"{counted(n)}, best", "median"]
    text = ("## What the machine allows\n\nMeasured in the same run, by plain vectorised loops: bytes named by the kernel"
            " per time, each thread with\narrays of its own; fused multiply-adds in registers. `copy` and `fill` are the"
            " system's `memcpy` and `memset`; `triad` is\n`a = b + 0.5 c`.\n\n")
    return text + table([*head, "unit"], rows)


def group_table(group, cases, threads, results, costs, machine):
    typed = group == "matmul"
    forms = FORMS if group == "optimizers" else ()
    head = ["op", "size"] + (["dtype"] if typed else [])
    for n in threads:
        head += [f"torch, {counted(n)}", *forms, "RustTorch", "ratio", *(f"to {f}" for f in forms)]
        head += [] if group == "overhead" else ["of limit"]
    many = max(threads)
    scaled = many > 1 and 1 in threads and group != "overhead"
    rows = []
    for case in cases:
        _, op, size, dtype = case.split("/")
        row = [op, size] + ([dtype] if typed else [])
        for n in threads:
            result = results.get((case, n), Result({}))
            target = row_target(group, op, size)
            row += [shown(result, who) for who in (TORCH, *forms, OWN)]
            limited = machine.limits(costs[case], dtype, n, group, result)
            row.append(factor(result.ratio(), target, limited))
            least = {"fused": 1.0} if size == "100x100000" else {}
            row += [factor(result.ratio(f), least.get(f), limited) for f in forms]
            if group != "overhead":
                bound, own = machine.bound(costs[case], dtype, n), result.time(OWN)
                row.append(f"{100 * bound / own:.0f} %" if bound and own else "–")
        if scaled:
            one, several = (results.get((case, n), Result({})).time(OWN) for n in (1, many))
            row.append(f"{one / several:.2f}" if one and several else "–")
        rows.append(row)
    note = f"Target: at most {CALL:.0f} ns for a call on one element in Rust.\n\n" if group == "overhead" else ""
    return note + table(head + ([f"{counted(many)} by 1"] if scaled else []), rows)


def peers_table(cases, threads, results, costs, machine):
    """Products in GFLOP/s, beside other libraries."""
    everyone = [OWN, TORCH, *PEERS]
    text = ""
    for n in threads:
        rows = []
        for case in cases:
            result = results.get((case, n))
            if not result:
                continue
            _, op, size, dtype = case.split("/")
            peak = machine.rates.get(("core", f"fma_{dtype}", n))
            row = [op, size, dtype]
            for who in everyone:
                took = result.time(who)
                rate = costs[case][2] / took if took else None
                share = f" ({100 * rate / peak:.0f} %)" if rate and peak else ""
                row.append(f"{rate:.1f}{share}" if rate else "–")
            best, own = result.best_other(), result.time(OWN)
            limited = machine.limits(costs[case], dtype, n, "matmul", result)
            rows.append([*row, factor(best / own if best and own else None, 0.97, limited)])
        head = ["op", "size", "dtype", "RustTorch", "torch", "numpy (OpenBLAS)", *PEERS[1:-2], "backend blas", "backend naive", "best other by RustTorch"]
        text += f"GFLOP/s and share of the peak, {counted(n)}:\n\n{table(head, rows)}\n"
    return text
