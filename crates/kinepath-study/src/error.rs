//! What can go wrong between a specification and a study.

use kinepath::field::{ConventionError, FieldError};
use kinepath::gain::GainParseError;
use kinepath::grid::GridError;
use kinepath::metrics::MetricsError;
use kinepath::plan::PlanError;
use kinepath::sampler::SampleError;
use kinepath::stats::StatsError;
use kinepath_onnx::{NetworkError, PromptError, SpecError};

use crate::data::DataError;
use crate::memory::MemoryError;
use crate::run::{RunError, TableError};
use crate::sampling::{SelectionError, ShareError};

/// Why sampling, evaluating or a study failed.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A specification that cannot be read.
    #[error("{what} `{text}` cannot be used: {reason}")]
    Spec {
        /// What it specifies.
        what: &'static str,
        /// The text given.
        text: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Things that do not belong together.
    #[error("{0}")]
    Mismatch(String),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {reason}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// Why it failed.
        reason: String,
    },
    /// The run was asked to stop; what is finished is kept.
    #[error("interrupted; the same command goes on where it stopped")]
    Interrupted,
    /// A data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Something that does not fit into memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A run folder.
    #[error(transparent)]
    Run(RunError),
    /// The table of a run.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The specification of an encoder.
    #[error(transparent)]
    Encoder(#[from] SpecError),
    /// Prompts.
    #[error(transparent)]
    Prompts(#[from] PromptError),
    /// A velocity field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The conventions of a network.
    #[error(transparent)]
    Convention(#[from] ConventionError),
    /// A time grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A gain expression.
    #[error(transparent)]
    Gain(#[from] GainParseError),
    /// A plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Sampling.
    #[error(transparent)]
    Sample(SampleError),
    /// A selection that finds no samples.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A share of a run that is none.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// A metric.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A statistic.
    #[error(transparent)]
    Stats(#[from] StatsError),
}

impl From<RunError> for StudyError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Stopped => Self::Interrupted,
            error => Self::Run(error),
        }
    }
}

impl From<SampleError> for StudyError {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::Interrupted => Self::Interrupted,
            error => Self::Sample(error),
        }
    }
}

impl StudyError {
    /// An operation on a file that failed.
    pub(crate) fn file(
        action: &'static str,
        path: &std::path::Path,
        error: &dyn std::fmt::Display,
    ) -> Self {
        Self::File { action, path: path.display().to_string(), reason: error.to_string() }
    }
}
