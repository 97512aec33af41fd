//! Activations.

use crate::catalogue::macros::rows;

rows! { ROWS: Activations;
}
