//! Times the cases of [`rusttorch_benches::compare`] on request, line by line: a request on stdin, one answer on
//! stdout.
//!
//! | request | answer |
//! |---|---|
//! | `list` | a line a case: name, bytes read, bytes written, operations; then an empty line |
//! | `run CASE THREADS SAMPLES SAMPLE_MS WARM_UP_MS WARM_UP_CALLS` | `ns` and nanoseconds per call, a number a sample |
//! | `check CASE THREADS` | `digest` and number, sum and sum of magnitudes of the outputs |
//! | `probe` | `probe` and how much a second thread adds, 1 to 2 |
//! | `about` | `about` and the backend's name |
//!
//! What fails is answered by `error` and why. The process ends with its input.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Duration;

use rusttorch_benches::compare::{self, Case, Plan, Work};

fn main() -> Result<(), Box<dyn Error>> {
    let mut timer = Timer { cases: compare::cases(), made: None };
    let (input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    for line in input.lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = timer.answer(&words).unwrap_or_else(|e| format!("error {e}").replace('\n', " "));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

struct Timer {
    cases: Vec<Case>,
    /// The last case that was timed: rounds come back to it.
    made: Option<(usize, Box<dyn Work>)>,
}

impl Timer {
    fn answer(&mut self, words: &[&str]) -> Result<String, Box<dyn Error>> {
        Ok(match words {
            ["list"] => self.list(),
            ["run", id, threads, samples, sample, warm_up, calls] => {
                let milliseconds = |text: &str| text.parse().map(Duration::from_millis);
                let plan = Plan {
                    samples: samples.parse()?,
                    sample: milliseconds(sample)?,
                    warm_up: milliseconds(warm_up)?,
                    warm_up_calls: calls.parse()?,
                };
                let case = self.find(id)?;
                rusttorch::set_num_threads(threads.parse()?);
                let times = self.run(case, plan)?;
                times.iter().fold("ns".to_owned(), |text, t| format!("{text} {t:.2}"))
            }
            ["check", id, threads] => {
                let case = self.find(id)?;
                rusttorch::set_num_threads(threads.parse()?);
                // Not the one that is kept, which may have changed its operands.
                self.made = None;
                let case = &self.cases[case];
                let d = case.in_mode(|| case.make()?.digest())?;
                format!("digest {} {:e} {:e}", d.count, d.sum, d.size)
            }
            ["probe"] => format!("probe {:.3}", compare::second_thread()),
            ["about"] => format!("about {}", rusttorch::backends::current()?.name()),
            _ => format!("error unknown request: {}", words.join(" ")),
        })
    }

    fn list(&self) -> String {
        let mut text = String::new();
        for case in &self.cases {
            let cost = case.cost;
            text += &format!("{} {} {} {}\n", case.id(), cost.reads, cost.writes, cost.flops);
        }
        text
    }

    fn find(&self, id: &str) -> Result<usize, Box<dyn Error>> {
        self.cases.iter().position(|c| c.id() == id).ok_or_else(|| format!("no case {id}").into())
    }

    fn run(&mut self, index: usize, plan: Plan) -> rusttorch::Result<Vec<f64>> {
        if self.made.as_ref().is_none_or(|(i, _)| *i != index) {
            // The last one's memory goes first.
            self.made = None;
            self.made = Some((index, self.cases[index].make()?));
        }
        let Some((_, work)) = &mut self.made else { return Ok(Vec::new()) };
        self.cases[index].in_mode(|| compare::measure(&mut **work, plan))
    }
}
