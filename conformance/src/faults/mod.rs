//! Deliberately wrong backends. Each is a right one with a single mistake that somebody made once, and
//! the suite must catch every one of them: a judge that lets one pass is not to be trusted.

mod backend;
mod wrong;

pub use backend::Faulty;

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident in $family:literal at $case:literal;)*) => {
        /// A mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $($(#[doc = $doc])* $name,)*
        }

        impl Fault {
            /// Every mistake.
            pub const ALL: &'static [Fault] = &[$(Fault::$name,)*];

            /// The family that must catch it; `promise` is the bit promise.
            pub fn family(self) -> &'static str {
                match self { $(Fault::$name => $family,)* }
            }

            /// What the label of a case must contain that catches it for the right reason.
            pub fn case(self) -> &'static str {
                match self { $(Fault::$name => $case,)* }
            }
        }
    };
}
faults! {
    /// Reads and writes row-major from the offset, whatever the strides.
    ForgetsStrides in "unary" at "neg(";
    /// Starts at the beginning of the memory.
    ForgetsOffset in "unary" at "neg(";
    /// relu as `max(x, 0)` of the CPU, which drops NaN.
    ReluDropsNan in "unary" at "relu(";
    /// abs of the most negative integer saturates instead of wrapping.
    AbsSaturates in "unary" at "abs(";
    /// Rounds halves away from zero.
    RoundsHalvesAway in "unary" at "round(f";
    /// expm1 as `exp(x) - 1`.
    Expm1Cancels in "unary" at "expm1(f32";
    /// exp gives the last element of a vector from another code path, one unit off (R1).
    TailDiffers in "unary" at "exp(";
    /// Flushes subnormal results to zero.
    FlushesSubnormals in "unary" at "neg(f";
    /// Leaves out the last element.
    OffByOneTail in "binary" at "mul(";
    /// floor_divide of integers truncates.
    FloorDivideTruncates in "binary" at "floor_divide(i";
    /// Integer division by zero gives zero instead of an error.
    ZeroDivisionIsSilent in "binary" at "remainder(";
    /// remainder keeps the sign of the dividend.
    RemainderIsFmod in "binary" at "remainder(";
    /// maximum takes the number and drops NaN.
    MaximumDropsNan in "binary" at "maximum(";
    /// minimum treats the zeros as equal and keeps the first.
    MinimumForgetsSignOfZero in "binary" at "minimum(f";
    /// A shift takes its count modulo the number of bits, as the CPU does.
    ShiftCountWraps in "binary" at "bitwise_left_shift(i";
    /// hypot by the root of the squares, which overflow.
    HypotOverflows in "binary" at "hypot(f32";
    /// logaddexp by the exponentials themselves.
    LogaddexpOverflows in "binary" at "logaddexp(f32";
    /// xlogy as the plain product, with NaN for `0 log(0)`.
    XlogyMultiplies in "binary" at "xlogy(f";
    /// The in-place form has its operands the wrong way round.
    AssignSwapsOperands in "binary" at "sub(";
    /// Adds the first operand to itself.
    ForgetsSecondOperand in "binary" at "add(";
    /// Writes one element past the view.
    WritesOutside in "binary" at "add(";
    /// `>` as `>=`.
    GreaterAsGreaterEqual in "compare" at "gt(";
    /// Truth of a float by its bits: NaN is false.
    NanIsFalse in "compare" at "logical_or(f";
    /// A NaN that is not chosen spoils the result: select as arithmetic.
    SelectMultiplies in "ternary" at "where(";
    /// clamp as `max(min(x, high), low)`: with low above high it gives low.
    ClampPrefersLow in "ternary" at "clamp(";
    /// Float to integer wraps instead of saturating.
    CastWraps in "cast" at "to(f32";
    /// Float to half truncates the mantissa.
    HalfTruncates in "cast" at "to(f32";
    /// A copy quiets a NaN's payload.
    CopyLosesPayload in "promise" at "copy bits";
    /// Fills with the value truncated to an integer.
    FillTruncates in "fill" at "full(";
    /// Sums f16 in f16.
    SumsInHalf in "reduce" at "sum(f16";
    /// A plain f32 loop over a million terms.
    SumsNaively in "reduce" at "sum(f32[1000000]";
    /// Sums of int8 stay in int8.
    NarrowSums in "reduce" at "sum(i8";
    /// amax drops NaN.
    AmaxDropsNan in "reduce" at "amax(";
    /// var divides by n whatever the correction.
    VarForgetsCorrection in "reduce" at "var(";
    /// var as the difference of squares.
    VarCancels in "reduce" at "var(f32";
    /// logsumexp without taking the largest out.
    LogsumexpOverflows in "reduce" at "logsumexp(";
    /// norm without its root.
    NormForgetsRoot in "reduce" at "norm(";
    /// The order of a sum depends on whether the row is contiguous (R2).
    OrderByLayout in "promise" at "R2 sum f32";
    /// argmax gives the last of equals.
    ArgmaxLast in "arg_reduce" at "argmax(";
    /// argmax passes over NaN.
    ArgmaxSkipsNan in "arg_reduce" at "argmax(f";
    /// cummax gives the first index of equals.
    CummaxFirstIndex in "scan" at "cummax(";
    /// logcumsumexp without taking the largest out.
    LogcumsumexpOverflows in "scan" at "logcumsumexp(";
    /// Overwrites instead of accumulating: the last k alone survives.
    MatmulOverwrites in "matmul" at "matmul(";
    /// Skips zeros of the left side.
    MatmulSkipsZeros in "matmul" at "matmul(";
    /// Accumulates halves in halves.
    MatmulInHalf in "matmul" at "matmul(f16";
    /// A single row is summed in another order, though row invariance is claimed (R3).
    RowPathDiffers in "promise" at "R3 matmul f32";
    /// A negative index counts from the end.
    GatherWraps in "index" at "gather(";
    /// scatter_add to one place twice keeps the last.
    ScatterAddOverwrites in "index" at "scatter_add(";
    /// sort puts NaN first.
    SortNanFirst in "sort" at "sort(f";
    /// sort gives equal elements in reverse.
    SortUnstable in "sort" at "sort(";
    /// topk gives places for indices.
    SortPlacesForIndices in "sort" at "topk(";
    /// searchsorted always searches from the left.
    SearchForgetsRight in "sort" at "searchsorted(";
    /// softmax without taking the largest out.
    SoftmaxOverflows in "softmax" at " softmax(";
    /// The gradient of log-softmax for that of softmax.
    SoftmaxBackwardMixedUp in "softmax" at " softmax(";
    /// gelu in the tanh form where the erf form was asked for.
    GeluTanhForErf in "activation" at "gelu(";
    /// The gradient of gelu in the other form.
    GeluBackwardOtherForm in "activation" at "gelu(";
    /// leaky_relu' at 0 is 1.
    KinkAsGreaterEqual in "activation" at "leaky_relu(";
    /// hardtanh' at its bounds is 1.
    HardtanhPassesItsBounds in "activation" at "hardtanh(";
    /// The mean of weighted classes divides by their number.
    WeightedMeanByCount in "loss" at "cross_entropy(";
    /// Ignored targets count in the mean.
    CountsIgnored in "loss" at "cross_entropy(";
    /// Squares the eps of a norm, as if it stood outside of the root.
    SquaresEps in "norm" at "_norm(";
    /// Only the first tap of a dilated window counts.
    ConvLosesTaps in "conv" at "conv";
    /// Average pooling leaves the padding out of the count.
    PoolCountsInside in "pool" at "avg_pool";
    /// A fully masked row gives NaN.
    AttentionMaskedNan in "attention" at "attention(";
    /// The first step of SGD dampens, too.
    DampensFirstStep in "optimizer" at "SGD(";
    /// Adam with eps inside of the bias correction.
    AdamEpsBeforeCorrection in "optimizer" at "Adam(";
    /// One word of the stream too many.
    RandomTakesOneMore in "random" at "random(";
    /// Claims exp and hands it on.
    ClaimsWhatItDelegates in "unary" at "exp(";
    /// Computes what it does not claim.
    ComputesUnclaimed in "unary" at "neg(";
}
