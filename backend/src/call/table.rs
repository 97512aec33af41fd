//! The table of the calls of [`Backend`](crate::Backend), and what is made of it.
//!
//! A row is a method of the trait: the variant of [`Call`](crate::Call), its family, its name, and its arguments in
//! order, each with its kind:
//!
//! | kind | argument |
//! |---|---|
//! | `view`, `maybe` | a `View`, or an optional one |
//! | `out`, `maybe_out` | a `ViewMut` that is written, or an optional one |
//! | `io` | a `ViewMut` that is read and written |
//! | `generator`, `steps` | the random generator; the parameters of an optimizer step |
//! | `{T}`, `(T)` | a parameter of that type, by value or by reference |

/// Hands the rows of the table to `call_rows!`, after whatever is passed here. See [`call`](crate::call).
#[doc(hidden)]
#[macro_export]
macro_rules! call_table {
    ($($head:tt)*) => { $crate::call_rows! { $($head)*
        Fill Fill fill(value: {$crate::Scalar}, out: out);
        Copy Copy copy(x: view, out: out);
        Unary Unary unary(op: {$crate::ops::UnaryOp}, x: view, out: out);
        UnaryAssign Unary unary_assign(op: {$crate::ops::UnaryOp}, io: io);
        Binary Binary binary(op: {$crate::ops::BinaryOp}, a: view, b: view, out: out);
        BinaryAssign Binary binary_assign(op: {$crate::ops::BinaryOp}, io: io, b: view);
        Ternary Ternary ternary(op: {$crate::ops::TernaryOp}, a: view, b: view, c: view, out: out);
        Compare Compare compare(op: {$crate::ops::CompareOp}, a: view, b: view, out: out);
        Select Select select(condition: view, a: view, b: view, out: out);
        Reduce Reduce reduce(op: {$crate::ops::ReduceOp}, x: view, axes: ([usize]), out: out);
        ArgReduce ArgReduce arg_reduce(op: {$crate::ops::ArgReduceOp}, x: view, axis: {usize}, out: out);
        Scan Scan scan(op: {$crate::ops::ScanOp}, x: view, axis: {usize}, out: out, indices: maybe_out);
        Matmul Matmul matmul(a: view, b: view, out: out);
        Gather Gather gather(x: view, axis: {usize}, index: view, out: out);
        Scatter Scatter scatter(op: {$crate::ops::ScatterOp}, io: io, axis: {usize}, index: view, src: view);
        Sort Sort sort(op: {$crate::ops::SortOp}, x: view, axis: {usize}, values: out, indices: out);
        Searchsorted Searchsorted searchsorted(sorted: view, values: view, right: {bool}, out: out);
        Random Random random(distribution: {$crate::ops::Distribution}, generator: generator, out: out);
        Softmax Softmax softmax(op: {$crate::ops::SoftmaxOp}, x: view, axis: {usize}, out: out);
        SoftmaxBackward SoftmaxBackward softmax_backward(
            op: {$crate::ops::SoftmaxOp}, grad: view, y: view, axis: {usize}, out: out
        );
        Activation Activation activation(op: {$crate::ops::Activation}, x: view, out: out);
        ActivationBackward ActivationBackward activation_backward(
            op: {$crate::ops::Activation}, grad: view, x: view, out: out
        );
        Norm Norm norm(norm: ($crate::ops::Norm), x: view, weight: maybe, bias: maybe, out: out);
        Loss Loss loss(
            op: {$crate::ops::Loss}, reduction: {$crate::ops::Reduction}, x: view, target: view, weight: maybe, out: out
        );
        LossBackward LossBackward loss_backward(
            op: {$crate::ops::Loss}, reduction: {$crate::ops::Reduction}, grad: view, x: view, target: view,
            weight: maybe, out: out
        );
        Conv Conv conv(conv: ($crate::ops::Conv), x: view, weight: view, bias: maybe, out: out);
        Pool Pool pool(pool: ($crate::ops::Pool), x: view, out: out);
        Embedding Embedding embedding(index: view, weight: view, out: out);
        Attention Attention attention(
            attention: {$crate::ops::Attention}, q: view, k: view, v: view, mask: maybe, out: out
        );
        OptimizerStep OptimizerStep optimizer_step(optimizer: {$crate::ops::Optimizer}, params: steps);
    } };
}

/// What the rows become: `define:` the enum, `forward (FUNCTION):` the methods of a backend.
#[doc(hidden)]
#[macro_export]
macro_rules! call_rows {
    (define: $($variant:ident $family:ident $method:ident ($($name:ident: $kind:tt),*);)*) => {
        /// A call of a method of [`Backend`]: its arguments as a value. See the [module](self).
        #[derive(Debug)]
        #[allow(missing_docs, reason = "a variant is a method of the trait, its fields are the arguments")]
        pub enum Call<'a> {
            $($variant { $($name: $crate::call_argument!(field 'a $kind)),* },)*
        }

        impl<'a> Call<'a> {
            /// The family that the method belongs to.
            pub fn family(&self) -> Family {
                match self { $(Call::$variant { .. } => Family::$family,)* }
            }

            /// The name of the method.
            pub fn method(&self) -> &'static str {
                match self { $(Call::$variant { .. } => stringify!($method),)* }
            }

            /// Makes the call. Errors: those of the method.
            pub fn run<B: Backend + ?Sized>(&mut self, backend: &B) -> Result<()> {
                match self {
                    $(Call::$variant { $($name),* } =>
                        backend.$method($($crate::call_argument!(run $name $kind)),*),)*
                }
            }

            /// The operands that are read and not written, by their names.
            pub fn inputs(&self) -> Vec<(&'static str, View<'_>)> {
                let mut list = Vec::new();
                match self {
                    $(Call::$variant { $($name),* } => {
                        $($crate::call_argument!(input list $name $kind);)*
                    })*
                }
                list
            }

            /// The operands that are written, by their names, as they are now.
            pub fn results(&self) -> Vec<(&'static str, View<'_>)> {
                let mut list = Vec::new();
                match self {
                    $(Call::$variant { $($name),* } => {
                        $($crate::call_argument!(result list $name $kind);)*
                    })*
                }
                list
            }

            /// The same call on other memory for what is written, and another generator.
            pub(crate) fn on<'s>(&'s self, spare: &'s mut Spare) -> Result<Call<'s>> {
                let Spare { buffers, generator } = spare;
                let mut buffers = buffers.iter_mut();
                Ok(match self {
                    $(Call::$variant { $($name),* } => Call::$variant {
                        $($name: $crate::call_argument!(on (buffers, generator) $name $kind)),*
                    },)*
                })
            }

            fn generator(&self) -> Option<&Generator> {
                match self {
                    Call::Random { generator, .. } => Some(generator),
                    _ => None,
                }
            }
        }

        impl fmt::Display for Call<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut words: Vec<String> = Vec::new();
                match self {
                    $(Call::$variant { $($name),* } => {
                        $($crate::call_argument!(show words $name $kind);)*
                    })*
                }
                write!(f, "{}({})", self.method(), words.join(", "))
            }
        }
    };
    (forward $through:tt:
        $($variant:ident $family:ident $method:ident ($($name:ident: $kind:tt),*);)*) => {
        $(
            #[allow(unused_mut, clippy::too_many_arguments, reason = "made from the table of calls")]
            fn $method(&self, $(mut $name: $crate::call_argument!(parameter $kind)),*) -> $crate::Result<()> {
                $through(
                    self,
                    $crate::Call::$variant { $($name: $crate::call_argument!(lend $name $kind)),* },
                )
            }
        )*
    };
}

/// What an argument of a kind becomes.
#[doc(hidden)]
#[macro_export]
macro_rules! call_argument {
    // The type of a field of the enum.
    (field $l:lifetime view) => { $crate::View<$l> };
    (field $l:lifetime maybe) => { Option<$crate::View<$l>> };
    (field $l:lifetime out) => { $crate::ViewMut<$l> };
    (field $l:lifetime io) => { $crate::ViewMut<$l> };
    (field $l:lifetime maybe_out) => { Option<$crate::ViewMut<$l>> };
    (field $l:lifetime generator) => { &$l mut $crate::Generator };
    (field $l:lifetime steps) => { Vec<$crate::ParamStep<$l>> };
    (field $l:lifetime { $t:ty }) => { $t };
    (field $l:lifetime ($t:ty)) => { &$l $t };

    // The type of a parameter of the method.
    (parameter view) => { $crate::View<'_> };
    (parameter maybe) => { Option<$crate::View<'_>> };
    (parameter out) => { $crate::ViewMut<'_> };
    (parameter io) => { $crate::ViewMut<'_> };
    (parameter maybe_out) => { Option<$crate::ViewMut<'_>> };
    (parameter generator) => { &mut $crate::Generator };
    (parameter steps) => { &mut [$crate::ParamStep<'_>] };
    (parameter { $t:ty }) => { $t };
    (parameter ($t:ty)) => { &$t };

    // From a parameter to a field.
    (lend $x:ident out) => { $x.reborrow() };
    (lend $x:ident io) => { $x.reborrow() };
    (lend $x:ident maybe_out) => { $x.as_mut().map($crate::ViewMut::reborrow) };
    (lend $x:ident generator) => { &mut *$x };
    (lend $x:ident steps) => { $x.iter_mut().map($crate::ParamStep::reborrow).collect() };
    (lend $x:ident $kind:tt) => { $x };

    // From a field, by mutable reference, to an argument.
    (run $x:ident out) => { $x.reborrow() };
    (run $x:ident io) => { $x.reborrow() };
    (run $x:ident maybe_out) => { $x.as_mut().map($crate::ViewMut::reborrow) };
    (run $x:ident generator) => { &mut **$x };
    (run $x:ident steps) => { &mut $x[..] };
    (run $x:ident $kind:tt) => { *$x };

    // Into the list of operands that are only read.
    (input $list:ident $x:ident view) => { $list.push((stringify!($x), *$x)) };
    (input $list:ident $x:ident maybe) => { $list.extend($x.map(|x| (stringify!($x), x))) };
    (input $list:ident $x:ident steps) => { $list.extend($x.iter().map(|p| ("grad", p.grad))) };
    (input $list:ident $x:ident $kind:tt) => { let _ = $x; };

    // Into the list of operands that are written.
    (result $list:ident $x:ident out) => { $list.push((stringify!($x), $x.as_view())) };
    (result $list:ident $x:ident io) => { $list.push((stringify!($x), $x.as_view())) };
    (result $list:ident $x:ident maybe_out) => {
        $list.extend($x.iter().map(|x| (stringify!($x), x.as_view())))
    };
    (result $list:ident $x:ident steps) => {
        for step in $x.iter() {
            $list.push(("param", step.param.as_view()));
            $list.extend(step.state.iter().map(|s| ("state", s.as_view())));
        }
    };
    (result $list:ident $x:ident $kind:tt) => { let _ = $x; };

    // A field of the call on other memory, in the order of the results.
    (on ($b:ident, $g:ident) $x:ident out) => { replaced($x, &mut $b)? };
    (on ($b:ident, $g:ident) $x:ident io) => { replaced($x, &mut $b)? };
    (on ($b:ident, $g:ident) $x:ident maybe_out) => {
        match $x { Some(x) => Some(replaced(x, &mut $b)?), None => None }
    };
    (on ($b:ident, $g:ident) $x:ident generator) => {{
        let _ = $x;
        $g.as_mut().ok_or_else(lost)?
    }};
    (on ($b:ident, $g:ident) $x:ident steps) => { replaced_steps($x, &mut $b)? };
    (on ($b:ident, $g:ident) $x:ident $kind:tt) => { *$x };

    // Into the text of a call.
    (show $words:ident $x:ident view) => { $words.push(operand(stringify!($x), *$x)) };
    (show $words:ident $x:ident maybe) => { $words.extend($x.map(|x| operand(stringify!($x), x))) };
    (show $words:ident $x:ident out) => { $words.push(operand(stringify!($x), $x.as_view())) };
    (show $words:ident $x:ident io) => { $words.push(operand(stringify!($x), $x.as_view())) };
    (show $words:ident $x:ident maybe_out) => {
        $words.extend($x.iter().map(|x| operand(stringify!($x), x.as_view())))
    };
    (show $words:ident $x:ident generator) => { let _ = $x; };
    (show $words:ident $x:ident steps) => { $words.extend($x.iter().map(|p| operand("param", p.param.as_view()))) };
    (show $words:ident $x:ident $kind:tt) => { $words.push(format!("{} {:?}", stringify!($x), $x)) };
}
