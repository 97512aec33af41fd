//! What a run found: a record per case, a line per family.

use std::fmt;

use rusttorch_backend::DType;

use crate::compare::Measured;
use crate::tolerance::Tolerance;

/// How a case ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Every form and layout agreed.
    Passed,
    /// At least one did not; each line says which and by how much.
    Failed(Vec<String>),
    /// The backend neither claims nor computes it, and its chain does not either.
    Unsupported(String),
    /// The case has no form at this level: a rule of the frontend, judged there.
    OtherLevel(&'static str),
}

/// One case in one run.
#[derive(Debug, Clone)]
pub struct Record {
    /// The family of the reference.
    pub family: String,
    /// The case.
    pub case: String,
    /// How it ended.
    pub status: Status,
    /// Worst error and its bound.
    pub measured: Measured,
    /// Calls that were judged: layouts, in-place forms, other positions and lengths.
    pub calls: usize,
    /// Whether a next backend answered.
    pub delegated: bool,
    /// What it was held to, if it was played.
    pub bound: Option<Bound>,
}

/// A line of the table of tolerances, as it was applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The op's name in the table.
    pub op: &'static str,
    /// Of the output.
    pub dtype: DType,
    /// The bound.
    pub tolerance: Tolerance,
}

/// Counts and the worst case of a family.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The family.
    pub family: String,
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Cases that the backend does not support.
    pub unsupported: usize,
    /// Cases of another level.
    pub other_level: usize,
    /// Cases that a next backend answered.
    pub delegated: usize,
    /// Calls that were judged.
    pub calls: usize,
    /// Worst error over bound among the cases that passed.
    pub worst: f64,
    /// The case it belongs to.
    pub worst_case: String,
}

/// All records of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The backend that was judged.
    pub backend: String,
    /// One record a case.
    pub records: Vec<Record>,
}

impl Report {
    /// An empty report on a backend.
    pub fn new(backend: &str) -> Self {
        Report { backend: backend.to_owned(), records: Vec::new() }
    }

    /// Whether no case failed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|r| matches!(r.status, Status::Failed(_)))
    }

    /// One line a family, in the order of the run.
    pub fn summary(&self) -> Vec<Summary> {
        let mut out: Vec<Summary> = Vec::new();
        for r in &self.records {
            let at = out.iter().position(|s| s.family == r.family).unwrap_or_else(|| {
                out.push(Summary { family: r.family.clone(), ..Summary::default() });
                out.len() - 1
            });
            let s = &mut out[at];
            match r.status {
                Status::Passed => {
                    s.passed += 1;
                    if r.measured.ratio > s.worst {
                        (s.worst, s.worst_case) = (r.measured.ratio, r.case.clone());
                    }
                }
                Status::Failed(_) => s.failed += 1,
                Status::Unsupported(_) => s.unsupported += 1,
                Status::OtherLevel(_) => s.other_level += 1,
            }
            s.delegated += usize::from(r.delegated);
            s.calls += r.calls;
        }
        out
    }

    /// Per op and dtype: the bound and the worst that was measured, failures included.
    pub fn measurements(&self) -> Vec<(Bound, Measured)> {
        let mut out: Vec<(Bound, Measured)> = Vec::new();
        for r in &self.records {
            let Some(bound) = r.bound else { continue };
            match out.iter_mut().find(|(b, _)| (b.op, b.dtype) == (bound.op, bound.dtype)) {
                Some((_, measured)) => *measured = measured.worse(r.measured),
                None => out.push((bound, r.measured)),
            }
        }
        out.sort_by_key(|(b, _)| (b.op, b.dtype));
        out
    }

    /// A line per case: how it ended, the worst error, its bound and why the bound is what it is.
    pub fn cases(&self) -> Cases<'_> {
        Cases(self)
    }

    /// Adds the records of another run of the same backend.
    pub fn extend(&mut self, other: Report) {
        self.records.extend(other.records);
    }
}

/// Prints a line per case of a [`Report`].
#[derive(Debug)]
pub struct Cases<'a>(&'a Report);

impl fmt::Display for Cases<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for r in &self.0.records {
            let (ended, note) = match &r.status {
                Status::Passed => ("passed", r.bound.map_or("", |b| b.tolerance.reason)),
                Status::Failed(lines) => ("FAILED", lines.first().map_or("", String::as_str)),
                Status::Unsupported(reason) => ("unsupported", reason.as_str()),
                Status::OtherLevel(reason) => ("other level", *reason),
            };
            let m = r.measured;
            writeln!(
                f,
                "{ended:<11} {:>9.2e} {:>9.2e} {:>6.3} {}: {note}",
                m.error, m.bound, m.ratio, r.case
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "backend '{}'", self.backend)?;
        writeln!(
            f,
            "{:<12} {:>6} {:>6} {:>6} {:>6} {:>6} {:>8}  worst error / bound",
            "family", "passed", "failed", "unsup.", "other", "deleg.", "calls"
        )?;
        for s in self.summary() {
            writeln!(
                f,
                "{:<12} {:>6} {:>6} {:>6} {:>6} {:>6} {:>8}  {:.3} {}",
                s.family,
                s.passed,
                s.failed,
                s.unsupported,
                s.other_level,
                s.delegated,
                s.calls,
                s.worst,
                s.worst_case
            )?;
        }
        let mut reasons: Vec<&str> = Vec::new();
        for r in &self.records {
            if let Status::Unsupported(reason) = &r.status
                && !reasons.contains(&reason.as_str())
            {
                reasons.push(reason);
                writeln!(f, "unsupported: {reason} (first {})", r.case)?;
            }
        }
        for r in self.failures() {
            if let Status::Failed(lines) = &r.status {
                writeln!(f, "FAILED {}", r.case)?;
                for line in lines.iter().take(3) {
                    writeln!(f, "    {line}")?;
                }
                if lines.len() > 3 {
                    writeln!(f, "    and {} more", lines.len() - 3)?;
                }
            }
        }
        Ok(())
    }
}
