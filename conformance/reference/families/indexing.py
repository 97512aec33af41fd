"""Reading and writing by index: square brackets, and every op with an index or a mask."""

import torch

from recorder import Family
from values import ALL, FLOATS, INF, NAN, WIDE, ordinary, tensor

F16, F32, F64 = torch.float16, torch.float32, torch.float64
I32, I64, U8 = torch.int32, torch.int64, torch.uint8
GET, SET = "torch.Tensor.__getitem__", "torch.Tensor.__setitem__"
T = torch.tensor
ALL_OF = slice(None)


def longs(*values):
    return torch.tensor(values, dtype=I64)


def numbered(*shape, dtype=I64):
    return torch.arange(1, 1 + torch.Size(shape).numel()).reshape(shape).to(dtype)


# Indices of a tensor of shape [2, 3, 4] that are right.
MASK3 = T([True, False, True])
MASK23 = T([[True, False, True], [False, False, True]])
READ = [
    (0,), (-1,), (1, 2, 3), (ALL_OF, 1), (slice(1, None),), (ALL_OF, slice(None, None, 2)), (slice(5, 9),),
    (slice(-9, -1),), (Ellipsis,), (), (None,), (Ellipsis, 0), (0, Ellipsis), (Ellipsis, None), (None, 0, None, 1, None),
    (Ellipsis, 0, Ellipsis), (Ellipsis, None, Ellipsis), (0, Ellipsis, Ellipsis), (0, 0, 0, Ellipsis),
    # 0-d tensors of integers are positions.
    (T(1),), (T(-1),), (T(1, dtype=torch.int8),), (T(1, dtype=torch.int16),), (T(1, dtype=I32),), (T(0), T(1)),
    (T(0), ALL_OF, T(1)), (0, T(0), T([1])),
    # One index tensor.
    (T([0, 1]),), (T([1, -2, 1]),), (T([0, 1], dtype=I32),), (T([[0, 1], [1, 1]]),), (longs(),), (T([[0], [1]]),),
    (ALL_OF, T([2, 0])), (ALL_OF, T([[2, 0], [1, -1]])), (Ellipsis, T([3, 0])), (ALL_OF, ALL_OF, T([[3], [0]])),
    (0, ALL_OF, T([0, 1])), (0, Ellipsis, T([0, 1])), (T([0, 1]), 0), (T([0, 1]), ALL_OF, 0), (ALL_OF, 0, T([0, 1])),
    (0, T([0]), 0), (T([0]), 0, 0), (0, 0, T([0])), (0, None, T([0, 1])), (T([1, 0]), slice(0, 1), None),
    (slice(0, 1), T([0, 1])), (slice(None, None, 2), T([2, 0]), slice(1, 3)), (T([1]), Ellipsis), (Ellipsis, T([1])),
    (None, T([1])), (T([1]), None), (None, None, T([0])), (None, ALL_OF, Ellipsis, T([0])),
    # Several: neighbours, and apart.
    (T([0, 1]), T([1, 2])), (T([[0], [1]]), T([1, 2, 0])), (ALL_OF, T([0, 1]), T([1, 2])), (T([0, 1]), ALL_OF, T([1, 2])),
    (T([0, 1]), Ellipsis, T([0, 1])), (T([0]), None, T([1])), (None, T([0, 1]), T([1, 2])), (ALL_OF, None, T([0, 1]), T([1, 2])),
    (T([0, 1]), T([1, 2]), T([3, -4])), (T([[[0]]]), 0, T([[1, 2]])), (T([0, 1]), 0, T([1, 2])), (T([1]), T([0, 2]), ALL_OF),
    (T([0, 1], dtype=I32), T([0, 1])), (T([[0, 1], [1, 0]]), ALL_OF, T([0, 3])), (longs(), T([1])), (longs(), ALL_OF, T([[1], [2]])),
    (T([0, 1]), slice(None, None, 2), T([1, 2])), (T([0, 1]), slice(0, 0), T([1, 2])), (T([0, 1]), T(1), T([2, 3])),
    # Masks.
    (T([True, False]),), (T([False, False]),), (T([True, True]),), (ALL_OF, MASK3), (MASK23,), (Ellipsis, T([True, False, False, True])),
    (0, MASK3), (ALL_OF, MASK3, 0), (MASK23, 0), (MASK23, T([0, 1, 2])), (MASK23, T([1])), (T([True, True]), T([True, True, False])),
    (T([True, True]), ALL_OF, T([True, False, False, True])), (T([True, True]), MASK3, T([1])), (T([[1], [0]]), MASK3),
    (T([True, False]), ALL_OF, T([[0, 1], [2, 3]])), (T([1, 0], dtype=U8),), (ALL_OF, T([1, 0, 7], dtype=U8)),
    (numbered(2, 3, 4) > 5,), (numbered(2, 3, 4) > 50,), (0, numbered(3, 4) > 5), (ALL_OF, numbered(3, 4) % 5 == 1),
    (None, MASK23), (MASK23, None), (slice(None, None, 1), T([[True, False, True, False]] * 3)),
    # Truth values.
    (True,), (False,), (T(True),), (T(False),), (T(1, dtype=U8),), (True, True), (True, False), (True, 0), (0, True), (ALL_OF, True),
    (ALL_OF, False), (None, False), (T([0, 1]), True), (True, T([0, 1])), (True, ALL_OF, T([0, 1])), (ALL_OF, True, T([0, 1])),
    (T(True), T([0, 1])), (0, 0, 0, True), (0, 0, 0, T(True)), (Ellipsis, True), (True, None, MASK3[:2]),
    # Lists are tensors.
    ([0, 1], [1, 2]), (ALL_OF, [True, False, True]), (ALL_OF, [[0, 1], [2, 2]]), ([1], ALL_OF, [0, 3]), (0, [0, 0]),
]
# Those that are wrong, as IndexErrors unless said.
WRONG = [
    (5,), (-3,), (0, 3), (0, 0, 0, 0), (T([5]),), (T([-3]),), (T(5),), (T(-3),), (0, T([5])), (ALL_OF, T([0, 3])), (T([2]), T([0])),
    (T([0]), ALL_OF, T([-5])), (T([0, 1]), T([1, 2, 0])), (T([0, 1]), ALL_OF, T([[1, 2, 0]])), (MASK3,), (T([[True, False], [False, True]]),),
    (T([], dtype=torch.bool),), (ALL_OF, MASK23), (MASK23, MASK3), (MASK23, T([0, 1])), (T(False), T([0, 1])), (T([0.0, 1.0]),), (T(0.0),),
    (T([]),), (T([0, 1], dtype=torch.int8),), (T([0, 1], dtype=torch.int16),), (T([0], dtype=torch.bool),), (T([[0, 1]], dtype=U8),),
    (0, 0, 0, T([0])), (0, 0, 0, T([True])), (0, 0, 0, ALL_OF), (Ellipsis, Ellipsis, 0), (1.0,), (2**62,), (slice(None, None, 0),),
]


def record(_tables):
    family = Family("indexing")
    x = numbered(2, 3, 4)
    for index in READ:
        family.call(GET, x, index)
    for index in WRONG:
        family.error(GET, x, index)
    family.error(GET, torch.ones(3), (5,), num=[41])
    family.error(GET, torch.ones(3), (T([5]),), num=[41])
    for dtype in ALL:
        family.call(GET, ordinary(dtype, [3, 2]), (T([2, 0, -1]), ALL_OF), sample=dtype is F32)
        family.call(GET, ordinary(dtype, [3, 2]), (ordinary(torch.bool, [3, 2]),))
    differentiated = [
        (T([0, 1, 0]),), (ALL_OF, T([[2, 0], [1, 2]])), (T([0, 1]), ALL_OF, T([1, 1])), (T([1, 1]), T([2, 2]), ALL_OF), (MASK23,),
        (T([0, 1, 1]), 1), (True, ALL_OF, T([0, 0])), (0, None, T([-1])), (numbered(2, 3, 4) > 7,), (T(1),), (longs(),),
    ]
    for index in differentiated:
        family.call(GET, numbered(2, 3, 4, dtype=F64), index, grad2=True)
    family.call(GET, ordinary(F16, [3, 2]), (T([1, 1, 2]),), grad=True)
    family.call(GET, ordinary(F32, [3, 2]), (T([1, 1, 2]), T([0, 0, 1])), grad=True)
    # Nothing to read, and nothing to read from.
    scalar = T(5)
    for index in [(), (Ellipsis,), (None,), (True,), (False,), (T(True),), (T(False),), (None, True)]:
        family.call(GET, scalar, index)
    for index in [(0,), (T(0),), (T([0]),), (ALL_OF,), (None, T([0, 0])), (T([True]),)]:
        family.error(GET, scalar, index)
    for shape, index in [
        ([0, 3], (longs(),)), ([0, 3], (ALL_OF, T([5]))), ([0, 3], (ALL_OF, longs())), ([3, 0], (T([5]),)), ([3, 0], (T([-1, 0]),)),
        ([3, 0], (longs(),)), ([0, 3], (torch.zeros(0, dtype=torch.bool),)), ([0, 3], (torch.zeros(0, 3, dtype=torch.bool),)),
        ([0], (longs(),)), ([2, 0, 3], (T([1]), ALL_OF, T([7]))),
    ]:
        family.call(GET, torch.ones(shape), index)
    for shape, index in [([0, 3], (T([0]),)), ([3, 0], (T([0]), T([0]))), ([0, 3], (torch.zeros(0, 2, dtype=torch.bool),))]:
        family.error(GET, torch.ones(shape), index)
    return family


def record_setitem(_tables):
    family = Family("setitem")
    x = numbered(2, 3, 4)
    # A number everywhere that can be read, and values of the very shape.
    for index in READ:
        family.either(SET, x, index, -1)  # PyTorch fills under masks of bool only
        try:
            shape = x[index].shape
        except IndexError:
            continue
        if torch.arange(24).reshape(2, 3, 4)[index].unique().numel() == shape.numel():
            family.call(SET, x, index, -numbered(*shape))
    for index in WRONG:
        family.error(SET, x, index, 0)
    y = numbered(2, 3)
    values = [
        ((0,), T([5, 6, 7])), ((0,), T([[5, 6, 7]])), ((0,), T([[[5]]])), ((0,), T(5)), ((ALL_OF, 1), T([5, 6])), ((T([0, 1]),), T([5, 6, 7])),
        ((T([0, 1]),), T([[5], [6]])), ((T([0, 1]),), T([[[5, 6, 7]]])), ((T([0]),), T([[[5, 6, 7]]])), ((ALL_OF, T([0, 1])), T([5, 6])),
        ((T([0, 1]), T([0, 1])), T([[5, 6]])), ((T([[0], [1]]), T([0, 1])), T([[5], [6]])), ((y > 2,), T([5, 6, 7, 8])), ((y > 2,), T(5)),
        ((y > 2,), T([5])), ((y > 100,), T([5])), ((y > 100,), longs()), ((longs(),), T([5, 6, 7])), ((slice(1, 1),), T([5, 6, 7])),
        ((ALL_OF, MASK3), T([5, 6])), ((0, True), T([5, 6, 7])), ((True, 0), T([[5, 6, 7]])), ((T(True),), T([5, 6, 7])), ((False,), T([1, 2, 3])),
        ((T(False),), T(9)), ((T(1),), T([5, 6, 7])), ((), T([5, 6, 7])), ((Ellipsis,), T([[5], [6]])), ((None,), T([5, 6, 7])),
        # Cast to the tensor's dtype where there is no index tensor, or one mask and one value.
        ((0,), T([1.5, 2.5, -3.5])), ((0,), T(1.5)), ((0,), 1.5), ((T([0, 1]),), 1.5), ((T([0]),), True), ((y > 2,), 1.5), ((y > 2,), T(1.5)),
        ((y > 2,), T([1.5])), ((y > 2,), T([7], dtype=I32)), ((ALL_OF, MASK3), T(2.5)),
    ]
    for index, value in values:
        family.call(SET, y, index, value)
    refused = [
        ((0,), T([1, 2])), ((0,), T([[1], [2]])), ((T([0, 1]),), T([1, 2])), ((y > 2,), T([1, 2])), ((y > 100,), T([5, 6])), ((longs(),), T([1, 2])),
        ((slice(1, 1),), T([1, 2])), ((T([0, 1]), T([0, 1])), T([[5], [6]])), ((False,), T([1, 2, 3, 4, 5])), ((T(True),), T([1, 2, 3, 4, 5])), ((T(False),), T([1, 2, 3, 4, 5])),
        ((T([0, 1]),), T(1.5)), ((T([0, 1]),), T([1, 2, 3], dtype=I32)), ((y > 2,), T([1.0, 2.0, 3.0, 4.0])), ((y > 100,), T([])),
        ((0,), NAN), ((T([0]),), NAN), ((y > 2,), INF), ((0,), 1e30), ((0,), "a"), ((0,), None),
    ]
    for index, value in refused:
        family.error(SET, y, index, value)
    for dtype in ALL:
        z = ordinary(dtype, [3, 2])
        family.call(SET, z, (T([2, 0]),), ordinary(dtype, [2, 2], 3), sample=dtype is F32)
        family.call(SET, z, (ordinary(torch.bool, [3, 2]),), 1)
        family.call(SET, z, (0,), 1)
    small = numbered(2, 3, dtype=U8)
    for index in [(0,), (T([0]),), (small > 2,)]:
        family.call(SET, small, index, -1)
        family.error(SET, small, index, 300)
    family.error(SET, small, (0,), -1.5)
    half = ordinary(F16, [2, 3])
    family.call(SET, half, (0,), INF)
    family.call(SET, half, (T([1]),), NAN)
    for index in [(0,), (T([0]),), (half > 0,)]:
        family.error(SET, half, index, 1e30)
    family.error(SET, half, (T([0, 1]),), T([1.0]))
    a, b = numbered(2, 3, dtype=F64), numbered(2, 2, dtype=F64)
    for index, value in [
        ((0,), T([5.0, 6.0, 7.0], dtype=F64)), ((T([1, 0]),), T([[5.0], [6.0]], dtype=F64)), ((ALL_OF, T([0, 2])), b), ((a > 2,), T(5.0, dtype=F64)),
        ((ALL_OF, MASK3), b), ((T([0, 1]), T([1, 2])), T([5.0, 6.0], dtype=F64)), ((T([1, 1]), T([0, 1])), T(5.0, dtype=F64)),
    ]:
        family.call(SET, a, index, value, fn=assign, grad2=True)
    family.call(SET, torch.zeros(0, 3), (longs(),), 1.0)
    family.call(SET, torch.zeros(3, 0), (T([7]),), 1.0)
    family.error(SET, torch.zeros(3, 0), (T([7]),), torch.ones(2))
    family.error(SET, torch.zeros(0, 3), (T([0]),), torch.ones(1, 3))
    return family


def assign(x, index, value):
    """x[index] = value, of a tensor that may be a leaf."""
    x = x.clone()
    x[index] = value
    return x


def record_put(_tables):
    family = Family("index_put")
    op = "torch.index_put"
    x = ordinary(F32, [3, 4])
    for dtype in ALL:
        y = ordinary(dtype, [3, 4])
        family.call(op, y, (longs(2, 0), longs(1, -1)), ordinary(dtype, [2], 2), grad=dtype in WIDE, sample=dtype is F32)
        family.call(op, y, (longs(2, 0, 2),), ordinary(dtype, [4], 2), params={"accumulate": True}, grad=dtype in WIDE)
        family.call("torch.put", y, longs(0, 5, -1), ordinary(dtype, [3], 2), grad=dtype in WIDE)
        family.call("torch.put", y, longs(0, 5, 0, -7), ordinary(dtype, [4], 2), params={"accumulate": True}, grad=dtype in WIDE)
    for indices, values in [
        ((longs(0, 1),), ordinary(F32, [4])), ((longs(0, 1),), ordinary(F32, [2, 4])), ((longs(0, 1),), ordinary(F32, [2, 1])),
        ((T([0, 1], dtype=I32),), T(5.0)), ((x > 0,), T(5.0)), ((x > 0,), T(5)), ((x > 0,), T([5.0])), ((x > 100,), T([5.0])),
        ((T([True, False, True]),), ordinary(F32, [2, 4])), ((T([1, 0, 1], dtype=U8),), ordinary(F32, [4])), ((T(1),), ordinary(F32, [4])),
        ((T(1), T(-1)), T(5.0)), ((longs(),), ordinary(F32, [4])), ((longs(1), T([[0], [1]])), ordinary(F32, [2, 1])),
    ]:
        family.call(op, x, indices, values)
    family.call(op, x, (longs(0, 0), longs(1, 1)), T(2.0), params={"accumulate": True}, grad=True)
    family.call(op, x, (x > 0,), T(1.0), params={"accumulate": True}, grad=True)
    family.call(op, ordinary(F64, [2, 3]), (longs(1, 0),), ordinary(F64, [2, 3], 2), grad2=True)
    family.call(op, ordinary(F64, [2, 3]), (longs(1, 1),), ordinary(F64, [3], 2), params={"accumulate": True}, grad2=True)
    for indices, values in [
        ((longs(0, 3),), T(1.0)), ((longs(0, -4),), T(1.0)), ((longs(0), longs(0), longs(0)), T(1.0)), ((longs(0, 1), longs(0, 1, 2)), T(1.0)),
        ((T([0, 1], dtype=torch.int8),), T(1.0)), ((T([0.0]),), T(1.0)), ((longs(0, 1),), ordinary(F32, [3])), ((longs(0, 1),), ordinary(F32, [1, 1, 4])),
        ((longs(0, 1),), T(1)), ((T([True, False]),), T(1.0)), ((T([1, 0, 1], dtype=U8),), T(1.0)),
    ]:
        family.error(op, x, indices, values)
    family.error(op, x, (x > 0,), T(1), params={"accumulate": True})

    op = "torch.put"
    family.call(op, x, T([[0, 5]]), T([9.0, 8.0]))
    family.call(op, x, T(3), T(9.0))
    family.call(op, T(1.0), longs(0), T([7.0]), grad=True)
    family.call(op, x, longs(), T([]))
    family.call(op, torch.zeros(0), longs(), T([]))
    family.call(op, ordinary(F64, [2, 3]), longs(1, -2), ordinary(F64, [1, 2]), grad2=True)
    for index, source in [
        (longs(12), T([1.0])), (longs(-13), T([1.0])), (longs(0, 1), T([1.0])), (longs(0), T([1.0, 2.0])), (T([0], dtype=I32), T([1.0])),
        (T([0.0]), T([1.0])), (longs(0), T([1])), (longs(0), T([1.0], dtype=F64)),
    ]:
        family.error(op, x, index, source)
    family.error(op, torch.zeros(0), longs(0), T([1.0]))
    return family


def record_take(_tables):
    family = Family("take")
    for dtype in ALL:
        x = ordinary(dtype, [3, 4])
        if dtype in FLOATS:
            x[0] = tensor([NAN, -0.0, INF, -INF], dtype)
        family.call("torch.take", x, T([[0, 5], [-1, 5]]), grad=dtype in WIDE, sample=dtype is F32)
        family.call("torch.take_along_dim", x, T([[3, 0], [1, -1], [2, 2]]), 1, grad=dtype in WIDE, sample=dtype is F32)
        family.call("torch.masked_select", x, ordinary(torch.bool, [3, 4]), grad=dtype in WIDE, sample=dtype is F32)
        family.call("torch.masked_scatter", x, ordinary(torch.bool, [3, 4]), ordinary(dtype, [7], 3), grad=dtype in WIDE,
                    sample=dtype is F32)
        family.call("torch.nonzero", x, sample=dtype is F32)
        family.call("torch.argwhere", x, sample=dtype is F32)
    x = numbered(2, 3, dtype=F32)
    family.call("torch.take", x, T(2))
    family.call("torch.take", x, longs())
    family.call("torch.take", T(5.0), longs(0, 0, -1), grad=True)
    family.call("torch.take", torch.zeros(0), longs())
    family.call("torch.take", ordinary(F64, [2, 3]), longs(1, 1, -1), grad2=True)
    for index in [longs(6), longs(-7), T([0], dtype=I32), T([0.0])]:
        family.error("torch.take", x, index)
    family.error("torch.take", torch.zeros(0), longs(0))

    op = "torch.take_along_dim"
    for index, dim in [
        (T([[0], [1]]), -1), (T([[0, 1, 2, 0]]), 1), (T([[3]]), 1), (T([[-4]]), 1), (T([0, 5]), None), (T([[0, 5], [1, 1]]), None),
        (torch.zeros(0, 3, dtype=I64), 0), (torch.zeros(2, 0, dtype=I64), 1), (T(4), None),
    ]:
        family.call(op, x, index, dim)
    family.call(op, ordinary(F32, [2, 1]), T([[0, 0], [1, 0]]), 0, grad=True)
    family.call(op, T(2.0), T(0))
    family.call(op, ordinary(F64, [2, 3]), T([[0, 0, 2]]), 1, grad2=True)
    for index, dim in [
        (T([[0], [1], [0]]), 1), (T([0]), 1), (T([[0]], dtype=I32), 1), (T([[0.0]]), 1), (T([[0]]), 2), (T([[0]]), -3), (T([-1]), None), (T([6]), None),
        (torch.zeros(0, 0, dtype=I64), 1),
    ]:
        family.error(op, x, index, dim)
    family.error(op, T(2.0), T(0), 0)
    family.error(op, torch.zeros(2, 0), torch.zeros(2, 1, dtype=I64), 1)

    op = "torch.masked_select"
    for a, mask in [
        (x, MASK3), (x, T([[True], [False]])), (numbered(3), T([[True, False, True], [False, True, False]])), (x, T(True)), (T(2.0), T(True)),
        (T(2.0), T(False)), (torch.zeros(0, 3), MASK3), (x, x > 100),
    ]:
        family.call(op, a, mask)
    family.call(op, ordinary(F64, [3]), T([[True, False, True], [False, False, True]]), grad2=True)
    for mask in [T([1, 0, 1], dtype=U8), T([1, 0, 1]), T([True, False])]:
        family.error(op, x, mask)

    op = "torch.masked_scatter"
    for a, mask, source in [
        (x, x > 2, -numbered(4, dtype=F32)), (x, x > 2, -numbered(2, 3, dtype=F32)), (x, MASK3, -numbered(4, dtype=F32)),
        (x, T([[True], [False]]), -numbered(4, dtype=F32)), (x[:1], T([[True, False, True], [True, True, False]]), -numbered(4, dtype=F32)),
        (x, x > 100, torch.zeros(0)), (T(2.0), T(True), T([5.0])), (T(2.0), T(True), T(5.0)), (x, T(True), -numbered(6, dtype=F32)),
        (torch.zeros(0, 3), T(True), numbered(3, dtype=F32)),
    ]:
        family.call(op, a, mask, source)
    family.call(op, ordinary(F64, [2, 3]), T([[True, False, True], [False, True, False]]), ordinary(F64, [5], 2), grad2=True)
    for mask, source in [
        (x > 2, numbered(3, dtype=F32)), (T([True, False]), numbered(6, dtype=F32)), (T([1, 0, 1], dtype=U8), numbered(6, dtype=F32)),
        (T([1, 0, 1]), numbered(6, dtype=F32)), (x > 2, numbered(6)), (x > 2, numbered(6, dtype=F64)),
    ]:
        family.error(op, x, mask, source)
    family.error(op, T(2.0), T(True), torch.zeros(0))

    special = tensor([0.0, -0.0, NAN, INF, 1.0, 0.0], F32)
    for a in [special, special.reshape(2, 3), special.reshape(1, 2, 1, 3), T(1.0), T(0.0), torch.zeros(2, 0), torch.zeros(3), torch.ones(2, 2)]:
        family.call("torch.nonzero", a)
        family.call("torch.nonzero", a, params={"as_tuple": True})
        family.call("torch.argwhere", a)
    return family


def record_along(_tables):
    family = Family("index_along")
    index, twice = longs(2, 0), longs(2, 0, 2)
    for dtype in ALL:
        x = ordinary(dtype, [3, 4])
        wide = dtype in WIDE
        family.call("torch.index_add", x, 0, twice, ordinary(dtype, [3, 4], 2), grad=wide, sample=dtype is F32)
        family.call("torch.index_add", x, 1, index, ordinary(dtype, [3, 2], 2), params={"alpha": 2})
        family.call("torch.index_copy", x, 0, index, ordinary(dtype, [2, 4], 2), grad=wide, sample=dtype is F32)
        family.call("torch.index_copy", x, -1, longs(3), ordinary(dtype, [3, 1], 2))
        family.call("torch.index_fill", x, 1, longs(3, 0, -3), 1, grad=wide, sample=dtype is F32)
        family.call("torch.index_select", x, 1, longs(3, 0, 0))
        for reduce in ("prod", "mean", "amax", "amin"):
            if dtype is torch.bool and reduce == "mean":
                family.error("torch.index_reduce", x, 0, twice, ordinary(dtype, [3, 4], 2), reduce)
                continue
            family.call("torch.index_reduce", x, 0, twice, ordinary(dtype, [3, 4], 2), reduce, grad=wide,
                        sample=dtype is F32 and reduce == "prod")
            if dtype is not torch.bool:  # PyTorch has no kernel for it
                family.call("torch.index_reduce", x, 0, twice, ordinary(dtype, [3, 4], 2), reduce, params={"include_self": False},
                            grad=wide)
    x, s = numbered(2, 3, dtype=F32), T(5.0)

    op = "torch.index_add"
    for a, dim, i, source in [
        (x, 1, T(0), x[:, :1]), (x, 1, T([0, 0], dtype=I32), x[:, :2]), (x, 1, longs(), x[:, :0]), (s, 0, T(0), s), (s, 0, longs(0), s),
        (numbered(3), 0, T(0), longs(5)), (torch.zeros(3, 0), 0, longs(9), torch.zeros(1, 0)),
    ]:
        family.call(op, a, dim, i, source)
    family.call(op, numbered(2, 3), 1, longs(0, 0), numbered(2, 2), params={"alpha": 2.5})
    family.call(op, torch.ones(3, dtype=torch.bool)[:1], 0, longs(0), T([True]), params={"alpha": False})
    family.call(op, ordinary(F64, [2, 3]), 1, longs(1, 1, 0), ordinary(F64, [2, 3], 2), params={"alpha": -1.5}, grad2=True)
    for a, dim, i, source in [
        (x, 1, longs(0, 0), numbered(2, 2)), (x, 1, longs(0, 0), x[:, :2].double()), (x, 1, longs(0, 0), x), (x, 1, longs(0, 0), x[:1, :2]),
        (x, 1, longs(0, 0), x[0, :2]), (x, 1, longs(0, 3), x[:, :2]), (x, 1, longs(0, -1), x[:, :2]), (x, 1, T([[0]]), x[:, :1]),
        (x, 1, T([0, 0], dtype=U8), x[:, :2]), (x, 1, T([0.0, 0.0]), x[:, :2]), (x, 2, longs(0, 0), x[:, :2]), (x, 1, longs(), x[:, :2]),
        (s, 0, longs(0), T([5.0])), (x[0], 0, longs(0), s), (x[0], 0, longs(5), T([1.0])), (x[0], 0, longs(-1), T([1.0])),
    ]:
        family.error(op, a, dim, i, source)
    family.error(op, numbered(2, 3, dtype=U8), 1, longs(0), numbered(2, 1, dtype=U8), params={"alpha": 300})

    op = "torch.index_copy"
    for a, dim, i, source in [
        (x, 1, T(0), x[:, 1:2]), (x, 1, longs(), x[:, :0]), (s, 0, longs(0), T([6.0])), (s, 0, T(0), T(6.0)), (s, 0, longs(0), T(6.0)),
        (x[0], 0, longs(0), T(6.0)), (x[0], 0, T(0), T(6.0)), (torch.zeros(3, 0), 0, longs(9), torch.zeros(1, 0)),
    ]:
        family.call(op, a, dim, i, source)
    family.call(op, ordinary(F64, [2, 3]), 1, longs(2, 0), ordinary(F64, [2, 2], 2), grad2=True)
    for a, dim, i, source in [
        (x, 1, longs(0, 2), numbered(2, 2)), (x, 1, longs(0, 3), x[:, :2]), (x, 1, longs(0, -1), x[:, :2]), (x, 1, T([0, 2], dtype=I32), x[:, :2]),
        (x, 1, T([0.0, 2.0]), x[:, :2]), (x, 1, longs(0, 2), x), (x, 1, longs(0, 2), x[:1, :2]), (x, 1, T(0), x[:, 0]), (x, 1, longs(0), s),
        (x, 1, T([[0]]), x[:, :1]), (x, 2, longs(0), x[:, :1]), (x, 1, longs(), x[:, :2]), (x[0], 0, longs(0, 1), s),
    ]:
        family.error(op, a, dim, i, source)

    op = "torch.index_fill"
    for a, dim, i, value in [
        (x, 1, T(0), 9), (x, 1, longs(0, -1), 9), (x, 1, longs(), 9), (x, 1, longs(0, 2), T(9.0)), (x, 1, longs(0, 2), T(9)),
        (x, 1, longs(0, 2), T(9.0, dtype=F64)), (numbered(2, 3), 1, longs(0, 2), T(9.5)), (numbered(2, 3), 1, longs(0, 2), 9.5),
        (s, 0, longs(0), 9), (s, 0, T(0), 9), (s, 0, longs(-1), 9), (torch.zeros(3, 0), 0, longs(9), 9), (x, 1, longs(1), NAN),
    ]:
        family.call(op, a, dim, i, value)
    family.call(op, ordinary(F64, [2, 3]), 1, longs(2, 0, 0), T(1.5, dtype=F64), grad2=True)
    for a, dim, i, value in [
        (x, 1, longs(0, 3), 9), (x, 1, longs(0, -4), 9), (numbered(2, 3), 1, longs(0, 2), 1e30), (x, 1, longs(0, 2), T([9.0])),
        (x, 1, T([0, 2], dtype=I32), 9), (x, 1, T([0.0, 2.0]), 9), (x, 1, T([[0]]), 9), (x, 2, longs(0), 9), (s, 0, longs(1), 9),
    ]:
        family.error(op, a, dim, i, value)

    op = "torch.index_select"
    for a, dim, i in [
        (x, 1, T(1)), (x, 1, T([0, 0], dtype=I32)), (s, 0, longs(0)), (s, 0, T(0)), (x, 0, longs()), (torch.zeros(0, 3), 0, longs()),
        (torch.zeros(3, 0), 0, longs(1, 1, 1, 1)),
    ]:
        family.call(op, a, dim, i)
    family.call(op, ordinary(F64, [2, 3]), 1, longs(1, 1, 0), grad2=True, sample=True)
    for a, dim, i in [
        (x, 1, T([0, 0], dtype=torch.int16)), (x, 1, T([0.0])), (x, 1, T([True])), (x, 1, T([[1]])), (x, 2, longs(1)), (s, 0, longs(0, 0)),
        (s, 0, longs(1)), (x[0], 0, longs(5)), (x.t(), 0, longs(5)),
    ]:
        family.error(op, a, dim, i)

    op = "torch.index_reduce"
    family.call(op, s, 0, T(0), T(2.0), "mean", grad=True)
    family.call(op, x, 1, T([0, 0], dtype=I32), x[:, :2], "mean")
    family.call(op, x, 1, longs(), x[:, :0], "prod")
    family.call(op, ordinary(F64, [2, 3]), 1, longs(1, 1, 0), ordinary(F64, [2, 3], 2), "prod", grad2=True)
    for a, dim, i, source, reduce in [
        (x, 1, longs(0, 0), x[:, :2], "sum"), (x, 1, longs(0, -1), x[:, :2], "prod"), (x, 1, longs(0, 3), x[:, :2], "prod"),
        (x, 1, longs(0, 0), x[:, :2].double(), "mean"), (x, 1, longs(0, 0), x[:, :1], "mean"), (x, 1, T([0.0, 0.0]), x[:, :2], "mean"),
        (s, 0, longs(0), T([2.0]), "mean"), (x, 1, longs(0, 0), x[:, :2], "other"),
    ]:
        family.error(op, a, dim, i, source, reduce)
    return family


def record_scatter(_tables):
    family = Family("scatter")
    index = T([[2, 0, 1], [2, 0, 0]])
    for dtype in ALL:
        x, src = ordinary(dtype, [3, 3]), ordinary(dtype, [2, 3], 4)
        wide = dtype in WIDE
        family.call("torch.scatter", x, 0, T([[2, 0, 1], [1, 1, 0]]), src, grad=wide, sample=dtype is F32)
        family.call("torch.scatter", x, 1, index, 1, grad=wide)
        family.call("torch.scatter_add", x, 0, index, src, grad=wide, sample=dtype is F32)
        for reduce in ("add", "multiply"):
            family.call("torch.scatter", x, 0, index, src, params={"reduce": reduce})
            family.call("torch.scatter", x, 0, index, 2, params={"reduce": reduce})
        for reduce in ("sum", "prod", "mean", "amax", "amin"):
            if dtype is torch.bool and reduce == "mean":
                family.error("torch.scatter_reduce", x, 0, index, src, reduce)
                continue
            family.call("torch.scatter_reduce", x, 0, index, src, reduce, grad=wide, sample=dtype is F32 and reduce == "sum")
            family.call("torch.scatter_reduce", x, 0, index, src, reduce, params={"include_self": False}, grad=wide)
    x, square = numbered(2, 3, dtype=F32), torch.zeros(2, 2, dtype=I64)

    op = "torch.scatter"
    family.call(op, x, 1, square, params={"value": 9.5})
    family.call(op, x, 1, T([[0], [2]]), params={"src": numbered(3, 3, dtype=F32)})
    family.call(op, x, 1, T([[0, 1], [2, 0]], dtype=I32), numbered(2, 2, dtype=F32))
    # An index without elements may have any shape and dtype.
    for empty in [longs(), torch.zeros(0, 5, 7, dtype=I64), torch.zeros(0)]:
        family.call(op, x, 1, empty, numbered(2, dtype=F32))
        family.call(op, x, 1, empty, 3)
        family.call("torch.gather", x, 1, empty)
    family.call("torch.scatter_add", x, 1, longs(), x)
    family.call("torch.scatter_reduce", x, 1, longs(), x, "sum", params={"include_self": False})
    for a, dim, i, src in [
        (T(1.0), 0, T(0), T(5.0)), (T(1.0), 0, longs(0), T([5.0])), (T(1.0), 0, T(0), 5), (x[0], 0, T(1), T(5.0)), (x[0], 0, T(1), T([5.0, 6.0])),
        (torch.zeros(3, 0), 0, torch.full((2, 0), 9), torch.zeros(2, 0)),
    ]:
        family.call(op, a, dim, i, src)
    family.call("torch.scatter_add", T(1.0), 0, T(0), T(5.0), grad=True)
    family.call(op, ordinary(F64, [2, 3]), 1, T([[0, 2], [1, 0]]), ordinary(F64, [2, 2], 2), grad2=True)
    family.call("torch.scatter_add", ordinary(F64, [2, 3]), 1, T([[0, 0], [1, 1]]), ordinary(F64, [2, 2], 2), grad2=True)
    family.call("torch.gather", ordinary(F64, [2, 3]), 1, T([[0, 0], [1, 2]]), grad2=True, sample=True)
    for i, src in [
        (square, T(7.0)), (square, x[:, :2].double()), (square, numbered(2, 2)), (square.to(U8), x[:, :2]), (square, x[:, :1]),
        (torch.zeros(3, 2, dtype=I64), torch.ones(3, 2)), (longs(0, 0), torch.ones(2)), (square + 3, x[:, :2]), (square - 1, x[:, :2]), (square - 1, 5),
        (longs(), x.double()),
    ]:
        family.error(op, x, 1, i, src)
    family.error(op, x, 2, square, 5)
    family.error(op, x, 2, longs(), 5)
    family.error(op, x, 1, square, 2, params={"reduce": "sum"})
    family.error(op, numbered(2, 3), 1, square, 1e30)
    family.error(op, numbered(2, 3, dtype=U8), 1, square, 300)
    family.call(op, numbered(2, 3, dtype=U8), 1, square, -1)
    family.call(op, numbered(2, 3), 1, square, 9.5)
    family.error(op, x.half(), 1, square, 1e30)
    family.error(op, x[0], 0, longs(0, 1), T(5.0))
    family.error("torch.scatter_add", torch.zeros(0, 3), 0, torch.zeros(2, 3, dtype=I64), x)
    family.error("torch.scatter_reduce", x, 1, square + 3, x[:, :2], "sum")
    family.error("torch.scatter_reduce", x, 1, square, x[:, :2], "add")

    op = "torch.scatter_reduce"
    i = longs(0, 0, 1, 2, 2, 3)
    zeros, ties = T([2.0, 0.0, 3.0, 5.0], dtype=F64), T([4.0, 5.0, 7.0, 1.0], dtype=F64)
    sources = T([0.0, 4.0, 5.0, 0.0, 0.0, 7.0], dtype=F64), T([4.0, 4.0, 5.0, 0.0, 7.0, 7.0], dtype=F64)
    for include_self in (True, False):
        params = {"include_self": include_self}
        for reduce in ("sum", "prod", "mean", "amax", "amin"):
            # Products of zeros have no second gradient.
            family.call(op, zeros, 0, i, sources[0], reduce, params=params, grad=True)
            family.call(op, ties + 0.5, 0, i, sources[1] + 0.5, reduce, params=params, grad2=True)
            if reduce in ("amax", "amin"):
                family.call(op, ties, 0, i, sources[1], reduce, params=params, grad=True, num=[18])
                nan = T([1.0, NAN, 3.0, -INF]), T([NAN, 1.0, 2.0, 2.0, NAN, INF])
                family.call(op, nan[0], 0, i, nan[1], reduce, params=params)
        for reduce in ("mean", "prod", "amax"):
            family.call(op, T(2.0), 0, longs(0, 0), T([5.0, 6.0]), reduce, params=params, grad=True)
    for name in ("max", "min"):
        family.call(op, x, 1, square, x[:, :2], name)
    family.call(op, torch.ones(3, dtype=U8), 0, longs(0, 0, 0), T([255] * 3, dtype=U8), "mean")
    family.call(op, -numbered(2, 3), 1, square, -numbered(2, 2) * 3, "mean")
    ones = torch.ones(300).half()
    for fn_op, args in [(op, ("sum",)), (op, ("mean",)), ("torch.scatter_add", ())]:
        # Sums of halves end at 2048 where every step is rounded.
        family.call(fn_op, torch.full((2,), 2048.0).half(), 0, torch.zeros(300, dtype=I64), ones, *args, num=[37])
    return family
