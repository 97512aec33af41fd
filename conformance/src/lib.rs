//! The conformance suite of RustTorch: it judges any backend against what PyTorch answered.
//!
//! ```no_run
//! let backend = rusttorch_backend_naive::Naive::new(); // or your own
//! let report = rusttorch_conformance::run(&backend, rusttorch_conformance::Options::default())?;
//! assert!(report.passed(), "{report}");
//! # Ok::<(), rusttorch_conformance::ReferenceError>(())
//! ```
//!
//! A [`Case`] is an op with inputs, outputs and gradients as PyTorch 2.15 gave them on a CPU; where PyTorch
//! leaves something undefined, the expected value is stated by hand with its reason. Every case is played
//! through the contract in every layout class of inputs and outputs, in place where there is such a form,
//! and at other positions and lengths. Checked are the values, within bounds that are data
//! ([`tolerance`]); the memory around the output; that all forms give the same bits; and that the
//! backend's [claims](rusttorch_backend::Capabilities) hold in both directions.
//!
//! | module | subject |
//! |---|---|
//! | [`reference`](mod@crate::reference) | the recorded cases, embedded and hash-checked |
//! | [`case`](mod@crate::case), [`dense`] | what a case is |
//! | [`layouts`] | layout classes |
//! | [`call`], [`drive`] | playing a call in all its forms |
//! | [`suite`] | from a case to calls, a file a family |
//! | [`tolerance`], [`compare`](mod@crate::compare) | bounds and judgement |
//! | [`frontend`] | the same cases through the catalogue of ops, with gradients and every form; the table of ops |
//! | [`contract_tests!`] | the families as tests of a backend's crate |
//! | [`report`] | what was found |
//! | [`coverage`] | which op and dtype a backend computes itself |
//! | [`faults`] | deliberately wrong backends, each of which must be caught |
//! | [`minimal`] | memory and primitives of another backend, so that composed defaults are judged |
//! | [`tables`] | the op tables as JSON, for the generator |

#![forbid(unsafe_code)]

pub mod call;
pub mod case;
pub mod compare;
pub mod coverage;
pub mod dense;
pub mod drive;
pub mod faults;
pub mod frontend;
mod harness;
pub mod layouts;
pub mod minimal;
mod placed;
pub mod reference;
pub mod report;
pub mod suite;
pub mod tables;
pub mod tolerance;

pub use call::Options;
pub use case::Case;
pub use reference::{CONTRACT_FAMILIES, FAMILIES, ReferenceError};
pub use report::{Report, Status};
pub use suite::{run, run_family};
