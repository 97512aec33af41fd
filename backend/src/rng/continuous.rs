//! Fills that PyTorch draws one element at a time, in double precision whatever the dtype.

use std::f64::consts::PI;

use super::distributions::unit_f64;
use super::double::{ln_one_minus, sin_cos};
use super::double_exp::exp;
use super::double_ln::ln;
use super::{Generator, RandomElement, RandomError, RandomFloat};

/// The tangent of `-pi / 2 <= x <= pi / 2`.
fn tan(x: f64) -> f64 {
    let (sin, cos) = sin_cos(x.abs());
    (sin / cos).copysign(x)
}

impl Generator {
    /// Fills `out` with normal numbers as a short tensor is filled, whatever its length (see
    /// [`Generator::fill_normal`]): `tensor.normal_(mean, std)` of a tensor that is not contiguous.
    ///
    /// # Errors
    ///
    /// [`RandomError::StandardDeviation`] unless `std >= 0`.
    pub fn fill_normal_in_pairs<T: RandomFloat>(
        &mut self,
        out: &mut [T],
        mean: f64,
        std: f64,
    ) -> Result<(), RandomError> {
        if std.is_nan() || std < 0.0 {
            return Err(RandomError::StandardDeviation(std));
        }
        for slot in out {
            *slot = T::from_f64(self.normal().mul_add(std, mean));
        }
        Ok(())
    }

    /// Fills `out` with Cauchy numbers: `tensor.cauchy_(median, sigma)`.
    ///
    /// A number is `median + sigma tan(pi (x - 1/2))` with `x` of 53 bits. Takes two words per element.
    /// The numbers of `f64` may differ from PyTorch's in the last bits.
    ///
    /// # Errors
    ///
    /// [`RandomError::Scale`] unless `sigma > 0`.
    pub fn fill_cauchy<T: RandomFloat>(
        &mut self,
        out: &mut [T],
        median: f64,
        sigma: f64,
    ) -> Result<(), RandomError> {
        if sigma.is_nan() || sigma <= 0.0 {
            return Err(RandomError::Scale(sigma));
        }
        for slot in out {
            let tan = tan(PI * (unit_f64(self.next_u64()) - 0.5));
            *slot = T::from_f64(tan.mul_add(sigma, median));
        }
        Ok(())
    }

    /// Fills `out` with numbers whose logarithm is normal: `tensor.log_normal_(mean, std)`.
    ///
    /// A number is `e^y` with `y` normal as in a short tensor (see [`Generator::fill_normal`]), at any length.
    /// The numbers of `f64` may differ from PyTorch's in the last bit.
    ///
    /// # Errors
    ///
    /// [`RandomError::Scale`] unless `std > 0`.
    pub fn fill_log_normal<T: RandomFloat>(
        &mut self,
        out: &mut [T],
        mean: f64,
        std: f64,
    ) -> Result<(), RandomError> {
        if std.is_nan() || std <= 0.0 {
            return Err(RandomError::Scale(std));
        }
        for slot in out {
            *slot = T::from_f64(exp(self.normal().mul_add(std, mean)));
        }
        Ok(())
    }

    /// Fills `out` with the number of trials up to the first success: `tensor.geometric_(p)`.
    ///
    /// A number is `ceil(ln x / ln(1 - p))` with `x` of 53 bits, at least 1; integers saturate (in PyTorch what
    /// exceeds them is undefined). Takes two words per element.
    ///
    /// # Errors
    ///
    /// [`RandomError::OpenProbability`] unless `p` is in `(0, 1)`.
    pub fn fill_geometric<T: RandomElement>(&mut self, out: &mut [T], p: f64) -> Result<(), RandomError> {
        if !(p > 0.0 && p < 1.0) {
            return Err(RandomError::OpenProbability(p));
        }
        let failure = ln_one_minus(p);
        for slot in out {
            let x = unit_f64(self.next_u64());
            let trials = if x == 0.0 { f64::INFINITY } else { (ln(x) / failure).ceil() };
            *slot = T::from_real(trials);
        }
        Ok(())
    }

    /// Fills `out` with whole numbers from `from` up: `tensor.random_(from, None)`.
    ///
    /// The largest number is that of [`Generator::fill_random`]. For the float dtypes `from` is first moved up
    /// where it would round down. Takes words as [`Generator::fill_randint`]; from `i64::MIN` on two per element,
    /// which are the number.
    ///
    /// # Errors
    ///
    /// [`RandomError::WholeRange`] unless the dtype holds `from` and, for a float dtype, it is below the largest
    /// number.
    pub fn fill_random_from<T: RandomElement>(
        &mut self,
        out: &mut [T],
        from: i64,
    ) -> Result<(), RandomError> {
        let last = (T::MODULUS - 1) as i64;
        let error = RandomError::WholeRange { from, to: last };
        if from == i64::MIN {
            if !T::HAS_ALL_OF_I64 {
                return Err(error);
            }
            for slot in out {
                *slot = T::from_i64(self.next_u64() as i64);
            }
            return Ok(());
        }
        let from = T::lower_end(from);
        if !T::accepts(from) || T::REAL && from >= last {
            return Err(error);
        }
        let range = (last.wrapping_sub(from) as u64).wrapping_add(1);
        self.fill_range(out, from, range);
        Ok(())
    }
}
