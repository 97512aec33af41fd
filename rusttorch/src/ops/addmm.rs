//! A product added to a tensor: `beta * self + alpha * product`.

use rusttorch_backend::ops::BinaryOp;
use rusttorch_backend::{
    Backend, DType, ErrorKind, Result, ResultType, Scalar, Shape, TensorError, View, ViewMut,
};
use smallvec::smallvec;

use super::in_place::by_value;
use super::matmul::{check_dtypes, mv, product};
use super::products::check_ranks;
use super::reduce::sum_to_shape;
use super::select::castable;
use crate::autograd::{Saved, no_grad, record, records};
use crate::dispatch;
use crate::tensor::Tensor;

/// Which product is added.
#[derive(Clone, Copy)]
enum Product {
    /// `[M, K] x [K, N]`
    Mm,
    /// `[M, K] x [K]`
    Mv,
    /// `[B, M, K] x [B, K, N]`
    Bmm,
    /// `[B, M, K] x [B, K, N]`, summed over the batch.
    SumBmm,
}

impl Product {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Product::Mm => ("addmm", "Addmm"),
            Product::Mv => ("addmv", "Addmv"),
            Product::Bmm => ("baddbmm", "Baddbmm"),
            Product::SumBmm => ("addbmm", "Addbmm"),
        }
    }

    /// The shape of the product. Errors: `Shape`, `Dim`.
    fn shape(self, a: &Tensor, b: &Tensor) -> Result<Shape> {
        let op = self.names().0;
        let fail =
            |rule| TensorError::new(ErrorKind::Shape, op, rule).with("lhs", a.shape()).with("rhs", b.shape());
        match self {
            Product::Mm => check_ranks(op, "an operand is not a matrix", &[(a, 2), (b, 2)])?,
            Product::Mv => check_ranks(op, "needs a matrix and a vector", &[(a, 2), (b, 1)])?,
            Product::Bmm => check_ranks(op, "an operand is not a batch of matrices", &[(a, 3), (b, 3)])?,
            // PyTorch looks for the third size first.
            Product::SumBmm if a.rank() < 3 || b.rank() < 3 => {
                return Err(TensorError::new(ErrorKind::Dim, op, "an operand is not a batch of matrices")
                    .with("lhs", a.shape())
                    .with("rhs", b.shape()));
            }
            Product::SumBmm => check_ranks(op, "an operand is not a batch of matrices", &[(a, 3), (b, 3)])?,
        }
        let (x, y) = (a.shape(), b.shape());
        match (x, y) {
            ([m, k], [l, n]) if k == l => Ok(smallvec![*m, *n]),
            ([m, k], [l]) if k == l => Ok(smallvec![*m]),
            ([count, m, k], [other, l, n]) if (count, k) == (other, l) => Ok(match self {
                Product::SumBmm => smallvec![*m, *n],
                _ => smallvec![*count, *m, *n],
            }),
            ([_, _, k], [_, l, _]) if k == l => Err(fail("numbers of matrices differ")),
            _ => Err(fail("inner sizes differ")),
        }
    }

    fn apply(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let op = self.names().0;
        match self {
            Product::Mm | Product::Bmm => product(op, a, b),
            Product::Mv => mv(op, a, b),
            // The sum over the batch is part of the sum over K.
            Product::SumBmm => {
                let (a, b) = (a.permute([1, 0, 2])?, b.clone());
                product(op, &a.flatten_dims(1, 2)?, &b.flatten_dims(0, 1)?)
            }
        }
    }

    /// The gradients of both operands of the product from that of the product.
    fn gradient_a(self, g: &Tensor, a: &[usize], b: &Tensor) -> Result<Tensor> {
        let op = self.names().0;
        match self {
            Product::Mm | Product::Bmm => product(op, g, &b.mt()?),
            Product::Mv => g.unsqueeze(1)?.mul(b),
            Product::SumBmm => {
                let g = g.unsqueeze(0)?.broadcast_to(&[a[0], g.shape()[0], g.shape()[1]])?;
                product(op, &g, &b.mt()?)
            }
        }
    }

    fn gradient_b(self, g: &Tensor, a: &Tensor, b: &[usize]) -> Result<Tensor> {
        let op = self.names().0;
        match self {
            Product::Mm | Product::Bmm => product(op, &a.mt()?, g),
            Product::Mv => mv(op, &a.t()?, g),
            Product::SumBmm => {
                let g = g.unsqueeze(0)?.broadcast_to(&[b[0], g.shape()[0], g.shape()[1]])?;
                product(op, &a.mt()?, &g)
            }
        }
    }
}

fn is(factor: Scalar, value: i64) -> bool {
    match factor {
        Scalar::Bool(b) => i64::from(b) == value,
        Scalar::Int(i) => i == value,
        Scalar::Float(f) => f == value as f64,
    }
}

fn times(x: &Tensor, factor: Scalar) -> Result<Tensor> {
    if is(factor, 1) { Ok(x.clone()) } else { x.mul(factor) }
}

/// A factor as the op multiplies with it: cut to an integer where the tensors are integers.
/// Error: `Value` where it lies beyond the range of the dtype in which that happens.
fn factor(kind: Product, value: Scalar, dtype: DType) -> Result<Scalar> {
    let wide = dtype.is_half() && !matches!(kind, Product::Mv);
    let value = castable(kind.names().0, value, if wide { DType::F32 } else { dtype })?;
    Ok(if dtype.is_float() { value } else { Scalar::Int(value.to_i64()) })
}

/// The sum of both terms, with nothing recorded.
fn scaled_sum(
    kind: Product,
    [c, a, b]: [&Tensor; 3],
    shape: &[usize],
    beta: Scalar,
    alpha: Scalar,
) -> Result<Tensor> {
    let dtype = a.dtype();
    // Halves are rounded once, at the end.
    let wide = if dtype.is_half() { DType::F32 } else { dtype };
    let expanded = c.detach().broadcast_to(shape)?;
    let scaled = if is(beta, 0) { None } else { Some(times(&expanded.to_dtype(wide)?, beta)?) };
    let out = match scaled {
        Some(c) if is(alpha, 0) => c,
        None if is(alpha, 0) => Tensor::zeros(shape, wide)?,
        scaled => {
            let product = kind.apply(&a.detach().to_dtype(wide)?, &b.detach().to_dtype(wide)?)?;
            let product = times(&product, alpha)?;
            match scaled {
                Some(c) => c.add(&product)?,
                None => product,
            }
        }
    };
    let out = out.to_dtype(dtype)?;
    // Never the memory of an operand.
    if out.is_contiguous() && !out.shares_storage(c) { Ok(out.detach()) } else { out.detach().copy() }
}

/// `out = a b + c`, in the memory of the product.
fn write_sum(backend: &dyn Backend, [a, b, c]: [View<'_>; 3], mut out: ViewMut<'_>) -> Result<()> {
    backend.matmul(a, b, out.reborrow())?;
    backend.binary_assign(BinaryOp::Add, out, c)
}

/// `x w^T + b` for a matrix x, with the bits of [`addmm`](Tensor::addmm) but without a tensor `w^T`. `None` where something
/// has to be recorded, cast or refused.
pub(crate) fn affine(op: &'static str, x: &Tensor, w: &Tensor, b: &Tensor) -> Option<Result<Tensor>> {
    let (&[rows, depth], &[columns, same]) = (x.shape(), w.shape()) else { return None };
    let dtype = x.dtype();
    let plain = depth == same && dtype.is_float() && !dtype.is_half();
    if !plain || [w, b].iter().any(|t| t.dtype() != dtype) || records(&[x, w, b]) {
        return None;
    }
    let shape = [rows, columns];
    let (turned, expanded) = (w.layout().transpose(0, 1).ok()?, b.layout().broadcast_to(&shape).ok()?);
    Some(dispatch::compute(op, [x, w, b], &shape, dtype, |be, [x, w, b], out| {
        write_sum(be, [x, w.with_layout(&turned)?, b.with_layout(&expanded)?], out)
    }))
}

fn add_product(kind: Product, [c, a, b]: [&Tensor; 3], beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    let (op, title) = kind.names();
    let shape = kind.shape(a, b)?;
    // Shapes are checked before dtypes. More dimensions than the product has are refused, too.
    let expanded = c.layout().broadcast_to(&shape).map_err(|e| {
        TensorError::new(e.kind(), op, "the tensor cannot be stretched to the shape of the product")
            .with("tensor", c.shape())
            .with("product", &shape[..])
    })?;
    check_dtypes(op, a, b)?;
    check_dtypes(op, c, a)?;
    let dtype = a.dtype();
    let (beta, alpha) = (factor(kind, beta, dtype)?, factor(kind, alpha, dtype)?);
    let direct = matches!(kind, Product::Mm | Product::Bmm) && !dtype.is_half();
    let out = match direct && is(alpha, 1) && is(beta, 1) {
        // What a layer does: one call, in the memory of the product.
        true => dispatch::compute(op, [a, b, c], &shape, dtype, |be, [a, b, c], out| {
            write_sum(be, [a, b, c.with_layout(&expanded)?], out)
        })?,
        false => no_grad(|| scaled_sum(kind, [c, a, b], &shape, beta, alpha))?,
    };
    if !dtype.is_float() {
        return Ok(out);
    }
    Ok(record(title, out, [c, a, b], |_| {
        let kept_a = b.requires_grad().then(|| Saved::input(a));
        let kept_b = a.requires_grad().then(|| Saved::input(b));
        let [of_c, of_a, of_b] = [c, a, b].map(|t| t.layout().clone());
        Box::new(move |context, g| {
            let gc = context.needs(0).then(|| sum_to_shape(&times(g, beta)?, of_c.shape())).transpose()?;
            let ga = |b: &Saved| times(&kind.gradient_a(g, of_a.shape(), &b.unpack(context)?)?, alpha);
            let gb = |a: &Saved| times(&kind.gradient_b(g, &a.unpack(context)?, of_b.shape())?, alpha);
            let ga = kept_b.as_ref().map(ga).transpose()?;
            let gb = kept_a.as_ref().map(gb).transpose()?;
            Ok(smallvec![gc, ga, gb])
        })
    }))
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $assign:ident $kind:ident;)*) => {
        /// `beta * self + alpha * product`. The tensor is stretched to the shape of the product, and all three
        /// are of one dtype. Where `beta` is 0 the tensor has no say, nor the product where `alpha` is 0: a NaN
        /// in them does not matter. Of integers the factors are cut to integers. Halves are rounded once.
        /// Errors of all: `Shape`; `DType` where the dtypes differ; `NotImplemented` for bool; `Value` for a factor
        /// beyond the range of the dtype.
        impl Tensor {
            $(
                $(#[$doc])*
                pub fn $method(
                    &self,
                    a: &Tensor,
                    b: &Tensor,
                    beta: impl Into<Scalar>,
                    alpha: impl Into<Scalar>,
                ) -> Result<Tensor> {
                    add_product(Product::$kind, [self, a, b], beta.into(), alpha.into())
                }

                #[doc = concat!("In-place [`", stringify!($method), "`](Self::", stringify!($method), "). Returns the tensor itself.")]
                pub fn $assign(
                    &self,
                    a: &Tensor,
                    b: &Tensor,
                    beta: impl Into<Scalar>,
                    alpha: impl Into<Scalar>,
                ) -> Result<Tensor> {
                    let (beta, alpha) = (beta.into(), alpha.into());
                    by_value(stringify!($assign), self, &[a, b], &|c| {
                        add_product(Product::$kind, [c, a, b], beta, alpha)
                    })
                }
            )*
        }
    };
}

methods! {
    /// `[M, K] x [K, N]`. PyTorch: `torch.addmm`.
    addmm addmm_ Mm;
    /// `[M, K] x [K]`. PyTorch: `torch.addmv`.
    addmv addmv_ Mv;
    /// `[B, M, K] x [B, K, N]`, batch by batch. PyTorch: `torch.baddbmm`.
    baddbmm baddbmm_ Bmm;
    /// `[B, M, K] x [B, K, N]`, summed over the batch to `[M, N]`. PyTorch: `torch.addbmm`. Error: also `Dim`, where
    /// an operand has fewer than 3 dimensions.
    addbmm addbmm_ SumBmm;
}

impl Tensor {
    /// `beta * self + alpha * a[i] b[j]`, the tensor stretched to `[M, N]`, promoted; bool as "or" and "and". Where
    /// `beta` is 0 the tensor has no say. PyTorch: `torch.addr`. Errors: `Shape`; `Value` for factors that are
    /// floats where the result is not, or bool where it is not.
    pub fn addr(
        &self,
        a: &Tensor,
        b: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        const OP: &str = "addr";
        let (beta, alpha) = (beta.into(), alpha.into());
        check_ranks(OP, "needs two vectors", &[(a, 1), (b, 1)])?;
        // The tensor is stretched first, so that a 0-d one counts as much as the others.
        let fold = |r: ResultType, t: &Tensor| r.tensor(t.dtype(), 2);
        let dtype = [self, a, b].into_iter().fold(ResultType::new(), fold).dtype();
        for (name, factor) in [("beta", beta), ("alpha", alpha)] {
            let rule = match factor {
                Scalar::Float(_) if !dtype.is_float() => "the factor of integers is a float",
                Scalar::Bool(_) if dtype != DType::Bool => "the factor of numbers is bool",
                _ => continue,
            };
            return Err(TensorError::new(ErrorKind::Value, OP, rule)
                .with("factor", name)
                .with("value", factor.to_string()));
        }
        let (beta, alpha) = (castable(OP, beta, dtype)?, castable(OP, alpha, dtype)?);
        let shape = [a.shape()[0], b.shape()[0]];
        let fits = |e: TensorError| {
            TensorError::new(e.kind(), OP, "the tensor cannot be stretched to the shape of the product")
                .with("tensor", self.shape())
                .with("product", &shape[..])
        };
        let expanded = self.broadcast_to(&shape).map_err(fits)?.to_dtype(dtype)?;
        let (a, b) = (a.to_dtype(dtype)?, b.to_dtype(dtype)?);
        if dtype == DType::Bool {
            let product = match alpha.to_bool() {
                true => a.unsqueeze(1)?.logical_and(&b)?,
                false => Tensor::zeros(&shape, dtype)?,
            };
            return if beta.to_bool() { expanded.logical_or(&product) } else { Ok(product) };
        }
        let out = no_grad(|| {
            let product = times(&a.detach(), alpha)?.unsqueeze(1)?.mul(&b)?;
            if is(beta, 0) { Ok(product) } else { times(&expanded.detach(), beta)?.add(&product) }
        })?;
        if !dtype.is_float() {
            return Ok(out);
        }
        Ok(record("Addr", out, [&expanded, &a, &b], |_| {
            let kept_a = b.requires_grad().then(|| Saved::input(&a));
            let kept_b = a.requires_grad().then(|| Saved::input(&b));
            Box::new(move |context, g| {
                let of_c = context.needs(0).then(|| times(g, beta)).transpose()?;
                let of_a = |b: &Saved| times(&mv(OP, g, &b.unpack(context)?)?, alpha);
                let of_b = |a: &Saved| times(&mv(OP, &g.t()?, &a.unpack(context)?)?, alpha);
                let of_a = kept_b.as_ref().map(of_a).transpose()?;
                let of_b = kept_a.as_ref().map(of_b).transpose()?;
                Ok(smallvec![of_c, of_a, of_b])
            })
        }))
    }

    /// In-place [`addr`](Self::addr). Returns the tensor itself. Errors: also `Shape` where it is not of the shape of
    /// the product, `DType` where the result's dtype does not fit.
    pub fn addr_(
        &self,
        a: &Tensor,
        b: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let (beta, alpha) = (beta.into(), alpha.into());
        by_value("addr_", self, &[a, b], &|c| c.addr(a, b, beta, alpha))
    }
}
