//! What fuzzing feeds to the readers of kinepath, and what it checks.
//!
//! - [`Target`] is a reader under check: no panic, no more than a second, no more memory than the
//!   length of the input allows. [`TARGETS`] are all of them.
//! - [`seeds`] makes small whole files for each to start from.
//!
//! The workspace in `fuzz/` calls the targets from libFuzzer; the tests of this crate call them with
//! the seeds, and with seeds that were damaged, on any toolchain.

mod readers;
mod scratch;
pub mod seeds;
mod target;
mod wrap;

pub use readers::*;
pub use target::Target;
