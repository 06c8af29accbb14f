//! Files that get their final name only when they are whole and on the disk.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::RunError;

/// How temporary names begin and end. Where no other process writes, a file with such a name is the
/// rest of one that was killed.
const PREFIX: &str = ".kinepath-";
const SUFFIX: &str = ".tmp";

/// A written and synced file that still has a temporary name. Dropped, it disappears.
pub(crate) struct Pending(NamedTempFile);

impl Pending {
    /// Writes a file into `folder`. `target` is the name it is meant to get, for messages.
    pub(crate) fn write(
        folder: &Path,
        target: &Path,
        content: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let io = |error: std::io::Error| RunError::io(target, "write", &error);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // A temporary file is private by default, a result is not; the umask still applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder).map_err(io)?;
        let mut buffer = BufWriter::with_capacity(1 << 20, file.as_file_mut());
        content(&mut buffer)?;
        buffer.flush().map_err(io)?;
        drop(buffer);
        file.as_file().sync_all().map_err(io)?;
        Ok(Self(file))
    }

    /// Gives the file its final name, replacing what has it.
    pub(crate) fn publish(self, target: &Path) -> Result<(), RunError> {
        self.0.persist(target).map_err(|error| RunError::io(target, "rename", &error.error))?;
        sync_folder(target)
    }
}

/// Writes `bytes` under a temporary name and renames.
pub(crate) fn write_bytes(target: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let folder = folder_of(target);
    let io = |error: std::io::Error| RunError::io(target, "write", &error);
    Pending::write(folder, target, |file| file.write_all(bytes).map_err(io))?.publish(target)
}

/// Removes what killed processes left half-written in `folder`; the caller has its lock.
pub(crate) fn sweep(folder: &Path) -> Result<(), RunError> {
    let io = |error: std::io::Error| RunError::io(folder, "read the folder", &error);
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), RunError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(RunError::io(path, "remove", &error))
        }
        _ => Ok(()),
    }
}

/// Makes a new name in a folder last through a power failure, where the file system can: some
/// network ones do not sync folders, and the name is as safe there as it gets.
fn sync_folder(target: &Path) -> Result<(), RunError> {
    #[cfg(unix)]
    {
        let folder = folder_of(target);
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error)
                if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) =>
            {
                return Err(RunError::io(folder, "sync", &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The folder a file lies in; a bare name lies in the current one.
fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
