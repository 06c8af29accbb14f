//! Files for readers that take a path.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A folder that is gone at the end.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// A new folder, where the system keeps temporary files.
    ///
    /// # Panics
    /// If there is no room for one.
    #[expect(clippy::expect_used, reason = "nothing can be checked without it")]
    fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// The path of a file or folder in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, in sub-folders if its name has them, and gives its path.
    ///
    /// # Panics
    /// If it cannot be written.
    #[expect(clippy::expect_used, reason = "nothing can be checked without it")]
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        if fs::write(&path, bytes).is_err() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, bytes).expect("a file");
        }
        path
    }
}

thread_local! {
    /// One a thread, reused by every input: making a folder takes longer than reading most files.
    static SCRATCH: Scratch = Scratch::new();
}

/// Calls `act` with the folder of this thread.
pub(crate) fn with<T>(act: impl FnOnce(&Scratch) -> T) -> T {
    SCRATCH.with(act)
}
