//! Running products and sums of products without a division, so that zeros need no case of their own:
//! what the gradients of `prod`, `cumprod` and `logcumsumexp` are made of.
//!
//! Both halve their line until one element is left, in tensor ops alone: n elements cost a few n, gradients of
//! gradients come for free.

use rusttorch_backend::Result;

use crate::tensor::Tensor;

/// Every second element of the last axis.
fn every_second(x: &Tensor, start: isize) -> Result<Tensor> {
    x.slice(-1, Some(start), None, 2)
}

/// Two lines of equal length, or the first one longer by one element, element by element in turn.
fn interleave(even: &Tensor, odd: &Tensor) -> Result<Tensor> {
    let (n, pairs) = (even.size(-1)?, odd.size(-1)?);
    let paired = Tensor::stack(&[&even.narrow(-1, 0, pairs)?, odd], -1)?.flatten_dims(-2, -1)?;
    if n == pairs { Ok(paired) } else { Tensor::cat(&[&paired, &even.narrow(-1, -1, 1)?], -1) }
}

/// Along the last axis, for every element the product of all others. Padded with ones to a power of two,
/// products of pairs, of pairs of pairs and so on are built up; on the way down a node's two children
/// receive what stands outside of it times each other's product.
pub(crate) fn products_of_others(lines: &Tensor) -> Result<Tensor> {
    let n = lines.size(-1)?;
    if n == 0 {
        return Ok(lines.clone());
    }
    let width = n.next_power_of_two();
    let mut pad: Vec<usize> = lines.shape().to_vec();
    let last = pad.len() - 1;
    pad[last] = width - n;
    let ones = Tensor::ones(&pad, lines.dtype())?;
    let mut levels = vec![Tensor::cat(&[lines, &ones], -1)?];
    let mut w = width;
    while w > 1 {
        let level = &levels[levels.len() - 1];
        levels.push(every_second(level, 0)?.mul(&every_second(level, 1)?)?);
        w /= 2;
    }
    let mut outside = Tensor::ones_like(&levels[levels.len() - 1])?;
    for level in levels.iter().rev().skip(1) {
        let (left, right) = (every_second(level, 0)?, every_second(level, 1)?);
        outside = interleave(&outside.mul(&right)?, &outside.mul(&left)?)?;
    }
    outside.narrow(-1, 0, n)
}

/// Along the last axis `s[i] = b[i] + a[i] * s[i + 1]`, from the last element on, which is `b`'s. `a` has one
/// element less than `b`. Put into one another, two steps are one of the same form with twice the stride; what
/// is left out on the way down is one step away from what it gives.
pub(crate) fn from_behind(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let mut levels = Vec::new();
    let (mut a, mut b) = (a.clone(), b.clone());
    while b.size(-1)? > 1 {
        let n = b.size(-1)?;
        let (a_even, a_odd) = (every_second(&a, 0)?, every_second(&a, 1)?);
        let (b_even, b_odd) = (every_second(&b, 0)?, every_second(&b, 1)?);
        let pairs = n / 2;
        let mut next_b = b_even.narrow(-1, 0, pairs)?.add(&a_even.narrow(-1, 0, pairs)?.mul(&b_odd)?)?;
        if n % 2 == 1 {
            next_b = Tensor::cat(&[&next_b, &b.narrow(-1, -1, 1)?], -1)?;
        }
        let steps = a_odd.size(-1)?;
        let next_a = a_even.narrow(-1, 0, steps)?.mul(&a_odd)?;
        levels.push((a_odd, b_odd));
        (a, b) = (next_a, next_b);
    }
    let mut sums = b;
    for (a_odd, b_odd) in levels.into_iter().rev() {
        let steps = a_odd.size(-1)?;
        let stepped = b_odd.narrow(-1, 0, steps)?.add(&a_odd.mul(&sums.narrow(-1, 1, steps)?)?)?;
        let odd = match b_odd.size(-1)? > steps {
            true => Tensor::cat(&[&stepped, &b_odd.narrow(-1, -1, 1)?], -1)?,
            false => stepped,
        };
        sums = interleave(&sums, &odd)?;
    }
    Ok(sums)
}
