"""Draws as a user asks for them: numbers for a seed, bit for bit, and what is refused. How much of the stream each draw
takes, and the dtypes of the fills, draws.py has."""

import torch

from recorder import Family
from values import ALL, HALVES, INF, NAN, ordinary

BOOL, I32, I64, U8 = torch.bool, torch.int32, torch.int64, torch.uint8
F16, F32, F64 = torch.float16, torch.float32, torch.float64


def record(_tables):
    family = Family("sampling")
    seeds = iter(range(1, 100000))

    def call(*args, **rest):
        family.call(*args, seed=next(seeds), **rest)

    def error(*args, **rest):
        family.error(*args, seed=0, **rest)

    def either(op, *args, params=None):
        family.either(op, *args, params=params, seed=next(seeds))

    for op in ("rand", "randn"):
        for size in ([3], [4, 5], [], [0, 2]):
            call(f"torch.{op}", size)
        for dtype in ALL:
            either(f"torch.{op}", [5], params={"dtype": dtype})
            either(f"torch.{op}_like", ordinary(dtype, [2, 3]))
        call(f"torch.{op}_like", ordinary(I64, [20]), params={"dtype": F64})
        error(f"torch.{op}", [-1])
    for args in ((5, [4]), (3, 9, [2, 3]), (-5, 5, []), (2**40, [3])):
        call("torch.randint", *args)
    call("torch.randint", params={"low": 2, "high": 5, "size": [3]})
    for dtype in ALL:
        either("torch.randint", 0, 2, [5], params={"dtype": dtype})
        either("torch.randint", 0, 300, [3], params={"dtype": dtype})
        either("torch.randint_like", ordinary(dtype, [4]), 2)
        either("torch.randperm", 6, params={"dtype": dtype})
    call("torch.randint_like", ordinary(F32, [4]), 3, 9)
    call("torch.randint_like", ordinary(F32, [4]), 3, 9, params={"dtype": I32})
    error("torch.randint", 5, 5, [2])
    error("torch.randint", -1, 3, [2], params={"dtype": U8})
    for n in (0, 1, 20):
        call("torch.randperm", n)
    call("torch.randperm", 257, params={"dtype": torch.bfloat16})
    error("torch.randperm", -1)
    for n, dtype in ((257, U8), (129, torch.int8), (2050, F16)):
        error("torch.randperm", n, params={"dtype": dtype})
    call("torch.randperm", 256, params={"dtype": U8})

    p = torch.tensor([[0.0, 1.0, 0.5, 0.25], [0.9, 0.1, 0.75, 0.5]])
    for dtype in ALL:
        either("torch.bernoulli", p.to(dtype))
        either("torch.Tensor.bernoulli_", ordinary(dtype, [2, 4]))
        either("torch.Tensor.bernoulli_", ordinary(dtype, [2, 4]), p)
    call("torch.bernoulli", p, grad=True)
    call("torch.bernoulli", torch.tensor(0.5))
    call("torch.bernoulli", torch.zeros(0))
    call("torch.bernoulli", ordinary(F32, [6]), 0.5)
    call("torch.Tensor.bernoulli_", ordinary(F32, [6]), 0.2)
    call("torch.Tensor.bernoulli_", ordinary(F32, [2, 4]), p.to(F64))
    call("torch.Tensor.bernoulli_", ordinary(F32, [2, 4]), p[0].to(F16))
    for bad in (torch.tensor([1.5]), torch.tensor([-0.1]), torch.tensor([NAN]), torch.tensor([1])):
        error("torch.bernoulli", bad)
    error("torch.Tensor.bernoulli_", ordinary(F32, [2]), 1.5)
    error("torch.Tensor.bernoulli_", ordinary(F32, [2]), torch.tensor([1, 0]))
    error("torch.Tensor.bernoulli_", ordinary(F32, [2, 1]), torch.tensor([0.5, 0.5]))

    for dtype in ALL:
        weights = torch.tensor([[0.5, 2.0, 1.0, 0.25], [1.0, 0.0, 3.0, 1.0]]).to(dtype)
        either("torch.multinomial", weights, 3, params={"replacement": True})
        either("torch.multinomial", weights, 3)
    weights = torch.tensor([0.5, 2.0, 0.0, 1.0, 3.5, 0.125])
    for params in (dict(num_samples=1), dict(num_samples=1, replacement=True), dict(num_samples=5), dict(num_samples=9, replacement=True)):
        call("torch.multinomial", weights, params=params)
    call("torch.multinomial", torch.ones(0, 2), 1)
    for bad, *args in ((torch.tensor([1.0, -1.0]), 1), (torch.tensor([1.0, NAN]), 1), (torch.tensor([1.0, INF]), 1), (torch.zeros(2), 1),
                       (torch.zeros(2), 2, True), (torch.tensor([1.0, 0.0]), 3), (torch.ones(2), 0), (torch.ones(2), -1), (torch.tensor(1.0), 1),
                       (torch.ones(1, 1, 1), 1), (torch.ones(0), 1), (torch.ones(2, 0), 1, True), (torch.tensor([1, 2]), 1),
                       (torch.tensor([[1.0, 0.0], [0.0, 0.0]]), 2, True)):
        error("torch.multinomial", bad, *args)

    for dtype in ALL:
        mean, std = ordinary(dtype, [2, 3]), ordinary(dtype, [3]).abs() if dtype is not BOOL else ordinary(dtype, [3])
        either("torch.normal", mean, std)
        either("torch.normal", mean, 0.5)
        either("torch.normal", 0.5, std)
    for size in ([4], [20], []):
        call("torch.normal", 1.5, 0.5, size)
    call("torch.normal", 1.5, 0.5, [3], params={"dtype": F64})
    call("torch.normal", ordinary(F32, [20]), torch.full([20], 1.3))
    call("torch.normal", ordinary(F16, [5]), torch.full([5], 1.2345678))
    call("torch.normal", ordinary(F32, [2, 1]), ordinary(F32, [3]).abs(), grad=True)
    call("torch.normal", ordinary(F32, [3]), 0.5, grad=True)
    error("torch.normal", ordinary(F32, [2]), ordinary(F32, [3]).abs())
    error("torch.normal", torch.tensor([0.0]), torch.tensor([-1.0]))
    error("torch.normal", 0.0, torch.tensor([NAN]))
    error("torch.normal", torch.tensor([0.0]), -1.0)
    error("torch.normal", 0.0, -1.0, [2])

    fills = (("uniform_", (-2.5, 4.0)), ("normal_", (3.0, 0.5)), ("exponential_", (1.5,)), ("log_normal_", (0.5, 0.75)), ("cauchy_", (1.5, 2.5)),
             ("geometric_", (0.3,)), ("random_", (3, 40)))
    for name, args in fills:
        op = f"torch.Tensor.{name}"
        for dtype in ALL:
            # The last bits of these in double precision are those of the C library.
            if dtype is not F64 or name not in ("cauchy_", "log_normal_"):
                either(op, ordinary(dtype, [3, 2]), *args)
        for shape in ([20], [], [0]):
            call(op, ordinary(F32, shape), *args)
        if name != "geometric_":
            call(op, ordinary(F32, [3]))
    for dtype in ALL:
        either("torch.Tensor.random_", ordinary(dtype, [4]))
        either("torch.Tensor.random_", ordinary(dtype, [4]), 5)
        either("torch.Tensor.random_", ordinary(dtype, [4]), 0, 2)
    for op, args in (("uniform_", (2.0, 1.0)), ("uniform_", (0.0, INF)), ("normal_", (0.0, -1.0)), ("normal_", (0.0, NAN)), ("exponential_", (0.0,)),
                     ("exponential_", (-1.0,)), ("geometric_", (0.0,)), ("geometric_", (1.0,)), ("cauchy_", (0.0, 0.0)), ("log_normal_", (0.0, 0.0)),
                     ("random_", (5, 5)), ("random_", (0,))):
        error(f"torch.Tensor.{op}", ordinary(F32, [3]), *args)
    error("torch.Tensor.random_", ordinary(U8, [3]), -5, 5)

    drop = "torch.nn.functional.dropout"
    for dtype in ALL:
        for params in (dict(p=0.5), dict(p=0.5, training=False), dict(p=0.0), dict(p=1.0)):
            either(drop, ordinary(dtype, [2, 4]), params=params)
    for dtype in HALVES:
        call(drop, torch.linspace(0.1, 2.0, 20, dtype=F32).to(dtype), params=dict(p=0.3))
    for params in ({}, dict(p=0.3), dict(p=0.0), dict(p=1.0), dict(p=0.3, training=False)):
        call(drop, ordinary(F32, [3, 7]), params=params, grad=True)
    call(drop, ordinary(F64, [3]), params=dict(p=0.3), grad=True, grad2=True)
    call(drop, torch.zeros(0))
    call(drop, torch.tensor(2.0))
    call(drop, torch.tensor([NAN, INF, -1.0]), params=dict(p=1.0))
    for bad in (1.5, -0.5, NAN):
        error(drop, ordinary(F32, [3]), params=dict(p=bad))
    return family
