"""Records cases: an op, its inputs, and what PyTorch answers.

A family is two files. `<family>.json` is a JSON array with one case a line; `<family>.safetensors` holds
one flat tensor per dtype, in which the cases' operands lie. An operand is written as a string:

    f32[2,3]@120       six elements of the flat tensor "f32" from element 120 on, as shape [2, 3]
    f32[2,4096]~7,3,31,15,8    not stored: element i is ((i * 7 + 3) mod 31 - 15) / 8, exact in the dtype
    f32[1000]=0.1      not stored: every element is 0.1, rounded to the dtype

Anything else in a case's "in" is a Python scalar (a JSON number or truth value, or "inf", "-inf", "nan"), null
for None, another string for a word, {"dtype":"f32"}, {"slice":[start,stop,step]}, {"ellipsis":true}, or a list of
operands; a tuple is written as a list. The keys of a case:

    op      PyTorch's qualified name
    in      operands
    p       named parameters
    const   operands (by position) and parameters (by name) that are not differentiated though they are floats
    seed    seed of the generator right before the call
    out     outputs, tuples and lists in them flattened, None left out; a number is a tensor of rank 0, a dtype a
            zero of it. An op that writes to its first operand has that operand's new value as its output. Or
    err     the class of the exception
    undefined  true where only shapes and dtypes of the outputs count
    go      gradient of the output, or a list, one for each output, null for those that are not differentiated
    grad    gradients of the float tensors: those of "in", lists included, then those of "p" in the order of the
            names; null where there is none. Those of "p" may be left out at the end
    alt, altgrad   a second right answer (see below) of the outputs, of the gradients; null where there is none
    w       weights w_i of the gradients;    grad2: gradients of sum_i sum(w_i * grad_i), null where none
    num     items of numerics.md that the case comes from
    why     reason where the expected value is stated by hand

The second right answer. In single and half precision PyTorch's kernels sometimes lose what the dtype could hold
(sigmoid(-88.8) is 0 where a subnormal would be right, a sum overflows on its way), and the half kernels of some
functions round in between. Where PyTorch's answer is more than one unit of the last place from what PyTorch
computes in double precision from the same inputs, rounded once, that is recorded beside it, and an element may
agree with either.
"""

import hashlib
import inspect
import json
import math
from dataclasses import dataclass

import torch

SHORT = {
    torch.bool: "bool", torch.uint8: "u8", torch.int8: "i8", torch.int16: "i16", torch.int32: "i32",
    torch.int64: "i64", torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32",
    torch.float64: "f64",
}
LONG = {name: dtype for dtype, name in SHORT.items()}
# safetensors' own names.
STORED = {
    "bool": "BOOL", "u8": "U8", "i8": "I8", "i16": "I16", "i32": "I32", "i64": "I64", "f16": "F16",
    "bf16": "BF16", "f32": "F32", "f64": "F64",
}


class Formula:
    """An input that is not stored. `tensor` computes it, `text` tells the reader how to."""

    def __init__(self, dtype, shape, mul=None, add=0, mod=1, sub=0, div=1, constant=None):
        self.dtype, self.shape = dtype, list(shape)
        head = f"{SHORT[dtype]}[{','.join(map(str, shape))}]"
        if constant is not None:
            self.tensor = torch.full(shape, constant, dtype=dtype)
            self.text = f"{head}={constant!r}"
        else:
            n = math.prod(shape)
            i = torch.arange(n, dtype=torch.int64)
            values = ((i * mul + add) % mod - sub).to(torch.float64) / div
            self.tensor = values.to(dtype).reshape(shape)
            assert torch.equal(self.tensor.to(torch.float64).flatten(), values), "formula is not exact"
            self.text = f"{head}~{mul},{add},{mod},{sub},{div}"


def cycle(values, shape, dtype):
    """The values, repeated until they fill the shape."""
    n = math.prod(shape)
    return torch.tensor([values[i % len(values)] for i in range(n)], dtype=torch.float64).to(dtype).reshape(shape)


def grad_output(like):
    """Gradients of an output: small, exact in every dtype, of both signs, none of them alike."""
    return cycle([1.0, -2.0, 0.5, 3.0, -0.25, 1.5, -1.0, 2.0, 0.75, -3.0, 4.0], like.shape, like.dtype)


def weights(like):
    """Weights of gradients, for gradients of gradients."""
    return cycle([0.5, 1.0, -1.5, 2.0, -0.75, 1.25, 3.0], like.shape, like.dtype)


def resolve(op):
    """The PyTorch function with a qualified name. Of one that writes to its first operand a form that writes to a
    copy and returns it."""
    found = {"torch": torch}[op.split(".")[0]]
    for part in op.split(".")[1:]:
        found = getattr(found, part)
    if inspect.isdatadescriptor(found):  # torch.Tensor.mT
        return found.__get__
    return on_copy(found) if writes(op) else found


def writes(op):
    """Whether an op writes to its first operand, by its name."""
    return op.endswith(".__setitem__") or (op.endswith("_") and not op.endswith("__"))


def on_copy(fn):
    def run(target, *args, **params):
        target = target.clone()
        fn(target, *args, **params)
        return target

    return run


def flat(out):
    """The outputs as a list of tensors."""
    if out is None:
        return []
    if isinstance(out, (list, tuple)):
        return [o for item in out for o in flat(item)]
    if isinstance(out, torch.dtype):
        return [torch.zeros((), dtype=out)]
    if isinstance(out, (bool, int, float)):
        dtype = {bool: torch.bool, int: torch.int64, float: torch.float64}[type(out)]
        return [torch.tensor(out, dtype=dtype)]
    return [out]


@dataclass
class Sample:
    """A recorded call, for support.py. `fn` is what was called, `function` what the op's name says."""

    op: str
    family: str
    index: int
    fn: object
    function: object
    args: list
    params: dict
    outputs: list
    seed: int
    constants: tuple
    graded: bool
    chosen: bool


class Family:
    """The cases and the data of one pair of files."""

    def __init__(self, name):
        self.name, self.cases, self.banks, self.seen, self.samples = name, [], {}, {}, []

    # ---- encoding ------------------------------------------------------------------------------

    def ref(self, value):
        """An operand as JSON, its data stored once."""
        if isinstance(value, Formula):
            return value.text
        if isinstance(value, torch.Tensor):
            return self.store(value)
        if isinstance(value, (list, tuple)):
            return [self.ref(v) for v in value]
        if isinstance(value, torch.dtype):
            return {"dtype": SHORT[value]}
        if isinstance(value, slice):
            return {"slice": [value.start, value.stop, value.step]}
        if value is Ellipsis:
            return {"ellipsis": True}
        return self.scalar(value)

    def store(self, tensor):
        short = SHORT[tensor.dtype]
        dense = tensor.detach().clone(memory_format=torch.contiguous_format).flatten()
        if dense.dtype.is_floating_point:
            # One NaN for all: its payload depends on the CPU and means nothing.
            dense[dense.isnan()] = math.nan
        raw = dense.view(torch.uint8).numpy().tobytes() if dense.numel() else b""
        bank = self.banks.setdefault(short, bytearray())
        key = (short, raw)
        if key not in self.seen:
            found = bank.find(raw) if len(raw) <= 64 else -1
            if found < 0 or found % dense.element_size():
                found = len(bank)
                bank.extend(raw)
            self.seen[key] = found // dense.element_size()
        return f"{short}[{','.join(map(str, tensor.shape))}]@{self.seen[key]}"

    @staticmethod
    def scalar(value):
        if isinstance(value, float) and not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        assert value is None or isinstance(value, (bool, int, float, str)), value
        assert not (isinstance(value, str) and "[" in value), "a word must not look like a tensor"
        return value

    def add(self, op, args, params, **rest):
        case = {"op": op, "in": self.ref(list(args))}
        if params:
            case["p"] = {k: self.ref(v) for k, v in params.items()}
        case.update({k: v for k, v in rest.items() if v is not None})
        self.cases.append(case)

    # ---- recording -----------------------------------------------------------------------------

    def call(self, op, *args, params=None, fn=None, grad=False, grad2=False, out=None, num=None, why=None, limit=None,
             second=None, constants=(), seed=None, undefined=False, sample=False):
        """Records what PyTorch answers; `out` overrides it where `why` says so. `limit` fills what PyTorch
        answers with NaN for a number: it maps (inputs, gradient of the output or None) to values. `second` maps
        gradients to a second right answer. `constants` names operands, by position, and parameters that are not
        differentiated; `seed` is set before the call; `undefined` says that only shapes and dtypes count. `fn` is
        called instead of the op, with the same operands. `sample` chooses this case for support.py, which takes
        the first fitting one otherwise."""
        params = params or {}
        fn = seeded(fn or resolve(op), seed)
        tensors = tree_map(list(args), plain)
        assert (out is None) == (why is None), "an override needs its reason"
        if out is None:
            # A fresh copy of each operand: some functions write to their inputs.
            outputs = flat(fn(*tree_map(tensors, clone), **tree_map(params, clone)))
            if undefined:
                outputs = [torch.zeros_like(o) for o in outputs]
            # Integers that a function turns into floats are widened like floats.
            ints = not any(isinstance(a, torch.Tensor) and a.dtype.is_floating_point for a in tensors)
            to_float = ints and outputs and outputs[0].dtype is torch.float32 and self.name in ("unary", "binary")
            wider = (lambda v: v.double() if isinstance(v, torch.Tensor) else v) if to_float else widen
            wide = lambda: fn(*tree_map(tensors, wider), **widen_params(params))
            # Draws of another dtype are other draws.
            alone = undefined or seed is not None
            alt = None if alone else self.second_answer(outputs, wide, limit and limit(tensors[0], None))
        else:
            outputs, alt = flat(out), None
        rest = {"const": list(constants) or None, "seed": seed, "out": self.ref(outputs), "alt": alt, "num": num,
                "why": why, "undefined": undefined or None}
        if grad or grad2:
            rest.update(self.gradients(fn, tensors, params, grad2, limit, second, constants, seed is not None))
        if op.startswith("torch.") and not op.startswith("torch.optim."):
            self.samples.append(Sample(
                op, self.name, len(self.cases), fn, resolve(op), tensors, params, outputs, seed, tuple(constants),
                "grad" in rest, sample))
        self.add(op, args, params, **rest)

    def second_answer(self, outputs, wide, limit=None):
        """The answers of double precision, rounded once, where they are further than one unit away."""
        narrow = (torch.float32, torch.float16, torch.bfloat16)
        answers = list(outputs)
        if any(o is not None and o.dtype in narrow for o in outputs):
            try:
                wide = flat(wide())
            except (RuntimeError, TypeError, ValueError):  # some kernels want both operands of one dtype
                wide = []
            for i, (o, w) in enumerate(zip(outputs, wide)):
                if o is not None and o.dtype in narrow and w is not None:
                    answers[i] = w.detach().to(o.dtype)
        if limit is not None:
            answers[0] = torch.where(answers[0].isnan(), limit.to(answers[0].dtype), answers[0])
        far = lambda o, a: o is not None and o.dtype.is_floating_point and not within_one_unit(o, a)
        answers = [self.ref(a) if far(o, a) else None for o, a in zip(outputs, answers)]
        return answers if any(a is not None for a in answers) else None

    def gradients(self, fn, args, params, second, limit=None, answer=None, constants=(), drawn=False):
        rest, grads = self.gradients_of(fn, args, params, second, constants)
        if grads and not second and not drawn:
            wide = lambda: self.gradients_of(fn, tree_map(args, widen), widen_params(params), False, constants)[1]
            alt = self.second_answer(grads, wide, limit and limit(args[0], grad_output(grads[0].detach())))
            if answer is not None and args[0].dtype is torch.float64:
                alt = [self.ref(g) for g in answer(grads)]
            rest.update({"altgrad": alt} if alt else {})
        return rest

    def gradients_of(self, fn, args, params, second, constants=()):
        leaves = []

        def leaf(a):
            if isinstance(a, torch.Tensor) and a.dtype.is_floating_point:
                a = a.detach().clone().requires_grad_()
                leaves.append(a)
            return a

        # A float operand is differentiated; others take part as they are.
        args = [a if i in constants else tree_map(a, leaf) for i, a in enumerate(args)]
        count = len(leaves)
        named = {k: params[k] if k in constants else tree_map(params[k], leaf) for k in sorted(params)}
        try:
            outputs = flat(fn(*args, **named))
        except RuntimeError as e:
            # Weights of a loss, for example.
            assert "not differentiable with respect to argument" in str(e) and len(leaves) > count, e
            leaves = leaves[:count]
            outputs = flat(fn(*args, **params))
        outputs = [o if o.dtype.is_floating_point and o.requires_grad else None for o in outputs]
        if not leaves or all(o is None for o in outputs):
            return {}, None
        gos = [None if o is None else grad_output(o.detach()) for o in outputs]
        go_leaves = [g.clone().requires_grad_(second) for g in gos if g is not None]
        differentiated = [o for o in outputs if o is not None]
        try:
            grads = torch.autograd.grad(differentiated, leaves, go_leaves, create_graph=second, allow_unused=True)
        except RuntimeError as e:
            assert "is not implemented" in str(e), e  # floor_divide
            return {}, None
        while len(grads) > count and grads[-1] is None:
            grads, leaves = grads[:-1], leaves[:-1]
        first_only = outputs[0] is not None and len(go_leaves) == 1
        go = self.ref(gos[0]) if first_only else [None if g is None else self.ref(g) for g in gos]
        rest = {"go": go, "grad": [None if g is None else self.ref(g) for g in grads]}
        if second:
            ws = [None if g is None else weights(g.detach()) for g in grads]
            total = sum((g * w).sum() for g, w in zip(grads, ws) if g is not None)
            if total.requires_grad:
                twice = torch.autograd.grad(total, leaves, allow_unused=True)
                rest["w"] = [None if w is None else self.ref(w) for w in ws]
                rest["grad2"] = [None if g is None else self.ref(g) for g in twice]
        return rest, grads

    def error(self, op, *args, params=None, fn=None, num=None, seed=None):
        """Records the class of the exception that PyTorch raises."""
        params = params or {}
        fn = seeded(fn or resolve(op), seed)
        tensors = tree_map(list(args), plain)
        try:
            out = fn(*tree_map(tensors, clone), **tree_map(params, clone))
        except Exception as e:  # whatever it is, its class is what is recorded
            self.add(op, args, params, err=type(e).__name__.removeprefix("_"), num=num)
        else:
            raise AssertionError(f"{self.name}: {op}{args} {params} raised nothing but gave {out}")

    def either(self, op, *args, params=None, fn=None, grad=False, **rest):
        """Records an answer or the class of the exception, whichever PyTorch gives."""
        try:
            (fn or resolve(op))(*tree_map(list(args), clone), **tree_map(params or {}, clone))
        except Exception:  # `error` records its class
            self.error(op, *args, params=params, fn=fn, num=rest.get("num"))
        else:
            self.call(op, *args, params=params, fn=fn, grad=grad, **rest)

    # ---- files ---------------------------------------------------------------------------------

    def case_text(self):
        lines = (json.dumps(c, separators=(",", ":"), allow_nan=False) for c in self.cases)
        return "[\n" + ",\n".join(lines) + "\n]\n"

    def bank_bytes(self):
        header, data = {}, b""
        # Wide elements first, so that each tensor is aligned for its dtype.
        for short in sorted(self.banks, key=lambda s: (-torch.empty(0, dtype=LONG[s]).element_size(), s)):
            raw = bytes(self.banks[short])
            size = torch.empty(0, dtype=LONG[short]).element_size()
            header[short] = {
                "dtype": STORED[short], "shape": [len(raw) // size],
                "data_offsets": [len(data), len(data) + len(raw)],
            }
            data += raw
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + data


def clone(value):
    return value.clone() if isinstance(value, torch.Tensor) else value


def plain(value):
    """The tensor of an operand that is not stored."""
    return value.tensor if isinstance(value, Formula) else value


def seeded(fn, seed):
    """A function that starts from a state of the generator."""
    if seed is None:
        return fn

    def run(*args, **params):
        torch.manual_seed(seed)
        return fn(*args, **params)

    return run


def widen(value):
    """A float operand in double precision."""
    narrow = isinstance(value, torch.Tensor) and value.dtype.is_floating_point
    return value.detach().to(torch.float64) if narrow else clone(value)


def widen_params(params):
    """Parameters, too; an output of a narrow float dtype becomes one of double precision."""
    floats = (torch.float32, torch.float16, torch.bfloat16)
    wider = lambda v: torch.float64 if isinstance(v, torch.dtype) and v in floats else widen(v)
    return tree_map(params, wider)


def within_one_unit(a, b):
    """Whether two tensors of a float dtype agree to one unit of the last place, NaN with NaN."""
    info = torch.finfo(a.dtype)
    a, b = a.detach().to(torch.float64), b.detach().to(torch.float64)
    same = (a == b) | (a.isnan() & b.isnan())
    finite = a.isfinite() & b.isfinite()
    # frexp gives a mantissa in [0.5, 1), so the unit is eps * 2^(e - 1); of subnormals that of the smallest normal.
    size = torch.where(finite, a.abs(), torch.zeros_like(a)).clamp(min=info.tiny)
    unit = torch.ldexp(torch.full_like(size, info.eps), size.frexp().exponent - 1)
    return bool((same | (finite & ((a - b).abs() <= unit))).all())


def tree_map(value, fn):
    if isinstance(value, dict):
        return {k: tree_map(v, fn) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        items = [tree_map(v, fn) for v in value]
        return items if isinstance(value, list) else tuple(items)
    return fn(value)


def sha256(data):
    return hashlib.sha256(data).hexdigest()
