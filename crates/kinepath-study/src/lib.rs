//! Data sets, run folders, studies and the report of kinepath.
//!
//! - [`data`] turns a path or a name into records: IDX, NPY/NPZ, safetensors, CIFAR, Parquet, pictures.
//! - [`conditions`] are the labels and further inputs that samples are conditioned on.
//! - [`conventions`], [`source`] and [`schedule`] turn words into a velocity field and a plan.
//! - [`run`] is the folder a sampling run leaves behind: settings, samples and one row a sample.
//! - [`sampling`] fills a run folder; [`study`] judges and compares runs; [`report`] shows what
//!   was found.
//! - [`tune`] searches for the gain that is worth using, and checks it on fresh samples.
//! - [`mod@format`] writes figures as text: in tables, in sentences and in the report alike.
//! - [`memory`] refuses what would not fit.

pub mod conditions;
pub mod conventions;
pub mod data;
mod error;
mod files;
pub mod format;
pub mod memory;
mod parquet_file;
pub mod report;
pub mod run;
pub mod sampling;
pub mod schedule;
pub mod source;
mod stop;
pub mod study;
pub mod tune;

pub use error::StudyError;
pub use stop::{Answer, Stop};
