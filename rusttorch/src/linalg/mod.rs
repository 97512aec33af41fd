//! Decompositions and solvers of matrices and batches of matrices. PyTorch: `torch.linalg`.
//!
//! The arithmetic is that of the crate `faer`, on the host; what stands here is shapes, batches, errors and gradients.
//! Every function takes `[.., M, N]` with any leading sizes, strides and empty sizes, in f32 or f64; other dtypes are
//! refused as PyTorch refuses them. Results are dense. Gradients, and gradients of gradients, are formulas in tensor
//! ops, as PyTorch has them.
//!
//! Vectors of `svd` and `eigh` have free signs (and more freedom where values repeat); a function of them has a
//! meaning, and a gradient, only if it does not depend on that. The signs of `qr` are LAPACK's: those that reflections
//! give which leave the last row alone.
//!
//! ```
//! use rusttorch::{Tensor, linalg};
//!
//! # fn main() -> rusttorch::Result<()> {
//! let a = Tensor::from_vec(vec![2.0f64, 1.0, 1.0, 3.0], &[2, 2])?;
//! let b = Tensor::from_vec(vec![3.0f64, 5.0], &[2])?;
//! let x = linalg::solve(&a, &b, true)?;
//! let off = a.mv(&x)?.sub(&b)?.abs()?.max()?.item_f64()?;
//! assert!(off < 1e-14);
//! # Ok(())
//! # }
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `bridge` | from tensors to faer's matrices and back, one matrix of a batch at a time |
//! | `kernel` | the calls of faer |
//! | `lu` | elimination of a singular matrix, where faer stops |
//! | `factor` | Cholesky, QR, LU |
//! | `determinant` | det, slogdet, logdet |
//! | `solve` | inverses and linear systems |
//! | `values` | singular values, eigenvalues of symmetric matrices, and their vectors |
//! | `least` | pseudoinverse, rank, least squares |
//! | `norms` | norms of matrices, condition |

mod bridge;
mod determinant;
mod factor;
mod kernel;
mod least;
mod lu;
mod norms;
mod solve;
mod values;

pub use determinant::{det, logdet, slogdet};
pub use factor::{QrMode, cholesky, lu, lu_factor, qr};
pub use least::{Driver, LeastSquares, Tolerance, lstsq, matrix_rank, pinv};
pub use norms::{MatrixNorm, cond, matrix_norm, norm};
pub use solve::{cholesky_inverse, cholesky_solve, inv, lu_solve, solve, solve_triangular};
pub use values::{Uplo, eigh, eigvalsh, svd, svdvals};
