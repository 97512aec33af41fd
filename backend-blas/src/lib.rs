//! A CPU backend whose matrix products are those of BLAS, the system's. What is not a matrix product of f32 or f64 goes to
//! the next backend.
//!
//! ```
//! use std::sync::Arc;
//! use rusttorch_backend_blas::Blas;
//!
//! let blas = Blas::over(Arc::new(rusttorch_backend_naive::Naive::new()));
//! # let _ = blas;
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `batch` | many products, and one where there seem to be many; who computes them |
//! | `product` | one product: gemm, gemv or dot |
//! | `plane` | matrices of any strides, and their way to what BLAS takes |
//! | `matrix` | what BLAS takes |
//! | `provider` | the seam to BLAS |
//! | `ffi` | the foreign functions: all that is `unsafe` |
//! | `threads` | how many threads BLAS uses |
//!
//! # Which BLAS
//!
//! A cargo feature says which one is linked, from the system: `openblas`, the default, or `accelerate`, `blis`,
//! `intel-mkl`, `netlib`. Without any, who builds the program links one. It must have the C interface (CBLAS) with 32-bit
//! sizes. OpenBLAS with threads of its own, as distributions build it by default, uses as many as
//! [`rusttorch_backend::threads`] says; the others, and OpenBLAS built for OpenMP, follow their own settings.
//!
//! # What is promised
//!
//! Not row invariance (R3 of the bit promise): BLAS may add a row's products in another order when other rows are there, the
//! layout is another one, or the number of threads. The elements stay within the bounds of a sum in any order. K = 0 gives
//! zeros, what the output held before is never read, and zeros are not skipped.

mod batch;
mod ffi;
mod matrix;
mod plane;
mod product;
mod provider;
mod threads;

use std::fmt;
use std::sync::Arc;

use rusttorch_backend::{
    Backend, Call, Capabilities, DType, DTypeSet, Family, Result, View, ViewMut, composed, forward_calls,
    forward_memory,
};

use crate::batch::Batch;
use crate::ffi::{Real, System};

/// The backend, named `blas`. See the [crate](self).
#[derive(Debug, Clone)]
pub struct Blas {
    next: Arc<dyn Backend>,
    /// Whether `next` has kernels of its own for the families that are products inside.
    fuses_conv: bool,
    fuses_attention: bool,
}

impl Blas {
    /// The backend over the one that answers for everything but matrix products and has the memory, which must be the
    /// host's.
    pub fn over(next: Arc<dyn Backend>) -> Blas {
        let claims = next.capabilities();
        let fuses = |family: Family| claims.is_native(family, family.name(), DType::F32);
        let (fuses_conv, fuses_attention) = (fuses(Family::Conv), fuses(Family::Attention));
        Blas { next, fuses_conv, fuses_attention }
    }

    fn call(&self, mut call: Call<'_>) -> Result<()> {
        match call {
            Call::Matmul { a, b, ref mut out } if is_product(a, b, out) => match a.dtype() {
                DType::F32 => products::<f32>(a, b, out),
                _ => products::<f64>(a, b, out),
            },
            // From the primitives of this backend, so that their products are BLAS's.
            Call::Conv { conv, x, weight, bias, out } if !self.fuses_conv => {
                composed::conv(self, conv, x, weight, bias, out)
            }
            Call::Attention { attention, q, k, v, mask, out } if !self.fuses_attention => {
                composed::attention(self, attention, q, k, v, mask, out)
            }
            _ => call.hand_on(self),
        }
    }
}

/// Whether it is a legal product of a dtype and of memory that BLAS can take.
fn is_product(a: View<'_>, b: View<'_>, out: &ViewMut<'_>) -> bool {
    let legal = match (a.shape(), b.shape(), out.shape()) {
        ([lead_a @ .., m, k], [lead_b @ .., l, n], [lead_out @ .., rows, columns]) => {
            k == l && lead_a == lead_b && lead_a == lead_out && (rows, columns) == (m, n)
        }
        _ => false,
    };
    let host = a.is_host() && b.is_host() && out.is_host();
    legal && host && DTypeSet::WIDE.contains(a.dtype()) && a.dtype() == b.dtype() && a.dtype() == out.dtype()
}

fn products<T: Real>(a: View<'_>, b: View<'_>, out: &mut ViewMut<'_>) -> Result<()> {
    let batch = Batch::new([a.layout(), b.layout(), out.layout()]);
    batch.run(&System, a.host::<T>()?, b.host::<T>()?, out.host_mut::<T>()?)
}

impl Backend for Blas {
    fn name(&self) -> &'static str {
        "blas"
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&*self.next)
    }

    /// Products of f32 and f64, without row invariance.
    fn capabilities(&self) -> Capabilities {
        Capabilities::none().with(Family::Matmul, DTypeSet::WIDE)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("blas", library().to_string())]
    }

    forward_memory!(next);
    forward_calls!(Self::call);
}

/// The BLAS that is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Library {
    /// The cargo feature that links it; `other` without one.
    pub provider: &'static str,
    /// What it says of its version and build, where it can be asked: OpenBLAS, `openblas_get_config`.
    pub config: Option<String>,
}

impl Library {
    /// The version, where the library tells it.
    pub fn version(&self) -> Option<&str> {
        self.config.as_deref()?.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.config.as_deref().unwrap_or(self.provider))
    }
}

/// Which BLAS is linked, and what it says of itself.
pub fn library() -> Library {
    let providers = [
        (cfg!(feature = "openblas"), "openblas"),
        (cfg!(feature = "accelerate"), "accelerate"),
        (cfg!(feature = "blis"), "blis"),
        (cfg!(feature = "intel-mkl"), "intel-mkl"),
        (cfg!(feature = "netlib"), "netlib"),
    ];
    let provider = providers.into_iter().find(|&(linked, _)| linked).map_or("other", |(_, name)| name);
    Library { provider, config: ffi::config() }
}

#[cfg(test)]
mod tests;
