"""Linear algebra. Vectors of svd and eigh have free signs, so of them shapes and dtypes are recorded, and their values and
the gradients of values; what they must satisfy, RustTorch's own tests check."""

import torch

from recorder import Family
from values import ALL, INF, NAN, ordinary, rough, tensor

F16, F32, F64 = torch.float16, torch.float32, torch.float64
I32 = torch.int32
L = "torch.linalg."
LINALG = torch.linalg

# Far from singular, and their values far from each other.
A = [[3.0, -1.0, 0.0], [2.0, -0.5, 2.0], [3.0, 5.0, -0.5]]
B = [[5.0, 0.5, 0.5], [-1.0, 1.0, -3.0], [-2.0, -3.0, 0.5]]
POSITIVE = [[5.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 2.0]]
SINGULAR = [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]]


def batch(dtype):
    return tensor([A, B], dtype)


def tall(dtype):
    return tensor([[3.0, 1.0], [4.0, -2.0], [0.0, 2.0]], dtype)


def squares(family, op, *rest, params=None, real=True):
    """What every op of square matrices is asked: shapes, dtypes, batches, empties."""
    extra = lambda dtype: [r.to(dtype) for r in rest]
    family.call(op, tensor(A, F32), *extra(F32), params=params, grad=real, sample=True)
    family.call(op, tensor(A, F64), *extra(F64), params=params, grad=real, grad2=real)
    family.call(op, batch(F64), *extra(F64), params=params, grad=real)
    family.call(op, batch(F32).mT, *extra(F32), params=params)
    for dtype in ALL:
        if dtype not in (F32, F64):
            family.error(op, tensor(A, F64).to(dtype), *extra(dtype), params=params)
    family.error(op, ordinary(F32, (2, 3)), *extra(F32), params=params)
    family.error(op, ordinary(F32, (3,)), *extra(F32), params=params)


def determinants(family):
    for op in (L + "det", "torch.det", L + "slogdet", "torch.slogdet", "torch.logdet"):
        squares(family, op)
        for shape in [(0, 0), (3, 0, 0), (0, 2, 2)]:
            family.call(op, torch.zeros(shape))
        family.call(op, tensor(SINGULAR, F32))
        family.call(op, tensor([[NAN, 1.0], [1.0, 2.0]], F32))
        family.call(op, tensor([[0.0, 1.0], [2.0, 0.0]], F64), grad=True)
    family.call(L + "det", torch.zeros(2, 2))
    family.call("torch.logdet", tensor([[1.0, 0.0], [0.0, -2.0]], F64))


def systems(family):
    for op in (L + "inv", "torch.inverse"):
        squares(family, op)
        for shape in [(0, 0), (0, 2, 2)]:
            family.call(op, torch.zeros(shape))
        family.error(op, tensor(SINGULAR, F32))
        family.error(op, torch.stack([torch.eye(3), tensor(SINGULAR, F32)]))
        family.call(op, tensor([[NAN, 1.0], [1.0, 2.0]], F32))
    op, a, pair = L + "solve", tensor(A, F64), batch(F64)
    squares(family, op, ordinary(F64, (3, 2)))
    right = {"left": False}
    for b in [(3,), (3, 0), (4, 1, 3, 2)]:
        family.call(op, pair if len(b) > 2 else a, ordinary(F64, b), grad=b[-1] > 0)
    # A batch of vectors, and a matrix of the same shape.
    family.call(op, pair, ordinary(F64, (2, 3)), grad=True)
    family.call(op, pair[:1], ordinary(F64, (3, 1)), grad=True)
    family.call(op, pair, ordinary(F64, (3,)), grad=True)
    family.call(op, pair, ordinary(F64, (1, 2, 3)), params=right, grad=True, grad2=True)
    family.call(op, torch.zeros(0, 0), torch.zeros(0, 3))
    family.call(op, torch.zeros(0, 2, 2), torch.zeros(0, 2, 1))
    for a, b, params in [
        (A, (2, 1), {}), (A, (1, 2), right), (A, (3,), right), (A, (), {}), (SINGULAR, (3, 1), {}), (SINGULAR, (3, 0), {}),
    ]:
        family.error(op, tensor(a, F64), ordinary(F64, b), params=params)
    family.error(op, pair, ordinary(F64, (3, 3, 1)))
    family.error(op, tensor(A, F64), ordinary(F32, (3, 1)))
    op = L + "solve_triangular"
    for upper in (False, True):
        squares(family, op, ordinary(F64, (3, 2)), params={"upper": upper})
        for left in (False, True):
            for unit in (False, True):
                params = {"upper": upper, "left": left, "unitriangular": unit}
                b = ordinary(F64, (3, 2) if left else (2, 3))
                family.call(op, tensor(A, F64), b, params=params, grad=True)
                family.call(op, pair, b[None], params=params, grad=True, grad2=True)
    upper = {"upper": True}
    family.call(op, tensor([[2.0, 1.0], [0.0, 0.0]], F32), ordinary(F32, (2, 1)), params=upper)
    family.call(op, tensor(A, F64), ordinary(F32, (3, 1)), params=upper)
    family.call(op, torch.zeros(0, 0), torch.zeros(0, 2), params=upper)
    family.error(op, tensor(A, F64), ordinary(F64, (3,)), params=upper)
    family.error(op, tensor(A, F64), ordinary(F64, (2, 1)), params=upper)
    family.error(op, tensor(A, F64), ordinary(F64, (3, 2)), params={"upper": True, "left": False})


def triangles_of(dtype):
    return LINALG.cholesky(tensor(POSITIVE, F64)).to(dtype)


def cholesky(family):
    op = L + "cholesky"
    positive = tensor(POSITIVE, F64)
    for params in ({}, {"upper": True}):
        family.call(op, positive, params=params, grad=True, grad2=True)
        family.call(op, positive.float(), params=params, grad=True, sample=not params)
        # One triangle alone is read.
        family.call(op, positive.triu() if params else positive.tril(), params=params)
        family.call(op, torch.stack([positive, torch.eye(3, dtype=F64) * 2]), params=params, grad=True)
        family.error(op, tensor(SINGULAR, F32), params=params)
    for shape in [(0, 0), (0, 2, 2)]:
        family.call(op, torch.zeros(shape))
    for dtype in ALL:
        if dtype not in (F32, F64):
            family.error(op, positive.to(dtype))
    family.error(op, torch.stack([positive, -positive]))
    family.error(op, torch.full((2, 2), NAN))
    family.error(op, ordinary(F32, (2, 3)))
    family.error(op, ordinary(F32, (3,)))
    l = triangles_of(F64)
    op, b = "torch.cholesky_solve", ordinary(F64, (3, 2))
    family.call(op, b, l, grad=True)
    family.call(op, b, l.mT.contiguous(), params={"upper": True}, grad=True)
    family.call(op, b.float(), l.float())
    family.call(op, b, l.expand(2, 3, 3), grad=True)
    for bad in [(ordinary(F64, (3,)), l), (ordinary(F64, (2, 1)), l), (b.float(), l), (b.half(), l.half()), (b.int(), l.int())]:
        family.error(op, *bad)
    op = "torch.cholesky_inverse"
    family.call(op, l, grad=True)
    family.call(op, l.float())
    family.call(op, l.mT.contiguous(), params={"upper": True}, grad=True)
    family.call(op, torch.stack([l, 2 * l]))
    for bad in [torch.zeros(2, 2), torch.ones(2), torch.ones(2, 3), l.half(), l.int()]:
        family.error(op, bad)


def factors(family):
    op = L + "qr"
    for mode in ("reduced", "complete"):
        params = {"mode": mode}
        for x in (tensor(A, F64), batch(F64), tall(F64).mT, rough(F64, (2, 4, 3), 41)):
            smooth = mode == "reduced" or x.shape[-2] <= x.shape[-1]
            family.call(op, x, params=params, grad=smooth, grad2=smooth)
        family.call(op, tall(F64), params=params, grad=mode == "reduced")
        family.call(op, tensor(A, F32), params=params, grad=True, sample=mode == "reduced")
        for shape in [(0, 2), (2, 0), (0, 0), (0, 3, 2)]:
            family.call(op, torch.zeros(shape), params=params)
        family.call(op, tensor([[-3.0, 1.0], [0.0, -2.0]], F32), params=params)
        family.call(op, tensor([[3.0, 4.0]], F32), params=params)
        family.call(op, torch.zeros(2, 2), params=params)
    family.call(op, tall(F64), params={"mode": "r"})
    family.call(op, batch(F32), params={"mode": "r"})
    family.error(op, tall(F64), params={"mode": "full"})
    op = L + "lu"
    for x in (tensor(A, F64), batch(F64), tall(F64), tall(F64).mT, rough(F64, (2, 4, 3), 42)):
        family.call(op, x, grad=True, grad2=True)
        family.call(L + "lu_factor", x, grad=True, grad2=True)
    family.call(op, tensor(A, F32), grad=True, sample=True)
    family.call(L + "lu_factor", tensor(A, F32), grad=True, sample=True)
    # A zero pivot and what comes after it.
    for values in (SINGULAR, [[0.0, 1.0], [0.0, 2.0]], [[1.0, 1.0, 2.0], [1.0, 1.0, 5.0], [2.0, 2.0, 7.0]], [[0.0] * 3] * 3):
        family.call(op, tensor(values, F64))
        family.error(L + "lu_factor", tensor(values, F64))
    for shape in [(0, 2), (2, 0), (0, 0), (0, 3, 2)]:
        family.call(op, torch.zeros(shape))
        family.call(L + "lu_factor", torch.zeros(shape))
    for name in ("qr", "lu", "lu_factor"):
        for dtype in ALL:
            if dtype not in (F32, F64):
                family.error(L + name, tensor(A, F64).to(dtype))
        family.error(L + name, ordinary(F32, (3,)))
    for name in ("lu", "lu_factor"):
        family.error(L + name, tensor(A, F64), params={"pivot": False})
    op = L + "lu_solve"
    lu, pivots = LINALG.lu_factor(tensor(A, F64))
    b = ordinary(F64, (3, 2))
    for params in ({}, {"adjoint": True}, {"left": False}, {"left": False, "adjoint": True}):
        family.call(op, lu, pivots, b.mT if "left" in params else b, params=params, grad=True)
    family.call(op, lu.float(), pivots, b.float(), sample=True)
    family.call(op, *LINALG.lu_factor(batch(F64)), ordinary(F64, (2, 3, 2)), grad=True)
    for bad in [(pivots.long(), b), (pivots[:2], b), (pivots * 0, b), (pivots, b[:, 0]), (pivots, b.float())]:
        family.error(op, lu, *bad)
    for dtype in (F16, I32):
        family.error(op, lu.to(dtype), pivots, b.to(dtype))


def values(family):
    for x in (tensor(A, F64), batch(F64), tall(F64), tall(F64).mT, rough(F64, (2, 4, 3), 302)):
        family.call(L + "svdvals", x, grad=True, grad2=True)
        for params in ({}, {"full_matrices": False}):
            family.call(L + "svd", x, params=params, undefined=True)
        for params in ({}, {"some": False}, {"compute_uv": False}):
            family.call("torch.svd", x, params=params, undefined=params.get("compute_uv", True))
    family.call(L + "svdvals", tensor(A, F32), grad=True, sample=True)
    family.call(L + "svd", tensor(A, F32), undefined=True, sample=True)
    family.call("torch.svd", tensor(A, F32), undefined=True, sample=True)
    for shape in [(0, 2), (2, 0), (0, 0), (0, 3, 2)]:
        family.call(L + "svdvals", torch.zeros(shape))
        family.call(L + "svd", torch.zeros(shape))
    family.call(L + "svdvals", torch.eye(3), grad=True)
    family.call(L + "svdvals", tensor([[1e-30, 0.0], [0.0, 3e-30]], F32))
    symmetric = tensor(POSITIVE, F64)
    for params in ({}, {"UPLO": "U"}, {"UPLO": "l"}):
        family.call(L + "eigvalsh", symmetric, params=params, grad=True, grad2=True)
        family.call(L + "eigvalsh", tensor(A, F64), params=params)
        family.call(L + "eigh", tensor(A, F64), params=params, undefined=True)
    family.call(L + "eigvalsh", symmetric.float(), grad=True, sample=True)
    family.call(L + "eigh", symmetric.float(), undefined=True, sample=True)
    family.call(L + "eigvalsh", torch.stack([symmetric, -symmetric]), grad=True)
    family.call(L + "eigvalsh", torch.eye(3), grad=True)
    for shape in [(0, 0), (0, 2, 2), (3, 0, 0)]:
        family.call(L + "eigvalsh", torch.zeros(shape))
        family.call(L + "eigh", torch.zeros(shape))
    for name in ("svd", "svdvals", "eigh", "eigvalsh"):
        for dtype in ALL:
            if dtype not in (F32, F64):
                family.error(L + name, tensor(A, F64).to(dtype))
        family.error(L + name, ordinary(F32, (3,)))
        family.error(L + name, torch.full((3, 3), NAN))
        if "eig" in name:
            family.error(L + name, ordinary(F32, (2, 3)))
            family.error(L + name, tensor(A, F64), params={"UPLO": "X"})
        else:
            family.error(L + name, tensor(A, F64), params={"driver": "gesvd"})


def pseudoinverses(family):
    op = L + "pinv"
    for x in (tensor(A, F64), batch(F64), tall(F64), tall(F64).mT):
        # Of a square matrix the second derivatives are what is left of terms that cancel.
        family.call(op, x, grad=True, grad2=x.shape[-1] != x.shape[-2])
        family.call(L + "matrix_rank", x)
        family.call("torch.pinverse", x, grad=True)
    family.call(op, tensor(A, F32), grad=True, sample=True)
    family.call(L + "matrix_rank", tensor(A, F32), sample=True)
    family.call("torch.pinverse", tensor(A, F32), sample=True)
    diagonal = torch.diag(tensor([1.0, 0.5, 0.1, 0.0], F64))
    rank = L + "matrix_rank"
    for params in ({"rtol": 0.5}, {"atol": 0.5}, {"atol": 0.05, "rtol": 0.2}, {"rtol": 0.0, "atol": 0.3}, {"atol": 0.0}):
        family.call(op, diagonal, params=params)
        family.call(rank, diagonal, params=params)
    family.call(op, diagonal, 0.3)
    family.call(rank, diagonal, 0.3)
    family.call(rank, torch.diag(tensor([1.0, 0.1], F32)), params={"atol": 0.1})
    hermitian = torch.diag(tensor([1.0, -0.5, 1e-20], F64))
    family.call(op, hermitian, params={"hermitian": True})
    family.call(op, tensor(POSITIVE, F64), params={"hermitian": True}, grad=True)
    family.call(rank, hermitian, params={"hermitian": True})
    for shape in [(0, 2), (2, 0), (0, 0), (0, 3, 2)]:
        family.call(op, torch.zeros(shape))
        family.call(rank, torch.zeros(shape))
    for name in (op, rank):
        for dtype in ALL:
            if dtype not in (F32, F64):
                family.error(name, tensor(A, F64).to(dtype))
        family.error(name, ordinary(F32, (3,)))
        family.error(name, torch.full((2, 2), NAN))
        family.error(name, ordinary(F32, (2, 3)), params={"hermitian": True})


def least_squares(family):
    op = L + "lstsq"
    x, b = tall(F64), ordinary(F64, (3, 2))
    for driver in ("gels", "gelsy", "gelsd", "gelss"):
        params = {"driver": driver}
        family.call(op, x, b, params=params, grad=True)
        family.call(op, x.mT, b[:2], params=params, grad=True)
        family.call(op, tensor(A, F64), b, params=params, grad=True)
    family.call(op, x.float(), b.float(), grad=True, sample=True)
    family.call(op, x, b[:, 0], grad=True)
    family.call(op, x.expand(2, 3, 2), ordinary(F64, (2, 3)), grad=True)
    family.call(op, x.expand(2, 3, 2), ordinary(F64, (1, 3, 2)), grad=True)
    thin = torch.ones(3, 2, dtype=F64)
    for driver in ("gelsy", "gelsd", "gelss"):
        family.call(op, thin, b, params={"driver": driver})
    family.call(op, torch.stack([x, thin]), b.expand(2, 3, 2), params={"driver": "gelsd"})
    family.call(op, torch.diag(tensor([1.0, 0.1], F64)), ordinary(F64, (2, 1)), params={"rcond": 0.5})
    family.error(op, thin, b, params={"driver": "gels"})
    family.error(op, x, b, params={"driver": "x"})
    family.error(op, x, b[:2])
    family.error(op, x, b.float())
    family.error(op, x[0], b[0])
    family.error(op, x.expand(4, 3, 2), b)
    family.error(op, x, b.expand(4, 3, 2))
    for dtype in (F16, I32):
        family.error(op, x.to(dtype), b.to(dtype))


def norms(family):
    op, x = L + "matrix_norm", tensor([[1.0, -2.0, 2.0], [3.0, 4.0, 0.5]], F64)
    orders = ["fro", "nuc", 1, -1, 2, -2, INF, -INF]
    cube = rough(F64, (2, 3, 2), 163)
    for order in orders:
        family.call(op, x, order, grad=True, grad2=True)
        family.call(op, x.float(), order, grad=True)
        family.call(op, cube, order, params={"dim": [2, 0], "keepdim": True}, grad=True)
        family.call(op, cube, order, grad=True)
        for shape in [(0, 0), (0, 2), (2, 0), (2, 0, 2)]:
            family.either(op, torch.zeros(shape), order)
        for dtype in ALL:
            if dtype not in (F32, F64):
                family.either(op, ordinary(dtype, (2, 2)), order)
        family.either(op, tensor([[NAN, 1.0], [1.0, 1.0]], F32), order)
        if order in ("fro", 1, -1, INF, -INF):
            family.call(op, torch.zeros(2, 2), order, grad=True)
            family.call(op, torch.ones(2, 2), order, grad=True)
            family.call(op, ordinary(F16, (2, 2)), order, params={"dtype": F32}, grad=True)
        family.call(L + "norm", x, order)
        family.call(L + "norm", cube, order, params={"dim": [0, 2], "keepdim": True}, grad=True)
    family.call(op, x.float(), sample=True)
    for order in (3, 0, "x", None):
        family.error(op, x, order)
    for params in ({"dim": [0, 0]}, {"dim": [0]}, {"dim": [0, 2]}, {"dtype": F32}, {"dtype": I32}):
        family.error(op, x, params=params)
    family.error(op, x[0])
    family.error(op, x.int(), params={"dtype": F32})
    op = L + "norm"
    family.call(op, x.float(), grad=True, sample=True)
    for y in (x, cube, x[0], torch.tensor(-3.0)):
        family.call(op, y, grad=True)
        family.call(op, y, params={"keepdim": True})
    for order in (0, 1, 2, 3, INF, -INF):
        family.call(op, x[0], order, grad=order != 0)
        family.call(op, x, order, 1, grad=order != 0)
        family.call(op, x, order, [0], params={"keepdim": True})
    family.call(op, x.half(), params={"dtype": F32})
    family.error(op, cube, 1)
    family.error(op, x, 3)
    family.error(op, x[0], "fro")
    family.error(op, cube, "fro")
    family.error(op, x, "fro", 1)
    family.error(op, torch.tensor(-3.0), 1)
    family.error(op, cube, 2, [0, 1, 2])
    family.error(op, x.int())
    op, x = L + "cond", tensor([[1.0, -2.0], [3.0, 4.0]], F64)
    family.call(op, x.float(), sample=True)
    for order in [None] + orders:
        # PyTorch writes over what the gradient of the other orders needs.
        family.call(op, x, order, grad=order in (None, 2, -2))
        family.call(op, torch.zeros(0, 0), order)
        if order not in ("nuc", None, 2, -2):
            family.call(op, torch.ones(2, 2, dtype=F64), order)
            family.call(op, torch.stack([x, torch.ones(2, 2, dtype=F64)]), order)
            family.error(op, ordinary(F32, (2, 3)), order)
        for dtype in (F16, I32):
            family.error(op, x.to(dtype), order)
    family.call(op, tall(F64), grad=True)
    family.error(op, x, 3)


def record(_tables):
    family = Family("linalg")
    for part in (determinants, systems, cholesky, factors, values, pseudoinverses, least_squares, norms):
        part(family)
    return family
