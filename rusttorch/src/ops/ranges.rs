//! Evenly spaced numbers.
//!
//! The formulas are those of PyTorch's scalar loops, fused multiply-adds included, so that an element depends
//! on its index alone. (PyTorch's vector loop of `arange` rounds the start of every vector first, so there the
//! last bit of a float depends on the machine.)

use rusttorch_backend::{DType, Element, ErrorKind, Result, Scalar, TensorError, match_dtype};

use super::create::written;
use super::select::castable;
use crate::tensor::Tensor;

/// A vector of `count` whole numbers, which wrap to the type.
fn count_up(op: &'static str, count: usize, dtype: DType, start: i64, step: i64) -> Result<Tensor> {
    match_dtype!(ints dtype, T => {
        // Modulo the range of the type, so it may be computed in it.
        let (start, step) = (start as T, step as T);
        written(op, count, |out| {
            out.iter_mut().enumerate().for_each(|(i, v)| *v = start.wrapping_add((i as T).wrapping_mul(step)));
        })
    }, else Err(no_bool(op)))
}

/// Whether the products of `v` and the whole numbers up to `count` are numbers of f64, so that a fused product and sum is a
/// product and a sum.
fn has_exact_multiples(v: f64, count: usize) -> bool {
    let digits = 53 - v.to_bits().trailing_zeros().min(52);
    let longest = digits + usize::BITS - count.leading_zeros();
    // Far from the ends of the range.
    longest <= 53 && (v == 0.0 || (1e-200..1e200).contains(&v.abs()))
}

/// A vector of `count` numbers. The function is called by address: a loop for each function and dtype would be a twentieth of
/// the machine code there is.
fn tabulate(op: &'static str, count: usize, dtype: DType, value: &dyn Fn(usize) -> Scalar) -> Result<Tensor> {
    match_dtype!(dtype, T => {
        written(op, count, |out| {
            out.iter_mut().enumerate().for_each(|(i, v)| *v = <T as Element>::from_scalar(value(i)));
        })
    })
}

#[cold]
fn no_bool(op: &'static str) -> TensorError {
    TensorError::new(ErrorKind::NotImplemented, op, "not implemented for this dtype")
        .with("dtype", DType::Bool)
}

/// `from + k * step`, or `from - k * step`, rounded to `dtype` at the end and, as PyTorch's compiler has it,
/// fused but for f16.
fn along(from: f64, k: usize, step: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F16 => (from as f32 + k as f32 * step as f32).into(),
        DType::BF16 | DType::F32 => fused(k as f32, step as f32, from as f32).into(),
        _ => (k as f64).mul_add(step, from),
    }
}

/// `a b + c` rounded twice, and whether that may be another number than the one that is rounded once.
fn nearly_fused(a: f32, b: f32, c: f32) -> (f32, bool) {
    // The product is exact, and the sum has so many digits more than an f32 that to round it once more gives another number
    // only where it has become one halfway between two; of subnormal numbers these are others.
    let sum = f64::from(a) * f64::from(b) + f64::from(c);
    let halfway = sum.to_bits() & 0x1fff_ffff == 0x1000_0000;
    (sum as f32, halfway | (sum.abs() < f64::from(f32::MIN_POSITIVE)))
}

/// `a b + c`, rounded once: as `mul_add`, which without an instruction for it is a call of the library.
fn fused(a: f32, b: f32, c: f32) -> f32 {
    match nearly_fused(a, b, c) {
        (_, true) => a.mul_add(b, c),
        (y, false) => y,
    }
}

/// `from + k step` for k = `first`, `first + by`, .., each rounded once.
fn multiples(out: &mut [f32], from: f32, step: f32, first: usize, by: i32) {
    /// So few that whether one is in doubt is asked once for all of them, which leaves a loop without branches.
    const BLOCK: usize = 64;
    let mut start = first as f64;
    for block in out.chunks_mut(BLOCK) {
        let k = |i: i32| (start + f64::from(by * i)) as f32;
        let mut doubt = false;
        for (v, i) in block.iter_mut().zip(0..) {
            let (y, in_doubt) = nearly_fused(k(i), step, from);
            *v = y;
            doubt |= in_doubt;
        }
        if doubt {
            block.iter_mut().zip(0..).for_each(|(v, i)| *v = fused(k(i), step, from));
        }
        start += f64::from(by) * BLOCK as f64;
    }
}

/// A number as a float dtype holds it, else cut off to a whole one.
fn rounded(value: Scalar, dtype: DType) -> f64 {
    match_dtype!(floats dtype, T => T::from_scalar(value).to_scalar().to_f64(), else {
        match_dtype!(dtype, T => T::from_scalar(Scalar::Int(value.to_i64())).to_scalar().to_f64())
    })
}

/// How many numbers lie in `start, start + step, ..` before `end`.
fn length(start: Scalar, end: Scalar, step: Scalar) -> Result<usize> {
    const OP: &str = "arange";
    let (a, b, s) = (start.to_f64(), end.to_f64(), step.to_f64());
    let fail =
        |rule| TensorError::new(ErrorKind::Value, OP, rule).with("start", a).with("end", b).with("step", s);
    if !(a.is_finite() && b.is_finite() && s.is_finite()) {
        return Err(fail("bounds and step are not finite"));
    }
    let whole = is_whole(start, end, step);
    let span = end.to_i64() as i128 - start.to_i64() as i128;
    let away = if whole { span.signum() < 0 } else { b < a };
    let none = if whole { span == 0 } else { a == b };
    if s == 0.0 || !none && away != (s < 0.0) {
        return Err(fail("step is zero or leads away from the end"));
    }
    let count = match whole {
        true => {
            let step = step.to_i64() as i128;
            ((span + step - step.signum()) / step) as f64
        }
        false => ((b - a) / s).ceil(),
    };
    if count > isize::MAX as f64 {
        return Err(
            TensorError::new(ErrorKind::Memory, OP, "number of elements overflows").with("elements", count)
        );
    }
    Ok(count as usize)
}

fn is_whole(start: Scalar, end: Scalar, step: Scalar) -> bool {
    [start, end, step].iter().all(|v| !matches!(v, Scalar::Float(_)))
}

impl Tensor {
    /// `start, start + step, ..` before `end`: `ceil((end - start) / step)` elements; element `i` is
    /// `start + i step`, computed in f64 (f32 for the halves) and rounded once. For an integer dtype start and
    /// step are cut off to whole numbers after the elements have been counted, and the elements wrap. Dtype
    /// for `None`: i64 where all three are whole, else the default float. PyTorch: `torch.arange`.
    /// Errors: `NotImplemented` for bool; `Value` for step 0, a step away from `end`, numbers that are not
    /// finite or, with an integer dtype, exceed i64.
    pub fn arange(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        step: impl Into<Scalar>,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        const OP: &str = "arange";
        let (start, end, step) = (start.into(), end.into(), step.into());
        let whole = is_whole(start, end, step);
        let dtype = dtype.into().unwrap_or(if whole { DType::I64 } else { DType::DEFAULT_FLOAT });
        if dtype == DType::Bool {
            return Err(no_bool(OP));
        }
        let count = length(start, end, step)?;
        if dtype.is_int() {
            for v in [start, end, step] {
                castable(OP, v, DType::I64)?;
            }
            let (a, s) = (start.to_i64(), step.to_i64());
            return count_up(OP, count, dtype, a, s);
        }
        let (a, s) = (start.to_f64(), step.to_f64());
        if dtype == DType::F32 && has_exact_multiples(s, count) {
            return written(OP, count, |out| {
                /// Counted within, since a CPU may lack the instruction that makes floats of longer integers.
                const BLOCK: usize = 1024;
                for (block, first) in out.chunks_mut(BLOCK).zip((0..).step_by(BLOCK)) {
                    let first = first as f64;
                    let place = |i: i32| first + f64::from(i);
                    block.iter_mut().zip(0..).for_each(|(v, i)| *v = (a + place(i) * s) as f32);
                }
            });
        }
        tabulate(OP, count, dtype, &|i| {
            Scalar::Float(match dtype.is_half() {
                true => (i as f32).mul_add(s as f32, a as f32).into(),
                false => (i as f64).mul_add(s, a),
            })
        })
    }

    /// `steps` numbers from `start` to `end`, both included, of the default float for `None`. With
    /// `d = (end - start) / (steps - 1)` the first half is `start + i d` and the second one
    /// `end - (steps - 1 - i) d`; one step gives `start`. Floats compute in their own dtype (halves in f32),
    /// integers in f64 and cut off. PyTorch: `torch.linspace`.
    /// Errors: `NotImplemented` for two or more steps of bool, `Value` for an end beyond the dtype's range.
    pub fn linspace(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        steps: usize,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        const OP: &str = "linspace";
        let (start, end, dtype) = (start.into(), end.into(), dtype.into().unwrap_or(DType::DEFAULT_FLOAT));
        let Some((a, b)) = ends(OP, start, end, steps, dtype)? else {
            let start = if steps == 0 { start } else { castable(OP, start, dtype)? };
            return tabulate(OP, steps, dtype, &|_| start);
        };
        let d = match dtype {
            DType::F64 => (b - a) / (steps - 1) as f64,
            _ if dtype.is_float() => ((b as f32 - a as f32) / (steps - 1) as f32).into(),
            _ => (b - a) / (steps - 1) as f64,
        };
        if dtype == DType::F32 {
            return written(OP, steps, |out| {
                let (head, tail) = out.split_at_mut(steps / 2);
                multiples(head, a as f32, d as f32, 0, 1);
                multiples(tail, b as f32, -d as f32, steps - 1 - steps / 2, -1);
            });
        }
        tabulate(OP, steps, dtype, &|i| match i < steps / 2 {
            true => Scalar::Float(along(a, i, d, dtype)),
            false => Scalar::Float(along(b, steps - 1 - i, -d, dtype)),
        })
    }

    /// `base` to the powers `linspace(start, end, steps)`, of the default float for `None`. The exponents are
    /// taken in f64 (f32 for the halves), the powers in f64; integers are cut off. PyTorch: `torch.logspace`.
    /// Errors as [`linspace`](Self::linspace).
    pub fn logspace(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        steps: usize,
        base: f64,
        dtype: impl Into<Option<DType>>,
    ) -> Result<Tensor> {
        const OP: &str = "logspace";
        let (start, end, dtype) = (start.into(), end.into(), dtype.into().unwrap_or(DType::DEFAULT_FLOAT));
        let Some((a, b)) = ends(OP, start, end, steps, dtype)? else {
            return tabulate(OP, steps, dtype, &|_| Scalar::Float(base.powf(start.to_f64())));
        };
        let gap = if dtype.is_float() { rounded(Scalar::Float(b - a), dtype) } else { b - a };
        let d = match dtype.is_half() {
            true => (gap as f32 / (steps - 1) as f32).into(),
            false => gap / (steps - 1) as f64,
        };
        let exponent = |from: f64, k: usize, d: f64| match dtype.is_half() {
            true => (from as f32 + k as f32 * d as f32).into(),
            false => from + k as f64 * d,
        };
        tabulate(OP, steps, dtype, &|i| {
            let e = match i < steps / 2 {
                true => exponent(a, i, d),
                false => exponent(b, steps - 1 - i, -d),
            };
            Scalar::Float(base.powf(e))
        })
    }
}

/// Both ends as the dtype holds them; `None` for fewer than two steps.
fn ends(
    op: &'static str,
    start: Scalar,
    end: Scalar,
    steps: usize,
    dtype: DType,
) -> Result<Option<(f64, f64)>> {
    if steps < 2 {
        return Ok(None);
    }
    if dtype == DType::Bool {
        return Err(no_bool(op));
    }
    let (start, end) = (castable(op, start, dtype)?, castable(op, end, dtype)?);
    Ok(Some((rounded(start, dtype), rounded(end, dtype))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_and_a_sum_are_rounded_once() {
        // 2^24 + 3 - 2^-40, which is halfway between two numbers once it has been rounded to an f64.
        let (a, b, c) = (1.0 + 2f32.powi(-20), 1.0 - 2f32.powi(-20), 16_777_218.0);
        assert_ne!((f64::from(a) * f64::from(b) + f64::from(c)) as f32, a.mul_add(b, c));
        assert_eq!(fused(a, b, c), a.mul_add(b, c));
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        for i in 0..200_000 {
            // Sums of all sizes; few of them are rounded twice.
            let scale = [1.0, 1e-45, 3e-4][i % 3];
            let a = f32::from_bits(0x3f80_0000 | next() & 0x7f_ffff);
            let (b, c) = ((next() % 4096) as f32 * scale, (next() % (1 << 24)) as f32 * 4096.0 * scale);
            assert_eq!(fused(a, b, c).to_bits(), a.mul_add(b, c).to_bits(), "{a:e} {b:e} {c:e}");
        }
    }

    #[test]
    fn multiples_are_rounded_once_upwards_and_downwards() {
        // Steps of many digits and of few, whose sums are often halfway; over the limit of what an f32 counts to; and zeros.
        for (from, step, first) in [
            (0.1f32, 0.3f32, 0),
            (1.0, 2f32.powi(-24), 70),
            (-7.0, 1e-45, 1000),
            (-1.0, 0.125, 0),
            (0.0, 0.7, (1 << 24) - 40),
        ] {
            for (by, n) in [(1, 200), (-1, first.min(200))] {
                let mut out = vec![0f32; n];
                multiples(&mut out, from, step, first, by);
                for (i, v) in out.iter().enumerate() {
                    let k = first as f64 + f64::from(by) * i as f64;
                    let wanted = (k as f32).mul_add(step, from);
                    assert_eq!(v.to_bits(), wanted.to_bits(), "{from:e} + {k} {step:e}");
                }
            }
        }
    }

    #[test]
    fn multiples_are_exact_only_of_few_digits() {
        assert!(has_exact_multiples(1.0, 1 << 40) && has_exact_multiples(-0.25, 1 << 40));
        assert!(has_exact_multiples(3.0, 1 << 50) && !has_exact_multiples(3.0, 1 << 52));
        assert!(!has_exact_multiples(0.1, 3) && has_exact_multiples(f64::from(0.1f32), 1000));
        assert!(has_exact_multiples(0.0, usize::MAX >> 12) && !has_exact_multiples(f64::MIN_POSITIVE, 2));
    }
}
