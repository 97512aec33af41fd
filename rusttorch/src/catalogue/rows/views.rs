//! Views.

use crate::catalogue::macros::rows;

rows! { ROWS: Views;
}
