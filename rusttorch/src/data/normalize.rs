//! Z-score normalisation.

use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use crate::autograd::no_grad;
use crate::tensor::Tensor;

/// `z = (x - mean) / std`, column by column, with the mean and standard deviation of one set of rows.
///
/// Fit it on the training part alone, so that nothing of the other parts leaks into training, and apply it
/// to all. The fields are tensors as any other: save them beside a model's parameters.
///
/// ```
/// use rusttorch::{Tensor, data::Standardize};
///
/// # fn main() -> rusttorch::Result<()> {
/// let train = Tensor::from_vec(vec![1.0f32, 7.0, 3.0, 7.0], &[2, 2])?;
/// let normalize = Standardize::fit(&train)?;
/// // The second column is constant: 0, not 0/0.
/// assert_eq!(normalize.apply(&train)?.to_vec::<f32>()?, [-1.0, 0.0, 1.0, 0.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Standardize {
    /// `[columns]`: `sum(x) / rows`.
    pub mean: Tensor,
    /// `[columns]`: `sqrt(sum((x - mean)^2) / rows)`, and 1 for a column whose values are all equal.
    pub std: Tensor,
}

impl Standardize {
    /// Means and standard deviations of the columns of `train` `[rows, columns]`, in its dtype; computed
    /// in f64. The deviation is that of a population (divided by rows, not rows - 1), as scikit-learn's
    /// `StandardScaler` has it. A column with a NaN or an infinity gets NaN.
    ///
    /// Errors: `DType` unless `train` is of a float dtype, `Shape` unless it is a matrix with rows.
    pub fn fit(train: &Tensor) -> Result<Standardize> {
        const OP: &str = "Standardize::fit";
        let fail = |kind, rule| TensorError::new(kind, OP, rule);
        if train.rank() != 2 {
            return Err(fail(ErrorKind::Shape, "needs a matrix [rows, columns]").with("shape", train.shape()));
        }
        if train.shape()[0] == 0 {
            return Err(fail(ErrorKind::Shape, "needs at least one row").with("shape", train.shape()));
        }
        if !train.dtype().is_float() {
            return Err(fail(ErrorKind::DType, "needs a floating-point dtype").with("dtype", train.dtype()));
        }
        no_grad(|| {
            let x = train.detach().to_dtype(DType::F64)?;
            // Rounding can leave a constant column with a tiny deviation, and its quotients with noise of
            // size 1; so its mean is taken from it exactly.
            let lowest = x.amin(0, false)?;
            let constant = lowest.eq(&x.amax(0, false)?)?;
            let mean = Tensor::where_cond(&constant, &lowest, &x.mean_dim(0, false)?)?;
            let std = x.std(0, 0.0, false)?.masked_fill(&constant, 1.0)?.to_dtype(train.dtype())?;
            // A deviation below the smallest number of the dtype.
            let std = std.masked_fill(&std.eq(0.0)?, 1.0)?;
            Ok(Standardize { mean: mean.to_dtype(train.dtype())?, std })
        })
    }

    /// `(x - mean) / std` for `x` `[.., columns]`; dtypes promote. Error: `Shape` for another number of
    /// columns.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        self.check("Standardize::apply", x)?;
        x.sub(&self.mean)?.div(&self.std)
    }

    /// `z * std + mean` for `z` `[.., columns]`: what [`apply`](Self::apply) was given. Error: `Shape` for
    /// another number of columns.
    pub fn invert(&self, z: &Tensor) -> Result<Tensor> {
        self.check("Standardize::invert", z)?;
        z.mul(&self.std)?.add(&self.mean)
    }

    fn check(&self, op: &'static str, x: &Tensor) -> Result<()> {
        let columns = self.mean.numel();
        if x.shape().last() != Some(&columns) {
            return Err(TensorError::new(
                ErrorKind::Shape,
                op,
                "number of columns differs from the fitted one",
            )
            .with("fitted", columns)
            .with("shape", x.shape()));
        }
        Ok(())
    }
}
