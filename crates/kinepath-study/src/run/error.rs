//! What can go wrong with a run folder, said so that the reader knows what to do next.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::table::TableError;
use crate::data::DataError;
use crate::data::tensors::CopyError;

/// A run folder that cannot be written, continued or read.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RunError {
    /// The operating system refused.
    #[error("{path}: cannot {action}: {message}; {}", advice(*kind))]
    Io {
        /// The file or folder.
        path: String,
        /// What was being done.
        action: &'static str,
        /// The class of the failure.
        kind: io::ErrorKind,
        /// The operating system's own words.
        message: String,
    },
    /// Another process is writing into the folder.
    #[error(
        "{path}: another process is writing into this folder; wait for it to end, or choose \
         another folder"
    )]
    Locked {
        /// The folder.
        path: String,
    },
    /// The file system has no locks, so that nothing would keep two processes apart.
    #[error(
        "{path}: this folder cannot be locked ({message}); choose a folder on a local disk, or have \
         the network file system mounted with locks (NFS with its lock daemon, Lustre with `-o flock`)"
    )]
    NoLocks {
        /// The folder.
        path: String,
        /// The operating system's own words.
        message: String,
    },
    /// The folder belongs to a run with other settings.
    #[error(
        "{path}: this folder holds a run with other settings: {key} is {found} there and \
         {wanted} now; choose another folder, or ask to overwrite"
    )]
    OtherSettings {
        /// The settings file of the folder.
        path: String,
        /// The first key that differs, dotted, in alphabetical order.
        key: String,
        /// Its value in the folder, as TOML, or `absent`.
        found: String,
        /// Its value now, as TOML, or `absent`.
        wanted: String,
    },
    /// Settings that describe no run.
    #[error("{path}: settings cannot be used: {detail}")]
    Settings {
        /// The settings file, or the folder it is meant for.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// A file of ours by name, but not by origin.
    #[error(
        "{path}: exists, but no run.toml tells where it comes from; move it away, or choose \
         another folder, or ask to overwrite"
    )]
    Foreign {
        /// The file in the way.
        path: String,
    },
    /// The folder is no run.
    #[error("{path}: not a run folder (no run.toml); give the folder that `sample` wrote")]
    NotARun {
        /// The folder.
        path: String,
    },
    /// The run was stopped before its end.
    #[error(
        "{path}: this run is not finished ({done} of {total} samples); repeat the same `sample` \
         command to go on where it stopped"
    )]
    Unfinished {
        /// The folder.
        path: String,
        /// Samples there are.
        done: usize,
        /// Samples there will be.
        total: usize,
    },
    /// Samples are missing at the moment of finishing.
    #[error("{path}: samples {start} to {end} are not written yet; write them before finishing")]
    Missing {
        /// The folder.
        path: String,
        /// First missing sample.
        start: usize,
        /// One past the last missing sample of that batch.
        end: usize,
    },
    /// A part that is no batch of this run.
    #[error(
        "the part of {rows} samples from {start} is no batch of this run ({batch} a batch, \
         {count} in all)"
    )]
    PartRange {
        /// First sample.
        start: usize,
        /// Number of samples.
        rows: usize,
        /// Samples of a batch.
        batch: usize,
        /// Samples of the run.
        count: usize,
    },
    /// More batches than a run should keep files of.
    #[error(
        "{count} samples in batches of {batch} are {batches} files, and a run has at most {most}; take \
         larger batches, or a run for each share of the samples (--shard, --range)"
    )]
    TooManyBatches {
        /// Samples of the run.
        count: usize,
        /// Samples of a batch.
        batch: usize,
        /// Batches there would be.
        batches: usize,
        /// The most there may be.
        most: usize,
    },
    /// A part whose arrays or columns do not fit each other, the settings, or earlier parts.
    #[error("the part from sample {start}: {what} is {actual}, expected {expected}")]
    PartShape {
        /// First sample.
        start: usize,
        /// Which array or column.
        what: String,
        /// Its shape or kind.
        actual: String,
        /// What it should be.
        expected: String,
    },
    /// No folders to merge.
    #[error("there is nothing to merge; give the run folders that are shares of one run")]
    NoShares,
    /// A run that is no share of a larger one.
    #[error(
        "{path}: this run is no share of a larger one; shares are sampled with a range or a shard of \
         the whole"
    )]
    NotAShare {
        /// The run folder.
        path: String,
    },
    /// The merged run would replace one of its shares.
    #[error("{path}: the whole run cannot go into the folder of a share; choose another folder")]
    IntoAShare {
        /// The run folder.
        path: String,
    },
    /// Shares of different runs.
    #[error(
        "{path}: {key} is {found}, and {wanted} in {other}: these are shares of different runs; \
         merge those of one, or sample the odd one again"
    )]
    SharesDiffer {
        /// One run folder.
        path: String,
        /// The other.
        other: String,
        /// The first key that differs, dotted, in alphabetical order.
        key: String,
        /// Its value in the one, as TOML, or `absent`.
        found: String,
        /// Its value in the other, as TOML, or `absent`.
        wanted: String,
    },
    /// Shares of another run than the one that is to be merged.
    #[error(
        "{path}: {key} is {found} there, and {wanted} here: it is a share of another run; sample it \
         again with these settings, or take those it was sampled with"
    )]
    SharesOfOther {
        /// A run folder.
        path: String,
        /// The first key that differs, dotted, in alphabetical order.
        key: String,
        /// Its value there, as TOML, or `absent`.
        found: String,
        /// Its value in the settings, as TOML, or `absent`.
        wanted: String,
    },
    /// Samples that two shares have.
    #[error(
        "{path} and {other} both hold the samples {start}..{end}; leave one of them out, or sample \
         it again with another range"
    )]
    SharesOverlap {
        /// One run folder.
        path: String,
        /// The other.
        other: String,
        /// First sample that both have.
        start: usize,
        /// One past the last.
        end: usize,
    },
    /// Samples that no share has.
    #[error(
        "none of the runs holds the samples {start}..{end} of {total}; add the run that does, or \
         sample it with --range {start}..{end}"
    )]
    SharesLack {
        /// First missing sample.
        start: usize,
        /// One past the last.
        end: usize,
        /// Samples of the whole.
        total: usize,
    },
    /// Pieces of one run with other arrays.
    #[error("a piece of the run holds the arrays {found:?}, and the first {expected:?}")]
    OtherTensors {
        /// Names and trailing axes of its arrays.
        found: Vec<(String, Vec<usize>)>,
        /// Those of the first piece's.
        expected: Vec<(String, Vec<usize>)>,
    },
    /// Asked to stop.
    #[error("stopped before the end; repeat the same command to start again")]
    Stopped,
    /// A file of the run that contradicts the rest or itself.
    #[error("{path}: damaged or changed: {detail}; sample again, or restore the file")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// A table that does not hold together.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A tensor file that cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl RunError {
    pub(crate) fn io(path: &Path, action: &'static str, error: &io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            action,
            kind: error.kind(),
            message: error.to_string(),
        }
    }

    /// What became of copying a tensor into a file for `target`.
    pub(crate) fn copy(target: &Path, error: CopyError) -> Self {
        match error {
            CopyError::Read(error) => error.into(),
            CopyError::Write(error) => Self::io(target, "write", &error),
        }
    }

    pub(crate) fn damaged(path: &Path, detail: impl ToString) -> Self {
        Self::Damaged { path: path.display().to_string(), detail: detail.to_string() }
    }
}

/// What to do about each class of I/O failure.
fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space and repeat the same command, which goes on where this one stopped"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder you may write to"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file is in the way: choose another folder"
        }
        io::ErrorKind::NotFound => {
            "the folder is gone, or a part of it: put it back if it was moved, and repeat the same \
             command, which goes on where this one stopped"
        }
        _ => "check the path and the disk",
    }
}
