//! Determinants.

use rusttorch_backend::{DType, Result, TensorError};
use smallvec::smallvec;

use super::bridge::{Batch, match_real, square};
use super::lu::Eliminated;
use super::solve::{inv, inverse_unchecked};
use super::values::svd;
use crate::autograd::{Saved, is_grad_enabled, record};
use crate::tensor::Tensor;

/// The determinant of every matrix `[.., N, N]`: 0 of a singular one, 1 of an empty one. The gradient of a singular
/// matrix is that of the cofactors. PyTorch: `torch.linalg.det`. Errors: `Shape`, `NotImplemented`.
pub fn det(a: &Tensor) -> Result<Tensor> {
    const OP: &str = "det";
    square(OP, a)?;
    let out = match_real!(OP, a.dtype(), T => {
        let lu = Eliminated::<T>::new(OP, Batch::read(OP, a)?)?;
        let of = |i| {
            let sign: T = if lu.is_odd(i) { -1.0 } else { 1.0 };
            lu.pivots(i).fold(sign, |product, pivot| product * pivot)
        };
        let numbers: Vec<T> = (0..lu.factors.count()).map(of).collect();
        lu.factors.write_numbers(&numbers)
    })?;
    Ok(record("LinalgDet", out, [a], |out| {
        let (a, det) = (Saved::input(a), Saved::output(out));
        Box::new(move |context, g| {
            let (a, det) = (a.unpack(context)?, det.unpack(context)?);
            Ok(smallvec![Some(det_gradient(&a, &det, g)?)])
        })
    }))
}

/// A number for each matrix, to be multiplied with it.
fn over_matrices(x: &Tensor) -> Result<Tensor> {
    x.unsqueeze(-1)?.unsqueeze(-1)
}

fn det_gradient(a: &Tensor, det: &Tensor, g: &Tensor) -> Result<Tensor> {
    let n = a.size(-1)? as isize;
    let values = det.detach().flatten()?.to_f64_vec()?;
    let (singular, regular): (Vec<i64>, Vec<i64>) =
        (0..values.len() as i64).partition(|&i| values[i as usize] == 0.0);
    let of_regular = |a: &Tensor, det: &Tensor, g: &Tensor| inv(a)?.mt()?.mul(&over_matrices(&g.mul(det)?)?);
    if singular.is_empty() {
        return of_regular(a, det, g);
    }
    if regular.is_empty() {
        return cofactors(a, g);
    }
    // Some of each: apart, then together in the old order.
    let (flat, det, g) = (a.reshape([values.len() as isize, n, n])?, det.flatten()?, g.flatten()?);
    let pick = |list: &[i64]| Tensor::from_slice(list, &[list.len()]);
    let (at_regular, at_singular) = (pick(&regular)?, pick(&singular)?);
    let one = |t: &Tensor, at: &Tensor| t.index_select(0, at);
    let parts = [
        of_regular(&one(&flat, &at_regular)?, &one(&det, &at_regular)?, &one(&g, &at_regular)?)?,
        cofactors(&one(&flat, &at_singular)?, &one(&g, &at_singular)?)?,
    ];
    let mut places = vec![0i64; values.len()];
    for (place, &i) in regular.iter().chain(&singular).enumerate() {
        places[i as usize] = place as i64;
    }
    Tensor::cat(&[&parts[0], &parts[1]], 0)?
        .index_select(0, &pick(&places)?)?
        .reshape(a.shape().iter().map(|&n| n as isize).collect::<Vec<_>>())
}

/// The matrices of cofactors times `g`: of `A = U S V^T` it is `det(U) det(V) U C V^T`, where C holds the products of
/// all singular values but one.
fn cofactors(a: &Tensor, g: &Tensor) -> Result<Tensor> {
    let (u, s, vh) = svd(a, false)?;
    let n = s.size(-1)? as isize;
    let own = Tensor::eye(n as usize, DType::Bool)?;
    let mut square: Vec<isize> = s.shape().iter().map(|&n| n as isize).collect();
    square.push(n);
    let others = s.unsqueeze(-2)?.expand(&square)?.masked_fill(&own, 1.0)?.prod_dim(-1, false)?;
    let factor = det(&u)?.mul(&det(&vh)?)?.mul(g)?.unsqueeze(-1)?;
    u.mul(&others.mul(&factor)?.unsqueeze(-2)?)?.matmul(&vh)
}

/// Sign and logarithm of the absolute value of the determinant of every matrix `[.., N, N]`: 0 and -inf of a singular
/// one. No gradient goes through the sign. PyTorch: `torch.linalg.slogdet`. Errors: `Shape`, `NotImplemented`.
pub fn slogdet(a: &Tensor) -> Result<(Tensor, Tensor)> {
    const OP: &str = "slogdet";
    square(OP, a)?;
    let (sign, log) = match_real!(OP, a.dtype(), T => {
        let lu = Eliminated::<T>::new(OP, Batch::read(OP, a)?)?;
        let mut signs: Vec<T> = Vec::new();
        let mut logs: Vec<T> = Vec::new();
        for i in 0..lu.factors.count() {
            let mut sign: T = if lu.is_odd(i) { -1.0 } else { 1.0 };
            let mut log: T = 0.0;
            for pivot in lu.pivots(i) {
                // Of NaN 0, as PyTorch's `sgn`.
                sign *= if pivot > 0.0 { 1.0 } else if pivot < 0.0 { -1.0 } else { 0.0 };
                log += pivot.abs().ln();
            }
            // Not the -0 of a product.
            signs.push(if sign == 0.0 { 0.0 } else { sign });
            logs.push(log);
        }
        Ok::<_, TensorError>((lu.factors.write_numbers(&signs)?, lu.factors.write_numbers(&logs)?))
    })?;
    let sign = record("LinalgSlogdet", sign, [a], |_| Box::new(|_, _| Ok(smallvec![None])));
    let log = record("LinalgSlogdet", log, [a], |_| {
        let a = Saved::input(a);
        Box::new(move |context, g| {
            let a = a.unpack(context)?;
            // Of a singular matrix infinities; a second derivative has none and is refused.
            let inverse = if is_grad_enabled() { inv(&a)? } else { inverse_unchecked(&a)? };
            Ok(smallvec![Some(inverse.mt()?.mul(&over_matrices(g)?)?)])
        })
    });
    Ok((sign, log))
}

/// The logarithm of the determinant of every matrix `[.., N, N]`: -inf of a singular one, NaN where it is negative.
/// PyTorch: `torch.logdet`. Errors: `Shape`, `NotImplemented`.
pub fn logdet(a: &Tensor) -> Result<Tensor> {
    let (sign, log) = slogdet(a)?;
    let negative = sign.eq(-1.0)?;
    Tensor::where_cond(&negative, f64::NAN, &log)?.to_dtype(log.dtype())
}
