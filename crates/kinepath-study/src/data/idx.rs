//! IDX, the format of MNIST and its kin, plain or gzip-compressed.
//!
//! Layout: two zero bytes, an element type (0x08 is u8), the rank, one big-endian u32 for each
//! axis, then the elements row by row (<https://yann.lecun.org/exdb/mnist/>).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::elements::{Elements, RawArray, byte_count};
use super::error::{DataError, place};
use super::footprint::{DEFLATE_LIMIT, Stored};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UNSIGNED_BYTE: u8 = 0x08;

/// Reads a file of images (rank ≥ 2), and its labels where they lie beside it.
pub(crate) fn read(path: &Path) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let images = parse_file(path)?;
    if images.shape.len() < 2 {
        return Err(DataError::Shape {
            place: place(path),
            actual: images.shape,
            expected: "rank 2 or more; this is a file of labels: give the file of images",
        });
    }
    let labels = match labels_beside(path) {
        Some(beside) => Some(parse_file(&beside)?.into_labels(&place(&beside), "labels")?),
        None => None,
    };
    Ok((images, labels))
}

/// Reads an IDX array from bytes, compressed or not; `place` is its name in messages.
pub(crate) fn parse(bytes: &[u8], place: &str) -> Result<RawArray, DataError> {
    if bytes.starts_with(&GZIP_MAGIC) {
        parse_stream(MultiGzDecoder::new(bytes), place)
    } else {
        parse_stream(bytes, place)
    }
}

fn parse_file(path: &Path) -> Result<RawArray, DataError> {
    let place = place(path);
    let mut start = Vec::new();
    let open = || File::open(path).map_err(|error| DataError::io(&place, &error));
    open()?.take(2).read_to_end(&mut start).map_err(|error| DataError::io(&place, &error))?;
    match start.as_slice() {
        [] => Err(DataError::Empty { place }),
        magic if magic == GZIP_MAGIC => parse_stream(MultiGzDecoder::new(open()?), &place),
        _ => parse_stream(BufReader::new(open()?), &place),
    }
}

/// What [`read`] takes, if the header can be read.
pub(super) fn stored(path: &Path) -> Option<Stored> {
    let open = || File::open(path).ok();
    let length = open()?.metadata().ok()?.len();
    let mut start = Vec::new();
    open()?.take(2).read_to_end(&mut start).ok()?;
    let (mut stream, longest): (Box<dyn Read>, u64) = match start == GZIP_MAGIC {
        true => (Box::new(MultiGzDecoder::new(open()?)), length.saturating_mul(DEFLATE_LIMIT)),
        false => (Box::new(open()?), length),
    };
    let (_, count) = header(&mut stream, &place(path)).ok()?;
    // A header may promise more than there is.
    Some(Stored::pixels((count as u64).min(longest)))
}

fn parse_stream(mut stream: impl Read, place: &str) -> Result<RawArray, DataError> {
    let (shape, expected) = header(&mut stream, place)?;
    let elements = exactly(&mut stream, expected, "the IDX elements", place)?;
    let mut beyond = [0];
    // Reading past the end also makes the decompressor verify its checksum.
    if stream.read(&mut beyond).map_err(|error| damaged(place, &error))? > 0 {
        return Err(DataError::Length {
            place: place.to_owned(),
            part: "the IDX elements".to_owned(),
            expected: expected as u64,
            actual: expected as u64 + 1,
        });
    }
    Ok(RawArray { shape, elements: Elements::U8(elements) })
}

/// Reads what comes before the elements: the shape, and the number of elements, each of a byte.
fn header(mut stream: impl Read, place: &str) -> Result<(Vec<usize>, usize), DataError> {
    let magic = exactly(&mut stream, 4, "the IDX magic", place)?;
    if magic[..2] != [0, 0] {
        return Err(malformed(place, format!("starts with bytes {magic:02x?}, not with 00 00")));
    }
    if magic[2] != UNSIGNED_BYTE {
        return Err(DataError::ElementType {
            place: place.to_owned(),
            what: "the IDX array".to_owned(),
            dtype: format!("{:#04x}", magic[2]),
            supported: "unsigned bytes (0x08), or store floats as .npy",
        });
    }
    let rank = usize::from(magic[3]);
    let axes = exactly(&mut stream, 4 * rank, "the IDX axis lengths", place)?;
    let (axes, _) = axes.as_chunks::<4>();
    let shape: Vec<usize> = axes.iter().map(|&axis| u32::from_be_bytes(axis) as usize).collect();
    let expected = byte_count(&shape, 1)
        .ok_or_else(|| malformed(place, format!("the shape {shape:?} overflows")))?;
    Ok((shape, expected))
}

/// Reads `count` bytes. The buffer grows with what is there, not with what is promised.
fn exactly(
    stream: &mut impl Read,
    count: usize,
    part: &str,
    place: &str,
) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    match stream.take(count as u64).read_to_end(&mut bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            Err(damaged(place, &error))
        }
        _ if bytes.len() < count => Err(DataError::Length {
            place: place.to_owned(),
            part: part.to_owned(),
            expected: count as u64,
            actual: bytes.len() as u64,
        }),
        _ => Ok(bytes),
    }
}

fn damaged(place: &str, error: &std::io::Error) -> DataError {
    match error.kind() {
        std::io::ErrorKind::InvalidInput
        | std::io::ErrorKind::InvalidData
        | std::io::ErrorKind::UnexpectedEof => malformed(place, format!("damaged gzip: {error}")),
        _ => DataError::io(place, error),
    }
}

fn malformed(place: &str, detail: String) -> DataError {
    DataError::Malformed { place: place.to_owned(), format: "IDX", detail }
}

/// `train-images-idx3-ubyte.gz` → `train-labels-idx1-ubyte.gz` or the same without `.gz`.
fn labels_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (before, after) = name.split_once("images-idx3-ubyte")?;
    let plain = after.strip_suffix(".gz").unwrap_or(after);
    [after.to_owned(), plain.to_owned(), format!("{plain}.gz")]
        .into_iter()
        .map(|end| path.with_file_name(format!("{before}labels-idx1-ubyte{end}")))
        .find(|beside| beside.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: [u8; 14] = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9];

    #[test]
    fn reads_what_the_header_says() {
        let array = parse(&SMALL, "small").unwrap();
        assert_eq!(array, RawArray { shape: vec![1, 2], elements: Elements::U8(vec![7, 9]) });
    }

    #[test]
    fn promised_gigabytes_are_not_allocated() {
        let mut header = vec![0, 0, 8, 3];
        header.extend([0x7f; 12]);
        header.resize(100, 0);
        assert!(matches!(
            parse(&header, "big"),
            Err(DataError::Length { actual: 84, .. } | DataError::Malformed { .. })
        ));
    }

    #[test]
    fn a_byte_too_many_is_noticed() {
        let mut long = SMALL.to_vec();
        long.push(0);
        let error = parse(&long, "long").unwrap_err();
        assert!(matches!(error, DataError::Length { expected: 2, actual: 3, .. }), "{error}");
    }

    #[test]
    fn another_element_type_is_named() {
        let mut floats = SMALL;
        floats[2] = 0x0d;
        let error = parse(&floats, "floats").unwrap_err();
        assert!(error.to_string().contains("0x0d"), "{error}");
    }
}
