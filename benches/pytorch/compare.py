#!/usr/bin/env python3
"""Times RustTorch beside PyTorch, call by call, and writes `docs/benchmarks.md`: `make bench-pytorch`.

    VENV/bin/python benches/pytorch/compare.py [--groups G ..] [--ops O ..] [--sizes S ..] [--threads 2 1]
                                               [--quick] [--no-check] [--no-limits] [--raw FILE] [--out FILE]

Two processes stand ready for each number of threads, one of RustTorch and the Rust peers, one of PyTorch and numpy, and
take turns: round by round, each case by each of them, in an order that rotates, with a pause in which the threads of
the other come to rest. A figure is the median over the rounds of the median of a round's samples. A call that the
backend delegates is reported as such instead of timed, unless RUSTTORCH_FALLBACK=allow is set.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

import report  # noqa: E402

OWN, TORCH = "rusttorch", "torch"
# How far the sums of two sides may lie apart, as a share of the sum of the magnitudes.
CLOSE = 1e-4
# Seconds until the idle threads of a contender sleep: those of OpenBLAS watch for work far longer than the others.
REST, RESTS = 0.02, {"numpy": 0.3, "matrixmultiply": 0.1}
# A second thread adds less than this where both CPUs are one physical core, or busy.
TWO_CORES = 1.7


class Side:
    """A process that answers line by line."""

    def __init__(self, command, threads):
        variables = ("OMP", "MKL", "OPENBLAS", "RAYON", "MATMUL")
        environment = {**os.environ, **{f"{v}_NUM_THREADS": str(threads) for v in variables}}
        # What another backend answers is no time of this one.
        environment.setdefault("RUSTTORCH_FALLBACK", "error")
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, env=environment)

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise SystemExit(f"a process ended: {self.process.args[0]}, status {self.process.wait()}")
        return text.split()

    def ask(self, *words):
        """The words of the answer. Error: RuntimeError for what the process calls one."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        kind, *rest = self.line()
        if kind == "error":
            raise RuntimeError(" ".join(rest))
        return rest

    def list(self):
        """Names of cases with what else is said of them."""
        self.process.stdin.write("list\n")
        self.process.stdin.flush()
        return {words[0]: [int(w) for w in words[1:]] for words in iter(self.line, [])}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def executable(name, *flags):
    """Builds a program of the benches and gives its path."""
    command = ["cargo", "rustc", "--release", "--locked", "-p", "rusttorch-benches", "--features", "peers"]
    command += ["--bin", name, "--message-format=json-render-diagnostics", "--", *flags]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in built.splitlines()]
    return next(m["executable"] for m in reversed(messages) if m.get("executable"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--groups", nargs="+", help="only these groups")
    parser.add_argument("--ops", nargs="+", help="only these ops")
    parser.add_argument("--sizes", nargs="+", help="only these sizes")
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1], help="numbers of threads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of few samples: does it run?")
    parser.add_argument("--no-check", action="store_true", help="do not compare what the two sides compute")
    parser.add_argument("--no-limits", action="store_true", help="do not measure what the machine allows")
    parser.add_argument("--raw", type=Path, help="all medians, as JSON")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    return parser.parse_args()


def wanted(name, options):
    group, op, size, _ = name.split("@")[0].split("/")
    chosen = (options.groups, options.ops, options.sizes)
    return all(only is None or part in only for only, part in zip(chosen, (group, op, size)))


def contenders(own, other):
    """Per case who computes it, by which process and under which name there: (who, process, name)."""
    found = {}
    for process, names in ((OWN, own), (TORCH, other)):
        for name in names:
            case, _, who = name.partition("@")
            found.setdefault(case, []).append((who or process, process, name))
    alone = [case for case, by in found.items() if {OWN, TORCH} - {who for who, _, _ in by}]
    if alone:
        raise SystemExit(f"{len(alone)} cases of one side alone: {', '.join(alone[:10])}")
    return found


def differs(sides, by, threads):
    """Why the outputs of a case are not the same, or nothing."""
    digests = {}
    for who, process, name in by:
        try:
            count, total, size = sides[process].ask("check", name, threads)
        except RuntimeError as e:
            # Without an answer there is nothing to compare; the row says so.
            print(f"  {who}: {e}", file=sys.stderr)
            continue
        digests[who] = (int(count), float(total), float(size))
    for who, (count, total, size) in digests.items():
        wanted_count, wanted_total, wanted_size = digests.get(TORCH, (count, total, size))
        slack = CLOSE * max(wanted_size, 1e-30)
        if count != wanted_count or abs(total - wanted_total) > slack or abs(size - wanted_size) > slack:
            return f"{who} gives {digests[who]}, torch {digests[TORCH]}"
    return None


def two_cores(side):
    """Waits until two threads compute about twice as much as one. Whether they do."""
    for _ in range(20):
        if float(side.ask("probe")[0]) >= TWO_CORES:
            return True
        time.sleep(0.05)
    return False


def timed(sides, by, threads, options):
    """Per contender the median of each round, or why there is none; and whether the rounds were quiet."""
    plan = (2, 1, 0, 1) if options.quick else (7, 5, 40, 3)
    rounds = 1 if options.quick else options.rounds
    medians, failed, quiet = {who: [] for who, _, _ in by}, {}, True
    for r in range(rounds):
        turn = r % len(by)
        for who, process, name in by[turn:] + by[:turn]:
            if who in failed:
                continue
            if threads > 1 and not options.quick:
                quiet &= two_cores(sides[OWN])
            try:
                samples = [float(t) for t in sides[process].ask("run", name, threads, *plan)]
                medians[who].append(statistics.median(samples))
            except RuntimeError as e:
                failed[who] = str(e)
            time.sleep(RESTS.get(who, REST))
    return {who: failed.get(who, medians[who]) for who in medians}, quiet


def limits(threads):
    """Per level, kernel and number of threads the best value."""
    flags = ["-C", "target-cpu=native"]
    if platform.machine().lower() in ("x86_64", "amd64"):
        # For Intel's CPUs the compiler would take registers of 256 bits where there are longer ones: half of the peak.
        flags += ["-C", "target-feature=-prefer-256-bit"]
    program = executable("limits", *flags)
    found = []
    for line in subprocess.run([program, str(max(threads))], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        level, kernel, count, best, median, unit = line.split()
        found.append(report.Limit(level, kernel, int(count), float(best), float(median), unit))
    return found


def main():
    options = arguments()
    own, other = [executable("ops")], [sys.executable, str(HERE / "worker.py")]
    loads, started = [os.getloadavg()], time.time()
    measured = [] if options.no_limits else limits(options.threads)
    results, costs, different, about = {}, {}, {}, {}
    for threads in options.threads:
        sides = {OWN: Side(own, threads), TORCH: Side(other, threads)}
        listed = sides[OWN].list()
        table = contenders(listed, sides[TORCH].list())
        about = {who: " ".join(side.ask("about")) for who, side in sides.items()}
        for case, by in table.items():
            if not wanted(case, options):
                continue
            if not options.no_check and case not in costs:
                if why := differs(sides, by, threads):
                    different[case] = why
                    print(f"{case}: {why}", file=sys.stderr)
            costs[case] = listed[case]
            result, quiet = timed(sides, by, threads, options)
            results[case, threads] = report.Result(result, quiet)
            shown = [f"{who} {report.nanoseconds(t)}" for who, t in result.items()]
            print(f"[{threads}] {case}: {', '.join(shown)}", file=sys.stderr, flush=True)
        for side in sides.values():
            side.close()
    loads.append(os.getloadavg())
    facts = report.Facts(ROOT, about, options, loads, time.time() - started)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(report.document(facts, results, costs, measured, different), encoding="utf-8")
    if options.raw:
        raw = [{"case": case, "threads": n, **r.times} for (case, n), r in results.items()]
        options.raw.write_text(json.dumps(raw, indent=1))
    if different:
        sys.exit(f"{len(different)} cases do not compute the same")


if __name__ == "__main__":
    main()
