use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::backend::Backend;
use crate::buffer::{Allocation, Buffer, HostBuffer};
use crate::capabilities::Family;
use crate::dtype::DType;
use crate::element::Scalar;
use crate::error::{ErrorKind, Result, TensorError, Value};
use crate::layout::Layout;
use crate::nest::Nest;
use crate::ops::{BinaryOp, Distribution, ReduceOp, UnaryOp};
use crate::rng::Generator;
use crate::view::{View, ViewMut};

/// Adds f32 and draws random numbers, with a mistake if it has one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Toy {
    Right,
    /// The last of more than two elements is off.
    Wrong,
    /// Fails.
    Failing,
    /// Takes a number too many.
    Greedy,
}

impl Backend for Toy {
    fn name(&self) -> &'static str {
        if *self == Toy::Right { "right" } else { "wrong" }
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        Ok(HostBuffer::zeroed(bytes)?.into())
    }
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        dst.as_host_mut().unwrap().as_bytes_mut()?[at..at + src.len()].copy_from_slice(src);
        Ok(())
    }
    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        dst.copy_from_slice(&src.as_host().unwrap().as_bytes()[at..at + dst.len()]);
        Ok(())
    }
    fn copy(&self, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        let nest = Nest::new([x.layout(), out.layout()]);
        let (from, to) = (x.host::<f32>()?, out.host_mut::<f32>()?);
        nest.for_each(|[i, o]| to[o] = from[i]);
        Ok(())
    }
    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        if *self == Toy::Failing || op != BinaryOp::Add {
            return Err(TensorError::new(ErrorKind::Unsupported, "toy", "adds only"));
        }
        let nest = Nest::new([a.layout(), b.layout(), out.layout()]);
        let (x, y, to) = (a.host::<f32>()?, b.host::<f32>()?, out.host_mut::<f32>()?);
        nest.for_each(|[i, j, o]| to[o] = x[i] + y[j]);
        if *self == Toy::Wrong && a.numel() > 2 {
            nest.for_each(|[i, j, o]| {
                if o + 1 == a.numel() {
                    to[o] = x[i] + y[j] + 0.5
                }
            });
        }
        Ok(())
    }
    fn random(&self, _: Distribution, generator: &mut Generator, mut out: ViewMut<'_>) -> Result<()> {
        let more = usize::from(*self == Toy::Greedy);
        let mut values = vec![0.0f32; out.numel() + more];
        generator.fill_uniform(&mut values, 0.0, 1.0).unwrap();
        let n = out.numel();
        out.host_mut::<f32>()?.copy_from_slice(&values[..n]);
        Ok(())
    }
}

/// f32 with a layout.
struct Array(HostBuffer, Layout);

impl Array {
    fn new(shape: &[usize], values: &[f32]) -> Array {
        let buffer = HostBuffer::from_bytes(bytemuck::cast_slice(values)).unwrap();
        Array(buffer, Layout::contiguous("test", shape).unwrap())
    }
    fn view(&self) -> View<'_> {
        View::new(&self.0, &self.1, DType::F32).unwrap()
    }
    fn out(&mut self) -> ViewMut<'_> {
        ViewMut::new(&mut self.0, &self.1, DType::F32).unwrap()
    }
    fn values(&self) -> &[f32] {
        self.view().host::<f32>().unwrap()
    }
}

fn arrays(shape: &[usize]) -> (Array, Array, Array) {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|i| i as f32).collect();
    (Array::new(shape, &values), Array::new(shape, &vec![1.0; n]), Array::new(shape, &vec![0.0; n]))
}

#[test]
fn traced_counts_calls_and_time_per_family() {
    let traced = Traced::new(Arc::new(Toy::Right));
    let (a, b, mut out) = arrays(&[2, 3]);
    for _ in 0..3 {
        traced.binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap();
    }
    traced.binary_assign(BinaryOp::Add, out.out(), b.view()).unwrap();
    traced.copy(a.view(), out.out()).unwrap();
    // An error counts, too.
    traced.unary(UnaryOp::Neg, a.view(), out.out()).unwrap_err();
    let trace = traced.trace();
    assert_eq!(trace.backend, "right");
    let calls = |family| trace.row(family).map(|row| row.calls);
    assert_eq!(calls(Family::Binary), Some(4), "the in-place form is of the same family");
    assert_eq!(calls(Family::Copy), Some(1));
    assert_eq!(calls(Family::Unary), Some(1));
    assert_eq!(calls(Family::Matmul), None);
    assert_eq!(trace.total().0, 6);
    assert!(trace.rows.windows(2).all(|w| w[0].time >= w[1].time));
    traced.reset();
    assert!(traced.trace().rows.is_empty());
    assert_eq!((traced.name(), traced.next().map(Backend::name)), ("traced", Some("right")));
}

#[test]
fn a_trace_is_a_table() {
    let row = |family, calls, micros| TraceRow { family, calls, time: Duration::from_micros(micros) };
    let rows = vec![row(Family::Matmul, 2, 3000), row(Family::Copy, 10, 1000)];
    let text = Trace { backend: "simd", rows }.to_string();
    let expected = "\
backend simd             calls     total ms    us / call   share
matmul                       2        3.000      1500.00   75.0%
copy                        10        1.000       100.00   25.0%
all                         12        4.000       333.33  100.0%
";
    assert_eq!(text, expected);
}

fn compared(second: Toy) -> Compared {
    Compared::new(Arc::new(Toy::Right), Arc::new(second))
}

#[test]
fn compared_gives_what_the_first_one_computes() {
    let (a, b, mut out) = arrays(&[2, 3]);
    compared(Toy::Right).binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap();
    assert_eq!(out.values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // In place: both start from the same values.
    compared(Toy::Right).binary_assign(BinaryOp::Add, out.out(), b.view()).unwrap();
    assert_eq!(out.values(), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    // Within a tolerance.
    let wide = Tolerance { relative: 0.0, absolute: 0.5 };
    compared(Toy::Wrong).within(wide).binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap();
}

#[test]
fn compared_names_the_first_divergence() {
    let (a, b, mut out) = arrays(&[2, 3]);
    let error = compared(Toy::Wrong).binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(
        error.to_string(),
        "binary: backends give different values: call binary(op Add, a float32 [2, 3], b float32 [2, 3], out float32 [2, 3]), \
         backends right and wrong, operand out, index [1, 2], first 6, second 6.5"
    );
}

#[test]
fn compared_sees_errors_and_generators_that_differ() {
    let (a, b, mut out) = arrays(&[2]);
    let error = compared(Toy::Failing).binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap_err();
    assert_eq!(error.value("first"), Some(&Value::from("no error".to_owned())));
    assert_eq!(error.value("second"), Some(&Value::from("toy: adds only".to_owned())));
    // Both fail alike: that is the outcome.
    let error = compared(Toy::Wrong).binary(BinaryOp::Sub, a.view(), b.view(), out.out()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);

    let uniform = Distribution::Uniform { from: 0.0, to: 1.0 };
    let mut generator = Generator::new(0);
    compared(Toy::Right).random(uniform, &mut generator, out.out()).unwrap();
    assert_eq!(out.values()[0], 0.496_256_6);
    let error = compared(Toy::Greedy).random(uniform, &mut generator, out.out()).unwrap_err();
    assert_eq!(error.rule(), "backends take different amounts from the generator");
}

#[test]
fn nan_meets_nan_and_integers_are_exact() {
    let (a, b) = (Array::new(&[2], &[f32::NAN, f32::INFINITY]), Array::new(&[2], &[0.0, 0.0]));
    let mut out = Array::new(&[2], &[0.0, 0.0]);
    compared(Toy::Right).binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap();
    assert!(out.values()[0].is_nan());
    assert_eq!(Tolerance::of(DType::I64), Tolerance::EXACT);
    assert_eq!(Tolerance::of(DType::Bool), Tolerance::EXACT);
}

#[test]
fn checked_lets_legal_calls_through() {
    let checked = Checked::new(Arc::new(Toy::Right));
    let (a, b, mut out) = arrays(&[2, 3]);
    checked.binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap();
    assert_eq!(out.values()[5], 6.0);
}

#[test]
fn checked_catches_breaks_of_the_contract() {
    let checked = Checked::new(Arc::new(Toy::Right));
    let (a, b, mut out) = arrays(&[2, 3]);
    let (short, _, _) = arrays(&[2]);
    let broken = |result: Result<()>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        error
    };

    let error = broken(checked.binary(BinaryOp::Add, a.view(), short.view(), out.out()));
    assert_eq!(
        error.to_string(),
        "binary: shapes differ: operands a, b and out, call binary(op Add, a float32 [2, 3], b float32 [2], out float32 [2, 3])"
    );
    // Wrong dtype of a result; axes out of order and range; a missing operand.
    let error = broken(checked.compare(crate::ops::CompareOp::Lt, a.view(), b.view(), out.out()));
    assert_eq!(error.rule(), "another dtype is due");
    let error = broken(checked.reduce(ReduceOp::Sum, a.view(), &[1, 0], out.out()));
    assert_eq!(error.rule(), "axes are distinct, ascending and below the rank");
    broken(checked.reduce(ReduceOp::Sum, a.view(), &[2], out.out()));
    broken(checked.softmax(crate::ops::SoftmaxOp::Softmax, a.view(), 2, out.out()));
    broken(checked.matmul(a.view(), b.view(), out.out()));
    broken(checked.scan(crate::ops::ScanOp::Cummax, a.view(), 0, out.out(), None));
    broken(checked.unary(UnaryOp::BitwiseNot, a.view(), out.out()));

    // An output whose elements share memory.
    let layout = Layout::contiguous("test", &[1]).unwrap().broadcast_to(&[2, 3]).unwrap();
    let mut one = HostBuffer::zeroed(4).unwrap();
    let shared = ViewMut::new(&mut one, &layout, DType::F32).unwrap();
    let error = broken(checked.fill(Scalar::Int(1), shared));
    assert_eq!(error.rule(), "an output's indices share positions");
    assert_eq!(error.value("operands"), Some(&Value::from("out")));
}

#[test]
fn decorators_stack() {
    let traced = Arc::new(Traced::new(Arc::new(Toy::Right)));
    let stack = Checked::new(Arc::new(Compared::new(traced.clone(), Arc::new(Toy::Wrong))));
    let (a, b, mut out) = arrays(&[2]);
    stack.binary(BinaryOp::Add, a.view(), b.view(), out.out()).unwrap();
    assert_eq!(traced.trace().total().0, 1);
    let mut chain = Vec::new();
    let mut backend: Option<&dyn Backend> = Some(&stack);
    while let Some(b) = backend {
        chain.push(b.name());
        backend = b.next();
    }
    assert_eq!(chain, ["checked", "compared", "traced", "right"]);
}
