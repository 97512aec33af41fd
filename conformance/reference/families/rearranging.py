"""Copies in another order, joined, repeated, with borders. Joining by cat and stack: views.py has the plain cases."""

import torch

from recorder import Family
from values import ALL, NAN, ordinary

F32, F64, F16, I32, I64, U8 = torch.float32, torch.float64, torch.float16, torch.int32, torch.int64, torch.uint8
SPREAD = lambda op: lambda tensors, **params: op(*tensors, **params)
STACKS = ("hstack", "vstack", "row_stack", "dstack", "column_stack")


def f(*shape, dtype=F32, shift=0):
    return ordinary(dtype, list(shape), shift)


def all_dtypes(family, op, shape, *args, params=None):
    """One case a dtype, and second derivatives."""
    for dtype in ALL:
        if dtype is not F32:
            family.call(op, ordinary(dtype, shape), *args, params=params)
    family.call(op, ordinary(F64, shape), *args, params=params, grad=True, grad2=True)


def record(_tables):
    family = Family("rearranging")
    call, error = family.call, family.error
    for op, shape, args in (
        ("tile", [2, 3], ([2],)), ("tile", [2, 3], ([2, 1, 2],)), ("tile", [2], ([],)), ("tile", [], ([2],)), ("tile", [2, 3], ([0, 2],)),
        ("Tensor.repeat", [2, 3], ([2, 2],)), ("Tensor.repeat", [3], ([2, 1, 2],)), ("Tensor.repeat", [2, 3], ([0, 2],)), ("Tensor.repeat", [], ([2, 3],)),
        ("Tensor.repeat", [], ([],)), ("Tensor.repeat", [0], ([3, 2],)), ("Tensor.repeat", [2, 1], ([1, 1],)), ("Tensor.repeat", [1], ([3],)),
        ("repeat_interleave", [2, 2], (2,)), ("repeat_interleave", [2, 2], (2, 0)), ("repeat_interleave", [2, 2], (0, 1)), ("repeat_interleave", [2, 0], (2, 1)),
        ("repeat_interleave", [], (3,)), ("repeat_interleave", [2, 2], (torch.tensor([1, 2]), -1)), ("repeat_interleave", [2, 2], (torch.tensor([1, 2, 0, 1]),)),
        ("repeat_interleave", [2, 2], (torch.tensor([2]), 1)), ("repeat_interleave", [2, 2], (torch.tensor(2), 1)), ("repeat_interleave", [], (torch.tensor([3]),)),
        ("repeat_interleave", [2], (torch.tensor([1, 2], dtype=I32), 0)), ("repeat_interleave", [2], (torch.tensor([1, 2], dtype=U8), 0)),
        ("repeat_interleave", [0], (torch.zeros(0, dtype=I64),)),
        ("flip", [2, 3], ([0],)), ("flip", [2, 3], ([0, -1],)), ("flip", [2, 3], ([],)), ("flip", [], ([0],)), ("flip", [0, 3], ([0],)),
        ("fliplr", [2, 3], ()), ("fliplr", [1, 2, 2], ()), ("flipud", [2, 3], ()), ("flipud", [3], ()),
        ("roll", [2, 3], (1,)), ("roll", [5], (-7,)), ("roll", [2, 3], (1, 0)), ("roll", [2, 3], ([1, 2], [0, 1])), ("roll", [2, 3], ([1, 1], [1, 1])),
        ("roll", [2, 3], ([1], [])), ("roll", [5], (2**62,)), ("roll", [], (1,)), ("roll", [0], (1,)), ("roll", [0, 3], (1, 0)), ("roll", [2, 3], (3, -1)),
        ("rot90", [2, 3], ()), ("rot90", [2, 3], (2,)), ("rot90", [2, 3], (3,)), ("rot90", [2, 3], (4,)), ("rot90", [2, 3], (-1,)), ("rot90", [2, 3], (1, [1, 0])),
        ("rot90", [2, 2, 3], (1, [0, -1])), ("rot90", [0, 3], ()),
        ("constant_pad_nd", [2, 3], ([1, 2],)), ("constant_pad_nd", [2, 3], ([1, 2, -1, 1], 2.5)),
    ):
        name = f"torch.{op}"
        call(name, ordinary(F32, shape), *args, grad=True)
        if family.cases[-1]["op"] not in [c["op"] for c in family.cases[:-1]]:
            all_dtypes(family, name, shape, *args)
    for op, shape, args in (
        ("Tensor.repeat", [2, 3], ([2],)), ("Tensor.repeat", [2], ([-1],)), ("Tensor.repeat", [2], ([],)), ("tile", [2], ([-1],)),
        ("repeat_interleave", [2, 2], (torch.tensor([1, 2]),)), ("repeat_interleave", [2, 2], (-1,)), ("repeat_interleave", [2, 2], (torch.tensor([-1, 2]), 1)),
        ("repeat_interleave", [2, 2], (torch.tensor([1.0, 2.0]), 1)), ("repeat_interleave", [2, 2], (torch.tensor([[1, 2]]), 1)),
        ("repeat_interleave", [2, 2], (torch.tensor([True, False]), 1)), ("repeat_interleave", [2, 2], (1, 2)), ("repeat_interleave", [], (3, 0)),
        ("flip", [2, 3], ([0, 0],)), ("flip", [2, 3], ([2],)), ("flip", [], ([0, -1],)), ("fliplr", [3], ()), ("flipud", [], ()),
        ("roll", [2, 3], ([1, 2], 0)), ("roll", [2, 3], ([1, 2],)), ("roll", [2, 3], (1, [0, 1])), ("roll", [2, 3], ([], [])), ("roll", [2, 3], ([], [0])),
        ("roll", [], (1, 0)), ("roll", [2, 3], (1, 2)),
        ("rot90", [3], ()), ("rot90", [2, 3], (1, [0, 0])), ("rot90", [2, 3], (1, [0, 2])), ("rot90", [2, 3], (1, [0])), ("rot90", [2, 3], (1, [0, -2])),
        ("rot90", [2, 3], (1, [0, 1, 1])),
    ):
        error(f"torch.{op}", ordinary(F32, shape), *args)
    for size in (3, 4):
        family.either("torch.repeat_interleave", f(2, 2), torch.tensor([1, 2]), params=dict(dim=1, output_size=size))
        family.either("torch.repeat_interleave", f(2, 2), 2, params=dict(dim=1, output_size=size))
    for dtype in ALL:
        family.either("torch.repeat_interleave", torch.tensor([1, 0, 1]).to(dtype))
    call("torch.repeat_interleave", torch.tensor([1, 0, 3]), params=dict(output_size=4))
    for bad in (torch.tensor([1, -1]), torch.tensor([[1]]), torch.tensor(1)):
        family.either("torch.repeat_interleave", bad)
    error("torch.repeat_interleave", torch.tensor([1, 2]), params=dict(output_size=2))
    return family


def record_joining(_tables):
    family = Family("joining")
    call, error = family.call, family.error
    for op in STACKS:
        name = f"torch.{op}"
        for dtype in ALL:
            call(name, [f(2, 3, dtype=dtype), f(2, 3, dtype=dtype, shift=2)])
        call(name, [f(2, 3), f(2, 3, shift=1)], grad=True)
        call(name, [f(3), f(3, shift=1)], grad=True)
        call(name, [torch.tensor(1.5), torch.tensor(2.5)], grad=True)
        call(name, [f(2, 2, 2, dtype=F64), f(2, 2, 2, dtype=F64, shift=1)], grad=True, grad2=True)
        call(name, [torch.tensor([1]), torch.tensor([1.5])])
        error(name, [])
        error(name, [f(2, 3), f(4, 5)])
    call("torch.hstack", [f(2, 3), f(2, 1)])
    call("torch.hstack", [torch.tensor(1.0), f(2)])
    call("torch.vstack", [f(3), f(2, 3)])
    call("torch.dstack", [f(2, 3), f(2, 3, 4)])
    call("torch.column_stack", [f(3), f(3, 2)])
    error("torch.hstack", [f(2), f(2, 1)])
    error("torch.column_stack", [f(3), f(2)])
    for op in ("concat", "concatenate", "cat"):
        for dtype in ALL:
            call(f"torch.{op}", [f(2, 3, dtype=dtype), f(1, 3, dtype=dtype)])
        call(f"torch.{op}", [f(2, 3), f(2, 1)], params={"dim": -1}, grad=True)
        error(f"torch.{op}", [])
    # A vector of nothing fits everything; without anything else the dim is not looked at.
    z = torch.zeros
    for parts, dim in (([z(0), z(0)], 1), ([z(0)], -2), ([z(0)], 100), ([z(0), f(2, 3)], 1), ([z(0, dtype=F64), f(2, 3)], 1), ([z(0, 3), z(0)], 1), ([f(2), z(0)], 0)):
        call("torch.cat", parts, params={"dim": dim})
    for parts, dim in (([f(2), z(0)], 1), ([z(0), f(2, 3)], 2), ([torch.tensor(1.0), f(2)], 0), ([f(2), torch.tensor(1.0)], 0)):
        error("torch.cat", parts, params={"dim": dim})
    call("torch.stack", [torch.tensor(1), torch.tensor(1.5)])
    call("torch.stack", [f(2, 2), f(2, 2, shift=1)], params={"dim": -1}, grad=True)
    for dtype in ALL:
        call("torch.stack", [f(2, dtype=dtype), f(2, dtype=dtype, shift=1)])
    error("torch.stack", [f(2), f(2)], params={"dim": -3})

    block = lambda parts, **rest: call("torch.block_diag", parts, fn=SPREAD(torch.block_diag), **rest)
    for dtype in ALL:
        block([f(2, 2, dtype=dtype), f(1, 3, dtype=dtype, shift=1)])
    block([f(2, 2), f(1, 3), torch.tensor(2.5), f(2)], grad=True)
    block([f(2, 2, dtype=F64), f(2, dtype=F64)], grad=True, grad2=True)
    for parts in ([f(2)], [torch.tensor(3), f(2)], [f(2, dtype=I64), torch.tensor([1.5])], [], [z(0, 2), f(1, 1)], [z(0), f(1, 1)], [torch.tensor(True), torch.tensor(2)]):
        block(parts)
    error("torch.block_diag", [f(2, 2, 2)], fn=SPREAD(torch.block_diag))
    return family


def record_padding(_tables):
    family = Family("padding")
    op = "torch.nn.functional.pad"
    call, error = family.call, family.error
    borders = {
        "constant": (([3], [1, 2]), ([3], [-1, 2]), ([3], [-1, -1]), ([3], [-3, 0]), ([2, 3], [0, 0, 1, 1]), ([2, 3], [1, 0, -1, 2]), ([2, 3], []), ([], []),
                     ([0], [1, 1]), ([2, 0], [1, 1]), ([0, 2], [1, 1]), ([1, 2, 1, 2, 1], [1, 0, 0, 1, 1, 1, 0, 0, 1, 0])),
        "reflect": (([1, 4], [1, 2]), ([2, 1, 4], [3, 3]), ([1, 4], [-1, 3]), ([1, 4], [-2, 3]), ([1, 4], [-5, 3]), ([1, 4], [-4, 3]), ([1, 3, 4], [1, 2, 2, 1]),
                    ([1, 1, 3, 4], [1, 1, -1, 2]), ([1, 2, 3, 2], [1, 1, 2, 1, 1, 0]), ([1, 1, 2, 3, 2], [1, 1, 1, 1, 1, 1]), ([0, 2, 4], [1, 1]), ([1, 3, 4], [0, 0])),
        "replicate": (([1, 4], [1, 2]), ([2, 1, 4], [6, 2]), ([1, 4], [-1, 2]), ([1, 4], [-5, 7]), ([1, 4], [-4, 2]), ([1, 3, 4], [1, 2, 2, 1]),
                      ([1, 1, 3, 4], [1, 1, -1, 2]), ([1, 2, 3, 2], [1, 1, 2, 1, 1, 0]), ([1, 1, 2, 3, 2], [1, 1, 1, 1, 1, 1]), ([0, 1, 4], [1, 1])),
        "circular": (([1, 4], [1, 2]), ([2, 1, 4], [4, 4]), ([1, 4], [-1, 2]), ([1, 4], [-1, -1]), ([1, 4], [-3, 1]), ([1, 4], [-5, 1]), ([1, 3, 4], [1, 2, 2, 1]),
                     ([1, 1, 3, 4], [1, 1, -1, 2]), ([1, 2, 3, 2], [1, 1, 2, 1, 1, 0]), ([1, 1, 2, 3, 2], [1, 1, 1, 1, 1, 1]), ([0, 4], [1, 1]), ([0, 1, 4], [1, 1]),
                     ([1, 0], [0, 0])),
    }
    for mode, cases in borders.items():
        params = {} if mode == "constant" else {"mode": mode}
        for shape, pad in cases:
            call(op, ordinary(F32, shape), pad, params=params, grad=True)
        shape, pad = ([1, 2, 3], [1, 2]) if mode != "constant" else ([2, 3], [1, 2, -1, 1])
        for dtype in ALL:
            family.either(op, ordinary(dtype, shape), pad, params=params, **({"grad": True} if dtype.is_floating_point else {}))
        call(op, ordinary(F64, shape), pad, params=params, grad=True, grad2=True)
    for value, dtype in ((7, F32), (NAN, F32), (1.5, I64), (2, torch.bool), (2.5, F16)):
        call(op, ordinary(dtype, [3]), [1, 1], params={"value": value})
    call(op, f(2, 3), [1, 1], params={"mode": "constant", "value": None})
    call(op, f(2, 3), [1, 1], params={"mode": "reflect", "value": 0})
    for shape, pad, params in (
        ([3], [-2, -2], {}), ([3], [-4, 1], {}), ([3], [-4, 5], {}), ([3], [5, -5], {}), ([2, 3], [1, 0, 1, 1, 1, 1], {}), ([2, 3], [1], {}), ([2, 3], [1, 1, 1], {}),
        ([], [1, 1], {}), ([2, 3], [1, 1], dict(mode="zz")), ([2, 3], [1, 1], dict(mode="reflect", value=1)), ([4], [1, 1], dict(mode="reflect")),
        ([1, 4], [4, 2], dict(mode="reflect")), ([1, 4], [-2, -2], dict(mode="reflect")), ([1, 4], [-2, -3], dict(mode="reflect")),
        ([1, 1, 1, 4], [1, 1], dict(mode="reflect")), ([3, 4], [1, 1, 1, 1], dict(mode="reflect")), ([3, 3, 4], [1] * 6, dict(mode="reflect")),
        ([1, 4], [1], dict(mode="reflect")), ([1, 4], [], dict(mode="reflect")), ([0, 4], [1, 1], dict(mode="reflect")), ([2, 0, 4], [1, 1], dict(mode="reflect")),
        ([1, 0], [1, 1], dict(mode="reflect")), ([1, 0], [0, 0], dict(mode="reflect")), ([1, 1, 1, 1, 4], [1] * 4, dict(mode="reflect")),
        ([1, 3, 4], [-4, 0, 1, 1], dict(mode="reflect")), ([4], [1, 1], dict(mode="replicate")), ([1, 4], [-2, -2], dict(mode="replicate")),
        ([1, 0], [1, 1], dict(mode="replicate")), ([1, 3, 4], [-4, 0, 1, 1], dict(mode="replicate")), ([4], [1, 1], dict(mode="circular")),
        ([1, 4], [5, 2], dict(mode="circular")), ([1, 4], [-2, 3], dict(mode="circular")), ([1, 3, 4], [1] * 6, dict(mode="circular")),
        ([1, 3, 4], [-5, 0, 1, 1], dict(mode="circular")), ([1, 1, 3, 4], [1, 1], dict(mode="circular")),
    ):
        error(op, ordinary(F32, shape), pad, params=params)
    for value in (300, -1):
        error(op, torch.tensor([1, 2], dtype=U8), [1, 1], params={"value": value})
    call("torch.constant_pad_nd", torch.tensor([1, 2], dtype=U8), [1, 1], -1)
    error(op, torch.tensor([1.0], dtype=F16), [1, 1], params={"value": 1e6})
    return family
