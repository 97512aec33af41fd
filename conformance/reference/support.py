"""Which dtypes PyTorch takes in which form of an op: forward, gradient, in place, and `out=`.

Of every op one recorded case is the sample. Its operands of the primary dtype (that of its first float tensor, else
of its first tensor, else its parameter `dtype`) are cast to each of the ten dtypes, and PyTorch is asked whether it
accepts them. Values stay out of it: cast to an integer they are 1 to 100, to bool true. `support.json` holds a line
an op: the sample as [family, number of the case], and a form as ten digits in the order of DTYPES, empty where the op
has no such form.
"""

import inspect
import json

import torch
import torch.nn.functional as F

from recorder import LONG, clone, flat, grad_output, on_copy, plain, seeded, tree_map, writes

DTYPES = list(LONG.values())
# Not ops but sequences of steps.
SEQUENCES = ("torch.optim.", "torch.random")


def tensors_of(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors_of(v)] if isinstance(value, (list, tuple)) else []


def primary_of(sample):
    tensors = tensors_of(sample.args) + tensors_of(sample.params)
    floats = [t for t in tensors if t.dtype.is_floating_point]
    return (floats or tensors)[0].dtype if tensors else None


def quality(sample):
    """Which of an op's cases is the sample: the largest wins, the first of equals."""
    tensors = tensors_of(sample.args) + tensors_of(sample.params)
    primary = primary_of(sample)
    sizes = [t.numel() for t in tensors]
    ordinary = bool(sizes) and min(sizes) > 0 and max(sizes) <= 2000
    kept = bool(tensors) and bool(sample.outputs) and sample.outputs[0].shape == tensors[0].shape
    rank = {torch.float32: 3, torch.float64: 2, torch.float16: 1, torch.bfloat16: 1}.get(primary, 0)
    return (sample.chosen, rank, ordinary, "dtype" not in sample.params, kept, sample.graded)


def cast(sample, dtype):
    """The sample's operands and parameters for a dtype."""
    primary = primary_of(sample)

    def one(v):
        if not isinstance(v, torch.Tensor) or v.dtype != primary or dtype == primary:
            return clone(v)
        if dtype.is_floating_point:
            return v.to(dtype)
        whole = v.to(torch.float64).nan_to_num(1.0, 100.0, 100.0).abs().clamp(1, 100)
        return whole.to(dtype)

    args, params = tree_map(list(sample.args), one), tree_map(sample.params, one)
    if primary is None and isinstance(params.get("dtype"), torch.dtype):
        params["dtype"] = dtype
    return args, params


def accepts(attempt):
    try:
        return bool(attempt())
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False


def forward(sample, dtype):
    args, params = cast(sample, dtype)
    return [sample.fn(*args, **params)]


def gradient(sample, dtype):
    if not dtype.is_floating_point:
        return False

    def attempt(named):
        args, params = cast(sample, dtype)
        leaves = []

        def leaf(v):
            if isinstance(v, torch.Tensor) and v.dtype.is_floating_point:
                v.requires_grad_()
                leaves.append(v)
            return v

        args = [a if i in sample.constants else tree_map(a, leaf) for i, a in enumerate(args)]
        params = {k: tree_map(v, leaf) if named and k not in sample.constants else v for k, v in params.items()}
        outs = [o for o in flat(sample.fn(*args, **params)) if o.requires_grad]
        if not outs:
            return False
        grads = torch.autograd.grad(outs, leaves, [grad_output(o.detach()) for o in outs], allow_unused=True)
        return any(g is not None for g in grads)

    return accepts(lambda: attempt(True)) or accepts(lambda: attempt(False))


def in_place_of(op):
    """The form of an op that writes to its first operand."""
    *module, name = op.split(".")
    if writes(op) or name.startswith("__"):
        return None
    if module == ["torch", "nn", "functional"]:
        function = getattr(F, name)
        try:
            if "inplace" in inspect.signature(function).parameters:
                return lambda *args, **params: function(*args, **params, inplace=True)
        except ValueError:  # built in
            pass
        return getattr(F, name + "_", None) or getattr(torch.Tensor, name + "_", None)
    if module in (["torch"], ["torch", "Tensor"]):
        return getattr(torch.Tensor, name + "_", None) or getattr(torch, name + "_", None)
    return None


def in_place(sample, dtype):
    function = in_place_of(sample.op)
    args, params = cast(sample, dtype)
    if function is None or not args or not isinstance(args[0], torch.Tensor):
        return False
    seeded(function, sample.seed)(*args, **params)
    return True


def out(sample, dtype):
    function, name = sample.function, sample.op.split(".")[-1]
    if sample.op.startswith("torch.Tensor."):
        function = getattr(torch, name, None)
    if function is None or writes(sample.op):
        return False
    args, params = cast(sample, dtype)
    results = seeded(function, sample.seed)(*args, **params)
    targets = [torch.empty_like(r, memory_format=torch.contiguous_format) for r in flat(results)]
    args, params = cast(sample, dtype)
    targets = targets[0] if isinstance(results, torch.Tensor) else tuple(targets)
    seeded(function, sample.seed)(*args, **params, out=targets)
    return True


FORMS = {"forward": forward, "gradient": gradient, "in_place": in_place, "out": out}


def digits(form, sample):
    found = "".join("01"[accepts(lambda: form(sample, dtype))] for dtype in DTYPES)
    return found if "1" in found else ""


def lines(families):
    """A line for every op that a family records."""
    best = {}
    for family in families:
        for sample in family.samples:
            if not sample.op.startswith(SEQUENCES):
                best.setdefault(sample.op, []).append(sample)
    found = []
    for op, samples in best.items():
        sample = max(samples, key=quality)  # the first of equals
        entry = {"op": op, "case": [sample.family, sample.index]}
        entry.update({name: digits(form, sample) for name, form in FORMS.items()})
        assert entry["forward"], f"{op}: no dtype is accepted of its sample"
        found.append(json.dumps(entry, separators=(",", ":")))
    return "[\n" + ",\n".join(found) + "\n]\n"
