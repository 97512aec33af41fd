"""Modules, optimizers, data and files."""

import copy
import importlib.util
import io
import json
import pathlib
import pickle
import zipfile

import pytest
from record import OPTIMIZERS, model, shuffled, step, trained

REPOSITORY = pathlib.Path(__file__).parents[2]
DATA = pathlib.Path(__file__).with_name("data")


RECORDED = json.loads(pathlib.Path(__file__).with_name("recorded.json").read_text())


def test_registration(torch):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)
            self.weight = nn.Parameter(torch.ones(1))
            self.register_buffer("count", torch.zeros(1))
            self.register_buffer("scratch", torch.zeros(1), persistent=False)
            self.list = nn.ModuleList([nn.Linear(1, 1)])
            self.shared = self.layer

        def forward(self, x):
            return self.layer(x) * self.weight

    net = Net()
    assert [n for n, _ in net.named_parameters()] == [
        "weight", "layer.weight", "layer.bias", "list.0.weight", "list.0.bias",
    ]
    assert [n for n, _ in net.named_buffers()] == ["count", "scratch"]
    assert [n for n, _ in net.named_modules()] == ["", "layer", "list", "list.0"]
    assert [n for n, _ in net.named_children()] == ["layer", "list"]
    assert "scratch" not in net.state_dict() and "shared.weight" in net.state_dict()
    assert net.get_submodule("list.0") is net.list[0] and net.get_parameter("layer.bias") is net.layer.bias
    with pytest.raises(TypeError, match="cannot assign"):
        net.layer = 3
    with pytest.raises(AttributeError, match="before Module.__init__"):
        Net.__new__(Net).layer = nn.ReLU()
    del net.weight
    net.weight = 5
    assert net.weight == 5 and "weight" not in dict(net.named_parameters())
    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen[-1] == "Net"
    net.eval()
    assert not any(m.training for m in net.modules())
    net.double()
    assert {p.dtype for p in net.parameters()} == {torch.float64} and net.count.dtype is torch.float64
    tied = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])
    tied[1].weight = tied[0].weight
    tied.half()
    assert tied[1].weight is tied[0].weight and tied[0].weight.dtype is torch.float16
    again = pickle.loads(pickle.dumps(model(torch)))
    assert [n for n, _ in again.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    net = copy.deepcopy(model(torch))
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in net.parameters())


def test_hooks_of_modules(torch):
    net = torch.nn.Linear(2, 2)
    order = []
    before = net.register_forward_pre_hook(lambda m, args: order.append("before"))
    after = net.register_forward_hook(lambda m, args, out: out * 0)
    assert net(torch.ones(1, 2)).tolist() == [[0, 0]] and order == ["before"]
    before.remove()
    after.remove()
    assert net(torch.ones(1, 2)).abs().sum() > 0 and order == ["before"]


def test_dropout_follows_the_mode(torch):
    layer = torch.nn.Dropout(0.5)
    x = torch.ones(1000)
    assert 300 < (layer(x) == 0).sum() < 700
    assert torch.equal(layer.eval()(x), x)


def test_load_state_dict(torch):
    a, b = model(torch), model(torch)
    with torch.no_grad():
        b[0].weight.zero_()
    result = b.load_state_dict(a.state_dict())
    assert torch.equal(a[0].weight, b[0].weight) and not torch.equal(b[0].weight, torch.zeros(8, 4))
    assert repr(result) == "<All keys matched successfully>"
    state = a.state_dict()
    del state["0.bias"]
    state["extra"] = torch.zeros(1)
    before = b[2].weight.clone()
    state["2.weight"] = torch.full((2, 8), 9.0)
    with pytest.raises(RuntimeError, match="Unexpected key.*\n.*Missing key"):
        b.load_state_dict(state)
    assert torch.equal(b[2].weight, before)
    missing, unexpected = b.load_state_dict(state, strict=False)
    assert missing == ["0.bias"] and unexpected == ["extra"] and b[2].weight[0, 0] == 9


@pytest.mark.parametrize("i", range(len(OPTIMIZERS)))
def test_optimizers_as_pytorch(torch, i):
    name, options = OPTIMIZERS[i]
    assert trained(torch, name, options) == pytest.approx(RECORDED["optimizers"][i], rel=1e-6, abs=1e-7)


def test_groups(torch):
    net = model(torch)
    optimizer = torch.optim.SGD(
        [{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.0}], lr=0.01, momentum=0.9
    )
    before = net[2].weight.clone()
    step(torch, optimizer, net)
    assert torch.equal(before, net[2].weight) and optimizer.param_groups[0]["lr"] == 0.01
    optimizer.param_groups[1]["lr"] = 0.01
    optimizer.param_groups[0]["momentum"] = 0.0
    step(torch, optimizer, net, 1)
    assert not torch.equal(before, net[2].weight)
    assert {name for values in optimizer.state_dict()["state"].values() for name in values} == {"step", "momentum_buffer"}
    optimizer.param_groups[0]["momentum"] = 0.5
    step(torch, optimizer, net, 1)
    assert "momentum_buffer" in optimizer.state_dict()["state"][0]
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": net[0].weight})


@pytest.mark.parametrize("name, options", [("SGD", {"momentum": 0.9}), ("Adam", {}), ("AdamW", {"weight_decay": 0.1})])
def test_optimizer_state_continues(torch, name, options):
    make = getattr(torch.optim, name)
    straight, broken = model(torch), model(torch)
    step(torch, make(straight.parameters(), lr=0.01, **options), straight, 6)
    optimizer = make(broken.parameters(), lr=0.01, **options)
    step(torch, optimizer, broken)
    state = pickle.loads(pickle.dumps(optimizer.state_dict()))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    assert repr(torch.load(file)) == repr(state)
    optimizer = make(broken.parameters(), lr=0.5, **options)
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.01
    step(torch, optimizer, broken)
    for a, b in zip(straight.parameters(), broken.parameters()):
        assert torch.equal(a, b)


def test_clipping(torch):
    nn = torch.nn
    p, q = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    p.grad, q.grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    assert nn.utils.clip_grad_norm_([p, q], 1.0).item() == pytest.approx(5)
    assert p.grad.tolist() == pytest.approx([0.6, 0.0], abs=1e-6) and q.grad.tolist() == pytest.approx([0.8], abs=1e-6)
    nn.utils.clip_grad_value_([p, q], 0.5)
    assert p.grad.tolist() == [0.5, 0.0] and q.grad.tolist() == [0.5]
    nn.utils.vector_to_parameters(torch.tensor([1.0, 2.0, 3.0]), [p, q])
    assert p.tolist() == [1, 2] and q.tolist() == [3] and p.requires_grad


def test_loaders(torch):
    data = torch.utils.data
    x, y = torch.arange(10.0).reshape(5, 2), torch.arange(5)
    pairs = data.TensorDataset(x, y)
    batches = [*data.DataLoader(pairs, batch_size=2)]
    assert [b[1].tolist() for b in batches] == [[0, 1], [2, 3], [4]] and batches[0][0].shape == (2, 2)
    assert len(data.DataLoader(pairs, batch_size=2, drop_last=True)) == 2
    assert shuffled(torch) == RECORDED["shuffled"]
    generic = data.DataLoader([{"a": 1, "b": torch.ones(2)}, {"a": 2, "b": torch.zeros(2)}], batch_size=2)
    (batch,) = generic
    assert batch["a"].tolist() == [1, 2] and batch["b"].shape == (2, 2)
    parts = data.random_split(pairs, [0.6, 0.4], torch.Generator().manual_seed(1))
    assert sorted(int(p[i][1]) for p in parts for i in range(len(p))) == [0, 1, 2, 3, 4]
    with pytest.raises(NotImplementedError, match="num_workers"):
        data.DataLoader(pairs, num_workers=2)

    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(range(5))

    assert [b.tolist() for b in data.DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]


def test_save_and_load(torch, tmp_path):
    path = tmp_path / "model.safetensors"
    state = model(torch).state_dict()
    torch.save(state, path)
    loaded = torch.load(path)
    assert list(loaded) == sorted(state) and all(torch.equal(loaded[k], v) for k, v in state.items())
    everything = {
        "epoch": 3, "lr": 0.1, "nan": float("inf"), "name": "é", "none": None, "flags": [True, (1, 2)], 5: "five",
        "x": torch.ones(2, dtype=torch.bfloat16), "p": torch.nn.Parameter(torch.zeros(1)), "size": torch.Size([2]),
        "dtype": torch.float16, "empty": torch.zeros(0, 3), "leaf": torch.ones(1, requires_grad=True),
    }
    file = io.BytesIO()
    torch.save(everything, file)
    file.seek(0)
    again = torch.load(file)
    assert repr(again) == repr(everything)
    assert isinstance(again["p"], torch.nn.Parameter) and isinstance(again["size"], torch.Size) and 5 in again
    with pytest.raises(TypeError, match="cannot save a .*Sequential"):
        torch.save(model(torch), path)
    with pytest.raises(NotImplementedError, match="weights_only"):
        torch.load(path, weights_only=False)
    (tmp_path / "text").write_text("not a file of tensors")
    with pytest.raises(ValueError):
        torch.load(tmp_path / "text")


def test_files_of_pytorch(torch):
    loaded = torch.load(DATA / "plain.pt")
    assert list(loaded) == ["state", "epoch", "parts", "parameter"]
    assert loaded["epoch"] == 7 and type(loaded["state"]).__name__ == "OrderedDict"
    assert loaded["state"]["weight"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert loaded["state"]["view"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    half, flags, scalar = loaded["parts"]
    assert half.dtype is torch.bfloat16 and half.tolist() == [1.5, -2.0]
    assert flags.tolist() == [True, False] and scalar.item() == 2**40
    assert isinstance(loaded["parameter"], torch.nn.Parameter)
    # A module is more than tensors: its class is named, and nothing is run.
    with pytest.raises(pickle.UnpicklingError, match=r"refused torch.nn.modules.linear.Linear"):
        torch.load(DATA / "module.pt")
    with pytest.raises(pickle.UnpicklingError, match=r"refused (posix|nt|os).system"):
        torch.load(DATA / "evil.pt")


@pytest.mark.parametrize("name", [b"torch\nFloatStorage", b"torch._utils\n_rebuild_tensor_v2", b"torch\nSize", b"collections\nOrderedDict"])
def test_a_file_sets_nothing_on_what_serves_all_files(torch, tmp_path, name):
    # The state (None, {"dtype": torch.int32}) for what the name stands for.
    program = b"\x80\x02c" + name + b"\nN}X\x05\x00\x00\x00dtypectorch\nint32\ns\x86b."
    with zipfile.ZipFile(tmp_path / "state.pt", "w") as archive:
        archive.writestr("state/data.pkl", program)
    with pytest.raises(pickle.UnpicklingError, match="refused to set the state"):
        torch.load(tmp_path / "state.pt")
    assert not hasattr(torch.Size, "dtype")


def test_the_digits_example_gives_the_losses_of_the_rust_one(torch):
    spec = importlib.util.spec_from_file_location("digits", REPOSITORY / "examples" / "python" / "digits.py")
    digits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(digits)
    # As `cargo run --example digits -- --epochs 5` prints them.
    assert [f"{loss:.4f}" for loss in digits.main(["--epochs", "5"])] == ["1.7928", "0.9964", "0.7571", "0.6823", "0.6434"]


def test_modules_are_made_and_called_as_any_class(torch):
    """The base of modules adds a call, and nothing that other bases would notice."""
    nn = torch.nn

    class Identity(nn.Module):
        def forward(self, x, *, twice=False):
            return x * 2 if twice else x

    class Once:
        made = []

        def __new__(cls, *args, **kwargs):
            cls.made.append(cls)
            return object.__new__(cls)

    class First(Once, Identity):
        pass

    class Last(Identity, Once):
        pass

    class WithDict(Identity, dict):
        pass

    class Wrapped(Identity):
        def __call__(self, *args, **kwargs):
            return "wrapped", super().__call__(*args, **kwargs)

    class Fallback(Identity):
        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return 42

    x = torch.ones(1)
    assert First()(x) is x and Last()(x) is x and Once.made == [First, Last]
    assert WithDict()(x) is x and Wrapped()(x)[0] == "wrapped" and Fallback().anything == 42
    assert isinstance(object.__new__(Identity), Identity)
    assert Identity()(x, twice=True).item() == Identity()(x=x, twice=True).item() == 2
    with pytest.raises(AttributeError, match="before Module.__init__"):
        object.__new__(Identity)(x)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        layer = pickle.loads(pickle.dumps(nn.Linear(2, 3), protocol))
        assert layer(torch.ones(1, 2)).shape == (1, 3)
    instance = Identity()
    instance.forward = lambda x: "its own"
    assert instance(x) == "its own"
    before = nn.Module.__call__
    nn.Module.__call__ = lambda self, *args: "patched"
    try:
        assert Identity()(x) == "patched"
    finally:
        nn.Module.__call__ = before
    assert Identity()(x) is x
