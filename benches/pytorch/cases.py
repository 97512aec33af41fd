"""The calls that are timed beside RustTorch's, by PyTorch and numpy.

Names and inputs are those of `src/compare/`: `group/op/size/dtype`, with `@who` where it is not PyTorch's default
form. The two sides are held against each other by what they give, so a case that differs is found.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch

F = torch.nn.functional
DTYPES = {"f32": (np.float32, torch.float32), "f64": (np.float64, torch.float64)}


@dataclass
class Case:
    """`statement` is timed with the names that `setup` gives; `outcome` is what a call gives."""

    statement: str
    setup: Callable[[], dict]
    outcome: str
    recorded: bool = False


def hashed(n, seed):
    """32 bits that look random: the finalizer of MurmurHash3 over a multiple of the position."""
    u32 = np.uint32
    h = np.arange(n, dtype=np.uint32) * u32(0x9E3779B1) ^ u32(seed * 0x85EBCA6B % 2**32)
    h = (h ^ (h >> u32(16))) * u32(0x85EBCA6B)
    h = (h ^ (h >> u32(13))) * u32(0xC2B2AE35)
    return h ^ (h >> u32(16))


def array(seed, shape, low, high, dtype="f32"):
    """Numbers of [low, high)."""
    n = int(np.prod(shape))
    unit = (hashed(n, seed) >> np.uint32(8)).astype(np.float64) / 2**24
    return (low + (high - low) * unit).astype(DTYPES[dtype][0]).reshape(shape)


def uniform(seed, shape, low, high, dtype="f32"):
    return torch.from_numpy(array(seed, shape, low, high, dtype))


def indices(seed, shape, bound):
    n = int(np.prod(shape))
    return torch.from_numpy((hashed(n, seed) % np.uint32(bound)).astype(np.int64).reshape(shape))


CASES = {}


def add(name, expression, recorded=False, statement=None, **inputs):
    """A case whose inputs are made by calls without arguments."""

    def setup():
        return {"torch": torch, "F": F, **{key: make() for key, make in inputs.items()}}

    CASES[name] = Case(statement or expression, setup, expression, recorded)


# ---- elementwise ------------------------------------------------------------------------------------------------

SIZES = {"1e3": (10, 100), "1e5": (100, 1000), "1e6": (1000, 1000), "1.6e7": (4000, 4000)}
RANGE, POSITIVE = (-3.0, 3.0), (0.1, 3.0)
FUNCTIONS = {
    "relu": (RANGE, "torch.relu(x)"),
    "leaky_relu": (RANGE, "F.leaky_relu(x, 0.01)"),
    "elu": (RANGE, "F.elu(x)"),
    "selu": (RANGE, "F.selu(x)"),
    "silu": (RANGE, "F.silu(x)"),
    "mish": (RANGE, "F.mish(x)"),
    "gelu": (RANGE, "F.gelu(x)"),
    "gelu_tanh": (RANGE, "F.gelu(x, approximate='tanh')"),
    "sigmoid": (RANGE, "torch.sigmoid(x)"),
    "tanh": (RANGE, "torch.tanh(x)"),
    "softplus": (RANGE, "F.softplus(x)"),
    "softsign": (RANGE, "F.softsign(x)"),
    "hardswish": (RANGE, "F.hardswish(x)"),
    "exp": (RANGE, "torch.exp(x)"),
    "log": (POSITIVE, "torch.log(x)"),
    "sqrt": (POSITIVE, "torch.sqrt(x)"),
    "sin": (RANGE, "torch.sin(x)"),
    "pow_scalar": (POSITIVE, "x ** 2.5"),
}


def elementwise():
    def one(seed, n, span=RANGE):
        return lambda: uniform(seed, (n,), *span)

    for size, (rows, columns) in SIZES.items():
        n = rows * columns
        whole = lambda rows=rows, columns=columns: uniform(1, (rows, columns), *RANGE)
        for op, sign in [("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/")]:
            span = (0.5, 3.0) if op == "div" else RANGE
            add(f"elementwise/{op}/{size}/f32", f"a {sign} b", a=one(1, n), b=one(2, n, span))
        add(f"elementwise/add_scalar/{size}/f32", "x + 1.5", x=one(1, n))
        add(f"elementwise/mul_scalar/{size}/f32", "x * 1.5", x=one(1, n))
        add(f"elementwise/addcmul/{size}/f32", "torch.addcmul(a, b, c, value=0.5)",
            a=one(1, n), b=one(2, n), c=one(3, n))
        for op, shape in [("add_row", (1, columns)), ("add_column", (rows, 1))]:
            add(f"elementwise/{op}/{size}/f32", "a + b", a=whole,
                b=lambda shape=shape: uniform(2, shape, *RANGE))
        for op, (span, expression) in FUNCTIONS.items():
            add(f"functions/{op}/{size}/f32", expression, x=one(1, n, span))
        add(f"functions/pow/{size}/f32", "a ** b", a=one(1, n, POSITIVE), b=one(2, n))
    add("overhead/add/1/f32", "a + b", a=one(1, 1), b=one(2, 1))
    add("overhead/mul_scalar/1/f32", "x * 1.5", x=one(1, 1))
    add("overhead/relu/1/f32", "torch.relu(x)", x=one(1, 1))
    add("overhead/matmul/8x8/f32", "a @ b",
        a=lambda: uniform(1, (8, 8), -1.0, 1.0), b=lambda: uniform(2, (8, 8), -1.0, 1.0))


# ---- reductions, softmax, losses --------------------------------------------------------------------------------

def reductions():
    dims = {"all": None, "dim0": 0, "dim1": 1}
    for n in (1000, 4096):
        x = lambda n=n: uniform(1, (n, n), *RANGE)

        def row(op, name, expression):
            add(f"reductions/{op}_{name}/{n}x{n}/f32", expression, x=x)

        for name, dim in dims.items():
            argument = "" if dim is None else str(dim)
            extreme = "max" if dim is None else "amax"
            row("sum", name, f"x.sum({argument})")
            row("mean", name, f"x.mean({argument})")
            row("max", name, f"x.{extreme}({argument})")
            row("min", name, f"x.{extreme.replace('max', 'min')}({argument})")
            row("var", name, f"x.var({argument})")
            row("argmax", name, f"x.argmax({argument})")
            if dim is not None:
                row("max_index", name, f"x.max({argument})")


LOSSES = {
    "cross_entropy": ("softmax", "1024x1000", "F.cross_entropy(x, t)"),
    "bce": ("softmax", "1e6", "F.binary_cross_entropy(x, t)"),
    "mse": ("losses", "1e6", "F.mse_loss(x, t)"),
    "l1": ("losses", "1e6", "F.l1_loss(x, t)"),
    "smooth_l1": ("losses", "1e6", "F.smooth_l1_loss(x, t)"),
}


def losses():
    for size, shape in [("1000x1000", (1000, 1000)), ("128x32000", (128, 32000))]:
        x = lambda shape=shape: uniform(1, shape, *RANGE)
        add(f"softmax/softmax/{size}/f32", "torch.softmax(x, 1)", x=x)
        add(f"softmax/log_softmax/{size}/f32", "torch.log_softmax(x, 1)", x=x)
    for op, (group, size, call) in LOSSES.items():
        if op == "cross_entropy":
            x, t = lambda: uniform(1, (1024, 1000), *RANGE), lambda: indices(2, (1024,), 1000)
        else:
            span = (0.05, 0.95) if op == "bce" else RANGE
            x = lambda span=span: uniform(1, (1_000_000,), *span)
            t = lambda span=span: uniform(2, (1_000_000,), *span)
        add(f"{group}/{op}/{size}/f32", call, x=x, t=t)
        leaf = lambda x=x: x().requires_grad_(True)
        add(f"{group}/{op}_backward/{size}/f32", f"({call}.backward(), x.grad)[1]", recorded=True,
            statement=f"{call}.backward(); x.grad = None", x=leaf, t=t)


# ---- products, optimizers ---------------------------------------------------------------------------------------

def products():
    def square(op, n, dtype):
        return op, str(n), dtype, (), n, n, n

    table = [square("nn", n, dtype) for dtype in DTYPES for n in (64, 128, 256, 512, 1024, 2048)]
    table += [square(op, 512, dtype) for dtype in DTYPES for op in ("nt", "tn", "tt")]
    table += [("nn", f"{m}x{k}x{n}", "f32", (), m, k, n)
              for m, k, n in [(1, 4096, 4096), (4096, 4096, 1), (32, 768, 3072)]]
    table.append(("batched", "16x128x64x128", "f32", (16,), 128, 64, 128))
    for op, size, dtype, batch, m, k, n in table:

        def operand(seed, rows, columns, transposed, batch=batch, dtype=dtype):
            shape = (*batch, columns, rows) if transposed else (*batch, rows, columns)
            x = array(seed, shape, -1.0, 1.0, dtype)
            return x.swapaxes(-2, -1) if transposed else x

        a = lambda f=operand, m=m, k=k, op=op: f(1, m, k, op.startswith("t"))
        b = lambda f=operand, k=k, n=n, op=op: f(2, k, n, op.endswith("t"))
        name = f"matmul/{op}/{size}/{dtype}"
        add(name, "a @ b", a=lambda a=a: torch.from_numpy(a()), b=lambda b=b: torch.from_numpy(b()))
        add(f"{name}@numpy", "a @ b", a=a, b=b)


RULES = {
    "sgd": (torch.optim.SGD, {}),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
}
FORMS = {"": {}, "@foreach": {"foreach": True}, "@fused": {"fused": True}}


def optimizers():
    def parameters(n):
        made = []
        for i in range(100):
            p = uniform(2 * i, (n,), -1.0, 1.0).requires_grad_(True)
            p.grad = uniform(2 * i + 1, (n,), -1.0, 1.0)
            made.append(p)
        return made

    for n in (100_000, 1_000):
        for op, (rule, options) in RULES.items():
            for form, chosen in FORMS.items():
                optimizer = lambda n=n, rule=rule, o={**options, **chosen}: rule(parameters(n), **o)
                add(f"optimizers/{op}/100x{n}/f32{form}", "(o.step(), o.param_groups[0]['params'][0])[1]",
                    recorded=True, statement="o.step()", o=optimizer)


# ---- copies, sorting --------------------------------------------------------------------------------------------

def copies():
    add("copies/transpose/2048x2048/f32", "x.transpose(0, 1).contiguous()",
        x=lambda: uniform(1, (2048, 2048), *RANGE))
    add("copies/permute/64x256x256/f32", "x.permute(2, 0, 1).contiguous()",
        x=lambda: uniform(1, (64, 256, 256), *RANGE))
    square = lambda seed: lambda: uniform(seed, (1000, 1000), *RANGE)
    for dim in (0, 1):
        add(f"copies/cat_dim{dim}/2x1000x1000/f32", f"torch.cat((a, b), {dim})", a=square(1), b=square(2))
        add(f"copies/gather_dim{dim}/1000x1000/f32", f"x.gather({dim}, i)", x=square(1),
            i=lambda: indices(2, (1000, 1000), 1000))
    table, rows = lambda: uniform(1, (10_000, 512), *RANGE), lambda: indices(2, (4096,), 10_000)
    add("copies/index_select/10000x512[4096]/f32", "x.index_select(0, i)", x=table, i=rows)
    add("copies/embedding/10000x512[4096]/f32", "F.embedding(i, x)", x=table, i=rows)
    vector = lambda: uniform(1, (1_000_000,), *RANGE)
    add("sort/sort/1e6/f32", "x.sort()", x=vector)
    add("sort/topk/1e6[100]/f32", "x.topk(100)", x=vector)


for family in (elementwise, reductions, losses, products, optimizers, copies):
    family()
