//! What is made when it is first asked for.

use std::sync::OnceLock;

/// What is in `cell`, made where nothing is.
///
/// Not by `get_or_init`: a thread that waits for parallel work in there may be given other work
/// that asks for the same, and would wait for itself.
pub(crate) fn made<T>(cell: &OnceLock<T>, make: impl Fn() -> T) -> &T {
    match cell.get() {
        Some(value) => value,
        None => {
            let value = make();
            cell.get_or_init(|| value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn parallel_work_that_makes_may_ask_for_the_same() {
        let cell = OnceLock::new();
        let make = || (0..1000u64).into_par_iter().map(|i| i % 7).sum::<u64>();
        let expected = make();
        assert!((0..1000).into_par_iter().all(|_| *made(&cell, make) == expected));
    }
}
