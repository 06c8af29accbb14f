//! What memory is free, and the refusal of what would not fit into it.
//!
//! A process that takes more than there is gets killed without a word. What is known to be large is
//! therefore asked for here before it is loaded: data sets, whose headers tell their size, arrays of
//! runs, and batches of samples. Where the system does not say what is free, and nobody else did,
//! nothing is refused.

mod system;

use std::sync::OnceLock;

use bytesize::ByteSize;
use thiserror::Error;

use system::System;

static LIMIT: OnceLock<u64> = OnceLock::new();

/// Every machine has so many bytes, and asking how many there are takes longer than filling them.
const LITTLE: u64 = 1 << 20;

/// Something that needs more memory than there is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} needs about {} of memory, but {} is free{}; {remedy}",
    ByteSize(*needed), ByteSize(*free),
    if *limited { " of what this program was allowed" } else { "" })]
pub struct MemoryError {
    /// What needs it.
    pub what: String,
    /// Bytes needed, about.
    pub needed: u64,
    /// Bytes free.
    pub free: u64,
    /// Whether [`limit`] rather than the system says so.
    pub limited: bool,
    /// What to do instead.
    pub remedy: &'static str,
}

/// Says how much memory the process may take in all, in bytes, whatever the system says is free. The
/// first call counts.
pub fn limit(bytes: u64) {
    let _ = LIMIT.set(bytes);
}

/// Refuses `what` if it needs more than there is.
///
/// # Errors
/// [`MemoryError`] with `remedy`.
pub(crate) fn require(
    what: impl FnOnce() -> String,
    needed: u64,
    remedy: &'static str,
) -> Result<(), MemoryError> {
    if needed < LITTLE && LIMIT.get().is_none() {
        return Ok(());
    }
    let system = System::here();
    let limit = LIMIT.get().map(|limit| limit.saturating_sub(system.resident().unwrap_or(0)));
    match limit.or_else(|| system.free()) {
        Some(free) if free < needed => {
            Err(MemoryError { what: what(), needed, free, limited: limit.is_some(), remedy })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused_and_what_every_one_has_is_not() {
        assert_eq!(require(|| "a little".to_owned(), 1, "wait"), Ok(()));
        // Systems that say nothing refuse nothing.
        if let Some(before) = System::here().free() {
            let error = require(|| "too much".to_owned(), u64::MAX, "take less").unwrap_err();
            assert!(!error.limited && error.free < 2 * before, "{error}");
            let text = error.to_string();
            assert!(text.starts_with("too much needs about 16.0 EiB of memory"), "{text}");
            assert!(text.ends_with("is free; take less"), "{text}");
        }
    }
}
