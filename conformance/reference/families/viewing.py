"""Views beyond those of views.py: their names, their options, what is refused, and what they are gradients of."""

import torch

from recorder import Family
from values import ALL, ordinary

F32, F64, F16, I32, I64 = torch.float32, torch.float64, torch.float16, torch.int32, torch.int64
SPREAD = lambda op: lambda tensors, **params: op(*tensors, **params)

# Op, shape, further operands. All dtypes pass through the same code, so they are asked of the first of each op.
CASES = [
    ("reshape", [2, 6], ([3, -1],)),
    ("Tensor.view", [2, 6], ([3, 4],)), ("Tensor.view", [2, 6], (-1,)), ("Tensor.view", [0, 3], ([3, 0],)), ("Tensor.view", [], ([1, 1],)),
    ("flatten", [2, 3, 4], ()), ("flatten", [2, 3, 4], (1,)), ("flatten", [2, 3, 4], (0, 1)), ("flatten", [], ()), ("flatten", [2, 0, 3], (-2, -1)),
    ("ravel", [2, 3], ()), ("ravel", [], ()),
    ("unflatten", [2, 12], (1, [3, 4])), ("unflatten", [2, 12], (-1, [3, -1])), ("unflatten", [2, 0], (1, [-1, 3])), ("unflatten", [2, 0], (1, [0, 3])),
    ("transpose", [2, 3, 4], (0, -1)), ("swapaxes", [2, 3, 4], (0, -1)), ("swapdims", [2, 3, 4], (0, 1)), ("swapaxes", [], (0, -1)),
    ("permute", [2, 3, 4], ([2, 0, 1],)),
    ("movedim", [2, 3, 4], (0, 2)), ("movedim", [2, 3, 4], ([0, 1], [2, 0])), ("movedim", [], (0, 0)), ("movedim", [2, 3], ([], [])),
    ("moveaxis", [2, 3, 4], (0, 2)), ("moveaxis", [2, 3, 4], ([0, -1], [1, 0])),
    ("t", [2, 3], ()), ("t", [3], ()), ("t", [], ()), ("Tensor.T", [2, 3], ()), ("Tensor.mT", [2, 3, 4], ()), ("Tensor.mH", [2, 3, 4], ()),
    ("Tensor.H", [2, 3], ()), ("adjoint", [2, 3], ()),
    ("squeeze", [2, 1, 3, 1], ()), ("squeeze", [2, 1, 3, 1], (1,)), ("squeeze", [2, 1, 3, 1], ([1, 3],)), ("squeeze", [2, 1, 3, 1], ([0, -1],)),
    ("squeeze", [2, 1, 3, 1], ([],)), ("squeeze", [], (0,)), ("squeeze", [], ([0],)),
    ("unsqueeze", [2, 3], (1,)), ("unsqueeze", [], (-1,)),
    ("atleast_1d", [], ()), ("atleast_2d", [], ()), ("atleast_3d", [], ()), ("atleast_1d", [2], ()), ("atleast_2d", [2], ()), ("atleast_3d", [2], ()),
    ("atleast_3d", [2, 3], ()), ("atleast_2d", [2, 3], ()), ("atleast_3d", [2, 1, 2, 1], ()),
    ("Tensor.expand", [3, 1], ([2, -1, 4],)), ("Tensor.expand", [], ([2],)), ("broadcast_to", [3, 1], ([3, 2],)), ("broadcast_to", [1], ([0],)),
    ("broadcast_to", [3, 1], ([2, -1, 2],)),
    ("narrow", [4, 3], (0, 1, 2)), ("narrow", [4, 3], (-1, -2, 2)), ("narrow", [5], (0, torch.tensor(1), 2)), ("narrow", [5], (0, torch.tensor(-2), 2)),
    ("select", [4, 3], (1, -1)),
    ("split", [7, 2], (3,)), ("split", [2, 6], (2, -1)), ("split", [7], ([3, 4],)), ("split", [7], ([0, 7, 0],)), ("split", [0], (2,)), ("split", [0], (0,)),
    ("split", [7], (100,)), ("split_with_sizes", [2, 5], ([1, 4], 1)),
    ("chunk", [7], (3,)), ("chunk", [2, 7], (3, 1)), ("chunk", [0], (3,)), ("chunk", [3], (5,)),
    ("tensor_split", [7], (3,)), ("tensor_split", [7, 2], ([2, 5],)), ("tensor_split", [7], ([5, 2],)), ("tensor_split", [7], ([-2],)),
    ("tensor_split", [7], ([2, 100],)), ("tensor_split", [7], ([-100, 3],)), ("tensor_split", [2, 3], (5, 1)), ("tensor_split", [7], ([],)),
    ("tensor_split", [7], (torch.tensor(3),)), ("tensor_split", [7], (torch.tensor([1, 3]),)), ("tensor_split", [0], (3,)),
    ("hsplit", [6], (3,)), ("hsplit", [2, 6], (3,)), ("hsplit", [2, 6], ([1, 3],)), ("hsplit", [6], ([],)), ("vsplit", [6, 2], (3,)), ("vsplit", [6, 2], ([1, 3],)),
    ("dsplit", [1, 2, 6], (3,)), ("dsplit", [1, 2, 6], ([2],)),
    ("unbind", [3, 2], ()), ("unbind", [2, 3], (-1,)),
    ("diagonal", [3, 4], ()), ("diagonal", [3, 4], (1,)), ("diagonal", [2, 3, 4], (-1, 0, 2)), ("diagonal", [3, 4], (10,)), ("diagonal", [0, 4], ()),
    ("Tensor.unfold", [7], (0, 3, 2)), ("Tensor.unfold", [], (0, 1, 1)), ("Tensor.unfold", [5], (0, 0, 1)), ("Tensor.unfold", [2, 5], (1, 2, 3)),
    ("Tensor.contiguous", [2, 3], ()), ("clone", [2, 3], ()),
]
REFUSED = [
    ("Tensor.view", [6], ([4],)), ("Tensor.view", [6], ([-1, -1],)), ("flatten", [2, 3, 4], (1, 0)), ("flatten", [2, 3], (0, 2)),
    ("unflatten", [2, 12], (1, [5, -1])), ("unflatten", [2, 12], (1, [3, 3])), ("unflatten", [2, 12], (3, [3, 4])), ("unflatten", [2, 12], (1, [])),
    ("unflatten", [2, 1], (1, [])), ("unflatten", [], (0, [1])), ("unflatten", [2, 0], (1, [-1, 0])), ("unflatten", [2, 12], (1, [-1, -1])),
    ("swapdims", [2, 3], (0, 2)), ("swapaxes", [2, 3], (-3, 0)), ("movedim", [2, 3, 4], ([0, 0], [2, 0])), ("movedim", [2, 3, 4], ([0, 1], [2, 2])),
    ("movedim", [2, 3, 4], ([0, 1], [2])), ("moveaxis", [2, 3, 4], (0, 3)),
    ("t", [2, 3, 4], ()), ("Tensor.mT", [3], ()), ("Tensor.mH", [3], ()), ("Tensor.H", [3], ()), ("Tensor.H", [2, 3, 4], ()), ("adjoint", [3], ()),
    ("squeeze", [1, 2], ([0, 0],)), ("squeeze", [1, 2], ([0, 3],)), ("squeeze", [], (1,)), ("unsqueeze", [3], (2,)),
    ("Tensor.expand", [3], ([4],)), ("broadcast_to", [2, 3], ([3],)), ("broadcast_to", [3], ([-1, 3],)),
    ("narrow", [5], (0, 1, -2)), ("narrow", [5], (0, -6, 2)), ("narrow", [5], (0, 4, 2)), ("narrow", [5], (0, torch.tensor(1.0), 2)),
    ("narrow", [5], (0, torch.tensor([1]), 2)), ("select", [3], (0, 3)), ("select", [], (0, 0)), ("select", [3], (1, 0)), ("select", [3, 0], (1, 0)),
    ("split", [7], ([3, 3],)), ("split", [7], ([-3, 10],)), ("split", [7], ([],)), ("split", [7], (0,)), ("split", [7], (-1,)), ("split", [], (1,)),
    ("split", [], ([1],)), ("split", [2, 6], (2, 2)), ("split_with_sizes", [7], ([3],)), ("chunk", [7], (0,)), ("chunk", [7], (-1,)), ("chunk", [], (3,)),
    ("tensor_split", [7], (0,)), ("tensor_split", [7], (-1,)), ("tensor_split", [], (1,)), ("tensor_split", [2, 3], (2, 2)),
    ("tensor_split", [7], (torch.tensor([1.0, 3.0]),)), ("tensor_split", [7], (torch.tensor([[1, 3]]),)),
    ("hsplit", [6], (4,)), ("hsplit", [], (3,)), ("hsplit", [6], (0,)), ("hsplit", [6], (-2,)), ("vsplit", [6], (3,)), ("vsplit", [6, 2], (4,)), ("dsplit", [2, 6], (3,)),
    ("unbind", [], ()), ("unbind", [2, 3], (2,)),
    ("diagonal", [3], ()), ("diagonal", [], ()), ("diagonal", [3, 3], (0, 0, 0)), ("diagonal", [3, 3], (0, 0, 2)), ("diagonal", [3, 3], (0, 0, -2)),
    ("Tensor.unfold", [5], (0, 2, 0)), ("Tensor.unfold", [5], (0, 6, 1)), ("Tensor.unfold", [5], (0, -1, 1)), ("Tensor.unfold", [5], (0, 2, -1)),
    ("Tensor.unfold", [], (0, 2, 1)), ("Tensor.unfold", [5], (1, 2, 1)),
]


def record(_tables):
    family = Family("viewing")
    call, error = family.call, family.error
    seen = set()
    for name, shape, args in CASES:
        op = f"torch.{name}"
        call(op, ordinary(F32, shape), *args, grad=True)
        if name not in seen:
            seen.add(name)
            for dtype in ALL:
                if dtype is not F32:
                    call(op, ordinary(dtype, shape), *args)
            call(op, ordinary(F64, shape), *args, grad=True, grad2=True)
    for name, shape, args in REFUSED:
        error(f"torch.{name}", ordinary(F32, shape), *args)

    for op in ("view_as", "reshape_as", "expand_as"):
        x, other = ordinary(F32, [1, 3]), ordinary(I64, [2, 3] if op == "expand_as" else [3, 1])
        call(f"torch.Tensor.{op}", x, other, grad=True)
        for dtype in ALL:
            call(f"torch.Tensor.{op}", ordinary(dtype, [1, 3]), other)
        error(f"torch.Tensor.{op}", x, ordinary(I64, [4]))
    for lists in ([ordinary(F32, [3, 1]), ordinary(F32, [4])], [ordinary(F32, [2])], [ordinary(F32, [1]), torch.tensor(1), ordinary(F32, [2, 0])]):
        call("torch.broadcast_tensors", lists, fn=SPREAD(torch.broadcast_tensors), grad=True)
    for dtype in ALL:
        call("torch.broadcast_tensors", [ordinary(dtype, [3, 1]), ordinary(dtype, [2])], fn=SPREAD(torch.broadcast_tensors))
    call("torch.broadcast_tensors", [], fn=SPREAD(torch.broadcast_tensors))
    error("torch.broadcast_tensors", [ordinary(F32, [3]), ordinary(F32, [4])], fn=SPREAD(torch.broadcast_tensors))
    call("torch.atleast_2d", [torch.tensor(1.0), ordinary(F32, [2])], grad=True)

    for dtype in ALL:
        call("torch.detach", ordinary(dtype, [2, 3]))
    # The memory of a contiguous tensor, which the layouts of the suite do not share: those are in rusttorch/tests/views.rs.
    contiguous = lambda x, *args: torch.as_strided(x.clone(memory_format=torch.contiguous_format), *args)
    for dtype in ALL:
        call("torch.as_strided", ordinary(dtype, [1]), [3], [0], fn=contiguous)
    call("torch.as_strided", torch.tensor(2.0), [], [], fn=contiguous)
    call("torch.as_strided", torch.tensor(2.0), [2, 2], [0, 0], fn=contiguous, grad=True)
    for args in (([1], [1], 10000), ([2, 2], [1]), ([2], [1], -1)):
        error("torch.as_strided", torch.tensor(2.0), *args)
    # Of one width each layout can be read as another dtype.
    for x, dtype in ((torch.tensor([1.0, -2.0, 0.5]), I32), (torch.tensor([1, -1]), F64), (torch.tensor([1.5, 2.0], dtype=F16), torch.int16),
                     (torch.tensor([-1, 1], dtype=torch.int8), torch.uint8), (torch.tensor([2, 0, 1], dtype=torch.uint8), torch.bool),
                     (torch.tensor(1.0), I32), (torch.tensor(True), torch.uint8)):
        call("torch.Tensor.view", x, dtype)
    for x, dtype in ((torch.tensor(1.0), I64), (torch.tensor(1.0), torch.uint8), (torch.ones(3), I64)):
        error("torch.Tensor.view", x, dtype)
    return family
