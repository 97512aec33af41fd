//! Indexing.

use crate::catalogue::macros::rows;

rows! { ROWS: Indexing;
}
