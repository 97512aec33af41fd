//! Random.

use crate::catalogue::macros::rows;

rows! { ROWS: Random;
}
