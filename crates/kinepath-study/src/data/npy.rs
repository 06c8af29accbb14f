//! NPY, NumPy's format for one array.
//!
//! Layout: `\x93NUMPY`, two version bytes, the header length (u16, from version 2 on u32), a
//! Python dictionary with `descr`, `fortran_order` and `shape`, then the elements
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>). The dictionary of
//! a plain array has three known keys, so it is read here directly: nothing is allocated on the
//! word of the header, and an absurd shape is an error, not an overflow.

use std::path::Path;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use super::elements::{ElementType, Elements, RawArray, byte_count};
use super::error::{DataError, place};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an NPY file.
pub(crate) fn read(path: &Path) -> Result<RawArray, DataError> {
    let place = place(path);
    let bytes = std::fs::read(path).map_err(|error| DataError::io(&place, &error))?;
    parse(&bytes, &place)
}

/// Reads an NPY array from the whole of `bytes`; `place` is its name in messages.
pub(crate) fn parse(bytes: &[u8], place: &str) -> Result<RawArray, DataError> {
    let (layout, elements) = Layout::parse(bytes, place)?;
    let Layout { shape, element_type, big_endian, fortran_order, bytes: expected } = layout;
    if expected != elements.len() {
        return Err(length_error(place, &shape, expected, elements.len() as u64));
    }
    let mut elements = element_type.decode(elements, big_endian);
    if fortran_order {
        elements = match elements {
            Elements::U8(values) => Elements::U8(row_major(values, &shape, place)?),
            Elements::I64(values) => Elements::I64(row_major(values, &shape, place)?),
            Elements::F32(values) => Elements::F32(row_major(values, &shape, place)?),
        };
    }
    Ok(RawArray { shape, elements })
}

/// Where the elements of an array are, and what they mean.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) shape: Vec<usize>,
    pub(super) element_type: ElementType,
    pub(super) big_endian: bool,
    pub(super) fortran_order: bool,
    /// Length of the elements.
    pub(super) bytes: usize,
}

impl Layout {
    /// Reads what comes before the elements, and gives what follows.
    pub(super) fn parse<'a>(bytes: &'a [u8], place: &str) -> Result<(Self, &'a [u8]), DataError> {
        if bytes.is_empty() {
            return Err(DataError::Empty { place: place.to_owned() });
        }
        if !bytes.starts_with(MAGIC) && !MAGIC.starts_with(bytes) {
            let start = &bytes[..bytes.len().min(MAGIC.len())];
            return Err(malformed(
                place,
                format!("starts with bytes {start:02x?}, not \\x93NUMPY"),
            ));
        }
        let (header, elements) = split_header(bytes, place)?;
        let header = Header::parse(header).map_err(|detail| malformed(place, detail))?;
        let (element_type, big_endian) =
            element_type(header.descr).ok_or_else(|| DataError::ElementType {
                place: place.to_owned(),
                what: "the array".to_owned(),
                dtype: header.descr.to_owned(),
                supported: "float32, float64, uint8 or another integer type",
            })?;
        let bytes = byte_count(&header.shape, element_type.size())
            .ok_or_else(|| malformed(place, format!("the shape {:?} overflows", header.shape)))?;
        let Header { shape, fortran_order, .. } = header;
        Ok((Self { shape, element_type, big_endian, fortran_order, bytes }, elements))
    }
}

/// Too few or too many elements.
pub(super) fn length_error(
    place: &str,
    shape: &[usize],
    expected: usize,
    actual: u64,
) -> DataError {
    DataError::Length {
        place: place.to_owned(),
        part: format!("the elements of shape {shape:?}"),
        expected: expected as u64,
        actual,
    }
}

/// Splits off the text of the header.
fn split_header<'a>(bytes: &'a [u8], place: &str) -> Result<(&'a [u8], &'a [u8]), DataError> {
    let short = |part: &str, expected: usize, actual: usize| DataError::Length {
        place: place.to_owned(),
        part: part.to_owned(),
        expected: expected as u64,
        actual: actual as u64,
    };
    let rest = bytes.get(MAGIC.len() + 2..).unwrap_or_default();
    let (length, rest) = match bytes.get(MAGIC.len()) {
        Some(1) => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest))
            .ok_or_else(|| short("the NPY preamble", 10, bytes.len()))?,
        Some(2 | 3) => rest
            .split_first_chunk::<4>()
            .map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest))
            .ok_or_else(|| short("the NPY preamble", 12, bytes.len()))?,
        Some(version) => return Err(malformed(place, format!("unknown version {version}"))),
        None => return Err(short("the NPY preamble", 10, bytes.len())),
    };
    rest.split_at_checked(length).ok_or_else(|| short("the NPY header", length, rest.len()))
}

/// The three facts of an NPY header.
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the header is not text".to_owned())?;
        let value = |key: &str| {
            ['\'', '"']
                .iter()
                .find_map(|quote| text.split_once(&format!("{quote}{key}{quote}:")))
                .map(|(_, value)| value.trim_start())
                .ok_or_else(|| format!("the header has no key '{key}'"))
        };
        let descr = value("descr")?;
        let descr = match descr.chars().next() {
            Some(quote @ ('\'' | '"')) => descr[1..].split(quote).next().unwrap_or_default(),
            // A structured type is a list of fields; no field is more the data than another.
            _ => "a structured type",
        };
        let fortran_order = match value("fortran_order")? {
            order if order.starts_with("True") => true,
            order if order.starts_with("False") => false,
            _ => return Err("'fortran_order' is neither True nor False".to_owned()),
        };
        let shape = value("shape")?
            .strip_prefix('(')
            .and_then(|shape| shape.split_once(')'))
            .map(|(shape, _)| shape)
            .ok_or("'shape' is not a tuple")?
            .split(',')
            .map(str::trim)
            .filter(|axis| !axis.is_empty())
            .map(|axis| axis.parse().map_err(|_| format!("'shape' has the axis '{axis}'")))
            .collect::<Result<_, _>>()?;
        Ok(Self { descr, fortran_order, shape })
    }
}

/// `<f4` and its like: byte order, kind, size.
fn element_type(descr: &str) -> Option<(ElementType, bool)> {
    let (big_endian, kind) = match descr.split_at_checked(1)? {
        (">", kind) => (true, kind),
        ("<" | "|" | "=", kind) => (false, kind),
        _ => return None,
    };
    let element_type = match kind {
        "b1" => ElementType::Bool,
        "u1" => ElementType::U8,
        "i1" => ElementType::I8,
        "u2" => ElementType::U16,
        "i2" => ElementType::I16,
        "u4" => ElementType::U32,
        "i4" => ElementType::I32,
        "u8" => ElementType::U64,
        "i8" => ElementType::I64,
        "f2" => ElementType::F16,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        _ => return None,
    };
    Some((element_type, big_endian))
}

/// Reorders column-major elements.
fn row_major<T: Clone>(values: Vec<T>, shape: &[usize], place: &str) -> Result<Vec<T>, DataError> {
    let array = ArrayD::from_shape_vec(IxDyn(shape).f(), values)
        .map_err(|error| malformed(place, error.to_string()))?;
    Ok(array.iter().cloned().collect())
}

fn malformed(place: &str, detail: String) -> DataError {
    DataError::Malformed { place: place.to_owned(), format: "NPY", detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, elements: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(elements);
        bytes
    }

    #[test]
    fn column_major_becomes_row_major() {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let array = parse(&file(header, &[0, 3, 1, 4, 2, 5]), "f").unwrap();
        assert_eq!(array.shape, [2, 3]);
        assert_eq!(array.elements, Elements::U8(vec![0, 1, 2, 3, 4, 5]));
    }

    #[test]
    fn a_short_body_is_measured() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }";
        let error = parse(&file(header, &[0; 8]), "f").unwrap_err();
        assert!(
            matches!(error, DataError::Length { expected: 4_000_000_000_000, actual: 8, .. }),
            "{error}"
        );
    }

    #[test]
    fn an_absurd_shape_is_an_error() {
        let header =
            "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }";
        assert!(matches!(parse(&file(header, &[]), "f"), Err(DataError::Malformed { .. })));
    }

    #[test]
    fn objects_and_records_are_refused_by_type() {
        for descr in ["'|O'", "'<c8'", "[('a', '<f4')]"] {
            let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
            let error = parse(&file(&header, &[0; 8]), "f").unwrap_err();
            assert!(matches!(error, DataError::ElementType { .. }), "{descr}: {error}");
        }
    }
}
