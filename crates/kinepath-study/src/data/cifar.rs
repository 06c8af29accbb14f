//! CIFAR-10 and CIFAR-100 in their binary form.
//!
//! A record is one label byte (CIFAR-10) or a coarse and a fine one (CIFAR-100, of which the fine
//! one is kept), then 3·32·32 bytes, channel-major (<https://www.cs.toronto.edu/~kriz/cifar.html>).

use std::path::{Path, PathBuf};

use super::elements::{Elements, RawArray};
use super::error::{DataError, place};
use super::footprint::Stored;

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;

/// The two layouts of a record: the number of classes behind each label byte.
const LAYOUTS: [(&str, &[u8]); 2] = [("CIFAR-10", &[10]), ("CIFAR-100", &[20, 100])];

/// Reads one file, or several that continue each other.
pub(crate) fn read(paths: &[PathBuf]) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for path in paths {
        let place = place(path);
        let bytes = std::fs::read(path).map_err(|error| DataError::io(&place, &error))?;
        parse(&bytes, &place, &mut pixels, &mut labels)?;
    }
    let shape = std::iter::once(labels.len()).chain(SHAPE).collect();
    Ok((RawArray { shape, elements: Elements::U8(pixels) }, Some(labels)))
}

/// What [`read`] takes; the labels count as pixels.
pub(super) fn stored(paths: &[PathBuf]) -> Stored {
    let lengths = paths.iter().filter_map(|path| std::fs::metadata(path).ok().map(|m| m.len()));
    let raw = lengths.clone().max().unwrap_or(0);
    Stored { raw, ..Stored::pixels(lengths.sum()) }
}

/// The training files of a folder of CIFAR binaries: the five batches, or CIFAR-100's one.
pub(crate) fn training_files(folder: &Path, names: &[String]) -> Option<Vec<PathBuf>> {
    let mut batches: Vec<_> = names
        .iter()
        .filter(|name| name.starts_with("data_batch_") && name.ends_with(".bin"))
        .collect();
    if batches.is_empty() {
        batches.extend(names.iter().find(|name| *name == "train.bin"));
    }
    batches.sort();
    (!batches.is_empty()).then(|| batches.into_iter().map(|name| folder.join(name)).collect())
}

fn parse(
    bytes: &[u8],
    place: &str,
    pixels: &mut Vec<u8>,
    labels: &mut Vec<i64>,
) -> Result<(), DataError> {
    if bytes.is_empty() {
        return Err(DataError::Empty { place: place.to_owned() });
    }
    let fitting: Vec<_> = LAYOUTS
        .iter()
        .filter(|(_, classes)| bytes.len().is_multiple_of(classes.len() + PIXELS))
        .collect();
    if fitting.is_empty() {
        let record = 1 + PIXELS;
        return Err(DataError::Length {
            place: place.to_owned(),
            part: format!(
                "CIFAR records of {record} (CIFAR-10) or {} (CIFAR-100) bytes",
                record + 1
            ),
            expected: bytes.len().next_multiple_of(record) as u64,
            actual: bytes.len() as u64,
        });
    }
    // A length that fits both layouts is settled by the labels, which must be classes.
    let mut wrong = None;
    for (name, classes) in fitting {
        let records = bytes.chunks_exact(classes.len() + PIXELS);
        match records.clone().position(|record| record.iter().zip(*classes).any(|(l, c)| l >= c)) {
            Some(record) => wrong = wrong.or(Some((name, record))),
            None => {
                for record in records {
                    let (label, picture) = record.split_at(classes.len());
                    labels.push(i64::from(label[label.len() - 1]));
                    pixels.extend_from_slice(picture);
                }
                return Ok(());
            }
        }
    }
    let (name, record) = wrong.unwrap_or((&LAYOUTS[0].0, 0));
    Err(DataError::Malformed {
        place: place.to_owned(),
        format: "CIFAR binary",
        detail: format!("record {record} has a label outside the classes of {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Vec<i64>, DataError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        parse(bytes, "f", &mut pixels, &mut labels)?;
        assert_eq!(pixels.len(), labels.len() * PIXELS);
        Ok(labels)
    }

    #[test]
    fn both_layouts_are_told_apart_by_length() {
        let mut ten = vec![7; 1 + PIXELS];
        ten.extend(vec![3; 1 + PIXELS]);
        assert_eq!(parsed(&ten), Ok(vec![7, 3]));
        let mut hundred = vec![19; 2 + PIXELS];
        hundred[1] = 99;
        assert_eq!(parsed(&hundred), Ok(vec![99]));
    }

    #[test]
    fn a_label_that_is_no_class_names_its_record() {
        let mut bytes = vec![1; 2 * (1 + PIXELS)];
        bytes[1 + PIXELS] = 10;
        let error = parsed(&bytes).unwrap_err().to_string();
        assert!(error.contains("record 1"), "{error}");
    }
}
