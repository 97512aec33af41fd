//! The backend that a mistake is put into.

use rusttorch_backend::delegate::delegate;
use rusttorch_backend::ops::{
    Activation, ArgReduceOp, Attention, BinaryOp, CompareOp, Conv, Distribution, Loss, Norm, Optimizer, Pool,
    PoolKind, ReduceOp, Reduction, ScanOp, ScatterOp, SoftmaxOp, SortOp, TernaryOp, UnaryOp,
};
use rusttorch_backend::{
    Allocation, Backend, Buffer, Capabilities, DType, DTypeSet, ErrorKind, Family, Generator, ParamStep,
    Result, Scalar, View, ViewMut,
};

use super::Fault;
use super::wrong::{self, Disorder, edit, read, relayout, write};
use crate::dense::Dense;

/// A right backend with one mistake.
#[derive(Debug)]
pub struct Faulty<B> {
    base: B,
    fault: Fault,
}

impl<B: Backend> Faulty<B> {
    /// `base` with a mistake. The base must be right, and its memory the host's.
    pub fn new(base: B, fault: Fault) -> Self {
        Faulty { base, fault }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

impl<B: Backend> Backend for Faulty<B> {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.base.alloc(bytes)
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.base.upload(src, dst, at)
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        self.base.download(src, at, dst)
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&self.base)
    }

    fn capabilities(&self) -> Capabilities {
        match self.fault {
            Fault::ComputesUnclaimed => Capabilities::none().with(Family::Copy, DTypeSet::ALL),
            _ => self.base.capabilities(),
        }
    }

    fn fill(&self, value: Scalar, out: ViewMut<'_>) -> Result<()> {
        match value {
            Scalar::Float(v) if self.has(Fault::FillTruncates) => self.base.fill(Scalar::Int(v as i64), out),
            _ => self.base.fill(value, out),
        }
    }

    fn copy(&self, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        let (from, to) = (x.dtype(), out.dtype());
        match self.fault {
            Fault::CastWraps if from.is_float() && to.is_int() => {
                let wrapped = read(&self.base, x)?.cast(DType::F64).cast(DType::I64);
                write(&self.base, out, &wrapped.cast(to))
            }
            Fault::HalfTruncates if from == DType::F32 && to == DType::BF16 => {
                let x = read(&self.base, x)?;
                let bytes: Vec<u8> = x.bytes().chunks_exact(4).flat_map(|b| [b[2], b[3]]).collect();
                wrong::write_bytes(&self.base, out, &bytes)
            }
            Fault::CopyLosesPayload => {
                self.base.copy(x, out.reborrow())?;
                wrong::replace(
                    &self.base,
                    out,
                    |_, v| if v.to_f64().is_nan() { Scalar::Float(f64::NAN) } else { v },
                )
            }
            _ => self.base.copy(x, out),
        }
    }

    fn unary(&self, op: UnaryOp, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        match (self.fault, op) {
            (Fault::ClaimsWhatItDelegates, UnaryOp::Exp) => {
                delegate(self, Family::Unary, [x], [out], |b, [x], [out]| b.unary(op, x, out))
            }
            (Fault::ForgetsStrides | Fault::ForgetsOffset, UnaryOp::Neg) => {
                let keep_strides = self.has(Fault::ForgetsOffset);
                match relayout(x.layout(), keep_strides) {
                    Some(layout) if x.with_layout(&layout).is_ok() => {
                        self.base.unary(op, x.with_layout(&layout)?, out)
                    }
                    _ => self.base.unary(op, x, out),
                }
            }
            (Fault::ReluDropsNan, UnaryOp::Relu) => {
                self.base.unary(op, x, out.reborrow())?;
                edit(&self.base, out, |_, v| if v.is_nan() { 0.0 } else { v })
            }
            (Fault::AbsSaturates, UnaryOp::Abs) if x.dtype() == DType::I32 => {
                self.base.unary(op, x, out.reborrow())?;
                edit(&self.base, out, |_, v| if v < 0.0 { f64::from(i32::MAX) } else { v })
            }
            (Fault::RoundsHalvesAway, UnaryOp::Round) => {
                let x = read(&self.base, x)?;
                edit(&self.base, out, |i, _| x.f64(i).round())
            }
            (Fault::Expm1Cancels, UnaryOp::Expm1) if x.dtype() == DType::F32 => {
                let x = read(&self.base, x)?;
                edit(&self.base, out, |i, _| f64::from((x.f64(i) as f32).exp() - 1.0))
            }
            (Fault::TailDiffers, UnaryOp::Exp) => {
                self.base.unary(op, x, out.reborrow())?;
                let n = x.numel();
                edit(
                    &self.base,
                    out,
                    |i, v| if i >= n - n % 8 { v * (1.0 + f64::from(f32::EPSILON)) } else { v },
                )
            }
            (Fault::FlushesSubnormals, _) => {
                let tiny =
                    if out.dtype() == DType::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
                self.base.unary(op, x, out.reborrow())?;
                edit(&self.base, out, |_, v| if v.abs() < tiny { v * 0.0 } else { v })
            }
            _ => self.base.unary(op, x, out),
        }
    }

    fn binary(&self, op: BinaryOp, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        let ints = a.dtype().is_int();
        let pairs = || Ok::<_, rusttorch_backend::TensorError>((read(&self.base, a)?, read(&self.base, b)?));
        match (self.fault, op) {
            (Fault::OffByOneTail, BinaryOp::Mul) if a.numel() > 1 => {
                let keep = read(&self.base, out.as_view())?;
                self.base.binary(op, a, b, out.reborrow())?;
                let n = a.numel();
                wrong::replace(&self.base, out, |i, new| if i == n - 1 { keep.scalar(i) } else { new })
            }
            (Fault::FloorDivideTruncates, BinaryOp::FloorDivide) if ints => {
                self.base.binary(op, a, b, out.reborrow())?;
                let (a, b) = pairs()?;
                edit(&self.base, out, |i, _| (a.f64(i) / b.f64(i)).trunc())
            }
            (Fault::ZeroDivisionIsSilent, BinaryOp::FloorDivide | BinaryOp::Remainder | BinaryOp::Fmod) => {
                match self.base.binary(op, a, b, out) {
                    Err(e) if e.kind() == ErrorKind::ZeroDivision => Ok(()),
                    ended => ended,
                }
            }
            (Fault::RemainderIsFmod, BinaryOp::Remainder) => self.base.binary(BinaryOp::Fmod, a, b, out),
            (Fault::MaximumDropsNan, BinaryOp::Maximum) => self.base.binary(BinaryOp::Fmax, a, b, out),
            (Fault::MinimumForgetsSignOfZero, BinaryOp::Minimum) => {
                self.base.binary(op, a, b, out.reborrow())?;
                let (a, b) = pairs()?;
                edit(&self.base, out, |i, v| if a.f64(i) == b.f64(i) { a.f64(i) } else { v })
            }
            (Fault::ShiftCountWraps, BinaryOp::BitwiseLeftShift) => {
                let (a, b) = pairs()?;
                let bits = 8 * a.dtype().size() as i64;
                let shifted = |i: usize| a.scalar(i).to_i64() << (b.scalar(i).to_i64() & (bits - 1));
                wrong::replace(&self.base, out, |i, _| Scalar::Int(shifted(i)))
            }
            (Fault::HypotOverflows, BinaryOp::Hypot) if a.dtype() == DType::F32 => {
                let (a, b) = pairs()?;
                let square = |v: f64| v as f32 * v as f32;
                edit(&self.base, out, |i, _| f64::from((square(a.f64(i)) + square(b.f64(i))).sqrt()))
            }
            (Fault::LogaddexpOverflows, BinaryOp::Logaddexp) if a.dtype() == DType::F32 => {
                let (a, b) = pairs()?;
                let exp = |v: f64| (v as f32).exp();
                edit(&self.base, out, |i, _| f64::from((exp(a.f64(i)) + exp(b.f64(i))).ln()))
            }
            (Fault::XlogyMultiplies, BinaryOp::Xlogy) => {
                let (a, b) = pairs()?;
                edit(&self.base, out, |i, _| a.f64(i) * b.f64(i).ln())
            }
            (Fault::ForgetsSecondOperand, BinaryOp::Add) => self.base.binary(op, a, a, out),
            (Fault::WritesOutside, BinaryOp::Add) => {
                self.base.binary(op, a, b, out.reborrow())?;
                wrong::write_past(&self.base, out)
            }
            _ => self.base.binary(op, a, b, out),
        }
    }

    fn binary_assign(&self, op: BinaryOp, mut io: ViewMut<'_>, b: View<'_>) -> Result<()> {
        if !self.has(Fault::AssignSwapsOperands) {
            return self.base.binary_assign(op, io, b);
        }
        let a = read(&self.base, io.as_view())?;
        wrong::with_dense(&self.base, &a, |a| self.base.binary(op, b, a, io.reborrow()))
    }

    fn ternary(&self, op: TernaryOp, a: View<'_>, b: View<'_>, c: View<'_>, out: ViewMut<'_>) -> Result<()> {
        if op != TernaryOp::Clamp || !self.has(Fault::ClampPrefersLow) {
            return self.base.ternary(op, a, b, c, out);
        }
        let mut held = wrong::Held::like(&self.base, &out)?;
        self.base.binary(BinaryOp::Minimum, a, c, held.out()?)?;
        self.base.binary(BinaryOp::Maximum, held.view()?, b, out)
    }

    fn compare(&self, op: CompareOp, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        match (self.fault, op) {
            (Fault::GreaterAsGreaterEqual, CompareOp::Gt) => self.base.compare(CompareOp::Ge, a, b, out),
            (Fault::NanIsFalse, CompareOp::LogicalOr) => {
                self.base.compare(op, a, b, out.reborrow())?;
                let (a, b) = (read(&self.base, a)?, read(&self.base, b)?);
                let truth = |v: f64| v.abs() > 0.0;
                edit(&self.base, out, |i, _| f64::from(truth(a.f64(i)) || truth(b.f64(i))))
            }
            _ => self.base.compare(op, a, b, out),
        }
    }

    fn select(&self, condition: View<'_>, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        self.base.select(condition, a, b, out.reborrow())?;
        if !self.has(Fault::SelectMultiplies) || !a.dtype().is_float() {
            return Ok(());
        }
        let (c, a, b) = (read(&self.base, condition)?, read(&self.base, a)?, read(&self.base, b)?);
        edit(&self.base, out, |i, _| c.f64(i) * a.f64(i) + (1.0 - c.f64(i)) * b.f64(i))
    }

    fn reduce(&self, op: ReduceOp, x: View<'_>, axes: &[usize], mut out: ViewMut<'_>) -> Result<()> {
        match (self.fault, op) {
            (Fault::SumsInHalf, ReduceOp::Sum) if x.dtype() == DType::F16 => {
                wrong::running_sum(&self.base, x, axes, out)
            }
            (Fault::SumsNaively, ReduceOp::Sum) if x.dtype() == DType::F32 => {
                wrong::running_sum(&self.base, x, axes, out)
            }
            (Fault::NarrowSums, ReduceOp::Sum) if x.dtype() == DType::I8 => {
                self.base.reduce(op, x, axes, out.reborrow())?;
                edit(&self.base, out, |_, v| f64::from(v as i64 as i8))
            }
            (Fault::AmaxDropsNan, ReduceOp::Amax) if x.dtype().is_float() && x.numel() > 0 => {
                let mut clean = wrong::Held::of(&self.base, &read(&self.base, x)?)?;
                edit(&self.base, clean.out()?, |_, v| if v.is_nan() { f64::NEG_INFINITY } else { v })?;
                self.base.reduce(op, clean.view()?, axes, out)
            }
            (Fault::VarForgetsCorrection, ReduceOp::Var { .. }) => {
                self.base.reduce(ReduceOp::Var { correction: 0.0 }, x, axes, out)
            }
            (Fault::VarCancels, ReduceOp::Var { correction }) if x.dtype() == DType::F32 => {
                wrong::var_of_squares(&self.base, correction, x, axes, out)
            }
            (Fault::LogsumexpOverflows, ReduceOp::Logsumexp) => {
                let mut held = wrong::Held::of(&self.base, &read(&self.base, x)?)?;
                self.base.unary(UnaryOp::Exp, x, held.out()?)?;
                self.base.reduce(ReduceOp::Sum, held.view()?, axes, out.reborrow())?;
                edit(&self.base, out, |_, v| v.ln())
            }
            (Fault::NormForgetsRoot, ReduceOp::Norm { p }) if p > 1.0 && p.is_finite() => {
                self.base.reduce(op, x, axes, out.reborrow())?;
                edit(&self.base, out, |_, v| v.powf(p))
            }
            (Fault::OrderByLayout, ReduceOp::Sum)
                if x.dtype() == DType::F32 && !x.layout().is_contiguous() =>
            {
                wrong::running_sum(&self.base, x, axes, out)
            }
            _ => self.base.reduce(op, x, axes, out),
        }
    }

    fn arg_reduce(&self, op: ArgReduceOp, x: View<'_>, axis: usize, mut out: ViewMut<'_>) -> Result<()> {
        match (self.fault, op) {
            (Fault::ArgmaxLast, ArgReduceOp::Argmax) => {
                // The first of the flipped row is the last of the row.
                let n = x.shape()[axis];
                let layout = x.layout().flip(&[axis as isize])?;
                self.base.arg_reduce(op, x.with_layout(&layout)?, axis, out.reborrow())?;
                edit(&self.base, out, |_, v| n as f64 - 1.0 - v)
            }
            (Fault::ArgmaxSkipsNan, ArgReduceOp::Argmax) if x.dtype().is_float() => {
                let mut clean = wrong::Held::of(&self.base, &read(&self.base, x)?)?;
                edit(&self.base, clean.out()?, |_, v| if v.is_nan() { f64::NEG_INFINITY } else { v })?;
                self.base.arg_reduce(op, clean.view()?, axis, out)
            }
            _ => self.base.arg_reduce(op, x, axis, out),
        }
    }

    fn scan(
        &self,
        op: ScanOp,
        x: View<'_>,
        axis: usize,
        mut out: ViewMut<'_>,
        indices: Option<ViewMut<'_>>,
    ) -> Result<()> {
        let Some(mut indices) = indices else {
            if op == ScanOp::Logcumsumexp && self.has(Fault::LogcumsumexpOverflows) {
                let mut held = wrong::Held::of(&self.base, &read(&self.base, x)?)?;
                self.base.unary(UnaryOp::Exp, x, held.out()?)?;
                self.base.scan(ScanOp::Cumsum, held.view()?, axis, out.reborrow(), None)?;
                return edit(&self.base, out, |_, v| v.ln());
            }
            return self.base.scan(op, x, axis, out, None);
        };
        self.base.scan(op, x, axis, out.reborrow(), Some(indices.reborrow()))?;
        if !self.has(Fault::CummaxFirstIndex) || op != ScanOp::Cummax {
            return Ok(());
        }
        let running = read(&self.base, out.as_view())?;
        let places = read(&self.base, indices.as_view())?;
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let n = x.shape()[axis];
        edit(&self.base, indices, |i, place| {
            let mut first = i;
            while !(first / inner).is_multiple_of(n) && running.f64(first - inner) == running.f64(i) {
                first -= inner;
            }
            if first == i { place } else { places.f64(first) }
        })
    }

    fn matmul(&self, a: View<'_>, b: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        let k = a.shape().last().copied().unwrap_or(0);
        let last = a.shape().len() as isize - 1;
        match self.fault {
            Fault::MatmulOverwrites if k > 1 => {
                let (left, right) = (a.layout().narrow(last, -1, 1)?, b.layout().narrow(last - 1, -1, 1)?);
                self.base.matmul(a.with_layout(&left)?, b.with_layout(&right)?, out)
            }
            Fault::MatmulSkipsZeros if a.dtype().is_float() => {
                wrong::product(&self.base, a, b, out, |sum, x, y| if x == 0.0 { sum } else { sum + x * y })
            }
            Fault::MatmulInHalf if a.dtype() == DType::F16 => {
                wrong::product(&self.base, a, b, out, |sum, x, y| {
                    rusttorch_backend::f16::from_f64(sum + x * y).to_f64()
                })
            }
            Fault::RowPathDiffers if a.shape()[last as usize - 1] == 1 && a.dtype() == DType::F32 => {
                self.base.matmul(a, b, out.reborrow())?;
                wrong::product(&self.base, a, b, out, |sum, x, y| f64::from((sum + x * y) as f32))
            }
            _ => self.base.matmul(a, b, out),
        }
    }

    fn gather(&self, x: View<'_>, axis: usize, index: View<'_>, out: ViewMut<'_>) -> Result<()> {
        if !self.has(Fault::GatherWraps) {
            return self.base.gather(x, axis, index, out);
        }
        let n = x.shape()[axis] as f64;
        let mut held = wrong::Held::of(&self.base, &read(&self.base, index)?)?;
        edit(&self.base, held.out()?, |_, v| if v < 0.0 { v + n } else { v })?;
        self.base.gather(x, axis, held.view()?, out)
    }

    fn scatter(
        &self,
        op: ScatterOp,
        io: ViewMut<'_>,
        axis: usize,
        index: View<'_>,
        src: View<'_>,
    ) -> Result<()> {
        if op == ScatterOp::Add && self.has(Fault::ScatterAddOverwrites) {
            return wrong::scatter_add_once(&self.base, io, axis, index, src);
        }
        self.base.scatter(op, io, axis, index, src)
    }

    fn sort(
        &self,
        op: SortOp,
        x: View<'_>,
        axis: usize,
        values: ViewMut<'_>,
        indices: ViewMut<'_>,
    ) -> Result<()> {
        let disorder = match self.fault {
            Fault::SortNanFirst => Disorder::NanFirst,
            Fault::SortUnstable => Disorder::EqualsReversed,
            Fault::SortPlacesForIndices => Disorder::PlacesForIndices,
            _ => return self.base.sort(op, x, axis, values, indices),
        };
        wrong::disordered(&self.base, disorder, op, x, axis, (values, indices))
    }

    fn searchsorted(&self, sorted: View<'_>, values: View<'_>, right: bool, out: ViewMut<'_>) -> Result<()> {
        self.base.searchsorted(sorted, values, right && !self.has(Fault::SearchForgetsRight), out)
    }

    fn random(&self, distribution: Distribution, generator: &mut Generator, out: ViewMut<'_>) -> Result<()> {
        if self.has(Fault::RandomTakesOneMore) {
            generator.next_u32();
        }
        self.base.random(distribution, generator, out)
    }

    fn softmax(&self, op: SoftmaxOp, x: View<'_>, axis: usize, mut out: ViewMut<'_>) -> Result<()> {
        self.base.softmax(op, x, axis, out.reborrow())?;
        if !self.has(Fault::SoftmaxOverflows) || op != SoftmaxOp::Softmax {
            return Ok(());
        }
        let x = read(&self.base, x)?;
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let n = x.shape()[axis];
        edit(&self.base, out, |i, _| {
            let first = i - (i / inner % n) * inner;
            let exp = |k: usize| f64::from((x.f64(k) as f32).exp());
            exp(i) / (0..n).map(|k| exp(first + k * inner)).sum::<f64>()
        })
    }

    fn softmax_backward(
        &self,
        op: SoftmaxOp,
        grad: View<'_>,
        y: View<'_>,
        axis: usize,
        out: ViewMut<'_>,
    ) -> Result<()> {
        let op = if self.has(Fault::SoftmaxBackwardMixedUp) { SoftmaxOp::LogSoftmax } else { op };
        self.base.softmax_backward(op, grad, y, axis, out)
    }

    fn activation(&self, op: Activation, x: View<'_>, out: ViewMut<'_>) -> Result<()> {
        let op = match op {
            Activation::Gelu if self.has(Fault::GeluTanhForErf) => Activation::GeluTanh,
            op => op,
        };
        self.base.activation(op, x, out)
    }

    fn activation_backward(
        &self,
        op: Activation,
        grad: View<'_>,
        x: View<'_>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        match (self.fault, op) {
            (Fault::GeluBackwardOtherForm, Activation::Gelu) => {
                self.base.activation_backward(Activation::GeluTanh, grad, x, out)
            }
            (Fault::KinkAsGreaterEqual, Activation::LeakyRelu { .. }) => {
                self.base.activation_backward(op, grad, x, out.reborrow())?;
                let (grad, x) = (read(&self.base, grad)?, read(&self.base, x)?);
                edit(&self.base, out, |i, v| if x.f64(i) == 0.0 { grad.f64(i) } else { v })
            }
            (Fault::HardtanhPassesItsBounds, Activation::Hardtanh { min_val, max_val }) => {
                self.base.activation_backward(op, grad, x, out.reborrow())?;
                let (grad, x) = (read(&self.base, grad)?, read(&self.base, x)?);
                let bound = |x: f64| x == min_val || x == max_val;
                edit(&self.base, out, |i, v| if bound(x.f64(i)) { grad.f64(i) } else { v })
            }
            _ => self.base.activation_backward(op, grad, x, out),
        }
    }

    fn norm(
        &self,
        norm: &Norm,
        x: View<'_>,
        weight: Option<View<'_>>,
        bias: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        if self.has(Fault::SquaresEps) {
            let moved = Norm { eps: norm.eps * norm.eps, ..norm.clone() };
            return self.base.norm(&moved, x, weight, bias, out);
        }
        self.base.norm(norm, x, weight, bias, out)
    }

    fn loss(
        &self,
        op: Loss,
        reduction: Reduction,
        x: View<'_>,
        target: View<'_>,
        weight: Option<View<'_>>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        let by_count = self.has(Fault::WeightedMeanByCount) && weight.is_some();
        match (op, reduction) {
            (Loss::CrossEntropy { .. }, Reduction::Mean) if by_count || self.has(Fault::CountsIgnored) => {
                self.base.loss(op, Reduction::Sum, x, target, weight, out.reborrow())?;
                let n = target.numel() as f64;
                edit(&self.base, out, |_, v| v / n)
            }
            _ => self.base.loss(op, reduction, x, target, weight, out),
        }
    }

    fn loss_backward(
        &self,
        op: Loss,
        reduction: Reduction,
        grad: View<'_>,
        x: View<'_>,
        target: View<'_>,
        weight: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        self.base.loss_backward(op, reduction, grad, x, target, weight, out)
    }

    fn conv(
        &self,
        conv: &Conv,
        x: View<'_>,
        weight: View<'_>,
        bias: Option<View<'_>>,
        out: ViewMut<'_>,
    ) -> Result<()> {
        let dilated = conv.dilation.iter().any(|&d| d > 1);
        if !self.has(Fault::ConvLosesTaps) || !dilated {
            return self.base.conv(conv, x, weight, bias, out);
        }
        wrong::conv_of_first_taps(&self.base, conv, x, weight, bias, out)
    }

    fn pool(&self, pool: &Pool, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        self.base.pool(pool, x, out.reborrow())?;
        if pool.kind != PoolKind::Average || !self.has(Fault::PoolCountsInside) {
            return Ok(());
        }
        // The mean of ones is the share of the window that lies inside.
        let mut share = wrong::Held::like(&self.base, &out)?;
        let ones = Dense::full(x.dtype(), x.shape(), Scalar::Int(1));
        wrong::with_dense(&self.base, &ones, |ones| self.base.pool(pool, ones, share.out()?))?;
        let share = read(&self.base, share.view()?)?;
        edit(&self.base, out, |i, v| v / share.f64(i))
    }

    fn embedding(&self, index: View<'_>, weight: View<'_>, out: ViewMut<'_>) -> Result<()> {
        self.base.embedding(index, weight, out)
    }

    fn attention(
        &self,
        attention: Attention,
        q: View<'_>,
        k: View<'_>,
        v: View<'_>,
        mask: Option<View<'_>>,
        mut out: ViewMut<'_>,
    ) -> Result<()> {
        self.base.attention(attention, q, k, v, mask, out.reborrow())?;
        match mask {
            Some(mask) if self.has(Fault::AttentionMaskedNan) => {
                let mask = read(&self.base, mask)?;
                let (s, f) = (k.shape()[k.shape().len() - 2], v.shape()[v.shape().len() - 1]);
                edit(&self.base, out, |i, value| {
                    let masked = (0..s).all(|j| mask.f64(i / f * s + j) == f64::NEG_INFINITY);
                    if masked { f64::NAN } else { value }
                })
            }
            _ => Ok(()),
        }
    }

    fn optimizer_step(&self, optimizer: Optimizer, params: &mut [ParamStep<'_>]) -> Result<()> {
        match (self.fault, optimizer) {
            (Fault::DampensFirstStep, Optimizer::Sgd { .. }) => {
                for param in params.iter_mut() {
                    param.step += 1;
                }
                self.base.optimizer_step(optimizer, params)
            }
            (
                Fault::AdamEpsBeforeCorrection,
                Optimizer::Adam { lr, beta1, beta2, eps, weight_decay, decoupled },
            ) => {
                // eps / sqrt(1 - beta2^t) is what stands outside when eps was added before the correction.
                let t = params.first().map_or(1, |p| p.step) as i32;
                let eps = eps / (1.0 - beta2.powi(t)).sqrt();
                let moved = Optimizer::Adam { lr, beta1, beta2, eps, weight_decay, decoupled };
                self.base.optimizer_step(moved, params)
            }
            _ => self.base.optimizer_step(optimizer, params),
        }
    }
}
