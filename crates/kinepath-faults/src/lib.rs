//! Faults that the program `kinepath` must survive, tried on the program from the outside.
//!
//! A [`Subject`] is a small command (`sample`, `study`, `evaluate`, `tune` or `merge`) whose undisturbed end is
//! known, byte for byte. A [`Fault`] disturbs it and says what came of it: the message that was shown,
//! and that repeating the command ended with the same bytes. The tests of the program try a few
//! ([`Size::Small`]), `cargo xtask faults` many ([`Size::Full`]).
//!
//! Random moments are drawn from a seed, but what a process has done by then is the machine's doing:
//! a seed repeats the moments, not the states that they meet. Kills that are placed by system calls
//! meet the states one after the other.

mod fault;
mod files;
mod subject;
mod trial;
mod workload;

pub use fault::{FAULTS, Fault, Tried, Trouble, Verdict};
pub use subject::Subject;
pub use workload::{Size, Workload};

/// What draws moments.
pub type Chance = rand_chacha::ChaCha8Rng;

/// The moments of a seed.
#[must_use]
pub fn chance(seed: u64) -> Chance {
    rand::SeedableRng::seed_from_u64(seed)
}
