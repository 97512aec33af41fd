//! Matrices.

use crate::catalogue::macros::rows;

rows! { ROWS: Matrices;
}
