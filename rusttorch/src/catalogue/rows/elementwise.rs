//! Elementwise ops that the contract's tables do not declare: with parameters, or composed.

use crate::catalogue::macros::rows;

rows! { UNARY: Unary;
}

rows! { ROWS: Elementwise;
}
