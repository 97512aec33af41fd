use std::collections::HashSet;

use super::*;
use crate::tensor::Tensor;
use crate::{DType, ErrorKind};

fn x() -> Value {
    Tensor::from_vec(vec![1.0f32, 2.0, 3.0], &[3]).unwrap().into()
}

#[test]
fn no_path_stands_twice_and_every_name_is_plain() {
    let mut seen = HashSet::new();
    for op in all() {
        assert!(seen.insert(op.path), "{op:?} stands twice");
        let names: HashSet<_> = op.params.iter().map(|p| p.name).collect();
        assert_eq!(names.len(), op.params.len(), "{op:?}");
        assert!(op.path.starts_with("torch."), "{op:?}");
        let first_default = op.params.iter().position(|p| p.default.is_some()).unwrap_or(op.params.len());
        let late = |p: &Param| !p.keyword_only && p.default.is_none();
        assert!(
            !op.params[first_default..].iter().any(late),
            "{op:?}: a parameter without default after one with"
        );
    }
}

#[test]
fn arguments_are_bound_by_place_and_by_name() {
    let amax = find("torch.amax").unwrap();
    let by_name = amax.call(&[], &[("keepdim", true.into()), ("input", x()), ("dim", 0i64.into())]).unwrap();
    assert_eq!(by_name.tensor().unwrap().shape(), [1]);
    let kind = |positional: &[Value], keywords: &[(&str, Value)]| {
        amax.call(positional, keywords).unwrap_err().kind()
    };
    assert_eq!(kind(&[], &[]), ErrorKind::Type);
    assert_eq!(kind(&[x(), x()], &[]), ErrorKind::Type);
    assert_eq!(kind(&[x()], &[("input", x())]), ErrorKind::Type);
    assert_eq!(kind(&[x()], &[("dimension", 0i64.into())]), ErrorKind::Type);
    assert_eq!(kind(&[x(), 0i64.into(), true.into(), true.into()], &[]), ErrorKind::Type);
    assert_eq!(kind(&[x(), 1i64.into()], &[]), ErrorKind::Dim);
}

#[test]
fn forms() {
    let add = find("torch.add").unwrap();
    let a = Tensor::ones(&[3], DType::F32).unwrap();
    add.call_in_place(&[(&a).into(), x()], &[]).unwrap();
    assert_eq!(a.to_vec::<f32>().unwrap(), [2.0, 3.0, 4.0]);
    let out = Tensor::empty(&[3], DType::F64).unwrap();
    add.call_out(&[(&a).into(), 1.0.into()], &[], std::slice::from_ref(&out)).unwrap();
    assert_eq!(out.to_vec::<f64>().unwrap(), [3.0, 4.0, 5.0]);
    add.call_out(&[(&a).into(), 1.0.into()], &[], std::slice::from_ref(&a)).unwrap();
    assert_eq!(a.to_vec::<f32>().unwrap(), [3.0, 4.0, 5.0]);
    let relu = find("torch.relu").unwrap();
    assert_eq!(relu.call_out(&[x()], &[], &[a]).unwrap_err().kind(), ErrorKind::Type);
    let isnan = find("torch.isnan").unwrap();
    assert_eq!(isnan.call_in_place(&[x()], &[]).unwrap_err().kind(), ErrorKind::Type);
}
