//! Sorting.

use crate::catalogue::macros::rows;

rows! { ROWS: Sorting;
}
