//! Files that get their final name only when they are whole and on the disk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::RunError;

/// The ending of temporary names; such a file is the rest of a process that was killed.
pub(crate) const SUFFIX: &str = ".tmp";

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
        builder.prefix(".").suffix(SUFFIX);
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

/// Makes a new name in a folder last through a power failure.
fn sync_folder(target: &Path) -> Result<(), RunError> {
    #[cfg(unix)]
    {
        let folder = folder_of(target);
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| RunError::io(folder, "sync", &error))?;
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
