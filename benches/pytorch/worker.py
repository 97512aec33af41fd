"""Times the cases of PyTorch and numpy on request, line by line, as `src/bin/ops.rs` does RustTorch's.

| request | answer |
|---|---|
| `list` | a line a case, its name; then an empty line |
| `run CASE THREADS SAMPLES SAMPLE_MS WARM_UP_MS WARM_UP_CALLS` | `ns` and nanoseconds per call, a number a sample |
| `check CASE THREADS` | `digest` and number, sum and sum of magnitudes of the outputs |
| `about` | `about` and the versions |
"""

import contextlib
import math
import sys
import time
import timeit

import numpy as np
import torch

from cases import CASES

made = (None, None)  # The last case that was timed: rounds come back to it.


def mode(case):
    return contextlib.nullcontext() if case.recorded else torch.inference_mode()


def run(name, threads, samples, sample_ms, warm_up_ms, warm_up_calls):
    global made
    case = CASES[name]
    torch.set_num_threads(int(threads))
    if made[0] != name:
        made = (None, None)
        made = (name, timeit.Timer(case.statement, globals=case.setup(), timer=time.perf_counter))
    timed = made[1].timeit
    with mode(case):
        # Batches that double, so that short calls are not drowned in reads of the clock.
        calls, spent, batch = 0, 0.0, 1
        warm_up = int(warm_up_ms) / 1e3
        while True:
            last = timed(batch)
            calls, spent = calls + batch, spent + last
            if calls >= int(warm_up_calls) and spent >= warm_up:
                break
            if last * 4 < warm_up:
                batch *= 2
        repeats = max(1, math.ceil(int(sample_ms) / 1e3 / max(last / batch, 1e-9)))
        times = [timed(repeats) * 1e9 / repeats for _ in range(int(samples))]
    return "ns " + " ".join(f"{t:.2f}" for t in times)


def check(name, threads):
    global made
    made = (None, None)
    case = CASES[name]
    torch.set_num_threads(int(threads))
    with mode(case):
        out = eval(case.outcome, case.setup())
    # Values with their places, of which the values count: equal elements may stand in any order.
    out = out[0] if isinstance(out, tuple) else out
    out = out.detach().numpy() if isinstance(out, torch.Tensor) else out
    out = out.astype(np.float64)
    return f"digest {out.size} {out.sum():e} {np.abs(out).sum():e}"


def main():
    # As after any earlier large tensor: what the C library does with large blocks depends on what was freed before.
    torch.ones(8_000_000)
    requests = {
        "run": run,
        "check": check,
        "list": lambda: "".join(f"{name}\n" for name in CASES),
        "about": lambda: f"about torch {torch.__version__}, numpy {np.__version__}",
    }
    for line in sys.stdin:
        words = line.split()
        try:
            answer = requests[words[0]](*words[1:])
        except Exception as e:  # The other side of the pipe decides what an error means.
            answer = f"error {type(e).__name__}: {e}".replace("\n", " ")
        print(answer, flush=True)


main()
