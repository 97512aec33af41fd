use std::any::Any;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard};

use super::*;
use crate::Allocation;
use crate::element::Scalar;
use crate::layout::Layout;
use crate::ops::{SortOp, UnaryOp};

/// Counters are shared by the process, so tests that read or reset them take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

/// Memory that is not the host's.
#[derive(Debug)]
struct DeviceBuffer(Vec<u8>);

impl Buffer for DeviceBuffer {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn is_host(&self) -> bool {
        false
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// Implements `fill`, `copy`, `unary(Neg)` and `sort` (as identity) of f32 on the host, and counts.
#[derive(Debug, Default)]
struct Host {
    negations: AtomicUsize,
}

fn host_bytes(buffer: &dyn Buffer) -> &[u8] {
    buffer.as_host().unwrap().as_bytes()
}

impl Backend for Host {
    fn name(&self) -> &'static str {
        "toy-host"
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        Ok(HostBuffer::zeroed(bytes)?.into())
    }
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        let dst = dst.as_host_mut().unwrap();
        dst.as_bytes_mut()?[at..at + src.len()].copy_from_slice(src);
        Ok(())
    }
    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        dst.copy_from_slice(&host_bytes(src)[at..at + dst.len()]);
        Ok(())
    }
    fn fill(&self, value: Scalar, mut out: ViewMut<'_>) -> Result<()> {
        let nest = crate::Nest::new([out.layout()]);
        let to = out.host_mut::<f32>()?;
        nest.for_each(|[o]| to[o] = value.to_f64() as f32);
        Ok(())
    }
    fn copy(&self, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        let nest = crate::Nest::new([x.layout(), out.layout()]);
        let (from, to) = (x.host::<f32>()?, out.host_mut::<f32>()?);
        nest.for_each(|[i, o]| to[o] = from[i]);
        Ok(())
    }
    fn unary(&self, op: UnaryOp, x: View<'_>, mut out: ViewMut<'_>) -> Result<()> {
        self.negations.fetch_add(1, Ordering::Relaxed);
        if op != UnaryOp::Neg {
            return Err(TensorError::new(ErrorKind::Unsupported, "toy", "negates only"));
        }
        let nest = crate::Nest::new([x.layout(), out.layout()]);
        let (from, to) = (x.host::<f32>()?, out.host_mut::<f32>()?);
        nest.for_each(|[i, o]| to[o] = -from[i]);
        Ok(())
    }
    fn sort(
        &self,
        _: SortOp,
        x: View<'_>,
        _: usize,
        values: ViewMut<'_>,
        mut indices: ViewMut<'_>,
    ) -> Result<()> {
        for (i, index) in indices.host_mut::<i64>()?.iter_mut().enumerate() {
            *index = i as i64;
        }
        self.copy(x, values)
    }
}

/// Leaves every family to the next backend, if it has one.
#[derive(Debug)]
struct Lazy {
    name: &'static str,
    next: Option<Host>,
    on_device: bool,
}

impl Lazy {
    fn new(name: &'static str) -> Lazy {
        Lazy { name, next: Some(Host::default()), on_device: false }
    }

    fn device(name: &'static str) -> Lazy {
        Lazy { on_device: true, ..Lazy::new(name) }
    }

    fn calls(&self) -> usize {
        self.next.as_ref().unwrap().negations.load(Ordering::Relaxed)
    }
}

impl Backend for Lazy {
    fn name(&self) -> &'static str {
        self.name
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        if self.on_device {
            Ok(Allocation::device(DeviceBuffer(vec![0; bytes])))
        } else {
            Host::default().alloc(bytes)
        }
    }
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        match dst.as_any_mut().downcast_mut::<DeviceBuffer>() {
            Some(device) => device.0[at..at + src.len()].copy_from_slice(src),
            None => Host::default().upload(src, dst, at)?,
        }
        Ok(())
    }
    fn download(&self, src: &dyn Buffer, at: usize, dst: &mut [u8]) -> Result<()> {
        match src.as_any().downcast_ref::<DeviceBuffer>() {
            Some(device) => dst.copy_from_slice(&device.0[at..at + dst.len()]),
            None => Host::default().download(src, at, dst)?,
        }
        Ok(())
    }
    fn next(&self) -> Option<&dyn Backend> {
        self.next.as_ref().map(|b| b as &dyn Backend)
    }
}

fn buffer(be: &dyn Backend, values: &[f32]) -> Allocation {
    let bytes: &[u8] = bytemuck::cast_slice(values);
    let mut buffer = be.alloc(bytes.len()).unwrap();
    be.upload(bytes, &mut *buffer, 0).unwrap();
    buffer
}

fn values(be: &dyn Backend, buffer: &dyn Buffer) -> Vec<f32> {
    let mut bytes = vec![0; buffer.len()];
    be.download(buffer, 0, &mut bytes).unwrap();
    bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect()
}

fn negate(be: &dyn Backend, x: &[f32], layout: &Layout) -> Result<Vec<f32>> {
    let (x, mut out) = (buffer(be, x), buffer(be, &vec![9.0; x.len()]));
    let x = View::new(&*x, layout, crate::DType::F32)?;
    be.unary(UnaryOp::Neg, x, ViewMut::new(&mut *out, layout, crate::DType::F32)?)?;
    Ok(values(be, &*out))
}

fn row(n: usize) -> Layout {
    Layout::contiguous("test", &[n]).unwrap()
}

#[test]
fn a_delegation_is_answered_and_counted() {
    let _turn = turn();
    let be = Lazy::new("toy-counted");
    with_fallback(Fallback::Allow, || {
        assert!(delegations("toy-counted").is_empty());
        assert_eq!(negate(&be, &[1.0, -2.0], &row(2)).unwrap(), [-1.0, 2.0]);
        assert_eq!(negate(&be, &[], &row(0)).unwrap(), []);
        let mut out = buffer(&be, &[0.0; 3]);
        let layout = row(3);
        be.fill(Scalar::Int(4), ViewMut::new(&mut *out, &layout, crate::DType::F32).unwrap()).unwrap();
        assert_eq!(values(&be, &*out), [4.0; 3]);
    });
    assert_eq!(be.calls(), 2);
    assert_eq!(delegations("toy-counted"), [(Family::Fill, 1), (Family::Unary, 2)]);
    assert!(delegations("toy-host").is_empty());
    reset_delegations();
    assert!(delegations("toy-counted").is_empty());
}

#[test]
fn what_a_backend_does_itself_is_not_counted() {
    let _turn = turn();
    let host = Host::default();
    assert_eq!(negate(&host, &[1.0], &row(1)).unwrap(), [-1.0]);
    assert!(delegations("toy-host").is_empty());
}

#[test]
fn without_a_next_backend_a_family_is_unsupported() {
    let be = Lazy { next: None, ..Lazy::new("toy-alone") };
    let error = negate(&be, &[1.0], &row(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.op(), "unary");
    assert!(error.to_string().contains("toy-alone"), "{error}");
    assert!(delegations("toy-alone").is_empty());
}

#[test]
fn a_policy_of_error_refuses_and_is_scoped() {
    let _turn = turn();
    let be = Lazy::new("toy-refused");
    let error = with_fallback(Fallback::Error, || {
        assert_eq!(fallback(), Fallback::Error);
        // An inner scope wins, and the outer one comes back.
        with_fallback(Fallback::Allow, || negate(&be, &[1.0], &row(1)).unwrap());
        negate(&be, &[1.0], &row(1)).unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("toy-refused") && error.to_string().contains("toy-host"), "{error}");
    assert_eq!(be.calls(), 1);
    assert_eq!(delegations("toy-refused"), [(Family::Unary, 1)]);
}

#[test]
fn a_scope_ends_when_its_body_panics() {
    let before = fallback();
    let other = if before == Fallback::Error { Fallback::Allow } else { Fallback::Error };
    let caught = std::panic::catch_unwind(|| with_fallback(other, || panic!("on purpose")));
    assert!(caught.is_err());
    assert_eq!(fallback(), before);
}

#[test]
fn a_scope_is_of_its_thread_alone() {
    let before = fallback();
    let other = if before == Fallback::Error { Fallback::Allow } else { Fallback::Error };
    with_fallback(other, || {
        std::thread::scope(|s| assert_eq!(s.spawn(fallback).join().unwrap(), before));
    });
}

/// Keeps what is logged.
struct Log(Mutex<Vec<String>>);

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }
    fn flush(&self) {}
}

#[test]
fn a_policy_of_warn_logs_once_per_family() {
    static LOG: Log = Log(Mutex::new(Vec::new()));
    let _turn = turn();
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let be = Lazy::new("toy-warned");
    with_fallback(Fallback::Warn, || {
        for _ in 0..3 {
            negate(&be, &[1.0], &row(1)).unwrap();
        }
    });
    let lines = LOG.0.lock().unwrap();
    let lines: Vec<_> = lines.iter().filter(|l| l.contains("toy-warned")).collect();
    assert_eq!(lines, ["backend 'toy-warned' hands unary to 'toy-host'"]);
    assert_eq!(delegations("toy-warned"), [(Family::Unary, 3)]);
}

#[test]
fn device_memory_is_staged_through_the_host() {
    let be = Lazy::device("toy-device");
    with_fallback(Fallback::Allow, || {
        // Every second element: what lies between must survive the way there and back.
        let stepped = row(6).slice(0, None, None, -2).unwrap();
        let out = negate(&be, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &stepped).unwrap();
        assert_eq!(out, [9.0, -2.0, 9.0, -4.0, 9.0, -6.0]);
        assert_eq!(negate(&be, &[], &row(0)).unwrap(), []);
    });
    assert_eq!(be.calls(), 2);
}

#[test]
fn all_outputs_of_a_staged_call_come_back() {
    let be = Lazy::device("toy-device-two");
    let layout = row(2);
    let x = buffer(&be, &[5.0, 7.0]);
    let (mut out, mut indices) = (be.alloc(8).unwrap(), be.alloc(16).unwrap());
    with_fallback(Fallback::Allow, || {
        be.sort(
            SortOp::Sort { descending: false },
            View::new(&*x, &layout, crate::DType::F32).unwrap(),
            0,
            ViewMut::new(&mut *out, &layout, crate::DType::F32).unwrap(),
            ViewMut::new(&mut *indices, &layout, crate::DType::I64).unwrap(),
        )
        .unwrap();
    });
    assert_eq!(values(&be, &*out), [5.0, 7.0]);
    let mut bytes = [0; 16];
    be.download(&*indices, 0, &mut bytes).unwrap();
    assert_eq!(bytemuck::pod_read_unaligned::<[i64; 2]>(&bytes), [0, 1]);
}

#[test]
fn an_error_of_the_next_backend_comes_through() {
    let layout = row(1);
    for be in [Lazy::new("toy-failing"), Lazy::device("toy-failing-device")] {
        let (x, mut out) = (buffer(&be, &[1.0]), buffer(&be, &[9.0]));
        let error = with_fallback(Fallback::Allow, || {
            let x = View::new(&*x, &layout, crate::DType::F32).unwrap();
            be.unary(UnaryOp::Exp, x, ViewMut::new(&mut *out, &layout, crate::DType::F32).unwrap())
                .unwrap_err()
        });
        assert_eq!(error.op(), "toy");
        assert_eq!(values(&be, &*out), [9.0]);
    }
}

#[test]
fn in_place_ops_work_on_a_device() {
    let be = Lazy::device("toy-device-assign");
    let layout = row(4).slice(0, Some(1), None, 2).unwrap();
    let mut io = buffer(&be, &[1.0, 2.0, 3.0, 4.0]);
    with_fallback(Fallback::Allow, || {
        be.unary_assign(UnaryOp::Neg, ViewMut::new(&mut *io, &layout, crate::DType::F32).unwrap()).unwrap();
    });
    assert_eq!(values(&be, &*io), [1.0, -2.0, 3.0, -4.0]);
}
