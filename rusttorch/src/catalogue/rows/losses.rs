//! Losses.

use crate::catalogue::macros::rows;

rows! { ROWS: Losses;
}
