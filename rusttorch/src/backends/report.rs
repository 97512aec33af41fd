//! Who computes, and on what.

use std::fmt;

use rusttorch_backend::{Result, threads};

/// What ops of a thread run on. Prints as lines of a name and a value:
///
/// ```text
/// backend: blas
/// chain: blas -> simd -> naive
/// blas: OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64
/// simd: avx2
/// threads: 8
/// registered: simd, blas, naive
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The backend in force.
    pub backend: &'static str,
    /// It, the one that answers for what it leaves out, and so on to the last.
    pub chain: Vec<&'static str>,
    /// What the backends of the chain say of themselves, as name and value, in the order of the chain.
    pub facts: Vec<(&'static str, String)>,
    /// How many threads an op may use.
    pub threads: usize,
    /// The backends there are, those compiled in first.
    pub registered: Vec<&'static str>,
}

impl Report {
    /// The value of a fact, where a backend of the chain states it.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    /// The BLAS library and its version, where the chain has one.
    pub fn blas(&self) -> Option<&str> {
        self.fact("blas")
    }

    /// The instruction set of the simd backend, where the chain has it.
    pub fn simd(&self) -> Option<&str> {
        self.fact("simd")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "backend: {}", self.backend)?;
        writeln!(f, "chain: {}", self.chain.join(" -> "))?;
        for (name, value) in &self.facts {
            writeln!(f, "{name}: {value}")?;
        }
        writeln!(f, "threads: {}", self.threads)?;
        write!(f, "registered: {}", self.registered.join(", "))
    }
}

/// What ops of this thread run on now. Error: `Backend`, as [`current`](super::current).
pub fn report() -> Result<Report> {
    let current = super::current()?;
    let (mut chain, mut facts) = (Vec::new(), Vec::new());
    let mut link = Some(&*current);
    while let Some(backend) = link {
        chain.push(backend.name());
        facts.extend(backend.facts());
        link = backend.next();
    }
    let (threads, registered) = (threads::num_threads(), super::list());
    Ok(Report { backend: current.name(), chain, facts, threads, registered })
}
