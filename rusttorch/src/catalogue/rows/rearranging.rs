//! Rearranging.

use crate::catalogue::macros::rows;

rows! { ROWS: Rearranging;
}
