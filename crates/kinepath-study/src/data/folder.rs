//! A folder of pictures; sub-folders are classes.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader, Limits};

use super::cifar;
use super::elements::{Elements, RawArray};
use super::error::{DataError, place};
use super::footprint::Stored;

/// Extensions read as pictures.
const PICTURES: &[&str] = &["png", "jpg", "jpeg", "bmp", "pnm", "pgm", "ppm"];
/// Extensions that are pictures too, but would be left out in silence.
const OTHER_PICTURES: &[&str] = &["gif", "webp", "tif", "tiff", "avif", "heic", "jp2", "jxl"];
/// The most memory a decoder may use for each byte of the file; a flat JPEG stays below it.
const EXPANSION_LIMIT: u64 = 4096;
/// Memory any decoder may use, so that a tiny file can have its tables.
const BASE_LIMIT: u64 = 1 << 20;

/// Reads a folder of pictures, or of CIFAR binary batches.
pub(crate) fn read(folder: &Path) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let (pictures, labels) = match Content::of(folder)? {
        Content::Cifar(batches) => return cifar::read(&batches),
        Content::Pictures { pictures, labels } => (pictures, labels),
    };
    let Some(first) = pictures.first() else {
        let endings = PICTURES.join(", .");
        return Err(DataError::NoPictures { place: place(folder), endings });
    };
    let mut shape = Vec::new();
    let mut pixels = Vec::new();
    for picture in &pictures {
        let (actual, bytes) = decode(picture)?;
        if shape.is_empty() {
            shape = actual;
        } else if shape != actual {
            return Err(DataError::ImageSize {
                place: place(picture),
                actual,
                first: place(first),
                expected: shape,
            });
        }
        pixels.extend(bytes);
    }
    shape.insert(0, pictures.len());
    let array = RawArray { shape, elements: Elements::U8(pixels) };
    Ok((array, (!labels.is_empty()).then_some(labels)))
}

/// What [`read`] takes, if the folder can be read.
pub(super) fn stored(folder: &Path) -> Option<Stored> {
    match Content::of(folder).ok()? {
        Content::Cifar(batches) => Some(cifar::stored(&batches)),
        Content::Pictures { pictures, .. } => {
            let (_, first) = decode(pictures.first()?).ok()?;
            Some(Stored::pixels((pictures.len() * first.len()) as u64))
        }
    }
}

/// What a folder holds.
enum Content {
    /// Batches of CIFAR, in order.
    Cifar(Vec<PathBuf>),
    /// Pictures, and the class of each if they lie in sub-folders.
    Pictures { pictures: Vec<PathBuf>, labels: Vec<i64> },
}

impl Content {
    fn of(folder: &Path) -> Result<Self, DataError> {
        let listing = Listing::of(folder)?;
        if let Some(batches) = cifar::training_files(folder, &listing.others) {
            return Ok(Self::Cifar(batches));
        }
        let mut labels = Vec::new();
        let pictures = match (listing.pictures.is_empty(), listing.folders.is_empty()) {
            (false, true) => listing.pictures,
            (true, _) => {
                let mut pictures = Vec::new();
                for (class, sub_folder) in listing.folders.iter().enumerate() {
                    let inside = Listing::of(sub_folder)?;
                    if let Some(nested) = inside.folders.first() {
                        let detail = "folders are nested too deep; use FOLDER/CLASS/PICTURE";
                        return Err(unreadable(nested, detail.to_owned()));
                    }
                    labels.resize(labels.len() + inside.pictures.len(), class as i64);
                    pictures.extend(inside.pictures);
                }
                pictures
            }
            (false, false) => {
                let detail = "holds pictures and sub-folders; put each picture in a sub-folder \
                              (its class), or leave only pictures";
                return Err(unreadable(folder, detail.to_owned()));
            }
        };
        Ok(Self::Pictures { pictures, labels })
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

/// One picture as [channels, height, width] and its bytes, channel-major.
fn decode(path: &Path) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let place = place(path);
    let io = |error: std::io::Error| DataError::io(&place, &error);
    let file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    if bytes == 0 {
        return Err(DataError::Empty { place });
    }
    // The content decides: a JPEG named .png is still a JPEG.
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(io)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(bytes.saturating_mul(EXPANSION_LIMIT).saturating_add(BASE_LIMIT));
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| DataError::Malformed {
        place: place.clone(),
        format: "picture",
        detail: error.to_string(),
    })?;
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    let (channels, interleaved) = match opaque(picture) {
        DynamicImage::ImageLuma8(grey) => (1, grey.into_raw()),
        DynamicImage::ImageRgb8(colour) => (3, colour.into_raw()),
        other => {
            return Err(DataError::ElementType {
                place,
                what: "the picture".to_owned(),
                dtype: format!("{:?}", other.color()),
                supported: "8-bit grey or RGB without transparency",
            });
        }
    };
    let mut pixels = Vec::with_capacity(interleaved.len());
    for channel in 0..channels {
        pixels.extend(interleaved.iter().skip(channel).step_by(channels));
    }
    Ok((vec![channels, height, width], pixels))
}

/// Drops an alpha channel that hides nothing; many programs write one into every PNG.
fn opaque(picture: DynamicImage) -> DynamicImage {
    match &picture {
        DynamicImage::ImageLumaA8(grey) if grey.pixels().all(|pixel| pixel.0[1] == u8::MAX) => {
            DynamicImage::ImageLuma8(picture.to_luma8())
        }
        DynamicImage::ImageRgba8(colour) if colour.pixels().all(|pixel| pixel.0[3] == u8::MAX) => {
            DynamicImage::ImageRgb8(picture.to_rgb8())
        }
        _ => picture,
    }
}

fn unreadable(path: &Path, detail: String) -> DataError {
    DataError::Folder { place: place(path), detail }
}
