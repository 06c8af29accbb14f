//! Element types shared by NPY and safetensors, decoded from bytes.

use half::{bf16, f16};

use super::error::DataError;

/// Element types that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ElementType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    BF16,
    F32,
    F64,
}

/// Decoded elements, in the widest type each kind needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Elements {
    /// Unsigned bytes: pictures, or labels.
    U8(Vec<u8>),
    /// Every other integer type.
    I64(Vec<i64>),
    /// Every floating-point type; f64 is rounded to f32.
    F32(Vec<f32>),
}

/// An array as a file holds it: `shape` with the record axis first, row-major elements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RawArray {
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

impl ElementType {
    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Decodes `bytes`, whose length is a multiple of [`size`](Self::size).
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool) -> Elements {
        /// One element type: its width, its constructor for either byte order, its conversion.
        macro_rules! decode {
            ($width:literal, $from_le:expr, $from_be:expr, $convert:expr) => {{
                let (chunks, _) = bytes.as_chunks::<$width>();
                if big_endian {
                    chunks.iter().map(|&chunk| $convert($from_be(chunk))).collect()
                } else {
                    chunks.iter().map(|&chunk| $convert($from_le(chunk))).collect()
                }
            }};
        }
        match self {
            Self::U8 => Elements::U8(bytes.to_vec()),
            Self::Bool => Elements::I64(bytes.iter().map(|&b| i64::from(b != 0)).collect()),
            Self::I8 => Elements::I64(decode!(1, i8::from_le_bytes, i8::from_be_bytes, i64::from)),
            Self::U16 => {
                Elements::I64(decode!(2, u16::from_le_bytes, u16::from_be_bytes, i64::from))
            }
            Self::I16 => {
                Elements::I64(decode!(2, i16::from_le_bytes, i16::from_be_bytes, i64::from))
            }
            Self::U32 => {
                Elements::I64(decode!(4, u32::from_le_bytes, u32::from_be_bytes, i64::from))
            }
            Self::I32 => {
                Elements::I64(decode!(4, i32::from_le_bytes, i32::from_be_bytes, i64::from))
            }
            // Neither a picture nor a label reaches 2^63, so clamping never meets real data.
            Self::U64 => {
                Elements::I64(decode!(8, u64::from_le_bytes, u64::from_be_bytes, |value: u64| {
                    i64::try_from(value).unwrap_or(i64::MAX)
                }))
            }
            Self::I64 => {
                Elements::I64(decode!(8, i64::from_le_bytes, i64::from_be_bytes, |value| value))
            }
            Self::F16 => {
                Elements::F32(decode!(2, f16::from_le_bytes, f16::from_be_bytes, f16::to_f32))
            }
            Self::BF16 => {
                Elements::F32(decode!(2, bf16::from_le_bytes, bf16::from_be_bytes, bf16::to_f32))
            }
            Self::F32 => {
                Elements::F32(decode!(4, f32::from_le_bytes, f32::from_be_bytes, |value| value))
            }
            Self::F64 => Elements::F32(decode!(
                8,
                f64::from_le_bytes,
                f64::from_be_bytes,
                |value: f64| value as f32
            )),
        }
    }
}

/// Number of bytes an array of `shape` takes, or `None` when that overflows.
pub(crate) fn byte_count(shape: &[usize], size: usize) -> Option<usize> {
    shape.iter().try_fold(size, |total, &axis| total.checked_mul(axis))
}

impl RawArray {
    /// The elements as class labels; one integer a record.
    pub(crate) fn into_labels(self, place: &str, what: &str) -> Result<Vec<i64>, DataError> {
        // [N, 1] is a common way to store labels and means the same.
        if self.shape.is_empty() || self.shape.iter().skip(1).any(|&axis| axis != 1) {
            return Err(DataError::Shape {
                place: format!("{place} ({what})"),
                actual: self.shape,
                expected: "one label a record, shape [N]",
            });
        }
        match self.elements {
            Elements::U8(values) => Ok(values.into_iter().map(i64::from).collect()),
            Elements::I64(values) => Ok(values),
            Elements::F32(_) => Err(DataError::ElementType {
                place: place.to_owned(),
                what: what.to_owned(),
                dtype: "floating point".to_owned(),
                supported: "an integer type",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_and_half_precision() {
        let little = ElementType::F32.decode(&1.5f32.to_le_bytes(), false);
        let big = ElementType::F32.decode(&1.5f32.to_be_bytes(), true);
        assert_eq!(little, Elements::F32(vec![1.5]));
        assert_eq!(little, big);
        assert_eq!(ElementType::F16.decode(&[0x00, 0x3c], false), Elements::F32(vec![1.0]));
        assert_eq!(ElementType::BF16.decode(&[0x80, 0xbf], false), Elements::F32(vec![-1.0]));
        assert_eq!(ElementType::I16.decode(&[0xff, 0xfe], true), Elements::I64(vec![-2]));
    }

    #[test]
    fn the_byte_count_of_an_absurd_shape_does_not_overflow() {
        assert_eq!(byte_count(&[2, 3], 4), Some(24));
        assert_eq!(byte_count(&[usize::MAX, 2], 4), None);
    }

    #[test]
    fn labels_are_one_integer_a_record() {
        let column = RawArray { shape: vec![2, 1], elements: Elements::U8(vec![3, 4]) };
        assert_eq!(column.into_labels("f", "y"), Ok(vec![3, 4]));
        let one_hot = RawArray { shape: vec![1, 2], elements: Elements::U8(vec![0, 1]) };
        assert!(matches!(one_hot.into_labels("f", "y"), Err(DataError::Shape { .. })));
        let float = RawArray { shape: vec![1], elements: Elements::F32(vec![1.0]) };
        assert!(matches!(float.into_labels("f", "y"), Err(DataError::ElementType { .. })));
    }
}
