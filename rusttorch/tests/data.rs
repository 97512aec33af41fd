//! CSV, normalisation, splits and batches. Index orders were recorded from PyTorch 2.15.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use rusttorch::data::{Batches, Csv, Generator, Standardize, random_split};
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError};

fn parse(text: impl AsRef<[u8]>) -> Result<rusttorch::data::Table> {
    Csv::new().from_reader(text.as_ref())
}

fn indices(parts: impl IntoIterator<Item = Tensor>) -> Vec<Vec<i64>> {
    parts.into_iter().map(|p| p.to_vec().unwrap()).collect()
}

#[track_caller]
fn assert_fails<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, message: &str) {
    let e: TensorError = result.expect_err(message);
    assert_eq!((e.kind(), e.to_string().as_str()), (kind, message));
}

// ---- csv -------------------------------------------------------------------------------------------

#[test]
fn csv_reads_the_forms_that_files_come_in() {
    let cases: [(&str, &[u8]); 11] = [
        ("plain", b"a,b\n1,2\n3,4\n"),
        ("no line end at the end", b"a,b\n1,2\n3,4"),
        ("CRLF", b"a,b\r\n1,2\r\n3,4\r\n"),
        ("CR", b"a,b\r1,2\r3,4\r"),
        ("byte order mark", b"\xEF\xBB\xBFa,b\n1,2\n3,4\n"),
        ("quoted header after a byte order mark", b"\xEF\xBB\xBF\"a\",b\n1,2\n3,4\n"),
        ("blank lines", b"\na,b\n\n1,2\n  \n3,4\n\n\n \t \n"),
        ("spaces", b" a , b \n 1,\t2 \n3 , 4\n"),
        ("quotes", b"\"a\",\"b\"\n\"1\",\"2\"\n\" 3 \",4\n"),
        ("quotes behind spaces", b"\"a\", \"b\"\n1, \"2\"\n 3 , \" 4\" \n"),
        ("forms of numbers", b"a,b\n+1,2e0\n.3e1,4.\n"),
    ];
    for (what, text) in cases {
        let table = parse(text).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(table.names, ["a", "b"], "{what}");
        assert_eq!(table.values.shape(), [2, 2], "{what}");
        assert_eq!(table.values.to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0], "{what}");
    }
}

#[test]
fn csv_takes_nan_and_infinity_as_numbers() {
    let values = parse("a,b,c,d\nnan,inf,-Infinity,1e99\n").unwrap().values.to_vec::<f32>().unwrap();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY]);
}

#[test]
fn csv_reads_the_digits() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/digits/digits.csv");
    let table = Csv::new().read(path).unwrap();
    assert_eq!((table.rows(), table.names.len()), (1797, 65));
    let pixels = table.without(&["digit"]).unwrap();
    assert_eq!(pixels.shape(), [1797, 64]);
    let most = |t: Tensor| t.max().unwrap().item_f64().unwrap();
    assert_eq!((most(pixels), most(table.column("digit").unwrap())), (16.0, 9.0));
}

#[test]
fn csv_options() {
    let table = Csv::new().dtype(DType::F64).delimiter(b';').from_reader("a;b\n0.1;1e99".as_bytes()).unwrap();
    assert_eq!(table.values.to_vec::<f64>().unwrap(), [0.1, 1e99]);
    assert_fails(
        Csv::new().dtype(DType::I64).from_reader("a\n1".as_bytes()),
        ErrorKind::Argument,
        "csv: values are float32 or float64: dtype int64",
    );
    assert_fails(
        Csv::new().delimiter(b'"').from_reader("a\n1".as_bytes()),
        ErrorKind::Argument,
        "csv: a quote, a line end or a byte beyond ASCII cannot be the delimiter: delimiter 34",
    );
}

#[test]
fn csv_format_errors_say_where_and_what() {
    let cases: [(&[u8], &str); 22] = [
        (b"", "the file is empty: a header is needed: bytes 0"),
        (b"\xEF\xBB\xBF", "the file is empty: a header is needed: bytes 0"),
        (b" \n\r\n", "the file is empty: a header is needed: bytes 4"),
        (b"a,b", "no row below the header: columns 2"),
        (b"a,b\r\n\r\n", "no row below the header: columns 2"),
        (b"a,b,c\n1,2,3\n4,5\n", "row and header differ in number of cells: line 3, expected 3, found 2"),
        (b"a,b\n1,2,\n", "row and header differ in number of cells: line 2, expected 2, found 3"),
        // The line is that of the file, whatever its line ends and blank lines.
        (b"a,b\r\n1,2\r\n4\r\n", "row and header differ in number of cells: line 3, expected 2, found 1"),
        (b"a,b\r1,2\r4\r", "row and header differ in number of cells: line 3, expected 2, found 1"),
        (b"\n\na,b\n\n\n1,2\n\n4\n", "row and header differ in number of cells: line 8, expected 2, found 1"),
        (b"\r\na,b\r\n\r\n4\r\n", "row and header differ in number of cells: line 4, expected 2, found 1"),
        (b"\"a\nb\",c\n1,2\n4\n", "row and header differ in number of cells: line 4, expected 2, found 1"),
        (b"x,y\n1,2\n1,two\n", "not a number: line 3, column 2, name \"y\", text \"two\""),
        (b"x,y\n1,0x10", "not a number: line 2, column 2, name \"y\", text \"0x10\""),
        (b"x,y\n1_000,2", "not a number: line 2, column 1, name \"x\", text \"1_000\""),
        (b"x,y\n\xFF1,2", "not a number: line 2, column 1, name \"x\", text \"\u{FFFD}1\""),
        (b"x,y\n1,\n", "empty cell: line 2, column 2, name \"y\""),
        (b"x\n1\n\"\"\n", "empty cell: line 3, column 1, name \"x\""),
        (b"a,b, a\n1,2,3", "two columns of one name: line 1, name \"a\", first 1, second 3"),
        (b",\n1,2", "two columns of one name: line 1, name \"\", first 1, second 2"),
        (b"a,\xFFb\n1,2", "a column name is not UTF-8: line 1, column 2, name \"\u{FFFD}b\""),
        // A quote that never closes swallows the rest; the error quotes the start of it.
        (
            b"a\n\"1\n2222222222222222222222222222222222222222222222222222\n",
            "not a number: line 2, column 1, name \"a\", text \"1\\n22222222222222222222222222222222222222\"\u{2026} (55 bytes)",
        ),
    ];
    for (text, message) in cases {
        assert_fails(parse(text), ErrorKind::Format, &format!("csv: {message}"));
    }
}

#[test]
fn csv_files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.csv");
    for path in [path.as_path(), folder.path()] {
        let e = Csv::new().read(path).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Io);
        assert!(e.to_string().contains(&path.display().to_string()), "{e}");
    }
    std::fs::write(&path, "a\nx\n").unwrap();
    assert_fails(
        Csv::new().read(&path),
        ErrorKind::Format,
        &format!("csv: not a number: line 2, column 1, name \"a\", text \"x\", path {}", path.display()),
    );
}

#[test]
fn csv_streams_that_fail_are_io_errors() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    assert_fails(
        Csv::new().from_reader(Broken),
        ErrorKind::Io,
        "csv: cannot read the stream: reason unplugged",
    );
}

#[test]
fn table_columns_by_name() {
    let table = parse("a,b,c\n1,2,3\n4,5,6\n").unwrap();
    assert_eq!(table.rows(), 2);
    let column = table.column("b").unwrap();
    assert_eq!((column.shape(), column.to_vec::<f32>().unwrap()), (&[2][..], vec![2.0, 5.0]));
    let columns = table.columns(&["c", "a"]).unwrap();
    assert_eq!((columns.shape(), columns.to_vec::<f32>().unwrap()), (&[2, 2][..], vec![3.0, 1.0, 6.0, 4.0]));
    let rest = table.without(&["b"]).unwrap();
    assert_eq!((rest.shape(), rest.to_vec::<f32>().unwrap()), (&[2, 2][..], vec![1.0, 3.0, 4.0, 6.0]));
    assert_eq!(table.without(&["a", "b", "c"]).unwrap().shape(), [2, 0]);
    assert_eq!(table.columns(&[]).unwrap().shape(), [2, 0]);

    let message = "no column of this name: name \"B\", present \"a\", \"b\", \"c\"";
    assert_fails(table.column("B"), ErrorKind::Argument, &format!("column: {message}"));
    assert_fails(table.columns(&["a", "B"]), ErrorKind::Argument, &format!("columns: {message}"));
    assert_fails(table.without(&["B"]), ErrorKind::Argument, &format!("without: {message}"));

    let header: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let wide = parse(format!("{}\n{}\n", header.join(","), header.join(","))).unwrap();
    let message = wide.column("x").unwrap_err().to_string();
    assert!(message.ends_with("\"38\", \"39\", and 60 more"), "{message}");
}

// ---- normalisation ---------------------------------------------------------------------------------

fn matrix<T: rusttorch::TensorElement>(rows: &[&[T]]) -> Tensor {
    Tensor::from_vec(rows.concat(), &[rows.len(), rows[0].len()]).unwrap()
}

#[test]
fn standardize_is_that_of_the_training_part() {
    let train = matrix(&[&[1.0f32, 10.0], &[2.0, 20.0], &[6.0, 60.0]]);
    let normalize = Standardize::fit(&train).unwrap();
    assert_eq!(normalize.mean.to_vec::<f32>().unwrap(), [3.0, 30.0]);
    // sqrt(((1-3)^2 + (2-3)^2 + (6-3)^2) / 3): scikit-learn's scale_.
    assert_eq!(normalize.std.to_vec::<f32>().unwrap(), [2.160_246_8, 21.602_468]);
    let z = normalize.apply(&matrix(&[&[3.0f32, 51.602_47]])).unwrap();
    assert_eq!(z.to_vec::<f32>().unwrap(), [0.0, 1.000_000_1]);
    let one = normalize.apply(&Tensor::from_vec(vec![3.0f32, 30.0], &[2]).unwrap()).unwrap();
    assert_eq!(one.to_vec::<f32>().unwrap(), [0.0, 0.0]);
    let back = normalize.invert(&normalize.apply(&train).unwrap()).unwrap().to_vec::<f32>().unwrap();
    for (a, b) in back.iter().zip(train.to_vec::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-5 * b, "{a} {b}");
    }
}

#[test]
fn standardize_never_divides_by_nothing() {
    // Equal values whose mean rounds, large ones, a spread whose square is beyond the dtype, and one below it.
    let tiny = f32::from_bits(1);
    let x = matrix(&[&[0.1f32, 1e30, -1e38, 0.0], &[0.1, 1e30, 1e38, tiny], &[0.1, 1e30, 0.0, 0.0]]);
    let normalize = Standardize::fit(&x).unwrap();
    let z = normalize.apply(&x).unwrap().to_vec::<f32>().unwrap();
    assert!(z.iter().all(|z| z.is_finite()), "{z:?}");
    let columns: Vec<Vec<f32>> = (0..4).map(|c| (0..3).map(|r| z[r * 4 + c]).collect()).collect();
    assert_eq!(columns[0], [0.0; 3]);
    assert_eq!(columns[1], [0.0; 3]);
    assert!((columns[2][1] - 1.224_744_9).abs() < 1e-6);
    let double = matrix(&[&[0.1f64], &[0.1], &[0.1]]);
    assert_eq!(Standardize::fit(&double).unwrap().apply(&double).unwrap().to_vec::<f64>().unwrap(), [0.0; 3]);
    let one_row = matrix(&[&[5.0f32, -7.0]]);
    assert_eq!(
        Standardize::fit(&one_row).unwrap().apply(&one_row).unwrap().to_vec::<f32>().unwrap(),
        [0.0; 2]
    );
}

#[test]
fn standardize_keeps_half_and_lets_gradients_through() {
    let x = matrix(&[&[1.0f32], &[3.0]]).requires_grad_(true).unwrap();
    let normalize = Standardize::fit(&x).unwrap();
    assert!(!normalize.mean.requires_grad() && !normalize.std.requires_grad());
    normalize.apply(&x).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f32>().unwrap(), [1.0, 1.0]);
    let half = Standardize::fit(&x.detach().to_dtype(DType::F16).unwrap()).unwrap();
    assert_eq!((half.mean.dtype(), half.std.dtype()), (DType::F16, DType::F16));
}

#[test]
fn standardize_errors() {
    let fit = |shape: &[usize], dtype| Standardize::fit(&Tensor::zeros(shape, dtype).unwrap());
    assert_fails(
        fit(&[4], DType::F32),
        ErrorKind::Shape,
        "Standardize::fit: needs a matrix [rows, columns]: shape [4]",
    );
    assert_fails(
        fit(&[0, 3], DType::F32),
        ErrorKind::Shape,
        "Standardize::fit: needs at least one row: shape [0, 3]",
    );
    assert_fails(
        fit(&[2, 3], DType::I64),
        ErrorKind::DType,
        "Standardize::fit: needs a floating-point dtype: dtype int64",
    );
    let fitted = fit(&[2, 3], DType::F32).unwrap();
    let other = |shape: &[usize]| Tensor::zeros(shape, DType::F32).unwrap();
    let rule = "number of columns differs from the fitted one: fitted 3, shape";
    // A last size of 1 would broadcast.
    assert_fails(
        fitted.apply(&other(&[2, 1])),
        ErrorKind::Shape,
        &format!("Standardize::apply: {rule} [2, 1]"),
    );
    assert_fails(fitted.apply(&other(&[])), ErrorKind::Shape, &format!("Standardize::apply: {rule} []"));
    assert_fails(
        fitted.invert(&other(&[3, 2])),
        ErrorKind::Shape,
        &format!("Standardize::invert: {rule} [3, 2]"),
    );
}

// ---- splits ----------------------------------------------------------------------------------------

#[test]
fn random_split_has_the_order_of_pytorch() {
    let by_size =
        |n, sizes: &[usize], seed| indices(random_split(n, sizes, &mut Generator::new(seed)).unwrap());
    let by_part =
        |n, parts: &[f64], seed| indices(random_split(n, parts, &mut Generator::new(seed)).unwrap());
    assert_eq!(by_size(10, &[3, 7], 42), [vec![2, 6, 1], vec![8, 4, 5, 0, 9, 3, 7]]);
    assert_eq!(by_size(5, &[0, 5], 1), [vec![], vec![0, 4, 2, 3, 1]]);
    assert_eq!(by_part(10, &[0.7, 0.3], 42), [vec![2, 6, 1, 8, 4, 5, 0], vec![9, 3, 7]]);
    assert_eq!(by_part(11, &[0.3, 0.3, 0.4], 7), [vec![3, 0, 9, 2], vec![5, 8, 4], vec![10, 1, 7, 6]]);
    assert_eq!(by_part(7, &[0.5, 0.25, 0.25], 0), [vec![4, 0, 5, 3], vec![2, 6], vec![1]]);
    assert_eq!(by_part(10, &[0.0, 1.0], 9), [vec![], vec![0, 5, 8, 7, 6, 2, 9, 1, 4, 3]]);
    assert_eq!(by_part(1, &[1.0], 3), [vec![0]]);
    assert_eq!(by_part(0, &[0.5, 0.5], 0), vec![Vec::<i64>::new(); 2]);
    let tenths = [0, 9, 3, 2, 10, 5, 6, 7, 8, 1, 4, 11];
    let parts = by_part(12, &[0.1; 10], 2);
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(parts.concat(), tenths);
    // floor(100 * 0.29) is 28.
    assert_eq!(by_part(100, &[0.29, 0.71], 5).iter().map(Vec::len).collect::<Vec<_>>(), [29, 71]);
    let digits = by_part(1797, &[0.7, 0.1, 0.2], 0);
    let weighted = |p: &Vec<i64>| (1i64..).zip(p).map(|(i, v)| i * v).sum::<i64>();
    assert_eq!(digits.iter().map(Vec::len).collect::<Vec<_>>(), [1258, 180, 359]);
    assert_eq!(digits.iter().map(weighted).collect::<Vec<_>>(), [693_380_360, 14_769_493, 57_164_319]);
}

#[test]
fn random_split_gives_arrays_for_arrays() {
    let [a, b] = random_split(10, [3, 7], &mut Generator::new(42)).unwrap();
    assert_eq!((a.shape(), b.shape(), a.dtype()), (&[3][..], &[7][..], DType::I64));
    let [c, d] = random_split(10, [0.3, 0.7], &mut Generator::new(42)).unwrap();
    assert_eq!(
        (a.to_vec::<i64>().unwrap(), b.to_vec::<i64>().unwrap()),
        (c.to_vec().unwrap(), d.to_vec().unwrap())
    );
}

#[test]
fn random_split_errors() {
    let by_size = |n, sizes: &[usize]| random_split(n, sizes, &mut Generator::new(0));
    let by_part = |n, parts: &[f64]| random_split(n, parts, &mut Generator::new(0));
    let argument = ErrorKind::Argument;
    let sizes = "random_split: sizes do not add up to the number of samples: sizes";
    assert_fails(by_size(10, &[3, 6]), argument, &format!("{sizes} [3, 6], samples 10"));
    assert_fails(by_size(10, &[]), argument, &format!("{sizes} [], samples 10"));
    let most = usize::MAX;
    assert_fails(by_size(0, &[most, 1]), argument, &format!("{sizes} [{most}, 1], samples 0"));
    let sum = "random_split: fractions do not add up to 1: fractions";
    assert_fails(by_part(10, &[0.5, 0.25]), argument, &format!("{sum} [0.5, 0.25], sum 0.75"));
    let range = "random_split: fraction is not in [0, 1]: part";
    assert_fails(by_part(10, &[1.5, -0.5]), argument, &format!("{range} 0, fraction 1.5"));
    assert_fails(by_part(10, &[0.5, f64::NAN]), argument, &format!("{range} 1, fraction NaN"));
    assert_eq!(by_size(most, &[most]).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(by_part(1 << 60, &[1.0]).unwrap_err().kind(), ErrorKind::Memory);
    assert_fails(by_part(most, &[1.0, 1e-10]), argument, &format!("{sum} [1.0, 1e-10], sum 1.0000000001"));
}

// ---- batches ---------------------------------------------------------------------------------------

fn numbers(n: i64) -> Tensor {
    Tensor::arange(0, n, 1, DType::I64).unwrap()
}

#[test]
fn shuffled_batches_have_the_order_of_pytorch_for_epochs() {
    let epochs = |n, size, drop_last, seed| -> Vec<Vec<Vec<i64>>> {
        let x = numbers(n);
        let batches = Batches::new(&x, size).unwrap().drop_last(drop_last);
        let mut generator = Generator::new(seed);
        (0..3).map(|_| indices(batches.shuffled(&mut generator).unwrap().map(Result::unwrap))).collect()
    };
    let seven = [
        [vec![0, 1, 5], vec![6, 2, 3], vec![4]],
        [vec![4, 1, 6], vec![0, 2, 3], vec![5]],
        [vec![1, 0, 5], vec![3, 2, 6], vec![4]],
    ];
    assert_eq!(epochs(7, 3, false, 0), seven);
    assert_eq!(epochs(7, 3, true, 0), seven.map(|epoch| epoch[..2].to_vec()));
    assert_eq!(
        epochs(6, 3, true, 1),
        [[vec![0, 4, 5], vec![1, 2, 3]], [vec![1, 0, 4], vec![3, 2, 5]], [vec![4, 3, 1], vec![0, 2, 5]]]
    );
    assert_eq!(epochs(1, 4, false, 2), [[[0]], [[0]], [[0]]]);
}

#[test]
fn samples_of_a_batch_belong_together() {
    let x = numbers(20).reshape([10, 2]).unwrap();
    let y = numbers(10);
    let batches = Batches::new((&x, &y), 4).unwrap();
    for batch in batches.shuffled(&mut Generator::new(5)).unwrap() {
        let (x, y) = batch.unwrap();
        let expected: Vec<i64> =
            y.to_vec::<i64>().unwrap().iter().flat_map(|&i| [2 * i, 2 * i + 1]).collect();
        assert_eq!(x.to_vec::<i64>().unwrap(), expected);
    }
}

#[test]
fn batches_in_order_are_views() {
    let (x, y) = (numbers(10).reshape([5, 2]).unwrap(), numbers(5));
    let batches = Batches::new((&x, &y), 2).unwrap();
    let mut epoch = batches.iter();
    assert_eq!((batches.len(), batches.samples(), epoch.len()), (3, 5, 3));
    let (first, _) = epoch.next().unwrap().unwrap();
    assert!(first.shares_storage(&x));
    let sizes: Vec<usize> = (&batches).into_iter().map(|b| b.unwrap().1.numel()).collect();
    assert_eq!((sizes, epoch.len()), (vec![2, 2, 1], 2));
    let whole = batches.clone().drop_last(true);
    assert_eq!((whole.len(), whole.iter().count()), (2, 2));
    assert_eq!(Batches::new(&x, usize::MAX).unwrap().iter().count(), 1);
    assert!(Batches::new(&x, 6).unwrap().drop_last(true).is_empty());
}

#[test]
fn batches_take_any_form_of_samples() {
    let (x, y) = (numbers(4), numbers(4));
    let sum = |t: &Tensor| t.sum().unwrap().item_f64().unwrap();
    let one: Tensor = Batches::new(x.clone(), 4).unwrap().iter().next().unwrap().unwrap();
    let three: (Tensor, Tensor, Tensor) =
        Batches::new((&x, y.clone(), &x), 4).unwrap().iter().next().unwrap().unwrap();
    let array: [Tensor; 2] = Batches::new([&x, &y], 4).unwrap().iter().next().unwrap().unwrap();
    let slice: Vec<Tensor> = Batches::new(&[&x, &y][..], 4).unwrap().iter().next().unwrap().unwrap();
    let vec: Vec<Tensor> = Batches::new(vec![x.clone()], 4).unwrap().iter().next().unwrap().unwrap();
    for t in [&one, &three.2, &array[1], &slice[0], &vec[0]] {
        assert_eq!(sum(t), 6.0);
    }
}

#[test]
fn no_samples_give_no_batches() {
    let x = numbers(0);
    let batches = Batches::new(&x, 3).unwrap();
    assert_eq!(batches.iter().count(), 0);
    assert_eq!(batches.shuffled(&mut Generator::new(0)).unwrap().count(), 0);
}

#[test]
fn batch_errors() {
    let (x, y) = (numbers(10).reshape([5, 2]).unwrap(), numbers(4));
    assert_fails(Batches::new((&x, &x), 0), ErrorKind::Argument, "Batches: batch size is zero: batch_size 0");
    assert_fails(
        Batches::new((&x, &y), 2),
        ErrorKind::Shape,
        "Batches: numbers of samples differ: first [5, 2], other [4]",
    );
    let scalar = Tensor::scalar(1.0f32).unwrap();
    assert_fails(
        Batches::new((&x, &scalar), 2),
        ErrorKind::Shape,
        "Batches: a 0-d tensor has no samples: shape []",
    );
    assert_fails(Batches::new(Vec::<Tensor>::new(), 2), ErrorKind::Argument, "Batches: no tensor given");
}

// ---- anything at all -------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_of_any_bytes_is_a_table_or_a_format_error(
        bytes in proptest::collection::vec(
            prop_oneof![4 => proptest::sample::select(b"0123456789.,,\n\r\" -eab".to_vec()), 1 => any::<u8>()],
            0..200,
        )
    ) {
        match parse(&bytes) {
            Ok(table) => prop_assert_eq!(table.values.shape(), [table.rows(), table.names.len()]),
            Err(e) => prop_assert_eq!(e.kind(), ErrorKind::Format),
        }
    }

    #[test]
    fn csv_with_a_few_bytes_changed_is_a_table_or_a_format_error(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut text = b"first,second,\"third\"\r\n1,2.5,-3e4\n4, 5 ,\"6\"\n\n7,8,nan\n".to_vec();
        for (at, byte) in edits {
            let at = at.index(text.len());
            text[at] = byte;
        }
        for text in [&text[..], &text[..cut.index(text.len())]] {
            match parse(text) {
                Ok(table) => prop_assert_eq!(table.values.shape(), [table.rows(), table.names.len()]),
                Err(e) => prop_assert_eq!(e.kind(), ErrorKind::Format),
            }
        }
    }

    #[test]
    fn random_split_is_a_partition(n in 0usize..500, cuts in proptest::collection::vec(0.0f64..1.0, 0..5), seed: u64) {
        let total: f64 = 1.0 + cuts.iter().sum::<f64>();
        let fractions: Vec<f64> = cuts.iter().chain([&1.0]).map(|c| c / total).collect();
        let parts = indices(random_split(n, &fractions[..], &mut Generator::new(seed)).unwrap());
        for (part, fraction) in parts.iter().zip(&fractions) {
            prop_assert!((part.len() as f64 - n as f64 * fraction).abs() <= 1.0 + 1e-9);
        }
        let mut all = parts.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..n as i64).collect::<Vec<_>>());
    }

    #[test]
    fn an_epoch_has_every_sample_once(n in 0i64..100, size in 1usize..20, drop_last: bool, seed: u64) {
        let x = numbers(n);
        let batches = Batches::new(&x, size).unwrap().drop_last(drop_last);
        let epoch = batches.shuffled(&mut Generator::new(seed)).unwrap();
        prop_assert_eq!(epoch.len(), batches.len());
        let expected = if drop_last { n as usize / size * size } else { n as usize };
        let mut seen = indices(epoch.map(Result::unwrap)).concat();
        prop_assert_eq!(seen.len(), expected);
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(seen.len(), expected);
    }
}
