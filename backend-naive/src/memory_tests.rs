use rusttorch_backend::{Backend, ErrorKind};

use crate::Naive;
use crate::testing::{Device, kind};

#[test]
fn bytes_go_up_and_come_down() {
    let mut buffer = Naive.alloc(10).unwrap();
    Naive.upload(&[1, 2, 3], &mut *buffer, 4).unwrap();
    let mut bytes = [0; 2];
    Naive.download(&*buffer, 5, &mut bytes).unwrap();
    assert_eq!(bytes, [2, 3]);
    Naive.upload(&[], &mut *buffer, 10).unwrap();
    assert_eq!(Naive.alloc(0).unwrap().len(), 0);
}

#[test]
fn errors() {
    let mut buffer = Naive.alloc(10).unwrap();
    assert_eq!(kind(Naive.upload(&[1, 2], &mut *buffer, 9)), ErrorKind::Index);
    assert_eq!(kind(Naive.upload(&[1], &mut *buffer, usize::MAX)), ErrorKind::Index);
    assert_eq!(kind(Naive.download(&*buffer, 11, &mut [])), ErrorKind::Index);
    assert_eq!(kind(Naive.upload(&[1], &mut Device, 0)), ErrorKind::Backend);
    assert_eq!(kind(Naive.download(&Device, 0, &mut [0])), ErrorKind::Backend);
    assert_eq!(kind(Naive.alloc(1 << 60)), ErrorKind::Memory);
}
