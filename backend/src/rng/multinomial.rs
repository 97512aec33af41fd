//! Choices with given weights: `torch.multinomial`.

use std::cmp::Ordering;

use super::distributions::unit_f64;
use super::double::ln_one_minus;
use super::{Generator, RandomError, RandomFloat};

/// Error unless the weights are finite, none is negative and some are positive.
pub(super) fn check<W: RandomFloat>(weights: &[W]) -> Result<(), RandomError> {
    if !weights.iter().all(|w| (0.0..=W::LARGEST).contains(&w.to_f64())) {
        return Err(RandomError::Weight);
    }
    match weights.iter().any(|w| w.to_f64() > 0.0) {
        true => Ok(()),
        false => Err(RandomError::WeightSum),
    }
}

impl Generator {
    /// Fills `out` with as many indices for each row of `n` weights, each chosen with a probability proportional
    /// to its weight: `torch.multinomial(weights, k, replacement=True)`.
    ///
    /// An index is that of the first running sum of the weights, over their whole sum, that is not below `x` of
    /// 53 bits; the sums are those of the dtype (single precision for the 16-bit dtypes). Takes two words per
    /// index. (For one index a row PyTorch calls [`Generator::fill_multinomial_distinct`].)
    ///
    /// # Errors
    ///
    /// Of all rows, before anything is drawn: [`RandomError::Weight`] for a weight that is negative, infinite or
    /// not a number, [`RandomError::WeightSum`] where all weights of a row are zero.
    pub fn fill_multinomial<W: RandomFloat>(
        &mut self,
        out: &mut [i64],
        weights: &[W],
        n: usize,
    ) -> Result<(), RandomError> {
        let n = n.max(1);
        weights.chunks(n).try_for_each(check)?;
        let k = out.len() / (weights.len() / n).max(1);
        let mut bounds: Vec<f64> = Vec::with_capacity(n);
        for (out, weights) in out.chunks_mut(k.max(1)).zip(weights.chunks(n)) {
            bounds.clear();
            let mut sum = 0.0;
            for w in weights {
                sum = W::round_wide(sum + w.to_f64());
                bounds.push(sum);
            }
            for bound in &mut bounds {
                *bound = W::round_wide(*bound / sum);
            }
            if let Some(last) = bounds.last_mut() {
                *last = 1.0;
            }
            for slot in out {
                let x = unit_f64(self.next_u64());
                *slot = bounds.partition_point(|&bound| bound < x) as i64;
            }
        }
        Ok(())
    }

    /// As many different indices as `out` holds for each row of `n` weights, the first chosen first:
    /// `torch.multinomial(weights, k)`. `order` numbers the weights in the order in which PyTorch draws for them.
    ///
    /// Every weight is divided by an exponential number (see [`Generator::fill_exponential`]) in the dtype, and
    /// the indices of the largest quotients are taken, largest first. Of equal quotients the first comes first;
    /// PyTorch leaves their order to its sorting. Takes two words per weight.
    ///
    /// # Errors
    ///
    /// As [`Generator::fill_multinomial`].
    pub fn fill_multinomial_distinct<W: RandomFloat>(
        &mut self,
        out: &mut [i64],
        weights: &[W],
        n: usize,
        order: impl Iterator<Item = usize>,
    ) -> Result<(), RandomError> {
        let n = n.max(1);
        weights.chunks(n).try_for_each(check)?;
        let mut quotients = vec![0.0; weights.len()];
        for i in order {
            let time = W::from_f64(-ln_one_minus(unit_f64(self.next_u64())));
            if let (Some(slot), Some(w)) = (quotients.get_mut(i), weights.get(i)) {
                *slot = W::from_f64(w.to_f64() / time.to_f64()).to_f64();
            }
        }
        let rows = (weights.len() / n).max(1);
        let k = out.len() / rows;
        for (out, quotients) in out.chunks_mut(k.max(1)).zip(quotients.chunks(n)) {
            let mut ranked: Vec<usize> = (0..quotients.len()).collect();
            ranked.sort_by(|&a, &b| larger_first(quotients[a], quotients[b]));
            for (slot, index) in out.iter_mut().zip(ranked) {
                *slot = index as i64;
            }
        }
        Ok(())
    }
}

/// Descending, NaN before all.
fn larger_first(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        (a, b) => b.cmp(&a),
    }
}
