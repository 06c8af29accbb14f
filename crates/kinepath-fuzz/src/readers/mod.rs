//! The readers, each with the memory that an input may have.
//!
//! A reader of plain files holds the file, its elements in their widest type and a copy laid out
//! otherwise: a byte that becomes an `i64` twice is 16 bytes, and lines of a text are values that
//! are larger still. 64 bytes for each is room for all of them. TOML has more, since a table of one
//! key is larger than the two bytes that ask for it; formats that compress have more by the factor
//! that they compress by.

mod arrays;
mod networks;
mod runs;
mod settings;
mod words;

pub use arrays::{CIFAR, IDX, IDX_GZ, IMAGES, INPUTS, NPY, NPZ, PARQUET, SAFETENSORS};
pub use networks::{ENGINE, GRAPH, PROMPTS, TOKENIZER};
pub use runs::{PART, RUN, RUN_TOML, TABLE};
pub use settings::{MIXTURE, NUMBERS, PIPELINE, REPORT, SIDECAR, STUDY};
pub use words::WORDS;

use crate::Target;

/// All targets.
pub static TARGETS: [&Target; 24] = [
    &IDX,
    &IDX_GZ,
    &NPY,
    &NPZ,
    &SAFETENSORS,
    &INPUTS,
    &CIFAR,
    &IMAGES,
    &PARQUET,
    &TABLE,
    &RUN_TOML,
    &RUN,
    &PART,
    &GRAPH,
    &ENGINE,
    &TOKENIZER,
    &PROMPTS,
    &STUDY,
    &MIXTURE,
    &SIDECAR,
    &PIPELINE,
    &NUMBERS,
    &REPORT,
    &WORDS,
];

/// Bytes of memory for each byte of a plain file.
const PLAIN: usize = 64;
/// Bytes of memory for each byte of a TOML file. Two of them, a key and its dot, are a table: a node
/// of a B-tree with room for eleven keys and values, 1.3 KiB.
const TREE: usize = 1024;
/// Bytes of memory for any file: buffers, messages and tables that do not grow with it.
const BASE: usize = 1 << 20;
/// The noise levels of a schedule of a million steps, the most that a word may ask for, and their
/// logarithms.
const SCHEDULE: usize = 1 << 25;
/// What deflate can shrink by at most.
const DEFLATE: usize = 1032;
