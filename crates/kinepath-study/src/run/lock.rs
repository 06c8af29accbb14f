//! One writing process a run folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::RunError;

const NAME: &str = "lock";

/// An advisory lock that ends with the process, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Never read: the operating system lifts the lock when it is closed.
    _file: File,
}

impl Lock {
    /// Takes the lock of the parts folder of the run folder `dir`.
    pub(crate) fn take(dir: &Path, parts: &Path) -> Result<Self, RunError> {
        let path = parts.join(NAME);
        let io = |error: std::io::Error| RunError::io(&path, "lock", &error);
        let locked = || RunError::Locked { path: dir.display().to_string() };
        let file = File::options().create(true).append(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked()),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // A run that has just been finished removes the lock's name: then this lock guards nothing.
        if path.exists() { Ok(Self { _file: file }) } else { Err(locked()) }
    }
}
