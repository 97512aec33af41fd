//! The `Tensor` type: identity, metadata and access to its elements.

use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use rusttorch_backend::{
    Boolean, Category, DType, Element, ErrorKind, Layout, Result, Scalar, TensorError, bf16, f16,
};
use triomphe::Arc;

use crate::autograd::Meta;
use crate::dispatch;
use crate::storage::{Count, Operands, SharedStorage};

/// An n-dimensional array of one dtype, with PyTorch's semantics.
///
/// A `Tensor` is a cheap handle: `clone` gives another handle of the same tensor (PyTorch's `clone`,
/// which copies the elements, is [`copy`](Self::copy)). Views share memory with what they were taken
/// from, so `x.narrow(0, 0, 2)?.fill_(0.0)?` changes `x`.
///
/// Methods that read return a new tensor; those whose name ends in an underscore write in place and
/// return the tensor itself. Every one that can fail returns `Result`.
#[derive(Clone)]
pub struct Tensor(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    memory: Memory,
    layout: Layout,
    dtype: DType,
    /// Gradient bookkeeping; boxed because most tensors have none.
    pub(crate) meta: Mutex<Option<Box<Meta>>>,
    /// Whether `meta` says that a gradient is wanted: read without the lock.
    pub(crate) tracked: AtomicBool,
}

/// Where the elements of a tensor lie.
pub(crate) enum Memory {
    /// In a storage of its own, or in one it took over without history.
    Own(SharedStorage),
    /// In that of the tensor it is a view of.
    Of(Base),
}

pub(crate) struct Base {
    /// Never a view itself.
    pub(crate) tensor: Tensor,
    /// The view was made while gradients were recorded, so in-place ops on either are seen by both.
    pub(crate) recorded: bool,
}

impl Tensor {
    #[inline(always)]
    pub(crate) fn from_parts(memory: Memory, layout: Layout, dtype: DType) -> Tensor {
        Tensor(Arc::new(Inner {
            memory,
            layout,
            dtype,
            meta: Mutex::new(None),
            tracked: AtomicBool::new(false),
        }))
    }

    #[inline]
    pub(crate) fn storage(&self) -> &SharedStorage {
        match &self.0.memory {
            Memory::Own(storage) => storage,
            Memory::Of(base) => base.tensor.storage(),
        }
    }

    /// The tensor this one is a view of, unless its history was cut.
    #[inline]
    pub(crate) fn base(&self) -> Option<&Base> {
        match &self.0.memory {
            Memory::Own(_) => None,
            Memory::Of(base) => Some(base),
        }
    }

    /// Whether nobody else can see the elements: no other handle, no view, and not a view itself, whose base
    /// others may hold.
    pub(crate) fn is_uniquely_owned(&self) -> bool {
        match &self.0.memory {
            Memory::Own(storage) => self.0.is_unique() && storage.is_unique(),
            Memory::Of(_) => false,
        }
    }

    /// Shape, strides and offset.
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// Sizes, one per dimension.
    pub fn shape(&self) -> &[usize] {
        self.0.layout.shape()
    }

    /// The size of one dimension; a negative `dim` counts from the end. Error: `Dim`.
    pub fn size(&self, dim: isize) -> Result<usize> {
        if self.rank() == 0 {
            return Err(
                TensorError::new(ErrorKind::Dim, "size", "a 0-d tensor has no dimension").with("dim", dim)
            );
        }
        Ok(self.shape()[rusttorch_backend::layout::normalize_dim("size", dim, self.rank())?])
    }

    /// Steps between neighbours in elements, one per dimension.
    pub fn strides(&self) -> &[isize] {
        self.0.layout.strides()
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.layout.rank()
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.0.layout.numel()
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// Whether the elements lie in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        self.0.layout.is_contiguous()
    }

    /// Whether both are handles of the same tensor.
    pub fn is_same(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both lie in the same memory, as a tensor and its views do.
    pub fn shares_storage(&self, other: &Tensor) -> bool {
        SharedStorage::ptr_eq(self.storage(), other.storage())
    }

    /// How many in-place ops have written to the memory of this tensor.
    pub fn version(&self) -> u64 {
        self.storage().version()
    }

    /// The name of the backend whose memory holds the elements: `cpu` for host memory.
    pub fn device(&self) -> &str {
        self.storage().device().map_or("cpu", |b| b.name())
    }

    /// The address of the first byte of the memory that the elements lie in ([`layout`](Self::layout) says where in it),
    /// and whether it may only be read, for sharing it with foreign code (NumPy, DLPack).
    ///
    /// The address stays valid while a handle of this tensor or of a view of it lives: `out=` no longer exchanges the
    /// memory. Whoever reads or writes through it must keep to the rules of
    /// [`HostBuffer::as_ptr`](rusttorch_backend::HostBuffer::as_ptr). Error: `Backend` for device memory.
    pub fn export(&self) -> Result<(std::ptr::NonNull<u8>, bool)> {
        self.storage().export()
    }

    // ---- elements ------------------------------------------------------------------------------

    /// The elements in row-major order. `T` must be the dtype's Rust type (`bool` for bool).
    /// Error: `DType` otherwise.
    pub fn to_vec<T: TensorElement>(&self) -> Result<Vec<T>> {
        let elements: Vec<T::Element> = self.elements("to_vec")?;
        Ok(elements.into_iter().map(T::from_element).collect())
    }

    pub(crate) fn elements<E: Element>(&self, op: &'static str) -> Result<Vec<E>> {
        if self.dtype() != E::DTYPE {
            return Err(TensorError::new(ErrorKind::DType, op, "elements are of another dtype")
                .with("asked", E::DTYPE)
                .with("dtype", self.dtype()));
        }
        let dense = self.contiguous()?;
        let backend = dispatch::backend_of([&dense])?;
        Count::read([&dense], |[view]| {
            let mut out = vec![E::zeroed(); dense.numel()];
            if !out.is_empty() {
                let at = dense.layout().offset() * E::DTYPE.size();
                backend.download(view.buffer(), at, bytemuck_bytes(&mut out))?;
            }
            Ok(out)
        })
    }

    /// The only element, widened. Error: `Shape` unless there is exactly one.
    pub fn item(&self) -> Result<Scalar> {
        if self.numel() != 1 {
            return Err(TensorError::new(ErrorKind::Shape, "item", "needs a tensor of one element")
                .with("shape", self.shape()));
        }
        rusttorch_backend::match_dtype!(self.dtype(), T => Ok(self.elements::<T>("item")?[0].to_scalar()))
    }

    /// The only element as f64. Error: `Shape` unless there is exactly one.
    pub fn item_f64(&self) -> Result<f64> {
        Ok(self.item()?.to_f64())
    }

    /// All elements as f64 in row-major order, whatever the dtype: for printing and tests.
    pub fn to_f64_vec(&self) -> Result<Vec<f64>> {
        rusttorch_backend::match_dtype!(self.dtype(), T => {
            Ok(self.elements::<T>("to_f64_vec")?.into_iter().map(|v| v.to_scalar().to_f64()).collect())
        })
    }

    /// Category of the dtype.
    pub(crate) fn category(&self) -> Category {
        self.dtype().category()
    }
}

fn bytemuck_bytes<E: Element>(elements: &mut [E]) -> &mut [u8] {
    bytemuck::cast_slice_mut(elements)
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A Rust type that tensors are made from and read into.
pub trait TensorElement: Copy + Send + Sync + 'static {
    /// What lies in the buffer.
    type Element: Element;
    /// To the buffer's form.
    fn to_element(self) -> Self::Element;
    /// From the buffer's form.
    fn from_element(element: Self::Element) -> Self;
}

macro_rules! tensor_element {
    ($($t:ty),*) => { $(
        impl TensorElement for $t {
            type Element = $t;
            fn to_element(self) -> $t { self }
            fn from_element(element: $t) -> $t { element }
        }
    )* };
}
tensor_element!(u8, i8, i16, i32, i64, f16, bf16, f32, f64);

impl TensorElement for bool {
    type Element = Boolean;
    fn to_element(self) -> Boolean {
        self.into()
    }
    fn from_element(element: Boolean) -> bool {
        element.get()
    }
}
