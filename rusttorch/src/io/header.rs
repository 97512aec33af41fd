//! A second look at the JSON header of a safetensors file.
//!
//! The `safetensors` crate decides whether a file is valid. Its errors seldom say which tensor is at fault
//! or by how much, it takes the last of two equal names, and it writes metadata in the random order of a
//! hash map. What is needed beside it is read here from JSON that the crate has already found to be
//! well-formed; text that is not gives fewer members, never a panic.

use rusttorch_backend::{ErrorKind, TensorError};

use super::METADATA;

/// `"key":value` pairs of an object, both as they are written.
pub(super) fn members(object: &str) -> Vec<(&str, &str)> {
    let object = object.trim();
    let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or("");
    let mut out = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (key, behind) = cut(rest, b':');
        let (value, behind) = cut(behind, b',');
        out.push((key, value));
        rest = behind;
    }
    out
}

/// The text before and behind the first `separator` outside of strings and brackets.
fn cut(text: &str, separator: u8) -> (&str, &str) {
    let (mut depth, mut quoted, mut escaped) = (0i64, false, false);
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ if byte == separator && depth == 0 => return (text[..i].trim(), text[i + 1..].trim()),
            _ => {}
        }
    }
    (text.trim(), "")
}

/// The text that a JSON string stands for.
fn unquote(string: &str) -> String {
    let inner = string.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(string);
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
                    continue;
                }
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => break,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

/// What the header says of one tensor.
struct Entry {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    start: usize,
    end: usize,
}

impl Entry {
    fn read(key: &str, value: &str) -> Option<Entry> {
        let fields = members(value);
        let field = |name: &str| fields.iter().find(|(key, _)| unquote(key) == name).map(|(_, value)| *value);
        let [start, end] = numbers(field("data_offsets")?)?.try_into().ok()?;
        let (dtype, shape) = (unquote(field("dtype")?), numbers(field("shape")?)?);
        Some(Entry { name: unquote(key), dtype, shape, start, end })
    }

    fn fail(&self, rule: &'static str) -> TensorError {
        fault(rule)
            .with("tensor", format!("{:?}", self.name))
            .with("dtype", self.dtype.clone())
            .with("shape", &self.shape[..])
            .with("offsets", &[self.start, self.end][..])
    }
}

fn numbers(array: &str) -> Option<Vec<usize>> {
    let inner = array.strip_prefix('[')?.strip_suffix(']')?.trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|number| number.trim().parse().ok()).collect()
}

/// An error of the format while loading.
pub(super) fn fault(rule: &'static str) -> TensorError {
    TensorError::new(ErrorKind::Format, "io::load", rule)
}

/// Which rule a well-formed header breaks, for a file with `data` bytes behind the header and elements of
/// `bits` by dtype name.
pub(super) fn broken_rule(
    header: &str,
    data: usize,
    bits: impl Fn(&str) -> Option<usize>,
) -> Option<TensorError> {
    let mut entries: Vec<Entry> = members(header)
        .into_iter()
        .filter(|(key, _)| unquote(key) != METADATA)
        .filter_map(|(key, value)| Entry::read(key, value))
        .collect();
    entries.sort_by_key(|e| (e.start, e.end));
    let mut expected = 0;
    for entry in &entries {
        let size = || entry.shape.iter().try_fold(bits(&entry.dtype)?, |n, &m| n.checked_mul(m));
        if entry.end < entry.start {
            return Some(entry.fail("offsets of a tensor run backwards"));
        }
        if entry.end > data {
            return Some(
                entry.fail("offsets of a tensor reach past the end of the file").with("data_bytes", data),
            );
        }
        if entry.start != expected {
            let overlap = entry.start < expected;
            let rule = if overlap { "tensors overlap" } else { "bytes between tensors belong to none" };
            return Some(entry.fail(rule).with("expected_start", expected));
        }
        match size() {
            None => return Some(entry.fail("size of a tensor overflows")),
            Some(size) if size.checked_div(8) != Some(entry.end - entry.start) || size % 8 != 0 => {
                return Some(entry.fail("offsets of a tensor differ from its size").with("bits", size));
            }
            Some(_) => expected = entry.end,
        }
    }
    (expected != data).then(|| {
        fault("bytes behind the last tensor belong to none")
            .with("tensor_bytes", expected)
            .with("data_bytes", data)
    })
}

/// The first name that stands twice in the header: of two tensors, or of two metadata.
pub(super) fn repeated_name(header: &str) -> Option<String> {
    let entries = members(header);
    let metadata =
        entries.iter().filter(|(key, _)| unquote(key) == METADATA).map(|(_, value)| members(value));
    metadata.chain([entries.clone()]).find_map(|object| {
        let mut seen = std::collections::HashSet::with_capacity(object.len());
        object.into_iter().map(|(key, _)| unquote(key)).find(|name| !seen.insert(name.clone()))
    })
}
