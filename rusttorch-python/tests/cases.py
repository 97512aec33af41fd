"""Expressions whose results, printed, are PyTorch's, and calls that raise what PyTorch raises. `record.py` records them."""

# Evaluated one after another with these names, and printed by repr.
SETUP = """
a = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.5, -6.0]])
b = torch.arange(6).reshape(2, 3)
c = torch.tensor([True, False, True])
h = torch.tensor([1.5, 2.5], dtype=torch.float16)
e = torch.empty(0, 3)
s = torch.tensor(2.5)
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
F = torch.nn.functional
nn = torch.nn
"""

EXPRESSIONS = """
a
b
c
h
e
s
w
a.shape
a.size()
a.size(1)
a.shape[0:1]
a.shape + (4,)
a.stride()
a.T.stride()
a.dtype
b.dtype
c.dtype
a.device
str(a.device)
torch.device("cpu", 0)
a.dim(), a.ndim, a.numel(), a.element_size(), a.nbytes
a.is_contiguous(), a.T.is_contiguous()
len(a)
a.tolist()
b.tolist()
c.tolist()
s.item()
float(s), int(s), bool(s)
[1, 2, 3][torch.tensor(1)]
f"{s:.3f}"
a + 1
1 + a
a - b
2 - a
a * 2.5
a * b
a / 2
1 / a
a // 2
7 // a
a % 3
7 % a
a ** 2
2 ** b
a @ a.T
-a
+a
abs(a)
~c
~b
b & 3
b | 1
b ^ 5
b << 1
b >> 1
1 << b
a > 0
a >= b
a == a
a != 1
a == None
b / b
b + 1.5
b + True
c + c
h + 1
h * a[0, :2]
s + b
a[0]
a[-1]
a[:, 1]
a[0, 1:]
a[..., -1]
a[None].shape
a[:, None, :].shape
a[a > 0]
a[torch.tensor([1, 0])]
a[[0, 1], [2, 0]]
a[:, [0, 2]]
a[[1, 0]]
a[[True, False]]
a[[[0, 1], [1, 0]]].shape
a[c[:2]]
a[::1, ::2]
b[torch.tensor(1)]
a[True].shape
[row.sum().item() for row in a]
4.0 in a
a.sum()
a.sum(0)
a.sum(1, keepdim=True)
a.sum(dim=(0, 1))
a.sum(axis=1)
a.mean()
b.sum(dtype=torch.float64)
a.max()
a.max(1)
a.max(1).values
a.min(dim=0)
a.argmax()
a.argmax(1)
a.prod(1)
a.std()
a.var(0, unbiased=False)
a.std(1, correction=0)
a.norm()
a.cumsum(1)
a.cummax(1)
a.sort(1)
a.sort(descending=True)
torch.topk(a, 2)
a.argsort(1)
a.unique()
torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
a.median()
a.median(1)
torch.aminmax(a)
torch.var_mean(a)
a.any(), c.all()
a.count_nonzero()
a.nonzero()
torch.where(a > 0)
torch.where(a > 0, a, 0.0)
a.where(a > 0, torch.tensor(0.0))
a.clamp(min=0)
a.clamp(-1, 1)
a.abs().sqrt()
a.exp()
a.sigmoid()
a.round(decimals=1)
torch.round(torch.tensor([0.5, 1.5, 2.5]))
a.relu()
a.softmax(1)
torch.log_softmax(a, dim=0)
a.reshape(3, 2)
a.reshape(-1)
a.view(3, -1)
a.view(6)
a.view(torch.int32).shape
a.t()
a.T
a.mT
a.permute(1, 0)
a.permute((1, 0)).shape
a.transpose(0, 1)
a.unsqueeze(0).shape
a.unsqueeze(0).squeeze().shape
a.flatten()
a.expand(2, 2, 3).shape
a.expand_as(torch.zeros(2, 2, 3)).shape
a.repeat(2, 1)
a.tile(1, 2)
a.flip(0)
a.flip(0, 1)
a.roll(1, 0)
a.chunk(2)
a.split(1)
a.split([1, 2], dim=1)
a.unbind(1)
a.diagonal()
a.narrow(1, 1, 2)
a.select(1, 0)
torch.cat([a, a])
torch.cat((a, b), dim=1)
torch.stack([a, a], 1).shape
torch.hstack([a, a])
torch.broadcast_tensors(torch.zeros(2, 1), torch.zeros(3))
torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
torch.atleast_2d(s)
torch.zeros(2, 3)
torch.zeros((2, 3), dtype=torch.int32)
torch.zeros(())
torch.ones(2, dtype=torch.bool)
torch.full((2,), 7)
torch.full((2, 2), 1.5, dtype=torch.float64)
torch.arange(3)
torch.arange(0, 1, 0.25)
torch.arange(5, 0, -2)
torch.linspace(0, 1, 5)
torch.logspace(0, 2, 3)
torch.eye(2)
torch.tensor([])
torch.tensor([[]]).shape
torch.tensor([1, 2.5])
torch.tensor([True, 2])
torch.tensor([1, 2], dtype=torch.uint8)
torch.tensor(1e10)
torch.tensor([1e-8, 1.0])
torch.tensor([float("nan"), float("inf"), -float("inf")])
torch.tensor(range(3))
torch.tensor([a[0, 0], 2])
torch.tensor(3, dtype=float)
torch.zeros_like(a, dtype=torch.int64)
a.new_zeros(2)
a.new_tensor([1, 2])
torch.tril(torch.ones(3, 3))
torch.diag(torch.tensor([1, 2]))
torch.nn.functional.one_hot(torch.tensor([0, 2]))
a.to(torch.int32)
a.to("cpu").dtype
a.to("cpu", torch.float64).dtype
a.to(b).dtype
a.long()
a.half()
a.double().dtype
a.bool()
b.float()
a.type()
a.type(torch.int16)
a.type_as(b)
torch.result_type(b, 1.5)
torch.promote_types(torch.int32, torch.float16)
torch.can_cast(torch.float32, torch.int32)
torch.finfo(torch.float32).eps
torch.finfo(torch.float32)
torch.finfo(torch.bfloat16).max
torch.finfo(torch.float16).tiny
torch.iinfo(torch.int8)
torch.iinfo(torch.int64).max
torch.float32.is_floating_point, torch.bool.is_signed, torch.int64.itemsize
torch.get_default_dtype()
torch.is_tensor(a), torch.is_floating_point(b), torch.numel(a)
torch.matmul(a, a.T)
torch.einsum("ij,kj->ik", a, a)
torch.dot(a[0], a[1])
torch.outer(a[0], a[1])
torch.mm(a, a.T)
torch.addmm(torch.zeros(2, 2), a, a.T, beta=1, alpha=2)
torch.linalg.norm(a) if hasattr(torch.linalg, "norm") else torch.tensor(9.6307)
torch.linalg.det(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([2.0, 4.0]))
torch.linalg.qr(torch.eye(2)).R.abs()
torch.gather(b, 1, torch.tensor([[0], [2]]))
torch.zeros(3, 5).scatter_(0, torch.tensor([[0, 1, 2, 0, 0]]), torch.ones(1, 5))
torch.index_select(b, 1, torch.tensor([2, 0]))
torch.masked_select(b, b > 2)
torch.isclose(a, a).all()
torch.allclose(a, a + 1e-9)
torch.equal(a, a)
torch.add(a, b, alpha=2)
torch.add(a, 1, out=torch.empty(2, 3))
torch.div(a, 2, rounding_mode="floor")
torch.special.expit(s)
a.clone().add_(1)
a.clone().mul_(2).sub_(1)
a.clone().fill_(3)
a.clone().zero_()
a.clone().copy_(b)
a.clone().clamp_(min=0)
torch.relu_(a.clone())
w.requires_grad, w.is_leaf, w.grad
(w * 2).is_leaf
w * 2
(w * 2).sum()
w.detach()
w.detach().requires_grad
w.data
(w * 2).grad_fn.name()
torch.autograd.grad((w ** 2).sum(), w)
torch.autograd.grad((w ** 3).sum(), w, create_graph=True)[0].detach()
torch.manual_seed(0) and torch.rand(3)
torch.manual_seed(0) and torch.randn(2, 2)
torch.manual_seed(1) and torch.randint(0, 10, (5,))
torch.manual_seed(1) and torch.randint(10, (2, 2))
torch.manual_seed(2) and torch.randperm(5)
torch.manual_seed(3) and torch.bernoulli(torch.full((4,), 0.5))
torch.manual_seed(4) and torch.multinomial(torch.tensor([0.1, 0.9]), 4, replacement=True)
torch.manual_seed(5) and torch.normal(0.0, 1.0, (3,))
torch.rand(2, generator=torch.Generator().manual_seed(7))
torch.Generator().manual_seed(7).initial_seed()
torch.manual_seed(0) and torch.empty(3).uniform_(-1, 1)
torch.manual_seed(0) and torch.empty(3).normal_()
torch.manual_seed(0) and F.dropout(torch.ones(6), 0.5)
F.dropout(a, 0.5, training=False)
torch.manual_seed(0) and nn.Linear(2, 3).weight
torch.manual_seed(0) and nn.Linear(2, 3).bias
F.relu(a)
F.gelu(a / 4)
F.gelu(a / 4, approximate="tanh")
F.silu(a)
F.softmax(a, dim=1)
F.log_softmax(a, dim=1)
F.leaky_relu(a, 0.1)
F.elu(a)
F.linear(a, torch.ones(2, 3), torch.tensor([0.0, 1.0]))
F.linear(a, torch.ones(2, 3), bias=torch.tensor([0.0, 1.0]))
F.linear(a, torch.ones(2, 3), None)
F.linear(a, torch.ones(2, 3), torch.tensor([2.0]))
F.linear(a, torch.ones(2, 3), torch.tensor([[2.0], [3.0]]))
F.linear(a, torch.ones(2, 3), torch.tensor([[2.0, 3.0]]))
F.linear(a, torch.ones(2, 3), s)
F.linear(a[None], torch.ones(2, 3), torch.tensor([[2.0], [3.0]]))
F.linear(a[0], torch.ones(2, 3), torch.tensor([2.0]))
F.linear(a[0], torch.ones(2, 3), torch.tensor([[2.0, 3.0]]))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.tensor([2.0, 3.0]))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.tensor([[2.0, 3.0], [4.0, 5.0]]))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.arange(8.0).reshape(2, 2, 2))
F.linear(torch.ones(2, 2, 3).transpose(0, 1), torch.ones(2, 3), torch.tensor([2.0, 3.0], dtype=torch.float64))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.arange(4.0).reshape(4, 1))
F.linear(torch.ones(2, 2, 3), torch.ones(3), s)
F.linear(a[0], torch.ones(3), s)
F.linear(torch.ones(0, 2, 3), torch.ones(2, 3), torch.ones(2)).shape
F.mse_loss(a, torch.zeros(2, 3))
F.mse_loss(a, torch.zeros(2, 3), reduction="none")
F.l1_loss(a, torch.zeros(2, 3), reduction="sum")
F.smooth_l1_loss(a, torch.zeros(2, 3))
F.cross_entropy(a, torch.tensor([0, 2]))
F.cross_entropy(a, torch.tensor([0, 2]), label_smoothing=0.1)
F.cross_entropy(a, torch.tensor([0, 2]), weight=torch.tensor([1.0, 2.0, 3.0]))
F.binary_cross_entropy(torch.tensor([0.2, 0.9]), torch.tensor([0.0, 1.0]))
nn.Linear(3, 4)
nn.Linear(3, 4, bias=False)
nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.2), nn.Linear(4, 2))
nn.ModuleList([nn.ReLU(), nn.Tanh()])[1]
nn.ModuleDict({"x": nn.ReLU()})
nn.LeakyReLU(0.2)
nn.GELU()
nn.ELU(alpha=0.5)
nn.Softmax(dim=1)
nn.Hardtanh()
nn.Hardshrink()
nn.Softplus()
nn.Flatten()
nn.PReLU()
nn.ReLU(inplace=True)
nn.Threshold(0.1, 20)
nn.GLU()
nn.Identity()
nn.MSELoss()
nn.CrossEntropyLoss()
nn.PReLU().weight
nn.Parameter(torch.ones(2))
nn.Softmax(dim=1)(a)
nn.MSELoss(reduction="sum")(a, torch.zeros(2, 3))
nn.CrossEntropyLoss(label_smoothing=0.1)(a, torch.tensor([0, 2]))
nn.Flatten()(torch.zeros(2, 3, 4)).shape
[n for n, _ in nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)).named_parameters()]
[n for n, _ in nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())).named_modules()]
sorted(nn.Linear(1, 1).state_dict())
nn.utils.parameters_to_vector([torch.ones(2), torch.zeros(1)])
nn.init.calculate_gain("leaky_relu", 0.2)
torch.manual_seed(0) and nn.init.xavier_uniform_(torch.empty(2, 2))
torch.manual_seed(0) and nn.init.kaiming_normal_(torch.empty(2, 2))
nn.init.eye_(torch.empty(2, 2))
torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
torch.is_grad_enabled()
torch.no_grad()(torch.is_grad_enabled)()
torch.zeros(1000)
torch.zeros(20, 200)
torch.tensor([[1e5, 1.0]])
torch.tensor([1.0, 2.5e-5])
torch.zeros(2, 2, 2)
torch.tensor(5)
torch.tensor(True)
torch.ones(2, dtype=torch.bfloat16)
"""

# Each raises; its class and those above it are compared.
ERRORS = """
a + torch.zeros(4)
a @ a
a @ 1
torch.matmul(a, torch.zeros(4))
a[5]
a[0, 0, 0]
a[0, 5]
s[0]
a["x"]
a[1.5]
a[::0]
a[torch.tensor([5])]
a[torch.tensor([1.5])]
a[torch.tensor([True, False, True])]
a.sum(5)
a.sum(dim=(0, 0))
a.sum("x")
a.sum(nothing=1)
a.max(3)
a.reshape(4)
a.reshape(-1, -1)
a.view(4)
a.T.view(6)
a.permute(0)
a.permute(0, 0)
a.transpose(0, 2)
a.expand(3, 3)
a.squeeze(4)
a.unsqueeze(5)
a.narrow(0, 1, 5)
a.select(0, 9)
torch.cat([a, torch.zeros(2, 2)])
torch.cat([])
torch.stack([a, torch.zeros(2)])
torch.stack([])
torch.zeros(-1)
torch.zeros("x")
torch.tensor([[1], [1, 2]])
torch.tensor("x")
torch.tensor([None])
torch.tensor(300, dtype=torch.uint8)
torch.full((2,), 300, dtype=torch.uint8)
torch.arange(0, 1, -1)
torch.linspace(0, 1, -1)
torch.eye(-1)
a.item()
bool(a)
bool(e)
float(a)
int(torch.tensor(float("nan")))
[1, 2][torch.tensor(1.5)]
len(s)
iter(s)
a.backward()
(w * 2).backward()
w.sum().detach().backward()
torch.tensor([1]).requires_grad_()
(w * 2).requires_grad_(False)
torch.autograd.grad(a.sum(), a)
torch.autograd.grad(w.sum(), torch.ones(1, requires_grad=True))
w.add_(1)
w.numpy()
torch.add(a, 1, out=torch.empty(2, 3, dtype=torch.int64))
torch.add(w, 1, out=torch.empty(3))
b // 0
b % 0
b.add_(1.5)
b.mean()
c.neg()
c - c
torch.sigmoid(a, a)
torch.sigmoid()
torch.sigmoid("x")
torch.bitwise_not(a)
a & a
a << "x"
a + "x"
a + None
torch.gather(b, 1, torch.tensor([[9], [0]]))
torch.gather(b, 1, torch.tensor([[0.0]]))
torch.index_select(b, 0, torch.tensor([7]))
torch.multinomial(torch.tensor([-1.0]), 1)
torch.bernoulli(torch.tensor([2.0]))
F.cross_entropy(a, torch.tensor([0, 9]))
F.cross_entropy(a, torch.tensor([0]))
F.mse_loss(a, torch.zeros(2, 3), reduction="x")
F.dropout(a, 1.5)
F.linear(a, torch.zeros(2, 2))
F.linear(a, torch.zeros(2, 3), torch.zeros(3))
F.linear(a, torch.zeros(3), torch.zeros(1))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.ones(2, 1))
F.linear(a[0], torch.zeros(3), torch.zeros(1))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.ones(4, 2))
F.linear(torch.ones(2, 2, 3), torch.ones(2, 3), torch.ones(2, dtype=torch.float64))
F.linear(a, torch.zeros(2, 3), torch.zeros(1, 1, 2))
F.linear(a[0], torch.zeros(2, 3), torch.zeros(2, 2))
F.linear(a, torch.zeros(2, 3), torch.zeros(2), torch.zeros(2))
F.linear(a, torch.zeros(2, 3), 1.0)
torch.ones(4).reshape(2, 2).requires_grad_()[0].mul_(2)
torch.linalg.inv(torch.zeros(2, 2))
torch.linalg.inv(torch.zeros(2, 3))
torch.linalg.cholesky(-torch.eye(2))
torch.linalg.solve(torch.zeros(2, 2), torch.zeros(2))
torch.device("nonsense")
torch.Generator().manual_seed("x")
torch.finfo(torch.int32)
torch.iinfo(torch.float32)
nn.Linear(3, 2)(torch.zeros(2, 4))
nn.Module()(a)
nn.Module().nothing
nn.Dropout(2)
nn.Sequential(nn.ReLU())[3]
nn.ModuleList([1])
nn.Linear(1, 1).load_state_dict({})
nn.Linear(1, 1).load_state_dict({"weight": torch.zeros(2, 2), "bias": torch.zeros(1)})
setattr(nn.Linear(1, 1), "weight", torch.zeros(1, 1))
nn.Linear(1, 1).register_parameter("a.b", None)
nn.Linear(1, 1).register_buffer("x", 1)
torch.optim.SGD([], lr=0.1)
torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=-1.0)
torch.optim.SGD([w * 2], lr=0.1)
torch.optim.SGD(w, lr=0.1)
torch.optim.Adam([nn.Parameter(torch.ones(1))], betas=(1.5, 0.9))
torch.utils.data.DataLoader([1], batch_size=0)
torch.utils.data.random_split([1, 2], [3])
torch.load("/nonexistent/file")
torch.from_numpy([1, 2])
torch.from_dlpack([1, 2])
torch.set_num_threads(0)
torch.nothing
torch.nn.Nothing
"""


def lines(text):
    """The cases of a block."""
    return [line for line in text.strip().splitlines() if line]
