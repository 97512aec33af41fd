//! Compares with text recorded from PyTorch, and checks what no recording can show.

use super::{Described, Elements, Shown, format};

/// Cases recorded by PyTorch; the head of the file explains its form.
const RECORDED: &str = include_str!("expected.txt");

#[test]
fn agrees_with_every_recorded_text() {
    let mut count = 0;
    // The piece before the first mark is the head of the file.
    for record in RECORDED.split("\n@ ").skip(1) {
        let (line, expected) = record.split_once('\n').unwrap();
        let shape = parse_shape(field(line, "shape").unwrap());
        let (described, elements) = parse(line, &shape);
        assert_eq!(format(&described, &elements), expected.trim_end_matches('\n'), "case: {line}");
        count += 1;
    }
    assert!(count >= 80, "only {count} cases were found");
}

fn parse<'a>(line: &'a str, shape: &'a [usize]) -> (Described<'a>, Elements) {
    let dtype = field(line, "dtype").unwrap();
    let described = Described {
        shape,
        dtype,
        device: field(line, "device"),
        requires_grad: field(line, "requires_grad").is_some(),
        grad_fn: field(line, "grad_fn"),
    };
    let list = field(line, "values").unwrap();
    let elements = if dtype.starts_with("torch.float") || dtype == "torch.bfloat16" {
        Elements::Float(read(shape, list))
    } else if dtype == "torch.bool" {
        Elements::Bool(read(shape, list))
    } else {
        Elements::Int(read(shape, list))
    };
    (described, elements)
}

/// Repeats the recorded values over the whole tensor and reads those that are shown.
fn read<T: std::str::FromStr + Copy>(shape: &[usize], list: &str) -> Vec<T>
where
    T::Err: std::fmt::Debug,
{
    let cycle: Vec<T> =
        list.split(',').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
    Shown::of(shape).gather(|index| {
        let position = index.iter().zip(shape).fold(0, |at, (&i, &size)| at * size + i);
        cycle[position % cycle.len()]
    })
}

fn parse_shape(text: &str) -> Vec<usize> {
    text.split('x').filter(|size| !size.is_empty()).map(|size| size.parse().unwrap()).collect()
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

fn plain(shape: &[usize]) -> Described<'_> {
    Described { shape, dtype: "torch.float32", device: None, requires_grad: false, grad_fn: None }
}

#[test]
fn a_huge_tensor_reads_only_what_it_shows() {
    let shape = [10_000, 10_000];
    let mut read = 0;
    let values = Shown::of(&shape).gather(|index| {
        read += 1;
        (index[0] * 10_000 + index[1]) as i64
    });
    assert_eq!(read, 36);
    let described = Described { dtype: "torch.int64", ..plain(&shape) };
    let text = format(&described, &Elements::Int(values));
    let expected = "\
tensor([[       0,        1,        2,  ...,     9997,     9998,     9999],
        [   10000,    10001,    10002,  ...,    19997,    19998,    19999],
        [   20000,    20001,    20002,  ...,    29997,    29998,    29999],
        ...,
        [99970000, 99970001, 99970002,  ..., 99979997, 99979998, 99979999],
        [99980000, 99980001, 99980002,  ..., 99989997, 99989998, 99989999],
        [99990000, 99990001, 99990002,  ..., 99999997, 99999998, 99999999]])";
    assert_eq!(text, expected);
}

#[test]
fn a_count_beyond_usize_is_summarised() {
    let shape = [usize::MAX, usize::MAX];
    let values = Shown::of(&shape).gather(|_| 0.5);
    assert_eq!(values.len(), 36);
    assert!(format(&plain(&shape), &Elements::Float(values)).contains("...,\n"));
    let empty = [usize::MAX, usize::MAX, 0];
    assert!(Shown::of(&empty).gather(|_| 0.5).is_empty());
    assert!(
        format(&plain(&empty), &Elements::Float(Vec::new()))
            .contains(&format!("size=({0}, {0}, 0)", usize::MAX))
    );
}

#[test]
fn a_wrong_number_of_values_shows_in_the_text() {
    assert_eq!(format(&plain(&[3]), &Elements::Float(vec![1.0])), "tensor([1., ?, ?])");
    assert_eq!(format(&plain(&[]), &Elements::Int(Vec::new())), "tensor(?)");
    assert_eq!(format(&plain(&[1]), &Elements::Bool(vec![true, true])), "tensor([True])");
}

#[test]
fn more_axes_than_columns_leave_one_element_to_a_line() {
    let text = format(&plain(&[[1; 99].as_slice(), &[2]].concat()), &Elements::Float(vec![1.0, 2.0]));
    let expected = format!("tensor({}1.,\n{}2.{})", "[".repeat(100), " ".repeat(107), "]".repeat(100));
    assert_eq!(text, expected);
}

#[test]
fn a_device_is_named_before_the_dtype() {
    let described = Described { dtype: "torch.float64", device: Some("cuda:0"), ..plain(&[1]) };
    let text = format(&described, &Elements::Float(vec![1.5]));
    assert_eq!(text, "tensor([1.5000], device='cuda:0', dtype=torch.float64)");
}
