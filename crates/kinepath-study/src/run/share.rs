//! Shares of a run, sampled apart, and the whole that they make.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::assemble::{Piece, Rows};
use super::check::changed;
use super::error::RunError;
use super::part::SAMPLES;
use super::reader::RunReader;
use super::settings::{Difference, RunSettings};
use super::writer::{Existing, Opened, RunWriter};
use super::{RunContent, SAMPLES_FILE, SETTINGS_FILE, TABLE_FILE, table_file};
use crate::Answer;
use crate::data::tensors::TensorFile;

/// What merging has done.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedRun {
    /// The settings of the whole run.
    pub settings: RunSettings,
    /// The shares in the order of their samples, and their ranges of the global index.
    pub shares: Vec<(PathBuf, Range<usize>)>,
    /// Whether the folder held the whole run already, so that there was nothing to do.
    pub was_complete: bool,
}

/// Merges the run folders `folders`, in any order, into the run folder `dir`: the run that one
/// process would have written.
///
/// Values are checked against the digests in the shares' `run.toml` as they are copied, and nothing
/// has its final name before all are. Memory holds the table of one share at a time. Columns that an
/// evaluation added to a share are left out: they may depend on all samples of the set.
///
/// # Errors
/// [`RunError::NotAShare`] for a run that is whole by itself; [`RunError::SharesDiffer`] for other
/// settings; [`RunError::SharesOverlap`] and [`RunError::SharesLack`] for samples that come twice or
/// not at all; [`RunError::Damaged`] for files that are not as sampling left them;
/// [`RunError::Stopped`] after a break; and those of [`RunWriter::open`] and [`RunReader::open`].
pub fn merge_shares(
    folders: &[PathBuf],
    dir: &Path,
    existing: Existing,
    observe: &mut dyn FnMut(f64) -> Answer,
) -> Result<MergedRun, RunError> {
    let shares = open(folders)?;
    let settings = whole(&shares)?;
    merge(shares, settings, dir, existing, observe)
}

/// As [`merge_shares`], for the run that `settings` describe, wherever its files lie.
///
/// # Errors
/// As there, and [`RunError::SharesOfOther`] for shares of another run.
pub(crate) fn merge_as(
    folders: &[PathBuf],
    settings: &RunSettings,
    dir: &Path,
    existing: Existing,
    observe: &mut dyn FnMut(f64) -> Answer,
) -> Result<MergedRun, RunError> {
    let shares = open(folders)?;
    let found = whole(&shares)?.anywhere();
    if let Some(difference) = Difference::between(&found, &settings.anywhere(), dir)? {
        let Difference { key, found, wanted } = difference;
        let path = shares.first().map_or(String::new(), |share| share.dir.display().to_string());
        return Err(RunError::SharesOfOther { path, key, found, wanted });
    }
    merge(shares, settings.clone(), dir, existing, observe)
}

/// Opens shares, in the order of their samples.
fn open(folders: &[PathBuf]) -> Result<Vec<Share>, RunError> {
    let shares: Result<Vec<_>, _> = folders.iter().map(|folder| Share::open(folder)).collect();
    let mut shares = shares?;
    shares.sort_by_key(|share| share.range().start);
    Ok(shares)
}

/// Merges shares that make the run of these settings.
fn merge(
    shares: Vec<Share>,
    settings: RunSettings,
    dir: &Path,
    existing: Existing,
    observe: &mut dyn FnMut(f64) -> Answer,
) -> Result<MergedRun, RunError> {
    let same = |share: &Share| same_file::is_same_file(&share.dir, dir).unwrap_or(false);
    if let Some(share) = shares.iter().find(|share| same(share)) {
        return Err(RunError::IntoAShare { path: share.dir.display().to_string() });
    }
    let was_complete = match RunWriter::open(dir, settings.clone(), existing)? {
        Opened::Complete => true,
        Opened::Incomplete(writer) => {
            writer.finish_from(&shares, observe)?;
            false
        }
    };
    let shares = shares.into_iter().map(|share| (share.dir.clone(), share.range())).collect();
    Ok(MergedRun { settings, shares, was_complete })
}

/// A finished run that is a share of a larger one.
struct Share {
    dir: PathBuf,
    settings: RunSettings,
    content: RunContent,
    total: usize,
}

impl Share {
    fn open(dir: &Path) -> Result<Self, RunError> {
        let path = || dir.display().to_string();
        let settings = RunReader::settings_of(dir)?;
        let total = settings.total.ok_or_else(|| RunError::NotAShare { path: path() })?;
        let content = settings.content.clone();
        let content = content.ok_or_else(|| RunError::NotAShare { path: path() })?;
        if settings.first.checked_add(settings.count).is_none_or(|end| end > total) {
            let (first, count) = (settings.first, settings.count);
            let detail = format!("{count} samples from {first} on are no share of {total}");
            return Err(RunError::damaged(&dir.join(SETTINGS_FILE), detail));
        }
        table_file::require(&dir.join(TABLE_FILE))?;
        Ok(Self { dir: dir.to_owned(), settings, content, total })
    }

    /// Its samples, by their global index.
    fn range(&self) -> Range<usize> {
        self.settings.first..self.settings.first + self.settings.count
    }

    /// The settings that the whole run has.
    fn of_whole(&self) -> RunSettings {
        RunSettings {
            first: 0,
            count: self.total,
            total: None,
            certificate: None,
            content: None,
            ..self.settings.clone()
        }
    }
}

impl Piece for Share {
    fn rows(&self) -> Result<Rows, RunError> {
        let table = table_file::read(&self.dir.join(TABLE_FILE))?.leading(self.content.columns);
        self.content.check_table(&table, &self.dir)?;
        let file = TensorFile::open(&self.dir.join(SAMPLES_FILE))?;
        let mut tensors = Vec::new();
        for name in file.names().into_iter().filter(|name| name != SAMPLES) {
            let rest = file.info(&name)?.shape.get(1..).unwrap_or_default().to_vec();
            tensors.push((name, rest));
        }
        let known = self.content.tensors.keys().filter(|name| *name != SAMPLES).count();
        if tensors.len() != known {
            return Err(changed(&self.dir, SAMPLES_FILE, "its list of arrays"));
        }
        Ok(Rows { table, tensors, certificate: self.settings.certificate })
    }

    fn copy(&self, name: &str, to: &mut impl Write, target: &Path) -> Result<(), RunError> {
        self.content.copy(name, &self.dir, to, target)
    }
}

/// The settings of the whole that shares make, which are in the order of their samples.
fn whole(shares: &[Share]) -> Result<RunSettings, RunError> {
    let Some(first) = shares.first() else { return Err(RunError::NoShares) };
    let name = |share: &Share| share.dir.display().to_string();
    let settings = first.of_whole();
    let wanted = settings.anywhere();
    for share in &shares[1..] {
        let found = share.of_whole().anywhere();
        if let Some(difference) = Difference::between(&found, &wanted, &share.dir)? {
            let Difference { key, found, wanted } = difference;
            let (path, other) = (name(share), name(first));
            return Err(RunError::SharesDiffer { path, other, key, found, wanted });
        }
    }
    let lack = |start, end| Err(RunError::SharesLack { start, end, total: first.total });
    let (mut before, mut covered) = (first, 0);
    for share in shares {
        let Range { start, end } = share.range();
        if start < covered {
            let (path, other, end) = (name(share), name(before), end.min(covered));
            return Err(RunError::SharesOverlap { path, other, start, end });
        }
        if start > covered {
            return lack(covered, start);
        }
        (before, covered) = (share, end);
    }
    if covered < first.total { lack(covered, first.total) } else { Ok(settings) }
}
