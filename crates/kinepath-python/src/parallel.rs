//! Work without the interpreter's lock, also in a process that was forked.

use std::process;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::Python;
use pyo3::marker::Ungil;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The process that imported the module.
static IMPORTED_BY: OnceLock<u32> = OnceLock::new();
/// The threads of a process that was forked from it.
static OWN: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Notes the process; called when the module is imported.
pub(crate) fn note_process() {
    IMPORTED_BY.get_or_init(process::id);
}

/// Does `work` without the interpreter's lock.
///
/// A fork has none of the threads that its parent computes with, and work that was given to them would
/// never end: it gets threads of its own. They are not used otherwise, so that callbacks run in the
/// thread that called, where PyTorch keeps its modes.
pub(crate) fn detach<T, F>(py: Python<'_>, work: F) -> T
where
    F: FnOnce() -> T + Send + Ungil,
    T: Send + Ungil,
{
    py.detach(|| match own_threads() {
        None => work(),
        Some(threads) => threads.install(work),
    })
}

/// The threads of a forked process.
fn own_threads() -> Option<Arc<ThreadPool>> {
    let process = process::id();
    if *IMPORTED_BY.get_or_init(|| process) == process {
        return None;
    }
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if own.as_ref().is_none_or(|(owner, _)| *owner != process) {
        let threads = Arc::new(ThreadPoolBuilder::new().build().ok()?);
        // Threads that a fork between here and the import had are as gone as the first ones.
        std::mem::forget(own.replace((process, threads)));
    }
    own.as_ref().map(|(_, threads)| Arc::clone(threads))
}
