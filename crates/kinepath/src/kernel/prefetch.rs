//! Hints of what will be read next.

/// Bytes of a cache line.
const LINE: usize = 64;
/// Lines after which the processor has seen where reading goes.
const LINES: usize = 16;

/// Asks for the first of `values` to be in the cache soon.
pub(crate) fn prefetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(LINE / size_of::<f32>()).take(LINES) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint for a valid address; it reads and writes nothing that a program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}
