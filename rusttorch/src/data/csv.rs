//! Tables of numbers from comma-separated text.

use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use rusttorch_backend::{DType, ErrorKind, Result, TensorError};

use crate::tensor::Tensor;

const OP: &str = "csv";

/// Longest piece of a cell, or number of column names, that an error quotes.
const QUOTED: usize = 40;

/// Reads text whose first line names the columns and whose other lines hold one number per column.
///
/// Cells are what Rust's `f32` or `f64` parses (`1`, `-2.5e3`, `nan`, `inf`; beyond the largest number is
/// infinite), may stand in double quotes and between spaces. Lines end with LF, CRLF or CR; blank ones
/// are skipped, and so is a byte order mark. Column names are distinct; one may be empty, as pandas names
/// its index.
///
/// ```
/// # fn main() -> rusttorch::Result<()> {
/// let table = rusttorch::data::Csv::new().from_reader("a,b\n1,2\n3,4\n".as_bytes())?;
/// assert_eq!(table.names, ["a", "b"]);
/// assert_eq!(table.column("b")?.to_vec::<f32>()?, [2.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csv {
    dtype: DType,
    delimiter: u8,
}

/// Named columns of numbers.
#[derive(Debug, Clone)]
pub struct Table {
    /// The header, one name per column.
    pub names: Vec<String>,
    /// `[rows, columns]`, f32 or f64.
    pub values: Tensor,
}

impl Default for Csv {
    fn default() -> Csv {
        Csv { dtype: DType::F32, delimiter: b',' }
    }
}

impl Csv {
    /// Commas between cells, f32 values.
    pub fn new() -> Csv {
        Csv::default()
    }

    /// The dtype of the values: f32 or f64. Any other is an error when reading.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Csv {
        self.dtype = dtype;
        self
    }

    /// The byte between cells, such as `b';'` or `b'\t'`. A quote, a line end or a byte that is not ASCII
    /// is an error when reading.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Csv {
        self.delimiter = delimiter;
        self
    }

    /// The table in a file.
    ///
    /// Errors: `Io` for a file that cannot be read; those of [`from_reader`](Self::from_reader). All name
    /// the path.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(|e| {
            TensorError::new(ErrorKind::Io, OP, "cannot read the file")
                .with("reason", e.to_string())
                .caused_by(e)
        });
        text.and_then(|text| self.parse(&text)).map_err(|e| e.with("path", path.display().to_string()))
    }

    /// The table in a stream, which is read to its end.
    ///
    /// Errors: `Format` for a row with more or fewer cells than the header, a cell that is no number,
    /// an empty cell, a repeated column name, a header that is not UTF-8, text without a header or without
    /// a row below it: each with its line (from 1, the header's) and the column (from 1) where there is
    /// one. `Argument` for a dtype that is not f32 or f64, or a delimiter that cannot be one. `Io` where the
    /// stream fails.
    #[allow(clippy::wrong_self_convention, reason = "from names where the text comes from")]
    pub fn from_reader(&self, mut reader: impl Read) -> Result<Table> {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map_err(|e| {
            TensorError::new(ErrorKind::Io, OP, "cannot read the stream")
                .with("reason", e.to_string())
                .caused_by(e)
        })?;
        self.parse(&text)
    }

    fn parse(&self, text: &[u8]) -> Result<Table> {
        if matches!(self.delimiter, b'"' | b'\r' | b'\n' | 0x80..) {
            return Err(TensorError::new(
                ErrorKind::Argument,
                OP,
                "a quote, a line end or a byte beyond ASCII cannot be the delimiter",
            )
            .with("delimiter", i64::from(self.delimiter)));
        }
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        match self.dtype {
            DType::F32 => self.parse_as::<f32>(text),
            DType::F64 => self.parse_as::<f64>(text),
            other => Err(TensorError::new(ErrorKind::Argument, OP, "values are float32 or float64")
                .with("dtype", other)),
        }
    }

    fn parse_as<T: crate::TensorElement + std::str::FromStr>(&self, text: &[u8]) -> Result<Table> {
        let mut rows = Rows::new(text, self.delimiter);
        if !rows.advance()? {
            return Err(TensorError::new(ErrorKind::Format, OP, "the file is empty: a header is needed")
                .with("bytes", text.len()));
        }
        let names = rows.header()?;
        let mut values: Vec<T> = Vec::new();
        let mut count = 0;
        while rows.advance()? {
            if rows.record.len() != names.len() {
                return Err(TensorError::new(
                    ErrorKind::Format,
                    OP,
                    "row and header differ in number of cells",
                )
                .with("line", rows.line())
                .with("expected", names.len())
                .with("found", rows.record.len()));
            }
            for (column, cell) in rows.record.iter().enumerate() {
                let number = std::str::from_utf8(cell).ok().and_then(|cell| bare(cell).parse().ok());
                values.push(number.ok_or_else(|| rows.bad_cell(column, &names, cell))?);
            }
            count += 1;
        }
        if count == 0 {
            return Err(TensorError::new(ErrorKind::Format, OP, "no row below the header")
                .with("columns", names.len()));
        }
        let values = Tensor::from_vec(values, &[count, names.len()])?;
        Ok(Table { names, values })
    }
}

/// The records of a text, without blank lines.
struct Rows<'a> {
    text: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
}

impl<'a> Rows<'a> {
    fn new(text: &'a [u8], delimiter: u8) -> Rows<'a> {
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
        Rows { text, reader, record: ByteRecord::new() }
    }

    /// Reads the next record. False at the end of the text.
    fn advance(&mut self) -> Result<bool> {
        loop {
            let more = self.reader.read_byte_record(&mut self.record).map_err(|e| {
                TensorError::new(ErrorKind::Format, OP, "malformed text")
                    .with("line", self.line())
                    .caused_by(e)
            })?;
            // The reader skips empty lines itself, so that an empty record of one cell was `""`.
            let blank = self.record.len() == 1
                && !self.record[0].is_empty()
                && self.record[0].trim_ascii().is_empty();
            if !(more && blank) {
                return Ok(more);
            }
        }
    }

    /// The line of the file on which the record starts. Counted here because the reader's own number is
    /// that of the end of the record before: one too small after CRLF or blank lines.
    fn line(&self) -> usize {
        let from = self.record.position().map_or(0, |p| p.byte() as usize).min(self.text.len());
        let skipped = self.text[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let before = &self.text[..from + skipped];
        let feeds = before.iter().filter(|&&b| b == b'\n').count();
        let returns = before.windows(2).filter(|w| w[0] == b'\r' && w[1] != b'\n').count();
        1 + feeds + returns + usize::from(before.ends_with(b"\r"))
    }

    /// The record as column names.
    fn header(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::with_capacity(self.record.len());
        let mut places = std::collections::HashMap::with_capacity(self.record.len());
        for (column, name) in self.record.iter().enumerate() {
            let name = std::str::from_utf8(name).map_err(|e| {
                TensorError::new(ErrorKind::Format, OP, "a column name is not UTF-8")
                    .with("line", self.line())
                    .with("column", column + 1)
                    .with("name", quote(name))
                    .caused_by(e)
            })?;
            let name = bare(name);
            if let Some(first) = places.insert(name, column) {
                return Err(TensorError::new(ErrorKind::Format, OP, "two columns of one name")
                    .with("line", self.line())
                    .with("name", quote(name.as_bytes()))
                    .with("first", first + 1)
                    .with("second", column + 1));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    #[cold]
    fn bad_cell(&self, column: usize, names: &[String], cell: &[u8]) -> TensorError {
        let empty = cell.trim_ascii().is_empty();
        let rule = if empty { "empty cell" } else { "not a number" };
        let error = TensorError::new(ErrorKind::Format, OP, rule)
            .with("line", self.line())
            .with("column", column + 1)
            .with("name", quote(names[column].as_bytes()));
        if empty { error } else { error.with("text", quote(cell)) }
    }
}

/// A cell without the spaces around it, and without quotes that spaces hid from the reader.
fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell).trim()
}

/// Text in quotes as an error shows it: escaped, and cut where it is long.
fn quote(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.shape().first().copied().unwrap_or(0)
    }

    /// One column as a vector `[rows]`, a view of the table. Error: `Argument` for a name that is not there.
    pub fn column(&self, name: &str) -> Result<Tensor> {
        self.values.select(1, self.position("column", name)? as isize)
    }

    /// These columns in this order as a new tensor `[rows, names.len()]`. Error: `Argument` for a name that
    /// is not there.
    pub fn columns(&self, names: &[&str]) -> Result<Tensor> {
        let places: Result<Vec<usize>> = names.iter().map(|name| self.position("columns", name)).collect();
        self.pick(&places?)
    }

    /// All columns but these as a new tensor `[rows, columns left]`. Error: `Argument` for a name that is not
    /// there.
    pub fn without(&self, names: &[&str]) -> Result<Tensor> {
        let dropped: Result<Vec<usize>> = names.iter().map(|name| self.position("without", name)).collect();
        let dropped = dropped?;
        let kept: Vec<usize> = (0..self.names.len()).filter(|i| !dropped.contains(i)).collect();
        self.pick(&kept)
    }

    fn pick(&self, places: &[usize]) -> Result<Tensor> {
        let index = places.iter().map(|&i| i as i64).collect();
        self.values.index_select(1, &Tensor::from_vec::<i64>(index, &[places.len()])?)
    }

    fn position(&self, op: &'static str, name: &str) -> Result<usize> {
        self.names.iter().position(|n| n == name).ok_or_else(|| {
            let mut present: Vec<String> =
                self.names.iter().take(QUOTED).map(|n| quote(n.as_bytes())).collect();
            if self.names.len() > QUOTED {
                present.push(format!("and {} more", self.names.len() - QUOTED));
            }
            TensorError::new(ErrorKind::Argument, op, "no column of this name")
                .with("name", quote(name.as_bytes()))
                .with("present", present.join(", "))
        })
    }
}
