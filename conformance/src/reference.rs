//! The reference files: loading them, and proof that they are the ones that were recorded.
//!
//! The files are compiled into the crate, so that a third party's tests need nothing but a
//! dependency on it. Their format is described in `reference/recorder.py`.

use std::collections::BTreeMap;
use std::fmt;

use rusttorch_backend::{DType, Scalar};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::case::{Arg, Case, Gradients, Outcome, Second, from_short_name};
use crate::dense::Dense;

/// The name, the cases and the data of a family.
struct File {
    name: &'static str,
    cases: &'static [u8],
    data: &'static [u8],
}

macro_rules! files {
    ($($(#[$doc:meta])* $list:ident: $($name:literal),*;)*) => {
        const FILES: &[File] = &[$($(File {
            name: $name,
            cases: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/", $name, ".json")),
            data: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/", $name, ".safetensors")),
        },)*)*];

        /// Every family of recorded cases.
        pub const FAMILIES: &[&str] = &[$($($name,)*)*];

        $($(#[$doc])* pub const $list: &[&str] = &[$($name),*];)*
    };
}
include!("../reference/files.rs");

const MANIFEST: &[u8] = include_bytes!("../reference/MANIFEST.json");

const SUPPORT: &[u8] = include_bytes!("../reference/support.json");

/// What `MANIFEST.json` says of the recording.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// The PyTorch version that answered.
    pub torch: String,
    /// The instruction set its kernels were pinned to.
    pub cpu: String,
    /// The seed of the process.
    pub seed: u64,
    /// SHA-256 of the generator's sources.
    pub generator: String,
    /// SHA-256 of the op tables as they were when the cases were recorded.
    pub tables: String,
    /// SHA-256 of `support.json`.
    pub support: String,
    /// Number of cases.
    pub cases: usize,
    /// Per family.
    pub families: BTreeMap<String, FamilyEntry>,
}

/// What `MANIFEST.json` says of one family.
#[derive(Debug, Clone, Deserialize)]
pub struct FamilyEntry {
    /// Number of cases.
    pub cases: usize,
    /// Cases with gradients.
    pub gradients: usize,
    /// Cases with gradients of gradients.
    pub second: usize,
    /// SHA-256 of the cases.
    pub json: String,
    /// SHA-256 of the data.
    pub safetensors: String,
}

/// Why a reference file cannot be used.
#[derive(Debug)]
pub struct ReferenceError {
    family: String,
    rule: String,
}

impl ReferenceError {
    pub(crate) fn new(family: &str, rule: impl fmt::Display) -> Self {
        ReferenceError { family: family.to_owned(), rule: rule.to_string() }
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reference '{}': {}", self.family, self.rule)
    }
}

impl std::error::Error for ReferenceError {}

type Result<T> = std::result::Result<T, ReferenceError>;

/// The manifest. Error: it is not what this crate understands.
pub fn manifest() -> Result<Manifest> {
    serde_json::from_slice(MANIFEST).map_err(|e| ReferenceError::new("MANIFEST", e))
}

/// Which dtypes PyTorch takes, as JSON. Error: it differs from what the manifest says.
pub(crate) fn support() -> Result<&'static [u8]> {
    let (found, wanted) = (sha256(SUPPORT), manifest()?.support);
    if found != wanted {
        return Err(ReferenceError::new("support", format!("SHA-256 {found}, recorded {wanted}")));
    }
    Ok(SUPPORT)
}

/// The SHA-256 of some bytes as lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The cases of one family, in the order of their file. Errors: no such family; bytes that differ from
/// the ones in the manifest; a malformed case.
pub fn load(family: &str) -> Result<Vec<Case>> {
    let fail = |rule: &dyn fmt::Display| ReferenceError::new(family, rule);
    if cfg!(target_endian = "big") {
        return Err(fail(&"the files are little-endian and this machine is not"));
    }
    let file = FILES.iter().find(|f| f.name == family).ok_or_else(|| fail(&"no such family"))?;
    let manifest = manifest()?;
    let entry = manifest.families.get(family).ok_or_else(|| fail(&"not in the manifest"))?;
    for (bytes, wanted, what) in [(file.cases, &entry.json, "cases"), (file.data, &entry.safetensors, "data")]
    {
        let found = sha256(bytes);
        if found != *wanted {
            return Err(fail(&format!(
                "{what} differ from the manifest: SHA-256 {found}, recorded {wanted}"
            )));
        }
    }
    let data = SafeTensors::deserialize(file.data).map_err(|e| fail(&e))?;
    let values: Vec<Value> = serde_json::from_slice(file.cases).map_err(|e| fail(&e))?;
    if values.len() != entry.cases {
        return Err(fail(&format!("number of cases: {}, recorded {}", values.len(), entry.cases)));
    }
    let reader = Reader { family: file.name, data };
    values.iter().enumerate().map(|(i, v)| reader.case(i, v)).collect()
}

struct Reader<'a> {
    family: &'static str,
    data: SafeTensors<'a>,
}

impl Reader<'_> {
    fn case(&self, index: usize, value: &Value) -> Result<Case> {
        let fail = |rule: &str| ReferenceError::new(self.family, format!("case {index}: {rule}"));
        let list = |key: &str| -> Result<Option<Vec<Arg>>> {
            match value.get(key) {
                None => Ok(None),
                Some(v) => match self.arg(v)? {
                    Arg::List(list) => Ok(Some(list)),
                    _ => Err(fail(&format!("'{key}' is not a list"))),
                },
            }
        };
        let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
        let tensors = |list: Vec<Arg>| list.into_iter().map(|a| a.tensor().cloned()).collect::<Vec<_>>();
        let op = value.get("op").and_then(Value::as_str).ok_or_else(|| fail("no op"))?.to_owned();
        let inputs = list("in")?.ok_or_else(|| fail("no inputs"))?;
        let mut params = BTreeMap::new();
        if let Some(map) = value.get("p").and_then(Value::as_object) {
            for (key, v) in map {
                params.insert(key.clone(), self.arg(v)?);
            }
        }
        let outcome = match (list("out")?, value.get("err").and_then(Value::as_str)) {
            (Some(out), None) => Outcome::Values(tensors(out).into_iter().flatten().collect()),
            (None, Some(class)) => Outcome::Raises(class.to_owned()),
            _ => return Err(fail("neither outputs nor an error, or both")),
        };
        let gradients = match (value.get("go"), list("grad")?) {
            (Some(go), Some(grads)) => {
                let outputs = match self.arg(go)? {
                    Arg::Tensor(one) => vec![Some(one)],
                    Arg::List(list) => tensors(list),
                    _ => return Err(fail("'go' is not a tensor")),
                };
                let second = match (list("w")?, list("grad2")?) {
                    (Some(w), Some(g)) => Some(Second { weights: tensors(w), inputs: tensors(g) }),
                    _ => None,
                };
                let alternatives = list("altgrad")?.map(tensors).unwrap_or_default();
                Some(Gradients { outputs, inputs: tensors(grads), alternatives, second })
            }
            _ => None,
        };
        let numerics = value.get("num").and_then(Value::as_array);
        let numerics = numerics.into_iter().flatten().filter_map(Value::as_u64).map(|n| n as u32).collect();
        let why = value.get("why").and_then(Value::as_str).map(str::to_owned);
        let alternatives = list("alt")?.map(tensors).unwrap_or_default();
        let constants = list("const")?.unwrap_or_default();
        let seed = value.get("seed").and_then(Value::as_u64);
        Ok(Case {
            family: self.family,
            index,
            op,
            inputs,
            params,
            constants,
            seed,
            outcome,
            undefined: flag("undefined"),
            alternatives,
            gradients,
            numerics,
            why,
        })
    }

    fn arg(&self, value: &Value) -> Result<Arg> {
        Ok(match value {
            Value::Null => Arg::None,
            Value::Bool(b) => Arg::Scalar(Scalar::Bool(*b)),
            Value::Number(n) => match n.as_i64() {
                Some(i) => Arg::Scalar(Scalar::Int(i)),
                None => Arg::Scalar(Scalar::Float(n.as_f64().unwrap_or(f64::NAN))),
            },
            Value::String(text) => match text.as_str() {
                "inf" => Arg::Scalar(Scalar::Float(f64::INFINITY)),
                "-inf" => Arg::Scalar(Scalar::Float(f64::NEG_INFINITY)),
                "nan" => Arg::Scalar(Scalar::Float(f64::NAN)),
                _ if text.contains('[') => Arg::Tensor(self.operand(text)?),
                _ => Arg::Text(text.clone()),
            },
            Value::Array(list) => Arg::List(list.iter().map(|v| self.arg(v)).collect::<Result<_>>()?),
            Value::Object(map) => self.object(map)?,
        })
    }

    /// `{"dtype":"f32"}`, `{"slice":[1,null,2]}` or `{"ellipsis":true}`.
    fn object(&self, map: &serde_json::Map<String, Value>) -> Result<Arg> {
        let fail = |rule: &str| ReferenceError::new(self.family, format!("operand {map:?}: {rule}"));
        let mut entries = map.iter();
        match (entries.next().map(|(k, v)| (k.as_str(), v)), entries.next()) {
            (Some(("dtype", Value::String(name))), None) => {
                from_short_name(name).map(Arg::DType).ok_or_else(|| fail("no such dtype"))
            }
            (Some(("slice", Value::Array(ends))), None) => match ends.as_slice() {
                [start, stop, step] => Ok(Arg::Slice([start.as_i64(), stop.as_i64(), step.as_i64()])),
                _ => Err(fail("a slice has three ends")),
            },
            (Some(("ellipsis", _)), None) => Ok(Arg::Ellipsis),
            _ => Err(fail("unknown")),
        }
    }

    /// `f32[2,3]@120`, `f32[2,3]~7,3,31,15,8` or `f32[2,3]=0.1`.
    fn operand(&self, text: &str) -> Result<Dense> {
        let fail = |rule: &str| ReferenceError::new(self.family, format!("operand '{text}': {rule}"));
        let (short, rest) = text.split_once('[').ok_or_else(|| fail("no shape"))?;
        let (shape, rest) = rest.split_once(']').ok_or_else(|| fail("no end of the shape"))?;
        let dtype = from_short_name(short).ok_or_else(|| fail("no such dtype"))?;
        let sizes: Option<Vec<usize>> =
            shape.split(',').filter(|s| !s.is_empty()).map(|s| s.parse().ok()).collect();
        let shape = sizes.ok_or_else(|| fail("malformed shape"))?;
        let kind = rest.chars().next().ok_or_else(|| fail("no elements"))?;
        let rest = &rest[1..];
        match kind {
            '@' => {
                let at: usize = rest.parse().map_err(|_| fail("malformed position"))?;
                let bytes = self.data.tensor(short).map_err(|_| fail("no data of the dtype"));
                let n = shape.iter().product::<usize>() * dtype.size();
                if n == 0 {
                    return Ok(Dense::zeros(dtype, &shape));
                }
                let bytes = bytes?.data().get(at * dtype.size()..at * dtype.size() + n);
                bytes
                    .and_then(|b| Dense::new(dtype, &shape, b))
                    .ok_or_else(|| fail("past the end of the data"))
            }
            '=' => {
                let v: f64 = rest.parse().map_err(|_| fail("malformed number"))?;
                let whole = !dtype.is_float();
                Ok(Dense::full(dtype, &shape, if whole { Scalar::Int(v as i64) } else { Scalar::Float(v) }))
            }
            '~' => {
                let terms: Vec<i64> = rest.split(',').filter_map(|s| s.parse().ok()).collect();
                let [mul, add, modulus, sub, div] = terms[..] else { return Err(fail("malformed formula")) };
                if modulus < 1 || div == 0 {
                    return Err(fail("malformed formula"));
                }
                Ok(formula(dtype, &shape, [mul, add, modulus, sub, div]))
            }
            _ => Err(fail("unknown kind")),
        }
    }
}

/// `((i * mul + add) mod modulus - sub) / div` for every row-major index `i`.
fn formula(dtype: DType, shape: &[usize], [mul, add, modulus, sub, div]: [i64; 5]) -> Dense {
    Dense::from_fn(dtype, shape, |i| {
        let whole = (i as i64 * mul + add) % modulus - sub;
        if dtype.is_float() { Scalar::Float(whole as f64 / div as f64) } else { Scalar::Int(whole / div) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_of_the_manifest_loads_with_its_cases() {
        let manifest = manifest().unwrap();
        assert_eq!(manifest.torch, "2.15.0");
        let mut names: Vec<&str> = FAMILIES.to_vec();
        names.sort_unstable();
        assert!(names.iter().copied().eq(manifest.families.keys().map(String::as_str)));
        let total: usize = FAMILIES.iter().map(|f| load(f).unwrap().len()).sum();
        assert_eq!(total, manifest.cases);
    }

    #[test]
    fn the_tables_are_those_that_were_recorded() {
        let now = sha256(format!("{}\n", crate::tables::json()).as_bytes());
        assert_eq!(manifest().unwrap().tables, now, "the op tables changed: run `make reference`");
    }

    #[test]
    fn a_formula_is_what_the_generator_computes() {
        let x = formula(DType::F32, &[4], [7, 3, 31, 15, 8]);
        assert_eq!(x.to_f64(), [-12.0 / 8.0, -5.0 / 8.0, 2.0 / 8.0, 9.0 / 8.0]);
    }
}
