//! Whether the parts of a file are as long as they say.
//!
//! ONNX files are Protocol Buffers: messages of fields, each field announcing its length. The
//! parser takes an announced length for granted, asks for that much memory, and takes some cuts
//! for an end, so the lengths are compared with the file first.

use std::io::{self, BufRead, Seek};

/// Which fields of a message are messages worth looking into.
struct Message(&'static [(u64, &'static Message)]);

static MODEL: Message = Message(&[(7, &GRAPH), (8, &LEAF)]);
static GRAPH: Message = Message(&[(1, &NODE), (5, &LEAF), (11, &LEAF), (12, &LEAF), (13, &LEAF)]);
static NODE: Message = Message(&[(5, &ATTRIBUTE)]);
static ATTRIBUTE: Message = Message(&[(5, &LEAF), (6, &GRAPH)]);
static LEAF: Message = Message(&[]);

/// Checks that the parts of an ONNX model fill its `length` bytes exactly.
///
/// The error says in words where they do not.
pub(crate) fn check(mut reader: impl BufRead + Seek, length: u64) -> Result<(), String> {
    check_message(&mut reader, &MODEL, 0, length)
}

fn check_message(
    reader: &mut (impl BufRead + Seek),
    message: &Message,
    start: u64,
    end: u64,
) -> Result<(), String> {
    let mut at = start;
    while at < end {
        let damaged = |error: io::Error| format!("damaged at byte {at}: {error}");
        let Field { number, head, payload } = field(reader).map_err(damaged)?;
        let inside = at + head;
        let next = inside.checked_add(payload).filter(|&next| next <= end);
        let next = next.ok_or_else(|| format!("the part at byte {at} runs past byte {end}"))?;
        match message.0.iter().find(|(child, _)| *child == number) {
            Some((_, child)) => check_message(reader, child, inside, next)?,
            // No larger than the file, so it fits.
            None => reader.seek_relative(payload as i64).map_err(damaged)?,
        }
        at = next;
    }
    Ok(())
}

/// A field: its number, the size of its tag and length, and the size of what follows.
struct Field {
    number: u64,
    head: u64,
    payload: u64,
}

/// Reads the head of a field; an integer is all head.
fn field(reader: &mut impl BufRead) -> io::Result<Field> {
    let (tag, tag_size) = varint(reader)?;
    let (head, payload) = match tag & 7 {
        0 => (tag_size + varint(reader)?.1, 0),
        1 => (tag_size, 8),
        2 => {
            let (length, length_size) = varint(reader)?;
            (tag_size + length_size, length)
        }
        5 => (tag_size, 4),
        _ => return Err(invalid("no field starts here")),
    };
    Ok(Field { number: tag >> 3, head, payload })
}

/// A variable-length integer and its own size.
fn varint(reader: &mut impl BufRead) -> io::Result<(u64, u64)> {
    let mut value = 0;
    for size in 1..=10 {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << (7 * (size - 1));
        if byte[0] < 0x80 {
            return Ok((value, size));
        }
    }
    Err(invalid("an integer does not end"))
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// An integer, three bytes, a fixed 32, a fixed 64, and a graph with a node of two bytes.
    const MODEL: &[u8] = b"\x08\x96\x01\x12\x03abc\x1d\x01\x02\x03\x04\
        \x21\x01\x02\x03\x04\x05\x06\x07\x08\x3a\x04\x0a\x02\x08\x01";

    fn check_bytes(bytes: &[u8]) -> Result<(), String> {
        check(Cursor::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn whole_messages_pass_and_cut_ones_do_not() {
        let whole = [0, 3, 8, 13, 22, 28];
        assert_eq!(MODEL.len(), 28);
        for length in 0..=MODEL.len() {
            assert_eq!(check_bytes(&MODEL[..length]).is_ok(), whole.contains(&length), "{length}");
        }
    }

    #[test]
    fn a_part_that_outgrows_its_parent_is_found() {
        let mut model = MODEL.to_vec();
        model[25] = 3;
        assert_eq!(check_bytes(&model), Err("the part at byte 24 runs past byte 28".into()));
    }

    #[test]
    fn absurd_lengths_are_no_arithmetic_problem() {
        let huge = b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(check_bytes(huge), Err("the part at byte 0 runs past byte 11".into()));
        assert!(check_bytes(&[0xff; 20]).is_err());
    }
}
