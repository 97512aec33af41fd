//! Prints the op tables of the contract as JSON, for `reference/generate.py`.

#![forbid(unsafe_code)]

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", rusttorch_conformance::tables::json())
}
