//! The calls that are timed beside PyTorch's: a table of cases, each made when it is asked for.
//!
//! Every call goes through the public crate and makes a fresh output, as users call it. The same cases, under the
//! same names and with the same inputs, stand in `pytorch/cases.py`; `pytorch/compare.py` runs both sides in turn
//! and holds their results against each other.

mod copies;
mod elementwise;
mod inputs;
mod losses;
mod matmul;
mod optimizers;
#[cfg(feature = "peers")]
mod peers;
mod reductions;
mod timing;

pub use inputs::{indices, uniform, values};
pub use timing::{Plan, measure, second_thread};

use std::marker::PhantomData;

use rusttorch::{DType, Result, Tensor, enable_grad, no_grad};

/// What a case moves and computes at least, in bytes and operations: what the physical limits are held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Bytes read.
    pub reads: usize,
    /// Bytes written.
    pub writes: usize,
    /// Floating point operations, a fused multiply-add being two.
    pub flops: usize,
}

impl Cost {
    /// Elements of four bytes that are read and written.
    fn f32(reads: usize, writes: usize) -> Cost {
        Cost { reads: 4 * reads, writes: 4 * writes, flops: 0 }
    }
}

/// A call with its inputs, ready to be made.
pub trait Work {
    /// Makes the call so many times.
    fn repeat(&mut self, calls: u64) -> Result<()>;
    /// Makes it once and sums the outputs up.
    fn digest(&mut self) -> Result<Digest>;
}

/// The outputs of a call in two numbers, so that two sides can tell whether they compute the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Digest {
    /// Number of elements.
    pub count: usize,
    /// Their sum.
    pub sum: f64,
    /// The sum of their magnitudes.
    pub size: f64,
}

impl Digest {
    /// Of numbers.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Digest {
        values.into_iter().fold(Digest::default(), |d, v| Digest {
            count: d.count + 1,
            sum: d.sum + v,
            size: d.size + v.abs(),
        })
    }
}

/// What a call can give.
pub trait Outcome {
    /// In two numbers.
    fn digest(&self) -> Result<Digest>;
}

impl Outcome for Tensor {
    fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(self.to_f64_vec()?))
    }
}

/// Values with their places, of which the values count: equal elements may stand in any order.
impl Outcome for (Tensor, Tensor) {
    fn digest(&self) -> Result<Digest> {
        self.0.digest()
    }
}

impl Outcome for Vec<f32> {
    fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(self.iter().map(|&v| f64::from(v))))
    }
}

impl Outcome for Vec<f64> {
    fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(self.iter().copied()))
    }
}

/// A closure that is a call.
struct Call<F, O>(F, PhantomData<fn() -> O>);

impl<F: FnMut() -> Result<O>, O: Outcome> Work for Call<F, O> {
    fn repeat(&mut self, calls: u64) -> Result<()> {
        for _ in 0..calls {
            std::hint::black_box((self.0)()?);
        }
        Ok(())
    }

    fn digest(&mut self) -> Result<Digest> {
        (self.0)()?.digest()
    }
}

/// Makes work of a closure.
fn work<O: Outcome + 'static>(call: impl FnMut() -> Result<O> + 'static) -> Result<Box<dyn Work>> {
    Ok(Box::new(Call(call, PhantomData)))
}

type Make = Box<dyn Fn() -> Result<Box<dyn Work>>>;

/// One call to be timed.
pub struct Case {
    /// The group of the report.
    pub group: &'static str,
    /// What is called.
    pub op: String,
    /// How large the operands are, in the words of the report.
    pub size: String,
    /// Of the operands.
    pub dtype: DType,
    /// Who computes, where it is not this crate.
    pub peer: Option<&'static str>,
    /// What it moves and computes.
    pub cost: Cost,
    recorded: bool,
    make: Make,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id())
    }
}

impl Case {
    fn new(
        group: &'static str,
        op: impl Into<String>,
        size: impl Into<String>,
        cost: Cost,
        make: impl Fn() -> Result<Box<dyn Work>> + 'static,
    ) -> Case {
        let (op, size, make) = (op.into(), size.into(), Box::new(make));
        Case { group, op, size, dtype: DType::F32, peer: None, cost, recorded: false, make }
    }

    /// Of operands of another dtype than f32.
    fn of(mut self, dtype: DType) -> Case {
        self.dtype = dtype;
        self
    }

    /// With gradients recorded.
    fn recorded(mut self) -> Case {
        self.recorded = true;
        self
    }

    /// Its name in the protocol, the same on both sides: `group/op/size/dtype`, and `@peer` where there is one.
    pub fn id(&self) -> String {
        let peer = self.peer.map_or(String::new(), |p| format!("@{p}"));
        let dtype = if self.dtype == DType::F64 { "f64" } else { "f32" };
        format!("{}/{}/{}/{dtype}{peer}", self.group, self.op, self.size)
    }

    /// The call with its inputs.
    pub fn make(&self) -> Result<Box<dyn Work>> {
        (self.make)()
    }

    /// Runs `body` with gradients recorded or not, as the case wants it.
    pub fn in_mode<R>(&self, body: impl FnOnce() -> R) -> R {
        if self.recorded { enable_grad(body) } else { no_grad(body) }
    }
}

/// Every case, in the order of the report.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    elementwise::add(&mut cases);
    reductions::add(&mut cases);
    losses::add(&mut cases);
    matmul::add(&mut cases);
    optimizers::add(&mut cases);
    copies::add(&mut cases);
    #[cfg(feature = "peers")]
    peers::add(&mut cases);
    cases
}

#[cfg(test)]
mod tests;
