use std::sync::Mutex;

use super::*;
use crate::buffer::{Allocation, Buffer};
use crate::capabilities::Capabilities;
use crate::dtype::DType;
use crate::element::Scalar;
use crate::layout::Layout;
use crate::ops::{BinaryOp, Distribution, Optimizer, ReduceOp, ScanOp};

/// Notes the text of every call and makes none.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>, Nothing);

/// Memory of the host and no family.
#[derive(Debug, Default)]
struct Nothing;

impl Backend for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        Ok(HostBuffer::zeroed(bytes)?.into())
    }
    fn upload(&self, _: &[u8], _: &mut dyn Buffer, _: usize) -> Result<()> {
        Ok(())
    }
    fn download(&self, _: &dyn Buffer, _: usize, _: &mut [u8]) -> Result<()> {
        Ok(())
    }
}

impl Notes {
    fn note(&self, call: Call<'_>) -> Result<()> {
        self.0.lock().unwrap().push(format!("{} {call}", call.family()));
        Ok(())
    }
}

impl Backend for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }
    fn next(&self) -> Option<&dyn Backend> {
        Some(&self.1)
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }
    crate::forward_memory!(1);
    crate::forward_calls!(Self::note);
}

fn memory(bytes: usize) -> HostBuffer {
    HostBuffer::zeroed(bytes).unwrap()
}

#[test]
fn every_kind_of_argument_comes_through() {
    let notes = Notes::default();
    let layout = Layout::contiguous("test", &[2, 3]).unwrap();
    let row = Layout::contiguous("test", &[2, 1]).unwrap();
    let x = memory(24);
    let (mut y, mut z) = (memory(24), memory(48));
    let view = View::new(&x, &layout, DType::F32).unwrap();
    fn out<'a>(b: &'a mut HostBuffer, l: &'a Layout, d: DType) -> ViewMut<'a> {
        ViewMut::new(b, l, d).unwrap()
    }

    notes.fill(Scalar::Float(1.5), out(&mut y, &layout, DType::F32)).unwrap();
    notes.binary_assign(BinaryOp::Add, out(&mut y, &layout, DType::F32), view).unwrap();
    notes.reduce(ReduceOp::Sum, view, &[1], out(&mut y, &row, DType::F32)).unwrap();
    let indices = Some(out(&mut z, &layout, DType::I64));
    notes.scan(ScanOp::Cummax, view, 1, out(&mut y, &layout, DType::F32), indices).unwrap();
    let mut generator = Generator::new(0);
    let uniform = Distribution::Uniform { from: 0.0, to: 1.0 };
    notes.random(uniform, &mut generator, out(&mut y, &layout, DType::F32)).unwrap();
    let sgd = Optimizer::Sgd { lr: 0.1, momentum: 0.9, dampening: 0.0, weight_decay: 0.0, nesterov: false };
    let param = out(&mut y, &layout, DType::F32);
    let state = vec![out(&mut z, &layout, DType::F32)];
    notes.optimizer_step(sgd, &mut [ParamStep { param, grad: view, state, step: 1 }]).unwrap();

    let texts = notes.0.into_inner().unwrap();
    assert_eq!(
        texts[..4],
        [
            "fill fill(value Float(1.5), out float32 [2, 3])",
            "binary binary_assign(op Add, io float32 [2, 3], b float32 [2, 3])",
            "reduce reduce(op Sum, x float32 [2, 3], axes [1], out float32 [2, 1])",
            "scan scan(op Cummax, x float32 [2, 3], axis 1, out float32 [2, 3], indices int64 [2, 3])",
        ]
    );
    assert!(texts[4].starts_with("random random(distribution Uniform"), "{}", texts[4]);
    assert!(texts[5].ends_with("param float32 [2, 3])"), "{}", texts[5]);
}

#[test]
fn operands_are_listed_by_their_part() {
    let layout = Layout::contiguous("test", &[4]).unwrap();
    let (x, mut y) = (memory(16), memory(16));
    let b = View::new(&x, &layout, DType::F32).unwrap();
    let io = ViewMut::new(&mut y, &layout, DType::F32).unwrap();
    let call = Call::BinaryAssign { op: BinaryOp::Mul, io, b };
    let names = |list: Vec<(&'static str, View<'_>)>| list.iter().map(|l| l.0).collect::<Vec<_>>();
    assert_eq!(names(call.inputs()), ["b"]);
    assert_eq!(names(call.results()), ["io"]);
    assert_eq!(call.method(), "binary_assign");
    assert_eq!(call.family(), Family::Binary);
}

#[test]
fn a_call_is_handed_on_under_the_policy() {
    use crate::delegate::{Fallback, delegations, with_fallback};
    let layout = Layout::contiguous("test", &[4]).unwrap();
    let mut y = memory(16);
    let out = ViewMut::new(&mut y, &layout, DType::F32).unwrap();
    let mut call = Call::Fill { value: Scalar::Int(1), out };
    let last = call.hand_on(&Nothing).unwrap_err();
    assert_eq!((last.kind(), last.op()), (ErrorKind::Unsupported, "fill"));

    /// Hands everything on to [`Notes`].
    #[derive(Debug, Default)]
    struct Handing(Notes);
    impl Backend for Handing {
        fn name(&self) -> &'static str {
            "handing"
        }
        fn next(&self) -> Option<&dyn Backend> {
            Some(&self.0)
        }
        crate::forward_memory!(0);
        crate::forward_calls!(Handing::hand_on);
    }
    impl Handing {
        fn hand_on(&self, mut call: Call<'_>) -> Result<()> {
            call.hand_on(self)
        }
    }
    let handing = Handing::default();
    call.run(&handing).unwrap();
    assert_eq!(delegations("handing"), [(Family::Fill, 1)]);
    let refused = with_fallback(Fallback::Error, || call.run(&handing)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}
