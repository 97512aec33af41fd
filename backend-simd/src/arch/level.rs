//! Which instruction set is used.

use std::fmt;
use std::sync::LazyLock;

use super::lanes::{Isa, Kernel};
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::scalar::Portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// An instruction set that this CPU has.
#[derive(Debug, Clone, Copy)]
pub struct Level(Token);

#[derive(Debug, Clone, Copy)]
enum Token {
    Scalar(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

impl Level {
    /// Every level of this CPU, the plainest first.
    pub fn all() -> Vec<Level> {
        let mut found = vec![Level(Token::Scalar(Portable))];
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(Avx2::detect().map(|t| Level(Token::Avx2(t))));
            found.extend(Avx512::detect().map(|t| Level(Token::Avx512(t))));
        }
        #[cfg(target_arch = "aarch64")]
        found.extend(Neon::detect().map(|t| Level(Token::Neon(t))));
        found
    }

    /// The best level, unless `RUSTTORCH_SIMD` names a lower one (`scalar`, `avx2`, `avx512`, `neon`). A level
    /// that the CPU lacks is capped to what it has. Found out once.
    pub fn current() -> Level {
        static CURRENT: LazyLock<Level> = LazyLock::new(|| {
            let all = Level::all();
            let best = all.len() - 1;
            let cap = std::env::var("RUSTTORCH_SIMD").ok();
            let index = match cap.as_deref() {
                Some("scalar") => 0,
                Some(name) => all.iter().position(|l| l.name() == name).unwrap_or(best),
                None => best,
            };
            all[index]
        });
        *CURRENT
    }

    /// `scalar`, `avx2`, `avx512` or `neon`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Token::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Token::Neon(_) => "neon",
        }
    }

    /// Runs a kernel compiled for this level.
    pub(crate) fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Token::Scalar(isa) => isa.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(isa) => isa.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(isa) => isa.enter(kernel),
            #[cfg(target_arch = "aarch64")]
            Token::Neon(isa) => isa.enter(kernel),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
