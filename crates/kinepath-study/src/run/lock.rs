//! One writing process a folder.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::error::RunError;
use super::pending::{remove, sweep};

const NAME: &str = ".kinepath.lock";

/// The right to write into a folder, which one process has at a time.
///
/// An advisory lock on a file in the folder. The operating system lifts it when the process ends,
/// however it ends; the file goes with the lock, and one that a killed process left is taken over.
/// Whoever takes the lock removes what killed processes left half-written.
///
/// # Examples
/// ```
/// use kinepath_study::run::{FolderLock, RunError};
///
/// let folder = tempfile::tempdir()?;
/// let lock = FolderLock::take(folder.path())?;
/// assert!(matches!(FolderLock::take(folder.path()), Err(RunError::Locked { .. })));
/// drop(lock);
/// FolderLock::take(folder.path())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FolderLock {
    /// Never read: the lock lasts as long as it is open.
    _file: File,
    path: PathBuf,
    /// After the file of the lock they are empty, unless something was written.
    _made: MadeFolders,
}

/// Folders that were made for a lock, the innermost first; those that are empty go with it.
#[derive(Debug)]
struct MadeFolders(Vec<PathBuf>);

impl FolderLock {
    /// Takes the lock of `dir`, which is made where it does not exist, and unmade with the lock if
    /// nothing was written into it.
    ///
    /// # Errors
    /// [`RunError::Locked`] when another process, or this one, has it; [`RunError::NoLocks`] when the
    /// file system has no locks; [`RunError::Io`] when the folder cannot be made or written.
    pub fn take(dir: &Path) -> Result<Self, RunError> {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let absent = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let made = MadeFolders(dir.ancestors().take_while(absent).map(Path::to_owned).collect());
        fs::create_dir_all(dir).map_err(|error| RunError::io(dir, "create the folder", &error))?;
        let path = dir.join(NAME);
        let io = |error: std::io::Error| RunError::io(&path, "write", &error);
        let locked = || RunError::Locked { path: dir.display().to_string() };
        let created = File::options().create_new(true).append(true).open(&path);
        let (file, mine) = match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                (File::options().create(true).append(true).open(&path).map_err(io)?, false)
            }
            created => (created.map_err(io)?, true),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked()),
            Err(TryLockError::Error(error)) => {
                // One that was there may be another process's.
                if mine {
                    remove(&path)?;
                }
                let (path, message) = (dir.display().to_string(), error.to_string());
                return Err(RunError::NoLocks { path, message });
            }
        }
        // The process that had the lock removes the name: then this file guards nothing, and another
        // one of that name may be somebody else's.
        let opened = file.try_clone().and_then(Handle::from_file).map_err(io)?;
        match Handle::from_path(&path) {
            Ok(named) if named == opened => {}
            Ok(_) => return Err(locked()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(locked()),
            Err(error) => return Err(io(error)),
        }
        let lock = Self { _file: file, path, _made: made };
        sweep(dir)?;
        Ok(lock)
    }

    /// Takes the locks of run folders, whose tables get columns, and of the folder `out` that results go
    /// to, each once however often it is named. A run that is not there is for reading to refuse.
    ///
    /// # Errors
    /// As [`take`](Self::take); all are free then.
    pub fn take_runs<'a>(
        runs: impl IntoIterator<Item = &'a Path>,
        out: Option<&'a Path>,
    ) -> Result<Vec<Self>, RunError> {
        let mut locks: Vec<Self> = Vec::new();
        for dir in runs.into_iter().filter(|run| run.is_dir()).chain(out) {
            let known = |lock: &Self| {
                let folder = lock.path.parent().unwrap_or(Path::new("."));
                same_file::is_same_file(folder, dir).unwrap_or(false)
            };
            if !locks.iter().any(known) {
                locks.push(Self::take(dir)?);
            }
        }
        Ok(locks)
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Nothing depends on it: a file that stays is taken over.
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("a/b");
        drop(FolderLock::take(&inner).unwrap());
        assert!(!place.path().join("a").exists());
        let lock = FolderLock::take(&inner).unwrap();
        fs::write(inner.join("result"), "").unwrap();
        drop(lock);
        let names: Vec<_> = fs::read_dir(&inner).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["result"]);
    }

    #[test]
    fn folders_for_a_lock_that_cannot_be_had_do_not_stay() {
        let place = tempfile::tempdir().unwrap();
        // The name of the lock belongs to a folder.
        let outer = place.path().join("a");
        fs::create_dir_all(outer.join(NAME)).unwrap();
        assert!(matches!(FolderLock::take(&outer), Err(RunError::Io { .. })));
        assert!(outer.join(NAME).is_dir());
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(FolderLock::take(&file.join("b/c")).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_rest_of_a_killed_process_is_cleared_away_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        for name in [NAME, ".kinepath-Ab12.tmp", ".tmp", "mine.tmp"] {
            fs::write(place.path().join(name), "").unwrap();
        }
        drop(FolderLock::take(place.path()).unwrap());
        let mut names: Vec<_> =
            fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".tmp", "mine.tmp"]);
    }

    #[test]
    fn a_folder_named_twice_is_locked_once() {
        let place = tempfile::tempdir().unwrap();
        let other = place.path().join("other");
        fs::create_dir(&other).unwrap();
        let (again, none) = (other.join("../other"), place.path().join("none"));
        let locks = FolderLock::take_runs([&*other, &*again, &*none], Some(place.path())).unwrap();
        assert_eq!(locks.len(), 2);
        assert!(!none.exists());
        let refused = FolderLock::take_runs([], Some(&other)).unwrap_err();
        assert_eq!(refused, RunError::Locked { path: other.display().to_string() });
    }
}
