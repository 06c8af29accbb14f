//! Whether the files of a finished run are as sampling left them.

use std::io::{self, Write};
use std::path::Path;

use super::content::{Hashed, RunContent, TableDigest};
use super::error::RunError;
use super::reader::RunReader;
use super::table::Table;
use super::{SAMPLES_FILE, TABLE_FILE};
use crate::Answer;
use crate::data::tensors::TensorFile;

impl RunContent {
    /// Refuses a table whose sampled columns are not those of the run in `dir`.
    pub(super) fn check_table(&self, table: &Table, dir: &Path) -> Result<(), RunError> {
        match TableDigest::of(table, self.columns) == self.table {
            true => Ok(()),
            false => Err(changed(dir, TABLE_FILE, "the content of its columns")),
        }
    }

    /// Copies the bytes of a tensor of the run in `dir` to `to`, a file meant for `target`, and refuses
    /// those that were not sampled.
    pub(super) fn copy(
        &self,
        name: &str,
        dir: &Path,
        to: &mut impl Write,
        target: &Path,
    ) -> Result<(), RunError> {
        let file = TensorFile::open(&dir.join(SAMPLES_FILE))?;
        let mut hashed = Hashed::new(to);
        file.copy(name, &mut hashed).map_err(|error| RunError::copy(target, error))?;
        match self.tensors.get(name) {
            Some(digest) if *digest == hashed.finish() => Ok(()),
            _ => Err(changed(dir, SAMPLES_FILE, &format!("'{name}'"))),
        }
    }
}

impl RunReader {
    /// Compares what sampling wrote with the digests that it left in `run.toml`. A run without digests
    /// is taken as it is. `observe` is told the fraction that is done.
    ///
    /// # Errors
    /// [`RunError::Damaged`] for values that are not those that were sampled, and what reading brings;
    /// [`RunError::Stopped`] after a break.
    pub fn check(&self, observe: &mut dyn FnMut(f64) -> Answer) -> Result<(), RunError> {
        let Some(content) = &self.settings().content else { return Ok(()) };
        content.check_table(self.table(), self.dir())?;
        let file = self.dir().join(SAMPLES_FILE);
        let total = content.tensors.len() as f64;
        for (done, name) in content.tensors.keys().enumerate() {
            if observe(done as f64 / total).is_break() {
                return Err(RunError::Stopped);
            }
            content.copy(name, self.dir(), &mut io::sink(), &file)?;
        }
        Ok(())
    }
}

/// A file of the run in `dir` whose values are not those that were sampled.
pub(super) fn changed(dir: &Path, file: &str, what: &str) -> RunError {
    RunError::damaged(&dir.join(file), format!("{what} is not what was sampled"))
}
