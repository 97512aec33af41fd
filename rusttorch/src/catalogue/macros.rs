//! The row macro.

/// Rows of the catalogue. A row is
///
/// ```text
/// "torch.diff" (input: Tensor, n: usize = 1, dim: isize = -1; prepend: Option<Tensor> = NONE) out
///     => input.diff(n, dim, prepend.as_ref());
/// "torch.cumsum" (input: Tensor, dim: isize; dtype: Option<DType> = NONE) out
///     => input.cumsum(dim, dtype), in_place input.cumsum_(dim, dtype);
/// ```
///
/// PyTorch's path; its parameters, of a type that implements `Parameter`, with their defaults, after `;`
/// those that go by name only; `out` where PyTorch's function takes it; the call, whose value is `Result` of
/// what turns into a `Value`; the call of the in-place form where there is one.
macro_rules! rows {
    ($list:ident: $family:ident; $(
        $path:literal $params:tt $($out:ident)? => $call:expr $(, in_place $in_place:expr)?;
    )*) => {
        pub(crate) const $list: &[$crate::catalogue::Op] = &[$(
            $crate::catalogue::Op {
                path: $path,
                family: $crate::catalogue::Family::$family,
                params: $crate::catalogue::macros::params!($params),
                has_out: $crate::catalogue::macros::flag!($($out)?),
                value: $crate::catalogue::macros::call!($params $call),
                in_place: $crate::catalogue::macros::optional!($(
                    $crate::catalogue::macros::call!($params $in_place)
                )?),
            },
        )*];
    };
}

macro_rules! params {
    (($($p:ident: $t:ty $(= $d:expr)?),* $(; $($k:ident: $kt:ty $(= $kd:expr)?),*)?)) => {
        &[
            $($crate::catalogue::macros::param!($p, $t, false $(, $d)?),)*
            $($($crate::catalogue::macros::param!($k, $kt, true $(, $kd)?),)*)?
        ]
    };
}

macro_rules! param {
    ($name:ident, $t:ty, $keyword:literal $(, $default:expr)?) => {
        $crate::catalogue::Param {
            name: $crate::catalogue::macros::plain(stringify!($name)),
            kind: <$t as $crate::catalogue::value::Parameter>::KIND,
            gathers: <$t as $crate::catalogue::value::Parameter>::GATHERS,
            keyword_only: $keyword,
            default: $crate::catalogue::macros::optional!($(|| $crate::catalogue::Value::from($default))?),
        }
    };
}

macro_rules! call {
    (
        ($($p:ident: $t:ty $(= $d:expr)?),* $(; $($k:ident: $kt:ty $(= $kd:expr)?),*)?)
        $call:expr
    ) => {
        |op, arguments| {
            let mut at = arguments.iter();
            let mut next = || at.next().unwrap_or(&$crate::catalogue::NONE);
            // An op without parameters uses neither.
            let _ = (op, &mut next);
            $(let $p: $t = $crate::catalogue::op::argument(op, stringify!($p), next())?;)*
            $($(let $k: $kt = $crate::catalogue::op::argument(op, stringify!($k), next())?;)*)?
            // An in-place form has no use for `inplace`.
            $(let _ = &$p;)*
            Ok($crate::catalogue::Value::from($call?))
        }
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

macro_rules! flag {
    () => {
        false
    };
    (out) => {
        true
    };
}

/// A parameter that Rust keeps for itself is written as a raw identifier.
pub(crate) const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

pub(crate) use {call, flag, optional, param, params, rows};
