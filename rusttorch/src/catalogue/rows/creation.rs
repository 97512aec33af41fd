//! Creation.

use crate::catalogue::macros::rows;

rows! { ROWS: Creation;
}
