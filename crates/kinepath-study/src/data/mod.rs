//! Data sets: what a path or a name becomes before the maths sees it.
//!
//! | source | records | labels |
//! |---|---|---|
//! | IDX, IDX.gz | u8, rank ≥ 2 | `*-labels-idx1-ubyte*` beside `*-images-idx3-ubyte*` |
//! | NPY | f16, f32, f64, u8, integers | none |
//! | NPZ, safetensors | key `x`, `images`, `samples`, `data` or `arr_0` | key `y`, `labels` or `label` |
//! | CIFAR-10/100 `.bin`, or a folder of `data_batch_*.bin` | 3×32×32 u8 | in the file (the fine ones) |
//! | folder of PNG, JPEG, BMP, PNM | grey: 1 channel, RGB: 3 | sub-folders in sorted order |
//! | Parquet, or a folder of `train*.parquet` | such pictures in column `image`, `img`, `images` or `x` | column `label`, `labels`, `fine_label` or `y` |
//! | `builtin:NAME` | embedded | embedded |
//!
//! uint8 maps to [−1, 1] by `x / 127.5 − 1`; everything else stays as it is. Pictures end as
//! `[C, H, W]`: `[N, H, W]` becomes one channel, and channels-last is turned where the last axis
//! is 1 or 3 and the first is not. Columns of Parquet files are read as they are or compressed by snappy.

mod blocks;
pub mod builtin;
mod cifar;
mod column;
mod dataset;
mod elements;
mod error;
mod folder;
mod footprint;
mod hash;
mod idx;
mod keys;
mod labels;
mod noise;
mod npy;
mod npz;
mod parquet;
mod pictures;
pub(crate) mod tensors;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use blocks::RecordBlocks;
pub(crate) use column::read_column;
pub use dataset::{Dataset, Scaling};
pub(crate) use elements::Elements;
pub use error::DataError;
pub(crate) use error::place;
pub use hash::sha256_hex;
pub(crate) use hash::{hex, sha256_of_files};
pub use labels::read_labels;
pub use noise::{NoiseFile, load_noise};

/// Loads a data set from `builtin:NAME` or a path.
///
/// The extension decides the format; a file without a known one is recognised by its first bytes.
///
/// # Errors
/// [`DataError`] when there is no such file or name, the format is unknown, the file is damaged,
/// there are no records, a value is NaN or infinite, or memory is not enough.
///
/// # Examples
/// ```
/// let data = kinepath_study::data::load("builtin:fashion-mnist")?;
/// assert_eq!(data.values.dim(), (data.len(), data.dim()));
/// # Ok::<(), kinepath_study::data::DataError>(())
/// ```
pub fn load(spec: &str) -> Result<Dataset, DataError> {
    load_for(spec, 1)
}

/// [`load`] for work that holds the values `copies` times at its height, the data set included:
/// refused before anything is read if memory is not enough for that.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_for(spec: &str, copies: u64) -> Result<Dataset, DataError> {
    if let Some(name) = spec.strip_prefix(builtin::PREFIX) {
        return builtin::load(name);
    }
    let path = Path::new(spec);
    let format = Format::of(path)?;
    footprint::check(format, path, copies)?;
    let (array, labels) = match format {
        Format::Folder => folder::read(path)?,
        Format::Idx => idx::read(path)?,
        Format::Npy => (npy::read(path)?, None),
        Format::Npz => npz::read(path)?,
        Format::Safetensors => tensors::read(path)?,
        Format::Cifar => cifar::read(&[path.to_owned()])?,
        Format::Parquet => parquet::read(&[path.to_owned()])?,
    };
    Dataset::assemble(spec, array, labels)
}

/// The formats of data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Folder,
    Idx,
    Npy,
    Npz,
    Safetensors,
    Cifar,
    Parquet,
}

impl Format {
    fn of(path: &Path) -> Result<Self, DataError> {
        let place = place(path);
        let io = |error: std::io::Error| DataError::io(&place, &error);
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            return Ok(Self::Folder);
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "npy" => return Ok(Self::Npy),
            "npz" => return Ok(Self::Npz),
            "safetensors" => return Ok(Self::Safetensors),
            "bin" => return Ok(Self::Cifar),
            "parquet" => return Ok(Self::Parquet),
            "gz" | "idx" => return Ok(Self::Idx),
            _ => {}
        }
        let mut start = Vec::new();
        File::open(path).map_err(io)?.take(9).read_to_end(&mut start).map_err(io)?;
        match start.as_slice() {
            [] => Err(DataError::Empty { place }),
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Ok(Self::Npy),
            [b'P', b'K', 3, 4, ..] => Ok(Self::Npz),
            [b'P', b'A', b'R', b'1', ..] => Ok(Self::Parquet),
            [0x1f, 0x8b, ..] | [0, 0, 8..=14, ..] => Ok(Self::Idx),
            [_, _, _, _, _, _, _, _, b'{'] => Ok(Self::Safetensors),
            _ if image::guess_format(&start).is_ok() => Err(DataError::Folder {
                place,
                detail: "is one picture; give the folder of pictures".to_owned(),
            }),
            _ => Err(DataError::UnknownFormat { place, start: format!("{start:02x?}") }),
        }
    }
}
