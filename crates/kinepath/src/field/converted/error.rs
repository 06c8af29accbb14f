//! Conventions that cannot be used.

/// A prediction or time convention that is none of those known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{text}`; use {known}")]
pub struct ConventionParseError {
    pub(super) what: &'static str,
    pub(super) text: String,
    pub(super) known: &'static str,
}

/// Conventions that cannot be used, or not together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConventionError {
    /// A word that is not known.
    #[error(transparent)]
    Unknown(#[from] ConventionParseError),
    /// A schedule of noise levels that is none.
    #[error("the noise schedule {0}")]
    Levels(String),
    /// A path that cannot be used.
    #[error("path `{text}` cannot be used: {reason}")]
    Path {
        /// The path, as written.
        text: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A path on which networks differ in what they predict.
    #[error(
        "what a network of the {path} path predicts is not told, and there is no usual choice: say \
         {known}"
    )]
    Untold {
        /// The path's family.
        path: &'static str,
        /// The predictions it knows.
        known: &'static str,
    },
    /// A prediction that the path does not have.
    #[error("a network of the {path} path does not predict `{prediction}`: {known}")]
    Prediction {
        /// The path's family.
        path: &'static str,
        /// The prediction.
        prediction: super::Prediction,
        /// The predictions it knows, and where the other belongs.
        known: &'static str,
    },
    /// A time that the path does not have.
    #[error("a network of the {path} path does not take its time as `{time}`: it takes {known}")]
    Time {
        /// The path's family.
        path: &'static str,
        /// The time convention, as written.
        time: String,
        /// The times it knows.
        known: &'static str,
    },
    /// Fewer than two discrete times.
    #[error("discrete time needs T ≥ 2, got {0}")]
    DiscreteTimes(u32),
    /// A time scale that is not a positive number.
    #[error("the time scale must be positive, got {0}")]
    TimeScale(f64),
}
