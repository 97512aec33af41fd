//! Saving and loading safetensors files, and what is said of broken ones.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use rusttorch::backend::{Allocation, Backend, Buffer};
use rusttorch::io::{self, Metadata};
use rusttorch::{DType, ErrorKind, Result, Tensor, TensorError, backends, bf16, f16};

/// The bytes of a file with this header.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// One tensor of every dtype, with special values, and odd shapes.
fn zoo() -> Vec<(String, Tensor)> {
    let vec = |name: &str, t: Result<Tensor>| (name.to_string(), t.unwrap());
    vec![
        vec("bool", Tensor::from_vec(vec![true, false, true], &[3])),
        vec("u8", Tensor::from_vec(vec![0u8, 255], &[2, 1])),
        vec("i8", Tensor::from_vec(vec![-128i8, 127], &[1, 2])),
        vec("i16", Tensor::from_vec(vec![i16::MIN, i16::MAX], &[2])),
        vec("i32", Tensor::from_vec(vec![i32::MIN, i32::MAX], &[2])),
        vec("i64", Tensor::from_vec(vec![i64::MIN, i64::MAX], &[2])),
        vec("f16", Tensor::from_vec(vec![f16::MIN_POSITIVE_SUBNORMAL, f16::NEG_INFINITY], &[2])),
        vec("bf16", Tensor::from_vec(vec![bf16::MIN_POSITIVE_SUBNORMAL, bf16::NAN], &[2])),
        vec("f32", Tensor::from_vec(vec![-0.0f32, f32::from_bits(0x7FC0_1234), f32::from_bits(1)], &[3])),
        vec("f64", Tensor::from_vec(vec![f64::MAX, -0.0, f64::INFINITY, 0.1], &[2, 2])),
        vec("a scalar", Tensor::scalar(7i16)),
        vec("nothing", Tensor::zeros(&[3, 0, 2], DType::F32)),
        vec("quote \" backslash \\ line\nend, ünïcödé 🦀 {\"}:[,", Tensor::ones(&[2], DType::I32)),
        vec("", Tensor::ones(&[1], DType::F32)),
    ]
}

fn assert_same(a: &Tensor, b: &Tensor) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    // Widening keeps the sign of zero and what a NaN carries.
    let bits = |t: &Tensor| t.to_f64_vec().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(a), bits(b));
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zoo.safetensors");
    let metadata: Metadata = [("epochs", "3"), ("a \"quoted\" key", "line\nend"), ("", ""), ("z", "{}")]
        .map(|(k, v)| (k.into(), v.into()))
        .into();
    let zoo = zoo();
    io::save_with_metadata(&path, zoo.iter().map(|(n, t)| (n, t)), &metadata).unwrap();
    let (tensors, loaded) = io::load_with_metadata(&path).unwrap();
    assert_eq!(loaded, metadata);
    assert_eq!(tensors.len(), zoo.len());
    for (name, tensor) in &zoo {
        assert_same(&tensors[name], tensor);
    }
    assert_eq!(names(folder.path()), ["zoo.safetensors"]);

    // The same tensors and metadata in another order: the same bytes.
    let bytes = fs::read(&path).unwrap();
    for _ in 0..3 {
        io::save_with_metadata(&path, zoo.iter().rev().map(|(n, t)| (n, t)), &metadata).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let (tensors, loaded) = io::decode(&bytes).unwrap();
    assert_eq!((tensors.len(), loaded), (zoo.len(), metadata));
}

#[test]
fn views_are_saved_as_their_elements() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let x = Tensor::arange(0, 6, 1, DType::I32).unwrap().reshape([2, 3]).unwrap();
    let row = Tensor::from_vec(vec![1.0f32, 2.0], &[2]).unwrap().requires_grad_(true).unwrap();
    io::save(
        &path,
        [
            ("transposed", x.t().unwrap()),
            ("part", x.narrow(1, 1, 2).unwrap()),
            ("backwards", x.slice(1, None, None, -1).unwrap()),
            ("expanded", row.expand([2, 2]).unwrap()),
        ],
    )
    .unwrap();
    let loaded = io::load(&path).unwrap();
    assert_eq!(loaded["transposed"].to_vec::<i32>().unwrap(), [0, 3, 1, 4, 2, 5]);
    assert_eq!(loaded["part"].to_vec::<i32>().unwrap(), [1, 2, 4, 5]);
    assert_eq!(loaded["backwards"].to_vec::<i32>().unwrap(), [2, 1, 0, 5, 4, 3]);
    assert_eq!(loaded["expanded"].to_vec::<f32>().unwrap(), [1.0, 2.0, 1.0, 2.0]);
    assert!(loaded.values().all(|t| t.is_contiguous() && !t.requires_grad()));
}

#[test]
fn no_tensor_at_all_is_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    io::save(&path, Vec::<(String, Tensor)>::new()).unwrap();
    assert!(io::load(&path).unwrap().is_empty());
}

#[test]
fn any_byte_but_zero_is_true() {
    let (tensors, _) =
        io::decode(&file(r#"{"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}"#, &[0, 2, 255]))
            .unwrap();
    assert_eq!(tensors["b"].to_vec::<bool>().unwrap(), [false, true, true]);
    assert_eq!(tensors["b"].to_dtype(DType::U8).unwrap().to_vec::<u8>().unwrap(), [0, 1, 1]);
}

/// A backend whose memory cannot be read back.
#[derive(Debug)]
struct WriteOnly(Arc<dyn Backend>);

impl Backend for WriteOnly {
    fn name(&self) -> &'static str {
        "write-only"
    }
    fn alloc(&self, bytes: usize) -> Result<Allocation> {
        self.0.alloc(bytes)
    }
    fn upload(&self, src: &[u8], dst: &mut dyn Buffer, at: usize) -> Result<()> {
        self.0.upload(src, dst, at)
    }
    fn download(&self, _: &dyn Buffer, _: usize, _: &mut [u8]) -> Result<()> {
        Err(TensorError::new(ErrorKind::Backend, "download", "the device is gone"))
    }
    fn next(&self) -> Option<&dyn Backend> {
        Some(&*self.0)
    }
}

#[test]
fn a_save_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let (old, new) = (Tensor::zeros(&[2], DType::F32).unwrap(), Tensor::ones(&[2], DType::F32).unwrap());
    io::save(&path, [("w", &old)]).unwrap();
    let bytes = fs::read(&path).unwrap();

    let duplicate = io::save(&path, [("w", &new), ("w", &old)]).unwrap_err();
    assert_eq!(duplicate.to_string(), "io::save: two tensors of one name: name \"w\"");
    let reserved = io::save(&path, [("__metadata__", &new)]).unwrap_err();
    assert_eq!(reserved.to_string(), "io::save: this name is reserved for metadata: name \"__metadata__\"");
    assert_eq!((duplicate.kind(), reserved.kind()), (ErrorKind::Argument, ErrorKind::Argument));

    let broken = Arc::new(WriteOnly(backends::current().unwrap()));
    let e = backends::with_backend(broken, || io::save(&path, [("w", &new)])).unwrap_err();
    assert_eq!((e.kind(), e.rule()), (ErrorKind::Backend, "the device is gone"));

    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(names(folder.path()), ["m"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let w = Tensor::zeros(&[2], DType::F32).unwrap();
    let missing = folder.path().join("none");
    let path = missing.join("m");
    let e = io::save(&path, [("w", &w)]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Io);
    assert_eq!(
        e.to_string(),
        format!("io::save: folder does not exist: folder {}, path {}", missing.display(), path.display())
    );
    let e = io::save(folder.path(), [("w", &w)]).unwrap_err();
    let rule = "io::save: path leads to something that is not a file";
    assert_eq!(
        (e.kind(), e.to_string()),
        (ErrorKind::Io, format!("{rule}: path {}", folder.path().display()))
    );
    assert_eq!(io::save("", [("w", &w)]).unwrap_err().kind(), ErrorKind::Io);
    for path in [folder.path(), &path] {
        let e = io::load(path).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Io);
        assert!(e.to_string().ends_with(&format!("path {}", path.display())), "{e}");
    }
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link, plain) =
        (folder.path().join("m"), folder.path().join("link"), folder.path().join("plain"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let w = Tensor::zeros(&[2], DType::F32).unwrap();
    io::save(&path, [("w", &w)]).unwrap();
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&path), mode(&plain), "a new file is as any other program would make it");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    io::save(&link, [("v", &w)]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(io::load(&path).unwrap().contains_key("v"));
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn a_broken_file_is_a_format_error_with_its_numbers() {
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let two = |a: &str, b: &str| {
        format!(
            r#"{{"a":{{"dtype":"U8","shape":[4],"data_offsets":{a}}},"b":{{"dtype":"U8","shape":[4],"data_offsets":{b}}}}}"#
        )
    };
    let good = file(&one("F32", "[2]", "[0,8]"), &[0; 8]);
    let w = |rule: &str, dtype: &str, shape: &str, offsets: &str, rest: &str| {
        format!("{rule}: tensor \"w\", dtype {dtype}, shape {shape}, offsets {offsets}{rest}")
    };
    let b = |rule: &str, offsets: &str, start: usize| {
        format!("{rule}: tensor \"b\", dtype U8, shape [4], offsets {offsets}, expected_start {start}")
    };
    let cases: Vec<(Vec<u8>, String)> = vec![
        (vec![], "file is shorter than the length of its header: bytes 0".into()),
        (good[..7].to_vec(), "file is shorter than the length of its header: bytes 7".into()),
        (
            good[..40].to_vec(),
            "header reaches past the end of the file: header_bytes 54, file_bytes 40".into(),
        ),
        (
            [&u64::MAX.to_le_bytes()[..], b"{}"].concat(),
            "header reaches past the end of the file: header_bytes 18446744073709551615, file_bytes 10"
                .into(),
        ),
        (
            good[..67].to_vec(),
            w("offsets of a tensor reach past the end of the file", "F32", "[2]", "[0, 8]", ", data_bytes 5"),
        ),
        (
            [&good[..], &[1, 2]].concat(),
            "bytes behind the last tensor belong to none: tensor_bytes 8, data_bytes 10".into(),
        ),
        (
            file("{}", &[1]),
            "bytes behind the last tensor belong to none: tensor_bytes 0, data_bytes 1".into(),
        ),
        (
            file(&one("F32", "[3]", "[0,8]"), &[0; 8]),
            w("offsets of a tensor differ from its size", "F32", "[3]", "[0, 8]", ", bits 96"),
        ),
        (
            file(&one("F4", "[3]", "[0,1]"), &[0; 1]),
            w("offsets of a tensor differ from its size", "F4", "[3]", "[0, 1]", ", bits 12"),
        ),
        (
            file(&one("F64", "[4294967296,4294967296]", "[0,8]"), &[0; 8]),
            w("size of a tensor overflows", "F64", "[4294967296, 4294967296]", "[0, 8]", ""),
        ),
        (
            file(&one("F32", "[2]", "[8,0]"), &[0; 8]),
            w("offsets of a tensor run backwards", "F32", "[2]", "[8, 0]", ""),
        ),
        (
            file(&one("F32", "[2]", "[0,9223372036854775816]"), &[0; 8]),
            w(
                "offsets of a tensor reach past the end of the file",
                "F32",
                "[2]",
                "[0, 9223372036854775816]",
                ", data_bytes 8",
            ),
        ),
        (
            file(&one("F32", "[2]", "[4,12]"), &[0; 12]),
            w("bytes between tensors belong to none", "F32", "[2]", "[4, 12]", ", expected_start 0"),
        ),
        (file(&two("[0,4]", "[2,6]"), &[0; 8]), b("tensors overlap", "[2, 6]", 4)),
        (file(&two("[0,4]", "[0,4]"), &[0; 4]), b("tensors overlap", "[0, 4]", 4)),
        (file(&two("[0,4]", "[6,10]"), &[0; 10]), b("bytes between tensors belong to none", "[6, 10]", 4)),
        (
            file(
                r#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0077":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
                &[0],
            ),
            "a name stands twice in the header: name \"w\"".into(),
        ),
        (
            file(r#"{"__metadata__":{"k":"1","k":"2"}}"#, &[]),
            "a name stands twice in the header: name \"k\"".into(),
        ),
        ([&2u64.to_le_bytes()[..], b"{\xFF"].concat(), "header is not UTF-8: valid_bytes 1".into()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    for (bytes, message) in cases {
        fs::write(&path, &bytes).unwrap();
        let e = io::load(&path).expect_err(&message);
        assert_eq!(e.to_string(), format!("io::load: {message}, path {}", path.display()));
        assert_eq!(e.kind(), ErrorKind::Format);
    }
    assert!(io::decode(&good).is_ok());
}

#[test]
fn a_header_that_is_no_such_json_is_a_format_error_with_the_parser_s_reason() {
    let cases = [
        ("", "EOF while parsing"),
        ("{", "EOF while parsing"),
        ("[]", "invalid"),
        ("{}x", "trailing characters at line 1 column 3"),
        (r#"{"w":3}"#, "invalid type: integer `3`"),
        (r#"{"w":{"shape":[2],"data_offsets":[0,8]}}"#, "missing field `dtype`"),
        (r#"{"w":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, "unknown variant `F99`"),
        (r#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "invalid value: integer `-2`"),
        (r#"{"w":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}"#, "floating point `2.5`"),
        (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, "invalid length 1"),
        (r#"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, "invalid"),
        (
            r#"{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            "duplicate field `dtype`",
        ),
        (r#"{"__metadata__":{"k":1}}"#, "invalid type: integer `1`"),
    ];
    for (header, reason) in cases {
        let e = io::decode(&file(header, &[0; 8])).expect_err(header);
        assert_eq!(
            (e.kind(), e.rule()),
            (ErrorKind::Format, "header is not as the format prescribes"),
            "{header}: {e}"
        );
        assert!(e.to_string().contains(reason), "{header}: {e}");
    }
    // Deep enough to end a parser that recurses without a limit.
    let e = io::decode(&file(&"[".repeat(1_000_000), &[])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Format);
    let e = io::decode(&file(&format!("{{\"w\":{}", "[".repeat(1_000_000)), &[])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Format);
}

#[test]
fn a_header_beyond_the_limit_of_the_format_is_refused() {
    let mut bytes = vec![b' '; 8 + 100_000_001];
    bytes[..8].copy_from_slice(&100_000_001u64.to_le_bytes());
    let e = io::decode(&bytes).unwrap_err();
    assert_eq!(e.to_string(), "io::load: header is too long: header_bytes 100000001, most 100000000");
}

#[test]
fn a_dtype_that_tensors_lack_is_named() {
    let e =
        io::decode(&file(r#"{"w":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}"#, &[0; 8])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::DType);
    assert_eq!(e.to_string(), "io::load: no tensor has this dtype: dtype U64, tensor \"w\"");
}

#[test]
fn a_shape_without_elements_takes_no_memory() {
    // 2^62 * 0 elements; and sizes that no tensor can have.
    for shape in ["[4611686018427387904,0]", "[0,18446744073709551615,18446744073709551615]"] {
        let header = format!(r#"{{"w":{{"dtype":"F64","shape":{shape},"data_offsets":[0,0]}}}}"#);
        if let Err(e) = io::decode(&file(&header, &[])) {
            assert!(matches!(e.kind(), ErrorKind::Format | ErrorKind::Memory), "{e}");
            assert!(e.to_string().contains("tensor \"w\""), "{e}");
        }
    }
}

fn valid() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let metadata: Metadata = [("epochs".into(), "3".into()), ("a".into(), "b".into())].into();
    io::save_with_metadata(&path, zoo(), &metadata).unwrap();
    fs::read(&path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_bytes_changed_loads_or_is_an_error(
        edits in proptest::collection::vec(
            (
                any::<proptest::sample::Index>(),
                prop_oneof![any::<u8>(), proptest::sample::select(b"0123456789\"{}[]:,\\ u".to_vec())],
            ),
            0..5,
        ),
        inserted in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        static VALID: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(valid);
        let mut bytes = VALID.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((at, byte)) = inserted {
            bytes.insert(at.index(bytes.len()), byte);
        }
        if let Some(at) = cut {
            bytes.truncate(at.index(bytes.len()));
        }
        if let Err(e) = io::decode(&bytes) {
            prop_assert!(matches!(e.kind(), ErrorKind::Format | ErrorKind::DType | ErrorKind::Memory), "{}", e);
        }
    }

    #[test]
    fn any_header_loads_or_is_an_error(
        header in "[{}\\[\\]:,\"0-9a-z_\\\\ ]{0,60}",
        data in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        if let Err(e) = io::decode(&file(&header, &data)) {
            prop_assert_eq!(e.kind(), ErrorKind::Format);
        }
    }

    #[test]
    fn any_shape_and_offsets_load_or_are_an_error(
        tensors in proptest::collection::vec(
            (
                proptest::sample::select(vec!["F32", "U8", "BOOL", "F64", "BF16", "F4", "U64", "F8_E4M3"]),
                proptest::collection::vec(prop_oneof![8 => 0u64..4, 1 => any::<u64>()], 0..3),
                prop_oneof![8 => 0u64..12, 1 => any::<u64>()],
                prop_oneof![8 => 0u64..12, 1 => any::<u64>()],
            ),
            0..3,
        ),
        data in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let entries: Vec<String> = tensors
            .iter()
            .enumerate()
            .map(|(i, (dtype, shape, start, end))| {
                format!(r#""t{i}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#)
            })
            .collect();
        if let Err(e) = io::decode(&file(&format!("{{{}}}", entries.join(",")), &data)) {
            prop_assert!(matches!(e.kind(), ErrorKind::Format | ErrorKind::DType | ErrorKind::Memory), "{}", e);
            // Well-formed, so the second look found the rule that was broken.
            prop_assert!(e.rule() != "header and data do not fit each other", "{}", e);
        }
    }
}
