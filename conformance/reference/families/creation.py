"""Tensors from nothing, from sizes and numbers, and in the image of others."""

import torch

from recorder import Family
from values import ALL, FLOATS, HALVES, INF, INTS, NAN, ordinary

BOOL, I32, I64, U8 = torch.bool, torch.int32, torch.int64, torch.uint8
F16, F32, F64 = torch.float16, torch.float32, torch.float64
SPREAD = lambda op: lambda tensors, **params: op(*tensors, **params)


def record_constants(_tables):
    family = Family("creation")
    call, error = family.call, family.error
    for op in ("zeros", "ones", "empty"):
        unset = dict(undefined=op == "empty")
        for dtype in ALL:
            call(f"torch.{op}", [2, 3], params={"dtype": dtype}, **unset)
        for size in ([2, 3], [], [0, 4]):
            call(f"torch.{op}", size, **unset)
        error(f"torch.{op}", [2, -1], num=[40])
        error(f"torch.{op}", [2, -1], params={"dtype": F32}, num=[40])
        error(f"torch.{op}", [2**62])
        like = f"torch.{op}_like"
        for dtype in ALL:
            call(like, ordinary(dtype, [2, 3]), **unset)
        for dtype in (I32, F64, BOOL):
            call(like, ordinary(F32, [2, 3]), params={"dtype": dtype}, **unset)
        call(like, torch.tensor(2.0), **unset)
        new = f"torch.Tensor.new_{op}"
        for dtype in (F16, I64, BOOL, F32):
            call(new, ordinary(dtype, [2]), [1, 3], **unset)
        call(new, ordinary(F32, [2]), [2], params={"dtype": torch.int8}, **unset)
        call(new, ordinary(F32, [2]), [], **unset)
        error(new, ordinary(F32, [2]), [-1])
    for value in (3, True, 1.5, -0.0, INF, NAN):
        call("torch.full", [2], value)
    for dtype in ALL:
        call("torch.full", [2, 2], 3, params={"dtype": dtype})
        call("torch.full_like", ordinary(dtype, [2]), 1.75)
        call("torch.Tensor.new_full", ordinary(dtype, [2]), [2], 1.75)
    call("torch.full", [], 2)
    call("torch.full", [0, 2], 2)
    call("torch.full", [2], torch.tensor(3))
    call("torch.full", [1], -1, params={"dtype": U8})
    for value, dtype in ((300, U8), (-1.0, U8), (1e6, F16), (NAN, I32), (2**40, I32)):
        error("torch.full", [2], value, params={"dtype": dtype})
    call("torch.full_like", ordinary(I64, [2]), 1.5, params={"dtype": F16})
    error("torch.full_like", ordinary(U8, [2]), 300)
    call("torch.Tensor.new_full", ordinary(F32, [2]), [3], 2, params={"dtype": torch.int8})
    error("torch.Tensor.new_full", ordinary(torch.int8, [2]), [2], 300)
    for value in (3, True, 2.5):
        call("torch.scalar_tensor", value)
    for dtype in ALL:
        call("torch.scalar_tensor", 2.5, params={"dtype": dtype})
    error("torch.scalar_tensor", 300, params={"dtype": U8})
    lists = ([1, 2], [[1.5, 2], [3, 4]], [True, False], [True, 2], [1, 2.5, True], [], [[], []], 3, 2.5, True, [[[1]], [[2]]])
    for data in lists:
        call("torch.tensor", data)
        call("torch.Tensor.new_tensor", ordinary(F32, [2]), data)
    call("torch.Tensor.new_tensor", ordinary(torch.int8, [2]), [1.5, 2])
    call("torch.Tensor.new_tensor", ordinary(F32, [2]), [1, 2], params={"dtype": I64})
    call("torch.Tensor.new_tensor", ordinary(F64, [2]), torch.tensor([1, 2]))
    for dtype in ALL:
        call("torch.tensor", [0, 1.75, 2], params={"dtype": dtype})
    call("torch.tensor", torch.tensor([1, 2]))
    call("torch.tensor", [torch.tensor(1), 2.5])
    call("torch.tensor", -1, params={"dtype": U8})
    call("torch.tensor", [70000.0], params={"dtype": F16})
    error("torch.tensor", [[1, 2], [3]])
    error("torch.tensor", [[1, 2], 3])
    error("torch.tensor", 300, params={"dtype": U8})
    error("torch.tensor", NAN, params={"dtype": I32})
    error("torch.tensor", [1, "word"])
    error("torch.tensor", None)
    for dtype in (F32, F64, F16, I32, BOOL):
        call("torch.Tensor.to", ordinary(F32, [3]), dtype)
    call("torch.Tensor.to", ordinary(F32, [3]), F64, params={"copy": True}, grad=True)
    call("torch.Tensor.to", ordinary(F64, [3]), F32, grad=True)
    call("torch.Tensor.to", ordinary(F32, [3]), ordinary(F16, [2]), constants=(1,))
    numbers = (True, 2, 2.5, torch.tensor(1, dtype=I32), torch.tensor(1.0, dtype=F64), ordinary(U8, [2]), ordinary(F16, [2]))
    for i, a in enumerate(numbers):
        for b in numbers[i:]:
            call("torch.result_type", a, b, num=[39])
    return family


def record_ranges(_tables):
    """Numbers whose steps are exact, or ranges short enough for PyTorch's scalar loop: where its vector loop rounds
    every start of a vector first, the last bit depends on the machine."""
    family = Family("ranges")
    call, error = family.call, family.error
    arange = lambda *args, **params: call("torch.arange", *args, params=params)
    for args in ((5,), (5.0,), (2.5,), (1, 5, 2), (5, 0, -1), (5, 0, -2), (1, 1), (0, 5, True), (True,), (-3, 3, 1.5),
                 (1, 2.5), (0.1, 0.65, 0.1), (2**62, 2**62 + 3), (-1.0, -2.0, -0.3), (torch.tensor(3),), (torch.tensor(2.5),)):
        arange(*args)
    call("torch.arange", params={"end": 3})
    call("torch.arange", params={"start": 1, "end": 3, "step": 1})
    for dtype in ALL:
        family.either("torch.arange", 3, params={"dtype": dtype})
        family.either("torch.arange", 1, 7, 2, params={"dtype": dtype})
    for dtype in INTS:
        arange(0.5, 3.5, 1.5, dtype=dtype)
        arange(1.9, 3.1, 0.5, dtype=dtype)
    for dtype in FLOATS:
        arange(0.1, 0.65, 0.1, dtype=dtype)
        arange(-1, 2.0, 0.7, dtype=dtype)
        arange(0, 40, dtype=dtype)
    arange(-3, 3, dtype=U8)
    arange(250, 260, dtype=U8)
    arange(0, 2**40, 2**38, dtype=I32)
    arange(0, 2**40, 2**38, dtype=F16)
    arange(float(2**53), float(2**53) + 4, dtype=I64)
    for args in ((0, 5, 0), (5, 0), (0, 5, -1), (0.0, -0.1, 0.5), (NAN,), (0, INF), (0, 1, NAN), (0, 1, INF), (2**62,)):
        error("torch.arange", *args)
    error("torch.arange", 5, 0, params={"dtype": BOOL})
    error("torch.arange", 0, 1e30, 1e29, params={"dtype": I64})
    error("torch.arange", "word")
    error("torch.arange")

    space = lambda op, *args, **params: call(f"torch.{op}", *args, params=params)
    for op, ends in (("linspace", ((0, 1, 5), (0.1, 0.9, 7), (-3, 10, 16), (2, -2, 3), (3, 5, 1), (3, 5, 0), (1, 1, 3))),
                     ("logspace", ((0, 3, 4), (0.1, 0.9, 7), (-2, 2, 16), (2, -2, 3), (0.3, 5, 1), (3, 5, 0)))):
        for args in ends:
            space(op, *args)
        for dtype in ALL:
            family.either(f"torch.{op}", 0, 4, 3, params={"dtype": dtype} if op == "linspace" else {"base": 2.0, "dtype": dtype})
            # Fewer than two steps take any dtype.
            space(op, 1, 4, 1, dtype=dtype)
        for dtype in FLOATS:
            space(op, -0.3, 1.7, 11, dtype=dtype)
            space(op, 0.1, 0.9, 2, dtype=dtype)
        for dtype in INTS:
            space(op, 0.9, 2.9 if op == "logspace" else 40.9, 4, dtype=dtype)
        error(f"torch.{op}", 0, 1, -1)
        error(f"torch.{op}", 0, 300, 3, params={"dtype": U8})
        error(f"torch.{op}", 0, 70000, 3, params={"dtype": F16})
        error(f"torch.{op}", torch.tensor([0.0]), 1, 3)
        space(op, torch.tensor(0.0), torch.tensor(1.0), 3)
    for dtype in (torch.int8, I32, I64):
        space("linspace", -10, 117, 12, dtype=dtype)
    space("linspace", 0, 300, 1, dtype=U8)
    space("linspace", -1, 3, 3, dtype=U8)
    space("linspace", NAN, 1, 4)
    space("linspace", 0, INF, 4)
    for base in (2, 2.5, -2, 0.5, 0):
        space("logspace", 0, 3, 4, base=base)
    space("logspace", -2, 2, 5, base=-2, dtype=I64)
    space("logspace", 0, 18, 37, dtype=I64)
    return family


def record_grids(_tables):
    family = Family("grids")
    call, error = family.call, family.error
    for dtype in ALL:
        call("torch.eye", 2, 3, params={"dtype": dtype})
    for args in ((3,), (3, 2), (0, 3), (3, 0)):
        call("torch.eye", *args)
    error("torch.eye", -1)
    error("torch.eye", 2, -1)
    for op in ("tril", "triu"):
        name = f"torch.{op}_indices"
        for args in ((3, 4), (4, 2), (3, 4, 1), (3, 4, -2), (3, 4, -5), (3, 4, 9), (4, 2, -1), (0, 4), (4, 0), (1, 1)):
            call(name, *args)
        for dtype in ALL:
            family.either(name, 2, 3, params={"dtype": dtype})
        error(name, -1, 4)
        error(name, 1, -4)
    v = lambda n, dtype=F32, shift=0: ordinary(dtype, [n], shift)
    for indexing in ("ij", "xy"):
        for lists in ([v(2), v(3)], [v(2)], [v(2), v(3), v(4, shift=3)], [v(0), v(2)], [torch.tensor(1.5), v(2)]):
            call("torch.meshgrid", lists, params={"indexing": indexing}, fn=SPREAD(torch.meshgrid), grad=True)
    for dtype in ALL:
        call("torch.meshgrid", [ordinary(dtype, [2]), ordinary(dtype, [3], 1)], fn=SPREAD(torch.meshgrid))
    for lists in ([], [v(2), v(2, I64)], [ordinary(F32, [1, 2]), v(2)]):
        error("torch.meshgrid", lists, fn=SPREAD(torch.meshgrid))
    error("torch.meshgrid", [v(2), v(2)], params={"indexing": "zz"}, fn=SPREAD(torch.meshgrid))

    for lists in ([v(2), v(3)], [v(2)], [v(2), v(1), v(3)], [v(0), v(2)]):
        call("torch.cartesian_prod", lists, fn=SPREAD(torch.cartesian_prod), grad=True)
    for dtype in ALL:
        call("torch.cartesian_prod", [ordinary(dtype, [2]), ordinary(dtype, [2], 1)], fn=SPREAD(torch.cartesian_prod))
    for lists in ([], [v(2), v(2, I64)], [torch.tensor(1.0), v(2)], [ordinary(F32, [1, 1]), v(2)]):
        error("torch.cartesian_prod", lists, fn=SPREAD(torch.cartesian_prod))
    for x, params in ((v(4), {}), (v(4), dict(r=3)), (v(3), dict(r=2, with_replacement=True)), (v(2), dict(r=3)),
                      (v(2), dict(r=3, with_replacement=True)), (v(3), dict(r=1)), (v(3), dict(r=0)), (v(0), {}), (v(5), dict(r=4))):
        call("torch.combinations", x, params=params, grad=params.get("r") != 0)
    for dtype in ALL:
        call("torch.combinations", ordinary(dtype, [3]))
    error("torch.combinations", v(3), params={"r": -1})
    error("torch.combinations", torch.tensor(1))
    for x, params in ((v(3), {}), (v(3), dict(N=2)), (v(3), dict(N=4, increasing=True)), (v(3), dict(N=0)), (v(3), dict(N=1)), (v(0), {})):
        call("torch.vander", x, params=params)  # its gradient is an error in PyTorch
    for dtype in ALL:
        call("torch.vander", ordinary(dtype, [3]), params={"N": 4})
    for dtype in HALVES:
        call("torch.vander", torch.tensor([1.1, -0.7], dtype=dtype), params={"N": 6})
    error("torch.vander", torch.tensor(2))
    error("torch.vander", ordinary(F32, [1, 2]))
    error("torch.vander", v(2), params={"N": -1})

    hot = "torch.nn.functional.one_hot"
    for x, args in ((torch.tensor([0, 2, 1]), ()), (torch.tensor([0, 2, 1]), (5,)), (torch.tensor(2), ()),
                    (torch.tensor([[0, 1], [2, 0]]), (3,)), (torch.zeros(0, dtype=I64), (3,)), (torch.zeros(2, 0, dtype=I64), (3,))):
        call(hot, x, *args)
    for x, args in ((torch.tensor([0, 2]), (2,)), (torch.tensor([-1]), ()), (torch.tensor([0]), (0,)), (torch.tensor([0]), (-2,)),
                    (torch.zeros(0, dtype=I64), ()), (torch.zeros(0, dtype=I64), (0,)), (torch.tensor([0], dtype=I32), ()), (torch.tensor([0.0]), ())):
        error(hot, x, *args)
    return family
