//! Scans.

use crate::catalogue::macros::rows;

rows! { ROWS: Scans;
}
