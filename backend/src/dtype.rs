//! Element types and PyTorch's type promotion.

use std::fmt;

use crate::element::Scalar;

/// The element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// Truth value, one byte that is 0 or 1.
    Bool,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// IEEE 754 binary16.
    F16,
    /// bfloat16: the upper half of a binary32.
    BF16,
    /// IEEE 754 binary32, the default float.
    F32,
    /// IEEE 754 binary64.
    F64,
}

/// The kinds of number between which promotion distinguishes, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// [`DType::Bool`].
    Bool,
    /// The five integer types.
    Int,
    /// The four floating-point types.
    Float,
}

impl DType {
    /// Every dtype, in ascending order of category and width.
    pub const ALL: [DType; 10] = {
        use DType::*;
        [Bool, U8, I8, I16, I32, I64, F16, BF16, F32, F64]
    };

    /// The float that integers turn into where an op needs a float, and that a float literal has.
    pub const DEFAULT_FLOAT: DType = DType::F32;

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::I16 | DType::F16 | DType::BF16 => 2,
            DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 => 8,
        }
    }

    /// PyTorch's name without the `torch.`, for example `float32`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// The dtype with this PyTorch name.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Bool, integer or float.
    pub const fn category(self) -> Category {
        match self {
            DType::Bool => Category::Bool,
            DType::U8 | DType::I8 | DType::I16 | DType::I32 | DType::I64 => Category::Int,
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Category::Float,
        }
    }

    /// One of the four floating-point types.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// One of the five integer types (bool is not).
    pub const fn is_int(self) -> bool {
        matches!(self.category(), Category::Int)
    }

    /// Two bytes wide and floating: computed in f32 and rounded.
    pub const fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// This dtype if it is a float, else the default float: what `sin` of it has.
    pub const fn or_float(self) -> DType {
        if self.is_float() { self } else { DType::DEFAULT_FLOAT }
    }

    /// The dtype in which both `self` and `other` can be held, by PyTorch's table
    /// (`torch.promote_types`). It commutes.
    ///
    /// The higher category wins; within one the wider type; `u8` with a signed type gives the
    /// signed type that holds both; `f16` with `bf16` gives `f32`.
    pub const fn promote(self, other: DType) -> DType {
        use DType::*;
        let (lo, hi) = if (self as u8) < (other as u8) { (self, other) } else { (other, self) };
        match (lo, hi) {
            (U8, I8) => I16,
            (F16, BF16) => F32,
            // The variants stand in ascending order otherwise.
            _ => hi,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of dtypes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DTypeSet(u16);

impl DTypeSet {
    /// No dtype.
    pub const NONE: DTypeSet = DTypeSet(0);
    /// All ten.
    pub const ALL: DTypeSet = DTypeSet::of(&DType::ALL);
    /// The four floats.
    pub const FLOATS: DTypeSet = DTypeSet::of(&[DType::F16, DType::BF16, DType::F32, DType::F64]);
    /// f32 and f64.
    pub const WIDE: DTypeSet = DTypeSet::of(&[DType::F32, DType::F64]);
    /// The five integers.
    pub const INTS: DTypeSet = DTypeSet::of(&[DType::U8, DType::I8, DType::I16, DType::I32, DType::I64]);
    /// Integers and floats: everything but bool.
    pub const NUMBERS: DTypeSet = DTypeSet::INTS.union(DTypeSet::FLOATS);
    /// Bool and the integers.
    pub const INTEGRAL: DTypeSet = DTypeSet::INTS.union(DTypeSet::of(&[DType::Bool]));

    /// The set of the listed dtypes.
    pub const fn of(list: &[DType]) -> DTypeSet {
        let (mut bits, mut i) = (0, 0);
        while i < list.len() {
            bits |= 1 << list[i] as u16;
            i += 1;
        }
        DTypeSet(bits)
    }

    /// All that either holds.
    pub const fn union(self, other: DTypeSet) -> DTypeSet {
        DTypeSet(self.0 | other.0)
    }

    /// Whether `dtype` is in the set.
    pub const fn contains(self, dtype: DType) -> bool {
        self.0 & (1 << dtype as u16) != 0
    }

    /// The members, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = DType> {
        DType::ALL.into_iter().filter(move |&d| self.contains(d))
    }
}

impl fmt::Debug for DTypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(DType::name)).finish()
    }
}

/// Folds operands into the dtype of an op's result: `torch.result_type`.
///
/// Tensors with dimensions outrank 0-d tensors, which outrank scalars; a lower rank matters only
/// where its category is higher. So `f16 + 0-d f32` is f16 and `i64 + 1.5` the default float.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResultType {
    dims: Option<DType>,
    zero_dim: Option<DType>,
    scalar: Option<DType>,
}

impl ResultType {
    /// No operand yet.
    pub const fn new() -> Self {
        ResultType { dims: None, zero_dim: None, scalar: None }
    }

    /// Adds a tensor of `rank` dimensions.
    pub const fn tensor(mut self, dtype: DType, rank: usize) -> Self {
        if rank > 0 {
            self.dims = Some(promote_some(self.dims, dtype));
        } else {
            self.zero_dim = Some(promote_some(self.zero_dim, dtype));
        }
        self
    }

    /// Adds a scalar.
    pub const fn scalar(mut self, value: Scalar) -> Self {
        self.scalar = Some(promote_some(self.scalar, value.dtype()));
        self
    }

    /// The dtype of the result; bool when there was no operand.
    pub const fn dtype(self) -> DType {
        match combine(self.dims, combine(self.zero_dim, self.scalar)) {
            Some(dtype) => dtype,
            None => DType::Bool,
        }
    }
}

const fn promote_some(seen: Option<DType>, dtype: DType) -> DType {
    match seen {
        Some(seen) => seen.promote(dtype),
        None => dtype,
    }
}

/// The higher-ranked dtype, unless the lower-ranked one is of a higher category.
const fn combine(higher: Option<DType>, lower: Option<DType>) -> Option<DType> {
    match (higher, lower) {
        (Some(h), Some(l)) if (l.category() as u8) > (h.category() as u8) => Some(h.promote(l)),
        (Some(h), _) => Some(h),
        (None, l) => l,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_commutes_and_is_idempotent() {
        for a in DType::ALL {
            assert_eq!(a.promote(a), a);
            for b in DType::ALL {
                assert_eq!(a.promote(b), b.promote(a));
                assert!(a.promote(b).category() == a.category().max(b.category()));
            }
        }
        assert_eq!(DType::U8.promote(DType::I8), DType::I16);
        assert_eq!(DType::F16.promote(DType::BF16), DType::F32);
        assert_eq!(DType::I64.promote(DType::F16), DType::F16);
    }

    #[test]
    fn zero_dim_tensors_and_scalars_promote_by_category() {
        let r = ResultType::new;
        assert_eq!(r().tensor(DType::F16, 1).tensor(DType::F32, 0).dtype(), DType::F16);
        assert_eq!(r().tensor(DType::I64, 0).tensor(DType::I32, 2).dtype(), DType::I32);
        assert_eq!(r().tensor(DType::I64, 1).scalar(1.5.into()).dtype(), DType::F32);
        assert_eq!(r().tensor(DType::Bool, 1).scalar(1i64.into()).dtype(), DType::I64);
        assert_eq!(r().tensor(DType::I8, 1).scalar(300i64.into()).dtype(), DType::I8);
        assert_eq!(r().tensor(DType::I32, 1).tensor(DType::F64, 0).dtype(), DType::F64);
        assert_eq!(r().tensor(DType::F64, 0).scalar(1.5.into()).dtype(), DType::F64);
    }
}
