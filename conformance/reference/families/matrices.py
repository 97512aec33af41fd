"""Products of matrices by name, sums of products by equation, triangles, diagonals and distances."""

import torch

from recorder import Family
from values import ALL, FLOATS, HALVES, INF, INTS, NAN, WIDE, ordinary, rough, tensor

F16, F32, F64 = torch.float16, torch.float32, torch.float64
BOOL, I8, U8, I32 = torch.bool, torch.int8, torch.uint8, torch.int32

# Operands of the products of two.
PRODUCTS = {
    "torch.mm": [(2, 3), (3, 4)], "torch.bmm": [(2, 2, 3), (2, 3, 2)], "torch.mv": [(2, 3), (3,)], "torch.dot": [(3,), (3,)],
    "torch.vdot": [(3,), (3,)], "torch.outer": [(2,), (3,)], "torch.inner": [(2, 3), (4, 3)], "torch.kron": [(2, 2), (1, 3)],
    "torch.tensordot": [(2, 2, 3), (2, 3, 2)], "torch.linalg.vecdot": [(2, 3), (2, 3)], "torch.cross": [(2, 3), (2, 3)],
    "torch.linalg.cross": [(2, 3), (2, 3)],
}
# Operands of a product added to a tensor.
SUMS = {
    "torch.addmm": [(2, 2), (2, 3), (3, 2)], "torch.addmv": [(2,), (2, 3), (3,)], "torch.addr": [(2, 3), (2,), (3,)],
    "torch.addbmm": [(2, 2), (3, 2, 3), (3, 3, 2)], "torch.baddbmm": [(2, 2, 2), (2, 2, 3), (2, 3, 2)],
}


def operands(dtype, shapes):
    return [ordinary(dtype, shape, i) for i, shape in enumerate(shapes)]


def products(family):
    for op, shapes in PRODUCTS.items():
        for dtype in ALL:
            family.either(op, *operands(dtype, shapes), grad=dtype in FLOATS)
        family.call(op, *(rough(F32, shape, 31 + i) for i, shape in enumerate(shapes)), grad=True)
        family.call(op, *(rough(F64, shape, 32 + i) for i, shape in enumerate(shapes)), grad=True, grad2=True)
        family.either(op, *(ordinary(F32, shape).to(d) for shape, d in zip(shapes, (F32, F64))))
        family.either(op, *(ordinary(F32, shape).to(d) for shape, d in zip(shapes, (I32, F32))))
    call = family.call
    for a, b in [((2, 0), (0, 3)), ((0, 4), (4, 3))]:
        call("torch.mm", ordinary(F32, a), ordinary(F32, b), num=[15])
    call("torch.mm", tensor([[0.0, 1.0]], F32), tensor([[INF], [1.0]], F32), num=[8])
    call("torch.bmm", ordinary(F32, (0, 2, 3)), ordinary(F32, (0, 3, 2)))
    call("torch.mv", ordinary(F32, (2, 0)), ordinary(F32, (0,)))
    call("torch.dot", ordinary(F32, (0,)), ordinary(F32, (0,)))
    call("torch.inner", torch.tensor(2.0), ordinary(F32, (3,)), grad=True)
    call("torch.inner", torch.tensor(2), torch.tensor(2.5))
    call("torch.inner", ordinary(F32, (3,)), ordinary(F32, (3,), 1), grad=True)
    call("torch.inner", ordinary(F32, (2, 1, 3)), ordinary(F32, (2, 2, 3), 1), grad=True)
    call("torch.ger", ordinary(F32, (2,)), ordinary(F32, (3,)))
    call("torch.linalg.matmul", ordinary(F32, (2, 3)), ordinary(F32, (2, 3, 2)))
    call("torch.kron", torch.tensor(2.0, dtype=F64), ordinary(F32, (2, 2)))
    call("torch.kron", ordinary(F32, (2,)), ordinary(F32, (2, 2), 1), grad=True)
    call("torch.kron", ordinary(F32, (0, 2)), ordinary(F32, (2, 2)))
    call("torch.linalg.vecdot", ordinary(F32, (2, 3)), ordinary(F32, (3,), 1), grad=True)
    call("torch.linalg.vecdot", ordinary(F32, (2, 3)), ordinary(F32, (2, 1), 1), params={"dim": 0}, grad=True)
    error = family.error
    for op, bad in {
        "torch.mm": [((3,), (3, 2)), ((2, 3), (2, 3)), ((2, 3, 4), (4, 2)), ((2, 3), (3,))],
        "torch.bmm": [((2, 3), (3, 2)), ((2, 2, 3), (3, 3, 2)), ((2, 2, 3), (2, 2, 3))],
        "torch.mv": [((2, 3), (2,)), ((2, 3), (3, 1))],
        "torch.dot": [((2, 3), (2, 3)), ((2,), (3,))],
        "torch.vdot": [((2,), (3,)), ((), ())],
        "torch.outer": [((2, 1), (2,)), ((), (2,))],
        "torch.inner": [((2, 3), (2, 2))],
        "torch.linalg.vecdot": [((2, 3), (2, 2))],
        "torch.cross": [((2, 2), (2, 2)), ((3,), (2, 3)), ((), ())],
        "torch.linalg.cross": [((3, 2), (3, 2)), ((3,), (2, 3)), ((2, 3), (3, 3)), ((), ())],
    }.items():
        for a, b in bad:
            error(op, ordinary(F32, a), ordinary(F32, b))
    error("torch.linalg.vecdot", ordinary(F32, (2, 3)), ordinary(F32, (3,)), params={"dim": 2})


def crosses(family):
    a, b = ordinary(F32, (3, 2, 3)), ordinary(F32, (3, 1, 3), 2)
    family.call("torch.cross", a, b, grad=True)
    family.call("torch.cross", a, b, -1, grad=True)
    family.call("torch.linalg.cross", a, b, params={"dim": 0}, grad=True)
    family.call("torch.linalg.cross", a[:0], b[:0])
    family.error("torch.linalg.cross", a, b, params={"dim": 3})
    family.error("torch.cross", a, b, 1)


def added(family):
    for op, shapes in SUMS.items():
        for dtype in ALL:
            family.either(op, *operands(dtype, shapes), grad=dtype in FLOATS)
        x = [rough(F64, shape, 33 + i) for i, shape in enumerate(shapes)]
        params = {"beta": 0.5, "alpha": -1.5}
        family.call(op, *x, params=params, grad=True, grad2=True)
        family.call(op, *(t.float() for t in x), params=params, grad=True)
        # A tensor that is stretched.
        family.call(op, ordinary(F32, (1,)), *operands(F32, shapes)[1:], grad=True)
        # 8: what the factor hides.
        family.call(op, torch.full(shapes[0], NAN), *operands(F32, shapes)[1:], params={"beta": 0}, grad=True, num=[8])
        family.error(op, torch.zeros(7), *operands(F32, shapes)[1:])
        family.error(op, torch.zeros(2, *shapes[0]), *operands(F32, shapes)[1:])
        family.error(op, torch.zeros(shapes[0]), *operands(F32, shapes)[1:2], torch.zeros(7, 7, 7))
        family.either(op, torch.zeros(shapes[0], dtype=F64), *operands(F32, shapes)[1:])
        whole = operands(I32, shapes)
        family.either(op, *whole, params={"beta": 1.5, "alpha": 2.5})
        family.either(op, *whole, params={"alpha": True})
        family.either(op, *operands(U8, shapes), params={"alpha": -1})
        family.either(op, *operands(I8, shapes), params={"beta": 300})
    zeros = torch.zeros
    family.call("torch.addmm", ordinary(F32, (2, 2)), zeros(2, 0), zeros(0, 2), params={"beta": 2})
    family.call("torch.addmm", zeros(0), zeros(0, 2), zeros(2, 0))
    family.call("torch.addmm", ordinary(F32, (2, 2)), torch.full((2, 3), NAN), zeros(3, 2), params={"alpha": 0})
    family.call("torch.addbmm", ordinary(F32, (2, 2)), zeros(0, 2, 3), zeros(0, 3, 2), params={"beta": 3})
    family.call("torch.addmv", ordinary(F32, (2,)), zeros(2, 0), zeros(0), params={"beta": 3})
    family.error("torch.addbmm", zeros(2, 2), zeros(2, 3), zeros(3, 2))
    family.call("torch.addr", torch.tensor(1.0, dtype=F64), ordinary(F32, (2,)), ordinary(F32, (3,)))
    family.call("torch.addr", ordinary(I32, (2, 3)), ordinary(F32, (2,)), ordinary(F16, (3,)))
    t = torch.tensor([True, False])
    family.call("torch.addr", t, t, t, params={"beta": False, "alpha": True})
    family.call("torch.addr", t, t, t, params={"alpha": 0})
    # 37: big + 1 is no half.
    for dtype, big in ((F16, 2048.0), (torch.bfloat16, 256.0)):
        a, b, c = tensor([[big, 1.0]], dtype), tensor([[1.0], [1.0]], dtype), tensor([[-big]], dtype)
        family.call("torch.addmm", c, a, b, num=[37])
        family.call("torch.addmv", c[0], a, b[:, 0], num=[37])
        family.call("torch.baddbmm", c, a[None], b[None], params={"beta": 0.5, "alpha": 0.5}, num=[37])
        family.call("torch.nn.functional.linear", a, b.t(), c[0], num=[37])
    # The lengths about 16, where kernels change over, with alpha and beta (38).
    for dtype in (F32, F64):
        for k in (1, 2, 3, 15, 16, 17):
            family.call("torch.dot", rough(dtype, (k,), 23), rough(dtype, (k,), 24), num=[38])
            family.call(
                "torch.addmm", rough(dtype, (2, 2), 25), rough(dtype, (2, k), 23), rough(dtype, (k, 2), 24),
                params={"alpha": -1.5, "beta": 0.5}, num=[38])


def linear(family):
    op = "torch.nn.functional.linear"
    for dtype in ALL:
        family.either(op, *operands(dtype, [(2, 3), (4, 3), (4,)]), grad=dtype in FLOATS)
    for shape in [(3,), (2, 2, 3), (2, 1, 2, 3), (0, 3), (2, 0, 3)]:
        family.call(op, *operands(F32, [shape, (4, 3), (4,)]), grad=True)
        family.call(op, *operands(F32, [shape, (4, 3)]), grad=True)
    family.call(op, *(rough(F64, shape, 34 + i) for i, shape in enumerate([(2, 3), (4, 3), (4,)])), grad=True, grad2=True)
    for shapes in [[(2, 3), (4, 2)], [(2, 3), (4, 3), (3,)], [(), (4, 3)]]:
        family.error(op, *operands(F32, shapes))
    family.error(op, ordinary(F32, (2, 3)), ordinary(F64, (4, 3)))
    family.error(op, ordinary(F32, (2, 3)), ordinary(F32, (4, 3)), ordinary(F64, (4,)))


EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 2)], "ij,jk": [(2, 3), (3, 2)], "ba": [(2, 3)], "ii": [(3, 3)], "ii->i": [(3, 3)],
    "...ii->...i": [(2, 3, 3)], "ij->": [(2, 3)], "ij->j": [(2, 3)], "i,j": [(2,), (3,)], "i,i": [(3,), (3,)],
    "ij,ij->ij": [(1, 3), (2, 1)], "": [()], ",": [(), ()], "...": [(2, 2)], "a...b->...ba": [(2, 3, 4)],
    "...ij,...jk->...ik": [(2, 2, 3), (1, 3, 2)], "i...,i...->...": [(2, 3), (2, 3)], "Ab,bA->bA": [(2, 3), (3, 2)],
    "bA,Ab": [(2, 3), (3, 2)], "bnm,an": [(2, 3, 2), (2, 3)], "ijk,ilm,njm,nlk->": [(2, 2, 2)] * 4, "iii->i": [(2, 2, 2)],
    "i,i->": [(1,), (3,)], " i j , j k -> k i ": [(2, 3), (3, 2)], "ij->i...": [(2, 2)], "i...->i": [(2, 3)],
    "ij,i,j,jk->k": [(2, 3), (2,), (3,), (3, 2)], "bi,bj,bk->bijk": [(2, 2), (2, 2), (2, 2)], "ij,kj,li->kl": [(2, 3), (2, 3), (2, 2)],
}


def einsum(family):
    op = "torch.einsum"
    for equation, shapes in EQUATIONS.items():
        family.call(op, equation, *operands(F32, shapes), grad=True)
    for equation in ("ij,jk->ik", "ij,ij->ij", "ij,kj,li->kl", "ii->i"):
        family.call(op, equation, *(rough(F64, s, 35 + i) for i, s in enumerate(EQUATIONS[equation])), grad=True, grad2=True)
    for dtype in ALL:
        for equation in ("ij,jk->ik", "i,j", "ii", "ij,ik->i"):
            shapes = EQUATIONS.get(equation, [(2, 3), (2, 2)])
            family.either(op, equation, *operands(dtype, shapes))
    family.call(op, "i,i->", torch.tensor([100, -56], dtype=I8), torch.tensor([1, 2], dtype=I8), num=[22])
    for equation, shapes in [("ij,jk->ik", [(2, 0), (0, 3)]), ("ij->j", [(0, 3)]), ("i,i", [(0,), (0,)]), ("ij,kl", [(0, 2), (2, 1)])]:
        family.call(op, equation, *operands(F32, shapes))
    family.call(op, "i,j", ordinary(F32, (2,)), ordinary(F64, (3,)))
    for equation, shapes in [
        ("ii", [(2, 3)]), ("ii", [(1, 3)]), ("i->ii", [(2,)]), ("ij->ik", [(2, 3)]), ("i", [(2, 3)]), ("ijk", [(2, 3)]),
        ("i,i", [(2,)]), ("i", [(2,), (2,)]), ("i,i", [(2,), (3,)]), ("ij.->i", [(2, 2)]), ("i....", [(2, 2)]),
        ("...i...", [(2, 2)]), ("i->i->i", [(2,)]), ("i-i", [(2,)]), ("i1", [(2, 2)]), ("...,...", [(2, 2), (3,)]), ("i", []),
    ]:
        family.error(op, equation, *operands(F32, shapes))
    family.error(op, "ij,jk", ordinary(F32, (2, 3)), ordinary(F64, (3, 2)))


def tensordot(family):
    op = "torch.tensordot"
    a, b = ordinary(F32, (2, 3, 2)), ordinary(F32, (2, 3, 4), 1)
    family.call(op, a, b, params={"dims": [[0, 1], [0, 1]]}, grad=True)
    family.call(op, a, b, params={"dims": [[-1], [-3]]}, grad=True)
    family.call(op, a, b, params={"dims": 0})
    family.call(op, a, b[:, 0], params={"dims": 1}, grad=True)
    family.call(op, a, b, params={"dims": [[], []]})
    family.call(op, a[..., :1], b, params={"dims": 1}, grad=True)
    family.call(op, torch.tensor(2.0), a, params={"dims": 0})
    family.call(op, torch.zeros(2, 0), torch.zeros(0, 3), params={"dims": 1})
    family.call(op, torch.tensor([[50], [100]], dtype=I8), torch.tensor([[60, 120], [-76, -16]], dtype=I8), params={"dims": 1})
    for dims in (-1, 4, [[0], [0, 1]], [[0, 0], [0, 1]], [[0], [3]], [[1], [0]]):
        family.error(op, a, b, params={"dims": dims})
    family.error(op, a, b.double(), params={"dims": 0})


def chains(family):
    a, b, c = ordinary(F32, (2, 3)), ordinary(F32, (3, 4), 1), ordinary(F32, (4, 1), 2)
    family.call("torch.chain_matmul", a, b, c, grad=True)
    family.call("torch.chain_matmul", a)
    family.error("torch.chain_matmul", a[0], b)
    family.error("torch.chain_matmul", a, a)
    op = "torch.linalg.multi_dot"
    family.call(op, [a, b, c], grad=True)
    family.call(op, [a[0], b, c[:, 0]], grad=True)
    family.call(op, [a[0], b])
    for bad in ([], [a], [a, b[0], b], [a, a], [a[None], b], [a, b.double()]):
        family.error(op, bad)
    for op in ("torch.matrix_power", "torch.linalg.matrix_power"):
        x = ordinary(F32, (2, 2, 2))
        for n in (0, 1, 2, 3, 5):
            family.call(op, x, n, grad=n > 0)
        for dtype in ALL:
            family.either(op, ordinary(dtype, (2, 2)), 3)
        family.call(op, torch.zeros(0, 0), 3)
        family.call(op, torch.full((2, 2), NAN), 0)
        family.error(op, a, 2)
        family.error(op, a[0], 2)
        family.error(op, torch.ones(2, 2), -2)
        family.error(op, torch.ones(2, 2, dtype=I32), -2)
        family.call(op, tensor([[1.0, 2.0], [3.0, 4.0]], F64), -2, grad=True)


def triangles(family):
    for op in ("torch.tril", "torch.triu"):
        for dtype in ALL:
            family.call(op, ordinary(dtype, (2, 3, 3)), grad=dtype in FLOATS)
        for k in (-3, -1, 1, 3, 2**40, -(2**40)):
            family.call(op, ordinary(F32, (3, 4)), k, grad=abs(k) < 9)
        family.call(op, tensor([[NAN, INF], [-INF, NAN]], F32), grad=True)
        family.call(op, ordinary(F32, (0, 3)))
        family.call(op, rough(F64, (2, 2), 36), grad=True, grad2=True)
        family.error(op, ordinary(F32, (3,)))
    for dtype in ALL:
        for op in ("torch.diag", "torch.diag_embed", "torch.diagflat", "torch.trace"):
            shape = {"torch.trace": (2, 3), "torch.diag": (3,)}.get(op, (2, 2))
            family.either(op, ordinary(dtype, shape), grad=dtype in FLOATS)
    for k in (-1, 1, 5, -5):
        family.call("torch.diag", ordinary(F32, (2,)), k, grad=True)
        family.call("torch.diag", ordinary(F32, (2, 3)), k, grad=True)
        family.call("torch.diagflat", ordinary(F32, (1, 2)), k, grad=True)
        family.call("torch.diag_embed", ordinary(F32, (2, 2)), k, 0, -1, grad=True)
    family.call("torch.diag_embed", ordinary(F32, (2, 3)), params={"dim1": 2, "dim2": 0}, grad=True)
    family.call("torch.diagflat", torch.tensor(3.0))
    family.call("torch.diag", torch.zeros(0))
    family.call("torch.trace", torch.zeros(0, 0))
    family.call("torch.trace", torch.full((2, 2), 100, dtype=I8))
    for bad in (torch.tensor(1.0), torch.zeros(2, 2, 2)):
        family.error("torch.diag", bad)
        family.error("torch.trace", bad)
    family.error("torch.diag_embed", torch.tensor(1.0))
    family.error("torch.diag_embed", torch.zeros(2), 0, 0, 0)
    family.error("torch.diag_embed", torch.zeros(2), 0, 0, 3)


def distances(family):
    op = "torch.cdist"
    x, y = tensor([[0.0, 0.0, 1.0], [3.0, 4.0, 1.0], [1.0, 1.0, -2.0]], F32), tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 2.5]], F32)
    for p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, INF):
        family.call(op, x, y, p, grad=True)
        family.call(op, x.double(), y.double(), p, grad=True)
        family.call(op, tensor([[NAN, 1.0]], F32), tensor([[0.0, 1.0]], F32), p)
        family.call(op, tensor([[INF, 1.0]], F32), tensor([[INF, 2.0]], F32), p)
    for p in (1.0, 1.5, 2.0, 3.0):
        family.call(op, rough(F64, (2, 3), 37), rough(F64, (3, 3), 38), p, grad=True, grad2=True)
    family.call(op, ordinary(F32, (2, 1, 3, 2)), ordinary(F32, (2, 4, 2), 1), grad=True)
    for mode in ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        family.call(op, x.double(), y.double() + 0.25, params={"compute_mode": mode}, grad=True)
    family.call(op, torch.zeros(0, 2), y[:, :2])
    family.call(op, torch.zeros(2, 0), torch.zeros(3, 0))
    for dtype in ALL:
        family.either(op, ordinary(dtype, (2, 2)), ordinary(dtype, (3, 2), 1))
    family.error(op, x, y, -1.0)
    family.error(op, x, y, NAN)
    family.error(op, x, y, params={"compute_mode": "x"})
    family.error(op, x[0], y)
    family.error(op, x, y[:, :2])
    family.error(op, x.double(), y)
    family.error(op, torch.zeros(2, 3, 2), torch.zeros(3, 5, 2))


def record(_tables):
    family = Family("matrices")
    for part in (products, crosses, added, linear, einsum, tensordot, chains, triangles, distances):
        part(family)
    return family
