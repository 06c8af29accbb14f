//! Inputs that stand for more than one file, or for the content of a packed one.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Cuts an input into `N` files: the lengths of all but the last come first, two bytes each. What
/// is not there is empty.
pub(crate) fn split<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let (lengths, mut rest) = input.split_at(input.len().min(2 * (N - 1)));
    let (lengths, _) = lengths.as_chunks::<2>();
    let mut parts = [&[][..]; N];
    for (at, part) in parts.iter_mut().enumerate() {
        let wanted =
            lengths.get(at).map_or(rest.len(), |&length| u16::from_le_bytes(length).into());
        (*part, rest) = rest.split_at(rest.len().min(wanted));
    }
    parts
}

/// The input that [`split`] cuts into these files.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let lengths = parts.iter().rev().skip(1).rev().map(|part| part.len() as u16);
    lengths.flat_map(u16::to_le_bytes).chain(parts.concat()).collect()
}

/// A gzip file of `content` as it is, with the checksum it needs: a changed byte of a real one would
/// hardly get past it.
pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

/// A zip archive of `members` as they are, with their checksums.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        // Writing into memory cannot fail.
        let _ = archive.start_file(*name, stored);
        let _ = archive.write_all(content);
    }
    archive.finish().map(Cursor::into_inner).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_split() {
        let parts = [&b"run"[..], b"", b"samples"];
        assert_eq!(split::<3>(&join(&parts)), parts);
        assert_eq!(split::<3>(b""), [b"", b"", b""]);
        assert_eq!(split::<2>(b"\xff\xffshort"), [&b"short"[..], b""]);
    }
}
