//! A folder of pictures; sub-folders are classes.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::elements::RawArray;
use super::error::{DataError, place};
use super::footprint::Stored;
use super::pictures::{Picture, Pictures};
use super::{cifar, parquet};

/// Extensions read as pictures.
const PICTURES: &[&str] = &["png", "jpg", "jpeg", "bmp", "pnm", "pgm", "ppm"];
/// Extensions that are pictures too, but would be left out in silence.
const OTHER_PICTURES: &[&str] = &["gif", "webp", "tif", "tiff", "avif", "heic", "jp2", "jxl"];

/// Reads a folder of pictures, of CIFAR binary batches or of Parquet files.
pub(crate) fn read(folder: &Path) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let (files, labels) = match Content::of(folder)? {
        Content::Cifar(batches) => return cifar::read(&batches),
        Content::Parquet(files) => return parquet::read(&files),
        Content::Pictures { files, labels } => (files, labels),
    };
    let mut pictures = Pictures::default();
    pictures.extend(&files, |path, first| decode(path, first))?;
    let none = || DataError::NoPictures { place: place(folder), endings: PICTURES.join(", .") };
    let array = pictures.into_array().ok_or_else(none)?;
    Ok((array, (!labels.is_empty()).then_some(labels)))
}

/// What [`read`] takes, if the folder can be read.
pub(super) fn stored(folder: &Path) -> Option<Stored> {
    match Content::of(folder).ok()? {
        Content::Cifar(batches) => Some(cifar::stored(&batches)),
        Content::Parquet(files) => parquet::stored(&files),
        Content::Pictures { files, .. } => {
            let first = decode(files.first()?, None).ok()?;
            Some(Stored::pixels((files.len() * first.pixels.len()) as u64))
        }
    }
}

/// What a folder holds.
enum Content {
    /// Batches of CIFAR, in order.
    Cifar(Vec<PathBuf>),
    /// Parquet files, in order.
    Parquet(Vec<PathBuf>),
    /// Pictures, and the class of each if they lie in sub-folders.
    Pictures { files: Vec<PathBuf>, labels: Vec<i64> },
}

impl Content {
    fn of(folder: &Path) -> Result<Self, DataError> {
        let listing = Listing::of(folder)?;
        if let Some(batches) = cifar::training_files(folder, &listing.others) {
            return Ok(Self::Cifar(batches));
        }
        // Beside pictures, or folders of them, a table tells something about them.
        if listing.pictures.is_empty()
            && listing.folders.is_empty()
            && let Some(files) = parquet::training_files(folder, &listing.others)?
        {
            return Ok(Self::Parquet(files));
        }
        let mut labels = Vec::new();
        let files = match (listing.pictures.is_empty(), listing.folders.is_empty()) {
            (false, true) => listing.pictures,
            (true, _) => {
                let mut files = Vec::new();
                for (class, sub_folder) in listing.folders.iter().enumerate() {
                    let inside = Listing::of(sub_folder)?;
                    if let Some(nested) = inside.folders.first() {
                        let detail = "folders are nested too deep; use FOLDER/CLASS/PICTURE";
                        return Err(unreadable(nested, detail.to_owned()));
                    }
                    labels.resize(labels.len() + inside.pictures.len(), class as i64);
                    files.extend(inside.pictures);
                }
                files
            }
            (false, false) => {
                let detail = "holds pictures and sub-folders; put each picture in a sub-folder \
                              (its class), or leave only pictures";
                return Err(unreadable(folder, detail.to_owned()));
            }
        };
        Ok(Self::Pictures { files, labels })
    }
}

/// What lies directly in a folder, sorted by name; hidden entries are left out.
struct Listing {
    pictures: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    others: Vec<String>,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self, DataError> {
        let io = |error: std::io::Error| DataError::io(&place(folder), &error);
        let mut listing = Self { pictures: Vec::new(), folders: Vec::new(), others: Vec::new() };
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let extension =
                path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            if name.starts_with('.') {
                continue;
            } else if path.is_dir() {
                listing.folders.push(path);
            } else if PICTURES.contains(&extension.as_str()) {
                listing.pictures.push(path);
            } else if OTHER_PICTURES.contains(&extension.as_str()) {
                let detail = format!(".{extension} pictures are not read; convert them to PNG");
                return Err(unreadable(&path, detail));
            } else {
                listing.others.push(name);
            }
        }
        listing.pictures.sort();
        listing.folders.sort();
        Ok(listing)
    }
}

fn decode(path: &Path, first: Option<&Picture>) -> Result<Picture, DataError> {
    let io = |error: std::io::Error| DataError::io(&place(path), &error);
    let file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    // The content decides its format: a JPEG named .png is still a JPEG.
    Picture::decode(place(path), BufReader::new(file), bytes, first)
}

fn unreadable(path: &Path, detail: String) -> DataError {
    DataError::Folder { place: place(path), detail }
}
