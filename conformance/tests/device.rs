//! The suite on memory that is not the host's: a device that computes nothing itself, so that every
//! family is staged to the next backend and back. It claims nothing, which must be found true.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::any::Any;
use std::sync::Arc;

use rusttorch_backend::{Allocation, Backend, Buffer, ErrorKind, Result, TensorError};
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::{CONTRACT_FAMILIES, Options, Report, frontend, run_family};

#[derive(Debug)]
struct DeviceBuffer(Vec<u8>);

impl Buffer for DeviceBuffer {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

#[derive(Debug)]
struct Device(Naive);

fn foreign() -> TensorError {
    TensorError::new(ErrorKind::Backend, "device", "memory of another backend, or past its end")
}

impl Backend for Device {
    fn name(&self) -> &'static str {
        "device"
    }

    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        Ok(Allocation::device(DeviceBuffer(vec![0; bytes])))
    }

    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        let own = dst.as_any_mut().downcast_mut::<DeviceBuffer>().ok_or_else(foreign)?;
        own.0.get_mut(at..at + src.len()).ok_or_else(foreign)?.copy_from_slice(src);
        Ok(())
    }

    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        let own = src.as_any().downcast_ref::<DeviceBuffer>().ok_or_else(foreign)?;
        dst.copy_from_slice(own.0.get(at..at + dst.len()).ok_or_else(foreign)?);
        Ok(())
    }

    fn next(&self) -> Option<&dyn Backend> {
        Some(&self.0)
    }
}

#[test]
fn every_family_is_staged() {
    let device = Device(Naive::new());
    let mut report = Report::new("device");
    for family in CONTRACT_FAMILIES {
        report.extend(run_family(&device, family, Options { long: false, ..Options::default() }).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
    assert!(report.summary().iter().filter(|s| s.family == "unary").all(|s| s.delegated == s.passed));
}

#[test]
fn tensors_live_on_the_device() {
    let device: Arc<dyn Backend> = Arc::new(Device(Naive::new()));
    let mut report = Report::new("device");
    for family in ["matmul", "softmax", "index", "views"] {
        report.extend(frontend::run_family(&device, family, Options::default()).unwrap());
    }
    println!("{report}");
    assert!(report.passed());
}
