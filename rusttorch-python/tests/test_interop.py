"""Memory shared with NumPy, `memoryview` and DLPack."""

import ctypes
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("name", DTYPES)
def test_numpy_shares_memory_both_ways(torch, name):
    array = np.zeros((2, 3), dtype=name)
    tensor = torch.from_numpy(array)
    assert tensor.dtype is getattr(torch, name) and tensor.shape == (2, 3)
    tensor[0, 1] = 1
    assert array[0, 1] == 1
    array[1, 2] = 1
    assert tensor[1, 2] == 1
    back = tensor.numpy()
    assert back.dtype == array.dtype
    assert back.__array_interface__["data"][0] == array.__array_interface__["data"][0] == tensor.data_ptr()
    back[0, 0] = 1
    assert array[0, 0] == 1
    # A tensor of its own memory, too.
    own = torch.ones(2, dtype=tensor.dtype)
    view = np.asarray(own)
    view[0] = 0
    assert own.tolist() == [0, 1]


@pytest.mark.parametrize("name", [*DTYPES, "bfloat16"])
@pytest.mark.parametrize("version", [None, (1, 0)])
def test_dlpack_shares_memory_both_ways(torch, name, version):
    tensor = torch.zeros(2, 3, dtype=getattr(torch, name))
    capsule = tensor.__dlpack__(max_version=version)
    assert ("versioned" in repr(capsule)) == (version is not None)
    other = torch.from_dlpack(capsule)
    assert other.dtype is tensor.dtype and other.data_ptr() == tensor.data_ptr()
    other[0, 1] = 1
    assert tensor[0, 1] == 1
    with pytest.raises(BufferError, match="consumed"):
        torch.from_dlpack(capsule)


@pytest.mark.parametrize("name", DTYPES)
def test_dlpack_with_numpy(torch, name):
    tensor = torch.ones(3, dtype=getattr(torch, name))
    array = np.from_dlpack(tensor)
    assert array.dtype == name and array.__array_interface__["data"][0] == tensor.data_ptr()
    source = np.ones(3, dtype=name)
    shared = torch.from_dlpack(source)
    shared[1] = 0
    assert source.tolist() == [1, 0, 1]


def test_layouts(torch):
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for array in [base, base.T, base[::-1], base[:, ::-2, 1:], base[:, :, ::3], base[:0], np.array(5, dtype=np.float32), base[None]]:
        for tensor in (torch.from_numpy(array), torch.from_dlpack(array)):
            assert tuple(tensor.shape) == array.shape
            assert tensor.tolist() == array.tolist()
            assert np.array_equal(tensor.numpy(), array)
            assert np.array_equal(np.from_dlpack(tensor), array)
    # Broadcast: stride 0.
    wide = np.broadcast_to(base[0, 0], (3, 4))
    assert torch.from_numpy(wide).sum().item() == wide.sum()
    tensor = torch.arange(6.0).reshape(2, 3)
    for view in [tensor, tensor.T, tensor.flip(0), tensor[:, 1:], tensor[:0], tensor[0, 0], tensor.expand(2, 2, 3)]:
        assert np.array_equal(np.asarray(view), np.array(view.tolist(), dtype=np.float32).reshape(view.shape))


def test_read_only(torch):
    array = np.ones(3, dtype=np.float32)
    array.flags.writeable = False
    tensor = torch.from_numpy(array)
    assert (tensor + 1).tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="read-only"):
        tensor.add_(1)
    assert array.tolist() == [1, 1, 1]
    assert not tensor.numpy().flags.writeable
    shared = torch.from_dlpack(array)
    with pytest.raises(RuntimeError, match="read-only"):
        shared[0] = 2
    assert not np.from_dlpack(shared).flags.writeable
    with pytest.raises(BufferError, match="read-only"):
        tensor.__dlpack__()
    assert bytes(torch.frombuffer(b"abcd", dtype=torch.uint8).numpy()) == b"abcd"
    with pytest.raises(RuntimeError, match="read-only"):
        torch.frombuffer(b"abcd", dtype=torch.uint8).zero_()


def test_exported_memory_stays_where_it_is(torch):
    # out= exchanges the memory of dense tensors unless somebody else holds its address.
    target = torch.zeros(4)
    array = target.numpy()
    torch.add(torch.ones(4), 1, out=target)
    assert array.tolist() == target.tolist() == [2, 2, 2, 2]
    assert array.__array_interface__["data"][0] == target.data_ptr()
    target = torch.zeros(4)
    address = target.data_ptr()
    torch.add(torch.ones(4), 1, out=target)
    assert target.data_ptr() == address


def test_lifetimes(torch, collect):
    array = np.ones(3)
    gone = weakref.ref(array)
    tensor = torch.from_numpy(array)
    view = tensor[1:]
    del array, tensor
    collect()
    assert gone() is not None and view.tolist() == [1, 1]
    del view
    collect()
    assert gone() is None
    # The other way round: the array keeps the memory.
    array = torch.full((1000,), 7.0).numpy()
    collect()
    assert (array == 7).all()


def test_what_cannot_be_shared(torch):
    for dtype in (np.uint16, np.complex64, "S3", object):
        with pytest.raises(TypeError):
            torch.from_numpy(np.zeros(2, dtype=dtype))
    with pytest.raises(TypeError):
        torch.from_numpy(np.zeros(2, dtype=">f4"))
    with pytest.raises(BufferError):
        torch.from_dlpack(np.zeros(2, dtype=np.complex64))
    packed = np.zeros(4, dtype=[("a", "i1"), ("b", "f4")])["b"]
    with pytest.raises(ValueError, match="multiples"):
        torch.from_numpy(packed)
    unaligned = np.frombuffer(bytearray(17), dtype=np.uint8)[1:].view(np.float64)
    with pytest.raises(ValueError, match="aligned"):
        torch.from_numpy(unaligned)
    leaf = torch.ones(2, requires_grad=True)
    for share in (leaf.__dlpack__, lambda: memoryview(leaf)):
        with pytest.raises(BufferError, match="detach"):
            share()
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(leaf)
    assert leaf.numpy(force=True).tolist() == [1, 1]
    with pytest.raises(BufferError):
        memoryview(torch.ones(2, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match="BFloat16"):
        torch.ones(2, dtype=torch.bfloat16).numpy()
    with pytest.raises(BufferError, match="device"):
        torch.ones(2).__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="streams"):
        torch.ones(2).__dlpack__(stream=1)


def test_copies_on_request(torch):
    tensor = torch.zeros(2)
    other = torch.from_dlpack(tensor, copy=True)
    assert other.data_ptr() != tensor.data_ptr()
    assert np.array(tensor).__array_interface__["data"][0] != tensor.data_ptr()
    assert np.asarray(tensor, dtype=np.float64).dtype == np.float64
    assert torch.as_tensor(np.zeros(2), dtype=torch.float32).dtype is torch.float32
    array = np.zeros(2)
    assert torch.as_tensor(array).data_ptr() == array.__array_interface__["data"][0]
    assert torch.tensor(array).data_ptr() != array.__array_interface__["data"][0]
    assert torch.asarray(array, copy=True).data_ptr() != array.__array_interface__["data"][0]


def test_numpy_numbers_and_arrays_are_arguments(torch):
    x = torch.ones(3)
    assert (x * np.float32(2)).tolist() == [2, 2, 2]
    assert (np.float64(2) * x).tolist() == [2, 2, 2]
    assert (x + np.ones(3, dtype=np.float32)).tolist() == [2, 2, 2]
    assert (np.ones(3, dtype=np.float32) + x).tolist() == [2, 2, 2]
    assert x[np.int64(1)] == 1 and x[np.array([0, 1])].shape == (2,) and x[np.array([True, False, True])].shape == (2,)
    assert torch.zeros(np.int64(2), 3).shape == (2, 3)
    assert torch.tensor(np.float32(1.5)).item() == 1.5
    assert torch.tensor([np.float64(1.5), np.float64(2.5)]).tolist() == [1.5, 2.5]


def test_memoryview(torch):
    tensor = torch.arange(6, dtype=torch.int32).reshape(2, 3)
    view = memoryview(tensor)
    assert (view.format, view.itemsize, view.shape, view.strides, view.readonly) == ("i", 4, (2, 3), (12, 4), False)
    assert view.tolist() == tensor.tolist() and view.tobytes() == tensor.numpy().tobytes()
    with pytest.raises(BufferError, match="contiguous"):
        np.frombuffer(tensor.T, dtype=np.int32)


class Producer:
    """Exports a one-element int32 tensor by a legacy capsule of its own making, and counts deleter calls."""

    def __init__(self):
        self.deleted = 0
        deleter_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

        class Tensor(ctypes.Structure):
            _fields_ = [
                ("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p), ("byte_offset", ctypes.c_uint64),
            ]

        class Managed(ctypes.Structure):
            _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", deleter_type)]

        def deleter(_):
            self.deleted += 1

        self.memory = (ctypes.c_int32 * 2)(0, 41)
        self.shape = (ctypes.c_int64 * 1)(1)
        self.keep = deleter_type(deleter)
        tensor = Tensor(
            ctypes.addressof(self.memory), (1, 0), 1, 0, 32, 1, ctypes.addressof(self.shape), None, 4,
        )
        self.managed = Managed(tensor, None, self.keep)

    def capsule(self):
        """The capsule; whoever consumes it runs the deleter."""
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self.name = ctypes.c_char_p(b"dltensor")
        return new(ctypes.addressof(self.managed), self.name, None)


def test_foreign_deleters_run_once(torch, collect):
    producer = Producer()
    tensor = torch.from_dlpack(producer.capsule())
    # Without strides and with an offset, as old producers export.
    assert tensor.tolist() == [41] and tensor.dtype is torch.int32
    view = tensor.reshape(1, 1)
    del tensor
    collect()
    assert producer.deleted == 0
    del view
    collect()
    assert producer.deleted == 1
    # Refused for its dtype: freed at once, once.
    producer = Producer()
    producer.managed.tensor.lanes = 4
    with pytest.raises(BufferError, match="lanes"):
        torch.from_dlpack(producer.capsule())
    collect()
    assert producer.deleted == 1


def test_own_deleters_run_when_nobody_consumes(torch, collect):
    for version in (None, (1, 0)):
        tensor = torch.zeros(1000)
        gone = weakref.ref(tensor)
        capsules = [tensor.__dlpack__(max_version=version) for _ in range(10)]
        consumed = torch.from_dlpack(capsules[0])
        del tensor
        assert consumed.sum() == 0
        del capsules
        collect()
        assert gone() is None and consumed.sum() == 0


@pytest.mark.parametrize("name", [*DTYPES, "bfloat16"])
def test_pickle_keeps_values(torch, name):
    tensor = torch.tensor([[0, 1], [2, 3]]).to(getattr(torch, name))
    for source in (tensor, tensor.T, tensor[:0], tensor[0, 1]):
        again = pickle.loads(pickle.dumps(source))
        assert again.dtype is source.dtype and again.tolist() == source.tolist() and again.shape == source.shape
    leaf = torch.ones(2, requires_grad=True)
    assert pickle.loads(pickle.dumps(leaf)).requires_grad


def test_import_brings_neither_numpy_nor_torch():
    program = "import sys, rusttorch; rusttorch.ones(2).sum().item(); print([m for m in ('numpy', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_nothing_is_computed_in_empty_arrays(torch):
    for shape in ((0,), (0, 3), (2, 0)):
        x = torch.from_numpy(np.zeros(shape))
        assert x.sum().item() == 0 and (x + 1).shape == shape and torch.from_dlpack(np.zeros(shape)).exp().shape == shape
    assert torch.frombuffer(bytearray(8), dtype=torch.float64, count=0).sum().item() == 0
