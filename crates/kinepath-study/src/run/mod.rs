//! Run folders: what sampling writes and everything else reads.
//!
//! ```text
//! run.toml              the resolved settings: enough to repeat the run; `[content]`, the digests
//!                       of the other files' values; where paths of an empirical field were
//!                       followed, `[certificate]`; its presence says "whole"
//! samples.safetensors   `samples` f32 [N, *shape]; with recording `profile` [N, steps],
//!                       `energy_map` [N, *shape], `trajectory` [N, K, *shape]; with a selection
//!                       `first_draws` [N, *shape]; with profiles of followed paths
//!                       `posterior_entropy` and `effective_count` [N, steps]
//! samples.parquet       a row a sample: the columns of [`columns`]; evaluation adds its own.
//!                       Samples whose paths nobody measured have an index and a label only
//! evaluation.json       by evaluation, with the page `report.html`
//! parts/                until the run is finished: one file a batch, the settings
//! .kinepath.lock        while a process writes into the folder
//! ```

mod assemble;
mod certificate;
mod check;
pub mod columns;
mod content;
mod error;
mod lock;
mod part;
mod pending;
mod reader;
mod settings;
mod share;
mod table;
mod table_file;
mod writer;

pub use certificate::RunCertificate;
pub use content::RunContent;
pub use error::RunError;
pub use lock::FolderLock;
pub use part::Part;
pub(crate) use pending::write_bytes;
pub use reader::RunReader;
pub use settings::{
    Certify, CertifyError, ConditionSettings, FieldSettings, FileSettings, GuidanceSettings,
    LabelSettings, NoiseSettings, RecordSettings, RunSettings, SamplerSettings, UNKNOWN,
};
pub(crate) use share::merge_as;
pub use share::{MergedRun, merge_shares};
pub use table::{Column, Table, TableError};
pub use writer::{Existing, Opened, RunWriter};

/// The settings of a run.
const SETTINGS_FILE: &str = "run.toml";
/// The endpoints and what was recorded.
const SAMPLES_FILE: &str = "samples.safetensors";
/// The table.
const TABLE_FILE: &str = "samples.parquet";
/// The results of judging a run by itself, beside its files.
pub const EVALUATION_FILE: &str = "evaluation.json";
/// The page that shows results, of a run as of a study.
pub const REPORT_FILE: &str = "report.html";
/// The tensor of the endpoints before selection.
pub(crate) const FIRST_DRAWS: &str = "first_draws";
/// The tensor of posterior entropies, in nats.
pub(crate) const POSTERIOR_ENTROPY: &str = "posterior_entropy";
/// The tensor of effective counts of training points.
pub(crate) const EFFECTIVE_COUNT: &str = "effective_count";
/// The batches of an unfinished run.
const PARTS_FOLDER: &str = "parts";
