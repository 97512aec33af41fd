//! Matrices and lists of positions: the identity, triangles, grids, products and choices of vectors.

use rusttorch_backend::layout::numel;
use rusttorch_backend::{DType, ErrorKind, Result, Shape, TensorError};
use smallvec::{SmallVec, smallvec};

use super::create::reserve;
use crate::autograd::no_grad;
use crate::tensor::Tensor;

/// The sides of a matrix: `n` for a square one, `(n, m)` for n rows and m columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    rows: usize,
    columns: usize,
}

impl From<usize> for Sides {
    fn from(n: usize) -> Self {
        Sides { rows: n, columns: n }
    }
}

impl From<(usize, usize)> for Sides {
    fn from((rows, columns): (usize, usize)) -> Self {
        Sides { rows, columns }
    }
}

/// Which axis of a grid the first vector runs along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MeshIndexing {
    /// Vector `i` runs along axis `i`.
    #[default]
    Ij,
    /// As in a plot: the first vector runs along axis 1 and the second one along axis 0.
    Xy,
}

/// How many positions of a `rows x columns` matrix lie on or below the diagonal `offset`.
fn count_below(rows: i128, columns: i128, offset: i128) -> i128 {
    let first = (-offset).clamp(0, rows);
    // The rows from here on are full.
    let full = (columns - 1 - offset).clamp(first, rows);
    let growing = full - first;
    growing * (first + offset + 1) + growing * (growing - 1) / 2 + (rows - full) * columns
}

/// The rows and below them the columns of the positions on one side of a diagonal, in row-major order.
fn triangle(
    op: &'static str,
    sides: (usize, usize),
    offset: isize,
    dtype: DType,
    below: bool,
) -> Result<Tensor> {
    if !matches!(dtype, DType::I32 | DType::I64) {
        return Err(TensorError::new(ErrorKind::NotImplemented, op, "not implemented for this dtype")
            .with("dtype", dtype));
    }
    // Sizes that no tensor has would overflow below.
    numel(op, &[sides.0, 0])?;
    numel(op, &[0, sides.1])?;
    let (rows, columns, offset) = (sides.0 as i128, sides.1 as i128, offset as i128);
    let count = match below {
        _ if columns == 0 => 0,
        true => count_below(rows, columns, offset),
        false => rows * columns - count_below(rows, columns, offset - 1),
    };
    let elements = usize::try_from(count).ok().and_then(|n| n.checked_mul(2));
    let mut data: Vec<i64> = reserve(op, elements.unwrap_or(usize::MAX))?;
    let ends = |row: i128| match below {
        true => (0, (row + offset + 1).clamp(0, columns)),
        false => ((row + offset).clamp(0, columns), columns),
    };
    let taken = if count == 0 {
        0..0
    } else if below {
        (-offset).clamp(0, rows)..rows
    } else {
        0..(columns - offset).clamp(0, rows)
    };
    for row in taken.clone() {
        let (from, to) = ends(row);
        data.extend((from..to).map(|_| row as i64));
    }
    for row in taken {
        let (from, to) = ends(row);
        data.extend((from..to).map(|column| column as i64));
    }
    Tensor::from_vec(data, &[2, count as usize])?.to_dtype(dtype)
}

/// Error: `Shape` unless `x` is a vector.
fn check_vector(op: &'static str, x: &Tensor) -> Result<()> {
    if x.rank() == 1 {
        return Ok(());
    }
    Err(TensorError::new(ErrorKind::Shape, op, "needs a tensor of one dimension").with("shape", x.shape()))
}

impl Tensor {
    /// Ones on the diagonal, zeros elsewhere, of the default float for `None`: `[n, n]` of `eye(n, ..)` and
    /// `[n, m]` of `eye((n, m), ..)`. PyTorch: `torch.eye`.
    pub fn eye(sides: impl Into<Sides>, dtype: impl Into<Option<DType>>) -> Result<Tensor> {
        let Sides { rows, columns } = sides.into();
        numel("eye", &[rows, columns])?;
        let out = Tensor::zeros(&[rows, columns], dtype)?;
        // A view written here must not count as a change of the tensor for those who see it first.
        no_grad(|| out.detach().diagonal(0, 0, 1)?.fill_(1i64))?;
        Ok(out)
    }

    /// The positions of a `[rows, columns]` matrix on and below its diagonal `offset`, in row-major order, as
    /// `[2, n]`: row numbers, then column numbers. i64 for `None`. PyTorch: `torch.tril_indices`.
    /// Error: `NotImplemented` for dtypes other than i32 and i64.
    pub fn tril_indices(
        rows: usize,
        columns: usize,
        offset: isize,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        triangle("tril_indices", (rows, columns), offset, dtype.into().unwrap_or(DType::I64), true)
    }

    /// The positions of a `[rows, columns]` matrix on and above its diagonal `offset`, in row-major order, as
    /// `[2, n]`: row numbers, then column numbers. i64 for `None`. PyTorch: `torch.triu_indices`.
    /// Error: `NotImplemented` for dtypes other than i32 and i64.
    pub fn triu_indices(
        rows: usize,
        columns: usize,
        offset: isize,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        triangle("triu_indices", (rows, columns), offset, dtype.into().unwrap_or(DType::I64), false)
    }

    /// Vectors spread over the grid of all their combinations: views `[n0, n1, ..]` of each, of which one axis
    /// varies; a 0-d tensor counts as one element. PyTorch: `torch.meshgrid`.
    /// Errors: `Shape` for a tensor of more dimensions, `Value` for none, `DType` where dtypes differ.
    pub fn meshgrid(tensors: &[&Tensor], indexing: MeshIndexing) -> Result<Vec<Tensor>> {
        const OP: &str = "meshgrid";
        let Some(first) = tensors.first() else {
            return Err(TensorError::new(ErrorKind::Value, OP, "needs at least one tensor"));
        };
        if let Some(other) = tensors.iter().find(|t| t.dtype() != first.dtype()) {
            return Err(TensorError::new(ErrorKind::DType, OP, "dtypes differ")
                .with("first", first.dtype())
                .with("other", other.dtype()));
        }
        if let Some(t) = tensors.iter().find(|t| t.rank() > 1) {
            return Err(TensorError::new(ErrorKind::Shape, OP, "needs tensors of at most one dimension")
                .with("shape", t.shape()));
        }
        let axis = |i: usize| match (indexing, i) {
            (MeshIndexing::Xy, 0 | 1) if tensors.len() > 1 => 1 - i,
            _ => i,
        };
        let shape: Shape = (0..tensors.len()).map(|i| tensors[axis(i)].numel()).collect();
        let spread = |(i, t): (usize, &&Tensor)| {
            let mut line: SmallVec<[isize; 6]> = smallvec![1; tensors.len()];
            line[axis(i)] = t.numel() as isize;
            t.view(&line)?.broadcast_to(&shape)
        };
        tensors.iter().enumerate().map(spread).collect()
    }

    /// All combinations of one element of each vector, one a row, the last vector varying fastest:
    /// `[n0 n1 .., k]`. A single vector comes back as it is. PyTorch: `torch.cartesian_prod`.
    /// Errors: `Shape` for a tensor that is not a vector, `Value` for none, `DType` where dtypes differ.
    pub fn cartesian_prod(tensors: &[&Tensor]) -> Result<Tensor> {
        tensors.iter().try_for_each(|t| check_vector("cartesian_prod", t))?;
        if let [only] = tensors {
            return Ok((*only).clone());
        }
        let columns = Tensor::meshgrid(tensors, MeshIndexing::Ij)?;
        let columns = columns.iter().map(Tensor::flatten).collect::<Result<Vec<_>>>()?;
        Tensor::stack(&columns.iter().collect::<Vec<_>>(), 1)
    }

    /// All choices of `r` elements of a vector, one a row, in the order of their positions; with replacement an
    /// element may be chosen again. No choice of 0 elements: shape `[0]`. PyTorch: `torch.combinations`.
    /// Error: `Shape` unless the tensor is a vector.
    pub fn combinations(&self, r: usize, with_replacement: bool) -> Result<Tensor> {
        const OP: &str = "combinations";
        check_vector(OP, self)?;
        if r == 0 {
            return self.new_empty(&[0], None);
        }
        let n = self.numel();
        if n == 0 || !with_replacement && r > n {
            let wide = isize::try_from(r).unwrap_or(isize::MAX);
            return self.narrow(0, 0, 0)?.copy()?.view([0, wide]);
        }
        let mut choice: Vec<usize> = reserve(OP, r)?;
        choice.extend((0..r).map(|i| if with_replacement { 0 } else { i }));
        // The largest position that entry `i` may take.
        let last = |i: usize| if with_replacement { n - 1 } else { n - r + i };
        let mut positions: Vec<i64> = Vec::new();
        let mut more = true;
        while more {
            positions.try_reserve(r).map_err(|e| {
                TensorError::new(ErrorKind::Memory, OP, "allocation failed").with("r", r).caused_by(e)
            })?;
            positions.extend(choice.iter().map(|&p| p as i64));
            more = match (0..r).rev().find(|&i| choice[i] < last(i)) {
                None => false,
                Some(i) => {
                    let next = choice[i] + 1;
                    for (k, slot) in choice[i..].iter_mut().enumerate() {
                        *slot = if with_replacement { next } else { next + k };
                    }
                    true
                }
            };
        }
        let count = positions.len();
        let chosen = self.index_select(0, &Tensor::from_vec(positions, &[count])?)?;
        chosen.view([(count / r) as isize, r as isize])
    }

    /// The powers of a vector, one element a row: `[len, n]` with columns `x^(n-1) .. x^0`, or `x^0 .. x^(n-1)`
    /// if `increasing`; n is the length for `None`. Integers and bool give i64. PyTorch: `torch.vander`.
    /// Error: `Shape` unless the tensor is a vector.
    pub fn vander(&self, n: impl Into<Option<usize>>, increasing: bool) -> Result<Tensor> {
        check_vector("vander", self)?;
        let dtype = if self.dtype().is_float() { self.dtype() } else { DType::I64 };
        let n = n.into().unwrap_or(self.numel());
        if n == 0 {
            return self.new_empty(&[self.numel(), 0], dtype);
        }
        // PyTorch keeps the running product in a wider type.
        let wide = match dtype {
            DType::F16 | DType::BF16 => DType::F32,
            DType::F32 => DType::F64,
            other => other,
        };
        let x = self.to_dtype(wide)?;
        let mut columns = reserve("vander", n)?;
        columns.push(Tensor::ones_like(&x)?);
        for k in 1..n {
            columns.push(columns[k - 1].mul(&x)?);
        }
        if !increasing {
            columns.reverse();
        }
        Tensor::stack(&columns.iter().collect::<Vec<_>>(), 1)?.to_dtype(dtype)
    }
}

/// Zeros with a one at every class number, along a new last dimension: `[..]` i64 to `[.., classes]` i64; as
/// many classes as the largest number asks for if `None`. PyTorch: `torch.nn.functional.one_hot`.
/// Errors: `DType` for other dtypes, `Value` for a number outside of `0..classes` and where there is no number to
/// infer from.
pub fn one_hot(classes: &Tensor, num_classes: impl Into<Option<usize>>) -> Result<Tensor> {
    const OP: &str = "one_hot";
    if classes.dtype() != DType::I64 {
        return Err(TensorError::new(ErrorKind::DType, OP, "class numbers must be int64")
            .with("dtype", classes.dtype()));
    }
    let asked: Option<usize> = num_classes.into();
    let fail = |rule| TensorError::new(ErrorKind::Value, OP, rule);
    let n = match (classes.numel(), asked) {
        (0, None | Some(0)) => return Err(fail("number of classes cannot be inferred from an empty tensor")),
        (0, Some(n)) => n,
        (_, asked) => {
            let (low, high) = (classes.min()?.item()?.to_i64(), classes.max()?.item()?.to_i64());
            if low < 0 {
                return Err(fail("a class number is negative").with("class", low));
            }
            let n = asked.unwrap_or((high as usize).saturating_add(1));
            if high as usize >= n {
                return Err(fail("a class number is not below the number of classes")
                    .with("class", high)
                    .with("classes", n));
            }
            n
        }
    };
    let mut shape: Shape = classes.shape().into();
    shape.push(n);
    let out = classes.new_zeros(&shape, DType::I64)?;
    if out.numel() > 0 {
        let index = classes.unsqueeze(-1)?;
        out.scatter_(-1, &index, &Tensor::ones_like(&index)?)?;
    }
    Ok(out)
}
