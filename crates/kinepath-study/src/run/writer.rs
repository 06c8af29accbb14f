//! Writing a run, batch by batch, so that a killed run can go on.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use super::assemble::{Batch, Piece, assemble};
use super::error::RunError;
use super::lock::FolderLock;
use super::part::{Layout, Part, PartFile, file_name, holds_parts, parts_in};
use super::pending::{self, remove, sweep};
use super::settings::RunSettings;
use super::table::Table;
use super::{EVALUATION_FILE, PARTS_FOLDER, REPORT_FILE, SAMPLES_FILE, SETTINGS_FILE, TABLE_FILE};
use crate::Answer;

/// The most batches of a run: each is a file until the run is finished.
const MOST_BATCHES: usize = 100_000_000;

/// What to do with a folder that already holds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Go on where it stopped if the settings are the same; refuse otherwise.
    Resume,
    /// Start over. Its files are removed first.
    Overwrite,
}

/// A run folder opened for writing.
#[derive(Debug)]
pub enum Opened {
    /// The folder holds the whole run, with the same settings: there is nothing to do.
    Complete,
    /// Batches are missing.
    Incomplete(Box<RunWriter>),
}

/// Writes the batches of a run and puts them together.
///
/// Until [`finish`](Self::finish), everything lies in `parts/` inside the folder: one file a
/// batch, each written under a temporary name, synced and renamed. A run that was killed loses
/// only the batches it was computing, and ends with the same bytes as an undisturbed one, because
/// batches are always cut at the same places. One process at a time may hold a folder.
///
/// # Examples
/// ```no_run
/// # fn sample(range: std::ops::Range<usize>) -> kinepath_study::run::Part { unimplemented!() }
/// # fn settings() -> kinepath_study::run::RunSettings { unimplemented!() }
/// use kinepath_study::run::{Existing, Opened, RunWriter};
///
/// let opened = RunWriter::open("out".as_ref(), settings(), Existing::Resume)?;
/// if let Opened::Incomplete(mut run) = opened {
///     for batch in run.missing() {
///         run.write(&sample(batch))?;
///     }
///     run.finish()?;
/// }
/// # Ok::<(), kinepath_study::run::RunError>(())
/// ```
#[derive(Debug)]
pub struct RunWriter {
    dir: PathBuf,
    parts: PathBuf,
    settings: RunSettings,
    /// Whether each batch is on the disk.
    done: Vec<bool>,
    samples_done: usize,
    /// The layout of the first part, which the others must share.
    layout: Option<Layout>,
    _lock: FolderLock,
}

impl RunWriter {
    /// Opens `dir` for the run that `settings` describe, creating it where it does not exist.
    ///
    /// # Errors
    /// [`RunError::OtherSettings`] when the folder holds another run and `existing` is
    /// [`Existing::Resume`]; [`RunError::Locked`] when another process is writing into it,
    /// [`RunError::NoLocks`] when nothing could keep another one out;
    /// [`RunError::Foreign`] when it holds files of unknown origin under the names of a run's;
    /// [`RunError::Settings`] when a count or an axis is 0; [`RunError::TooManyBatches`] for more
    /// files than a folder should hold; [`RunError::Io`] when the folder
    /// cannot be written.
    pub fn open(dir: &Path, settings: RunSettings, existing: Existing) -> Result<Opened, RunError> {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let text = settings.to_toml(dir)?;
        if settings.batches().len() > MOST_BATCHES {
            return Err(RunError::TooManyBatches {
                count: settings.count,
                batch: settings.batch,
                batches: settings.batches().len(),
                most: MOST_BATCHES,
            });
        }
        let final_settings = dir.join(SETTINGS_FILE);
        let parts = dir.join(PARTS_FOLDER);
        if existing == Existing::Resume && final_settings.exists() {
            return complete(&settings, dir);
        }
        let lock = FolderLock::take(dir)?;
        if existing == Existing::Resume {
            // Another process may have finished the run since the first look.
            if final_settings.exists() {
                drop(lock);
                return complete(&settings, dir);
            }
            let mut results = [SAMPLES_FILE, TABLE_FILE].map(|name| dir.join(name)).into_iter();
            if let Some(foreign) = results.find(|path| path.exists() && !parts.exists()) {
                return Err(RunError::Foreign { path: foreign.display().to_string() });
            }
        }
        fs::create_dir_all(&parts)
            .map_err(|error| RunError::io(&parts, "create the folder", &error))?;
        if existing == Existing::Overwrite {
            clear(dir, &parts)?;
        }
        let kept_settings = parts.join(SETTINGS_FILE);
        // Settings under which nothing was sampled, since they failed, bind nobody.
        if kept_settings.exists() && holds_parts(&parts)? {
            settings.compare(&kept_settings)?;
        } else {
            pending::write_bytes(&kept_settings, text.as_bytes())?;
        }
        let mut writer = Self {
            dir: dir.to_owned(),
            done: vec![false; settings.batches().len()],
            samples_done: 0,
            parts,
            settings,
            layout: None,
            _lock: lock,
        };
        writer.take_stock()?;
        Ok(Opened::Incomplete(Box::new(writer)))
    }

    /// The batches that are not on the disk yet, in order.
    #[must_use]
    pub fn missing(&self) -> Vec<Range<usize>> {
        let batches = self.settings.batches().iter().zip(&self.done);
        batches.filter(|(_, done)| !**done).map(|(batch, _)| batch).collect()
    }

    /// The tables of the batches that are on the disk, in order.
    pub(crate) fn tables(&self) -> impl Iterator<Item = Result<Table, RunError>> {
        let batches = self.settings.batches().iter().zip(&self.done);
        let present = batches.filter(|(_, done)| **done).map(|(batch, _)| batch);
        present.map(|batch| PartFile::open(&self.parts, &batch)?.table())
    }

    /// Number of samples on the disk.
    #[must_use]
    pub fn samples_done(&self) -> usize {
        self.samples_done
    }

    /// Writes the results of one batch. It is safe on the disk when this returns.
    ///
    /// # Errors
    /// [`RunError::PartRange`] when the part is no batch of the run; [`RunError::PartShape`] when
    /// its arrays do not fit the settings or the parts before; [`RunError::Io`] when it cannot be
    /// written.
    pub fn write(&mut self, part: &Part) -> Result<(), RunError> {
        let range = part.range();
        let Some(number) = self.settings.batches().number_of(&range) else {
            return Err(RunError::PartRange {
                start: part.start,
                rows: range.len(),
                batch: self.settings.batch,
                count: self.settings.count,
            });
        };
        let misfit = |what: &str, actual: String, expected: String| RunError::PartShape {
            start: part.start,
            what: what.to_owned(),
            actual,
            expected,
        };
        let (dim, expected) = (part.samples.ncols(), self.settings.dim());
        if dim != expected {
            return Err(misfit("the length of a sample", dim.to_string(), expected.to_string()));
        }
        let layout = part.layout()?;
        if let Some(expected) = self.layout.as_ref().filter(|expected| **expected != layout) {
            return Err(misfit(
                "the list of arrays and columns",
                format!("{layout:?}"),
                format!("{expected:?}"),
            ));
        }
        part.write(&self.parts.join(file_name(&range)))?;
        self.layout = Some(layout);
        self.keep(number, range.len());
        Ok(())
    }

    /// Puts the parts together under their final names and removes `parts/`.
    ///
    /// The parts are streamed: memory holds the table, but never all samples. `run.toml` comes
    /// last, so that a folder that has one is whole.
    ///
    /// # Errors
    /// [`RunError::Missing`] when a batch is missing; [`RunError::Io`] when a file cannot be
    /// written, in which case the parts stay and nothing has a final name.
    pub fn finish(self) -> Result<(), RunError> {
        if let Some(missing) = self.missing().first() {
            return Err(RunError::Missing {
                path: self.dir.display().to_string(),
                start: missing.start,
                end: missing.end,
            });
        }
        let parts = &self.parts;
        let batches: Vec<_> =
            self.settings.batches().iter().map(|range| Batch { parts, range }).collect();
        self.finish_from(&batches, &mut |_| ControlFlow::Continue(()))
    }

    /// Puts `pieces`, which cover the run in order, together under the final names, whatever parts
    /// there are. `observe` is told the fraction that is done.
    ///
    /// # Errors
    /// [`RunError::Stopped`] after a break; [`RunError`] when a piece cannot be read or a file not
    /// be written. Nothing has a final name then.
    pub(super) fn finish_from(
        &self,
        pieces: &[impl Piece],
        observe: &mut dyn FnMut(f64) -> Answer,
    ) -> Result<(), RunError> {
        let assembled = assemble(&self.dir, &self.parts, &self.settings, pieces, observe)?;
        assembled.samples.publish(&self.dir.join(SAMPLES_FILE))?;
        assembled.table.publish(&self.dir.join(TABLE_FILE))?;
        assembled.settings.publish(&self.dir.join(SETTINGS_FILE))?;
        remove_parts(&self.parts)
    }

    /// Finds the parts on the disk and removes what killed processes left. A part that cannot be
    /// read counts as missing: it will be written again.
    fn take_stock(&mut self) -> Result<(), RunError> {
        sweep(&self.parts)?;
        // In order, so that the first part is the one that others must be like.
        let mut found: Vec<_> = parts_in(&self.parts, &self.settings)?.collect();
        found.sort_unstable_by_key(|(number, _)| *number);
        for (number, batch) in found {
            let layout = PartFile::open(&self.parts, &batch).and_then(|part| part.layout());
            let Ok(layout) = layout else { continue };
            if self.layout.get_or_insert_with(|| layout.clone()) == &layout {
                self.keep(number, batch.len());
            }
        }
        Ok(())
    }

    /// Notes that a batch is on the disk, where another part of it may have been before.
    fn keep(&mut self, number: usize, samples: usize) {
        if !std::mem::replace(&mut self.done[number], true) {
            self.samples_done += samples;
        }
    }
}

/// The answer for a folder with a `run.toml`. A process killed right after writing it leaves the
/// parts behind, and one killed while judging a half-written table; they are of no more use, and
/// whoever has the lock now sees to them.
fn complete(settings: &RunSettings, dir: &Path) -> Result<Opened, RunError> {
    settings.compare(&dir.join(SETTINGS_FILE))?;
    if let Ok(_lock) = FolderLock::take(dir) {
        let parts = dir.join(PARTS_FOLDER);
        if parts.exists() {
            remove_parts(&parts)?;
        }
    }
    Ok(Opened::Complete)
}

fn remove_parts(parts: &Path) -> Result<(), RunError> {
    fs::remove_dir_all(parts).map_err(|error| RunError::io(parts, "remove the folder", &error))
}

/// Removes the files of an earlier run and what it was judged to be, the settings first: without them
/// the rest is no run.
fn clear(dir: &Path, parts: &Path) -> Result<(), RunError> {
    for name in [SETTINGS_FILE, SAMPLES_FILE, TABLE_FILE, EVALUATION_FILE, REPORT_FILE] {
        remove(&dir.join(name))?;
    }
    let io = |error: std::io::Error| RunError::io(parts, "read the folder", &error);
    for entry in fs::read_dir(parts).map_err(io)? {
        remove(&entry.map_err(io)?.path())?;
    }
    Ok(())
}
