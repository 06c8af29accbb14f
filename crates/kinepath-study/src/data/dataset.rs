//! A data set in memory: flattened f32 records of one shape.

use std::fmt;

use ndarray::{Array2, Array4};
use serde::{Deserialize, Serialize};

use super::elements::{Elements, RawArray};
use super::error::DataError;
use super::hash::content_hash;

/// N records of D = C·H·W values, ready for the maths.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The records, `[N, D]`, each flattened row-major; every value is finite.
    pub values: Array2<f32>,
    /// The shape of one record: `[C, H, W]` for pictures, `[D]` for vectors.
    pub shape: Vec<usize>,
    /// One class a record, `[N]`, where the source has them.
    pub labels: Option<Vec<i64>>,
    /// What was done to the stored values.
    pub scaling: Scaling,
    /// The specification it was loaded from: a path, or `builtin:NAME`.
    pub name: String,
    /// SHA-256, in hexadecimal, of the content as it is used: the shape, the values and the
    /// labels. The same pictures have the same hash in whatever format they are stored.
    pub sha256: String,
}

/// How stored values became the values of a [`Dataset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// uint8 mapped to [−1, 1] by `x / 127.5 − 1`.
    Uint8ToSymmetric,
    /// Floating-point and wider integer values, left as they are.
    AsStored,
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uint8ToSymmetric => "uint8 mapped to [-1, 1]",
            Self::AsStored => "values as stored",
        })
    }
}

impl Dataset {
    /// Records in memory, as a floating-point file with them would be read.
    ///
    /// `shape` has the record axis first and as many elements as `values`; `name` is for messages.
    ///
    /// # Errors
    /// [`DataError`] for a shape without records or of another size, or a NaN or infinity.
    pub fn from_f32(name: &str, shape: Vec<usize>, values: Vec<f32>) -> Result<Self, DataError> {
        Self::in_memory(name, shape, values.len(), Elements::F32(values))
    }

    /// Pictures in memory, as a uint8 file with them would be read: mapped to [−1, 1].
    ///
    /// # Errors
    /// As [`from_f32`](Self::from_f32).
    pub fn from_u8(name: &str, shape: Vec<usize>, values: Vec<u8>) -> Result<Self, DataError> {
        Self::in_memory(name, shape, values.len(), Elements::U8(values))
    }

    fn in_memory(
        name: &str,
        shape: Vec<usize>,
        count: usize,
        elements: Elements,
    ) -> Result<Self, DataError> {
        if shape.iter().product::<usize>() != count {
            return Err(DataError::Shape {
                place: name.to_owned(),
                actual: shape,
                expected: "as many values as the shape says",
            });
        }
        Self::assemble(name, RawArray { shape, elements }, None)
    }

    /// N, the number of records (at least 1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.nrows()
    }

    /// Always false: a data set without records cannot be loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// D, the number of values of a record.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.values.ncols()
    }

    /// Scales, lays out and checks what a file held.
    pub(crate) fn assemble(
        name: &str,
        array: RawArray,
        labels: Option<Vec<i64>>,
    ) -> Result<Self, DataError> {
        let RawArray { shape, elements } = array;
        let records = record_count(&shape, name)?;
        if let Some(labels) = &labels
            && labels.len() != records
        {
            return Err(DataError::LabelCount {
                place: name.to_owned(),
                labels: labels.len(),
                records,
            });
        }
        let (values, scaling) = match elements {
            Elements::U8(values) => (
                values.into_iter().map(|value| f32::from(value) / 127.5 - 1.0).collect(),
                Scaling::Uint8ToSymmetric,
            ),
            Elements::I64(values) => {
                (values.into_iter().map(|value| value as f32).collect(), Scaling::AsStored)
            }
            Elements::F32(values) => (values, Scaling::AsStored),
        };
        let (shape, values) = channels_first(shape, values, name)?;
        let values = matrix(records, values, name)?;
        let sha256 = content_hash(&shape, &values, labels.as_deref());
        Ok(Self { values, shape, labels, scaling, name: name.to_owned(), sha256 })
    }
}

/// N of an array whose first axis counts the records; a record has at least one value.
pub(crate) fn record_count(shape: &[usize], place: &str) -> Result<usize, DataError> {
    let expected = match shape {
        [] | [_] => "[N, D], [N, H, W] or [N, C, H, W]: one axis more than a record has",
        [0, ..] => return Err(DataError::NoRecords { place: place.to_owned() }),
        [_, record @ ..] if record.contains(&0) => "no axis of length 0",
        [records, ..] => return Ok(*records),
    };
    Err(DataError::Shape { place: place.to_owned(), actual: shape.to_vec(), expected })
}

/// Cuts flat values into records and refuses NaN and infinity.
pub(crate) fn matrix(
    records: usize,
    values: Vec<f32>,
    place: &str,
) -> Result<Array2<f32>, DataError> {
    let dim = values.len() / records;
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(DataError::NotFinite {
            place: place.to_owned(),
            record: index / dim,
            element: index % dim,
            value: values[index].to_string(),
        });
    }
    let shape = vec![records, values.len()];
    Array2::from_shape_vec((records, dim), values).map_err(|_| DataError::Shape {
        place: place.to_owned(),
        actual: shape,
        expected: "records of equal length",
    })
}

/// Brings pictures to `[C, H, W]`: `[N, H, W]` is grey, and a last axis of 1 or 3 after a first
/// one that is neither can only be channels-last, as NumPy and image libraries write them.
/// Returns the shape of a record and the values.
fn channels_first(
    shape: Vec<usize>,
    values: Vec<f32>,
    place: &str,
) -> Result<(Vec<usize>, Vec<f32>), DataError> {
    match *shape.as_slice() {
        [_, height, width] => Ok((vec![1, height, width], values)),
        [records, height, width, channels @ (1 | 3)] if !matches!(height, 1 | 3) => {
            let array = Array4::from_shape_vec((records, height, width, channels), values)
                .map_err(|_| DataError::Shape {
                    place: place.to_owned(),
                    actual: shape,
                    expected: "as many values as the shape says",
                })?;
            let values = array.permuted_axes([0, 3, 1, 2]).iter().copied().collect();
            Ok((vec![channels, height, width], values))
        }
        _ => Ok((shape[1..].to_vec(), values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(shape: &[usize], elements: Elements) -> RawArray {
        RawArray { shape: shape.to_vec(), elements }
    }

    #[test]
    fn bytes_are_scaled_and_floats_are_not() {
        let bytes = Dataset::assemble("b", raw(&[1, 3], Elements::U8(vec![0, 51, 255])), None);
        let bytes = bytes.unwrap();
        assert_eq!(bytes.values.as_slice().unwrap(), [-1.0, -0.6, 1.0]);
        assert_eq!(bytes.scaling, Scaling::Uint8ToSymmetric);
        let floats = Dataset::assemble("f", raw(&[1, 2], Elements::F32(vec![3.0, -7.0])), None);
        assert_eq!(floats.unwrap().values.as_slice().unwrap(), [3.0, -7.0]);
    }

    #[test]
    fn records_in_memory_are_those_of_a_file() {
        let raw = raw(&[1, 1, 3], Elements::U8(vec![0, 51, 255]));
        let pictures = Dataset::from_u8("m", vec![1, 1, 3], vec![0, 51, 255]);
        assert_eq!(pictures, Dataset::assemble("m", raw, None));
        let vectors = Dataset::from_f32("m", vec![2, 1], vec![0.5, -3.0]).unwrap();
        assert_eq!((vectors.values.as_slice().unwrap(), vectors.len()), (&[0.5, -3.0][..], 2));
        let short = Dataset::from_f32("m", vec![2, 2], vec![0.0; 3]);
        assert!(matches!(short, Err(DataError::Shape { .. })), "{short:?}");
    }

    #[test]
    fn channels_last_pictures_are_turned() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let turned = Dataset::assemble("t", raw(&[2, 2, 2, 3], Elements::F32(values)), None);
        let turned = turned.unwrap();
        assert_eq!(turned.shape, [3, 2, 2]);
        let second: Vec<f32> = turned.values.row(1).to_vec();
        assert_eq!(second, [12., 15., 18., 21., 13., 16., 19., 22., 14., 17., 20., 23.]);
    }

    #[test]
    fn channels_first_pictures_stay() {
        let tiny = raw(&[1, 3, 2, 3], Elements::F32(vec![0.0; 18]));
        assert_eq!(Dataset::assemble("t", tiny, None).unwrap().shape, [3, 2, 3]);
    }

    #[test]
    fn a_bad_value_is_located() {
        let array = raw(&[2, 2], Elements::F32(vec![0.0, 0.0, 0.0, f32::NAN]));
        let error = Dataset::assemble("n", array, None).unwrap_err();
        let value = "NaN".to_owned();
        let place = "n".to_owned();
        assert_eq!(error, DataError::NotFinite { place, record: 1, element: 1, value });
    }

    #[test]
    fn shapes_without_records_are_refused() {
        let none = Dataset::assemble("e", raw(&[0, 4], Elements::F32(vec![])), None);
        assert!(matches!(none, Err(DataError::NoRecords { .. })));
        for shape in [&[3][..], &[], &[3, 0]] {
            let count = shape.iter().product::<usize>();
            let error = Dataset::assemble("s", raw(shape, Elements::U8(vec![0; count])), None);
            assert!(matches!(error, Err(DataError::Shape { .. })), "{shape:?}");
        }
    }

    #[test]
    fn labels_must_be_as_many_as_records() {
        let array = raw(&[2, 1], Elements::U8(vec![0, 0]));
        let error = Dataset::assemble("l", array, Some(vec![1])).unwrap_err();
        assert!(matches!(error, DataError::LabelCount { labels: 1, records: 2, .. }));
    }
}
