//! Whether the parts of a file are as long as they say.
//!
//! ONNX files are Protocol Buffers: messages of fields, each field announcing its length. The
//! parser takes an announced length for granted, asks for that much memory, takes some cuts for an
//! end, reads on in the middle of numbers that are cut, and never comes back from an integer without
//! an end (rten-onnx 0.27.0), so everything that it looks into is looked into here first.

use std::io::{self, BufRead, Seek};
use std::ops::Range;

/// The fields of a message that are worth looking into.
struct Message(&'static [(u64, Part)]);

/// What such a field holds.
#[derive(Clone, Copy)]
enum Part {
    Of(&'static Message),
    /// Integers of variable length, one after the other.
    Integers,
    /// Numbers of this many bytes.
    Numbers(u64),
}
use Part::{Integers, Numbers, Of};

static MODEL: Message = Message(&[
    (7, Of(&GRAPH)),
    (8, Of(&LEAF)),
    (14, Of(&LEAF)),
    (20, Of(&TRAINING)),
    (25, Of(&FUNCTION)),
]);
static TRAINING: Message = Message(&[(1, Of(&GRAPH)), (2, Of(&GRAPH))]);
static FUNCTION: Message = Message(&[(7, Of(&NODE)), (11, Of(&ATTRIBUTE))]);
static GRAPH: Message = Message(&[
    (1, Of(&NODE)),
    (5, Of(&TENSOR)),
    (11, Of(&VALUE)),
    (12, Of(&VALUE)),
    (13, Of(&VALUE)),
    (15, Of(&SPARSE)),
]);
static NODE: Message = Message(&[(5, Of(&ATTRIBUTE))]);
static ATTRIBUTE: Message = Message(&[
    (5, Of(&TENSOR)),
    (6, Of(&GRAPH)),
    (10, Of(&TENSOR)),
    (11, Of(&GRAPH)),
    (22, Of(&SPARSE)),
    (23, Of(&SPARSE)),
]);
static SPARSE: Message = Message(&[(1, Of(&TENSOR)), (2, Of(&TENSOR))]);
static TENSOR: Message = Message(&[
    (4, Numbers(4)),
    (5, Integers),
    (7, Integers),
    (10, Numbers(8)),
    (EXTERNAL, Of(&LEAF)),
]);
static VALUE: Message = Message(&[(2, Of(&TYPE))]);
static TYPE: Message = Message(&[(1, Of(&TENSOR_TYPE)), (4, Of(&SEQUENCE))]);
static TENSOR_TYPE: Message = Message(&[(2, Of(&SHAPE))]);
static SEQUENCE: Message = Message(&[(1, Of(&TYPE))]);
static SHAPE: Message = Message(&[(1, Of(&LEAF))]);
static LEAF: Message = Message(&[]);

/// The field of a tensor that tells of a file with its numbers, a line of it each.
const EXTERNAL: u64 = 13;
/// How deep messages lie in each other: a graph in a graph is three levels. Parsers call themselves
/// for each, and would run out of stack.
const DEPTH: usize = 96;

/// Checks that the parts of an ONNX model fill its `length` bytes exactly, and gives the number of
/// lines that tell of files with weights, wherever in the model they are.
///
/// The error says in words where the parts do not.
pub(crate) fn check(mut reader: impl BufRead + Seek, length: u64) -> Result<usize, String> {
    check_message(&mut reader, &MODEL, 0..length, DEPTH)
}

fn check_message(
    reader: &mut (impl BufRead + Seek),
    message: &'static Message,
    Range { start, end }: Range<u64>,
    depth: usize,
) -> Result<usize, String> {
    let (mut at, mut external) = (start, 0);
    let depth = depth.checked_sub(1).ok_or_else(|| format!("graphs lie too deep at byte {at}"))?;
    while at < end {
        let damaged = |error: io::Error| format!("damaged at byte {at}: {error}");
        let Field { number, head, payload } = field(reader).map_err(damaged)?;
        let inside = at + head;
        let next = inside.checked_add(payload).filter(|&next| next <= end);
        let next = next.ok_or_else(|| format!("the part at byte {at} runs past byte {end}"))?;
        external += usize::from(std::ptr::eq(message, &TENSOR) && number == EXTERNAL);
        match message.0.iter().find(|(child, _)| *child == number).map(|(_, part)| *part) {
            Some(Of(child)) => external += check_message(reader, child, inside..next, depth)?,
            Some(Integers) => integers(reader, payload).map_err(damaged)?,
            Some(Numbers(size)) if !payload.is_multiple_of(size) => {
                return Err(format!("the part at byte {at} is cut within a number"));
            }
            // No larger than the file, so it fits.
            Some(Numbers(_)) | None => reader.seek_relative(payload as i64).map_err(damaged)?,
        }
        at = next;
    }
    Ok(external)
}

/// Passes over integers that fill so many bytes.
fn integers(reader: &mut impl BufRead, mut left: u64) -> io::Result<()> {
    while left > 0 {
        let size = varint(reader)?.1;
        left = left.checked_sub(size).ok_or_else(|| invalid("an integer does not end"))?;
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

    fn check_bytes(bytes: &[u8]) -> Result<usize, String> {
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

    /// A field of `bytes`.
    fn part(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = [bytes.len() as u8 & 0x7f | 0x80, (bytes.len() >> 7) as u8];
        [&[number << 3 | 2][..], &length, bytes].concat()
    }

    #[test]
    fn lines_of_files_with_weights_are_counted_everywhere() {
        let tensor = part(13, b"\x0a\x08location");
        let [listed, sparse] = [part(5, &tensor), part(15, &part(1, &tensor))];
        let many = part(1, &part(5, &part(10, &tensor)));
        assert_eq!(check_bytes(&part(7, &[listed, sparse, many].concat())), Ok(3));
        assert_eq!(check_bytes(&part(7, &part(2, &tensor))), Ok(0));
    }

    /// `bytes` as the shape's only axis of a graph's input.
    fn axis(bytes: &[u8]) -> Vec<u8> {
        let shape = part(1, &part(2, &part(1, bytes)));
        part(7, &part(11, &part(2, &shape)))
    }

    #[test]
    fn integers_end_wherever_they_are() {
        assert_eq!(check_bytes(&axis(&[0x08, 0x07])), Ok(0));
        let endless = [&[0x08][..], &[0x89; 20]].concat();
        let error = check_bytes(&axis(&endless)).unwrap_err();
        assert!(error.contains("an integer does not end"), "{error}");
        let long = check_bytes(&axis(&[0x12, 0xff, 0xff, 0x7f])).unwrap_err();
        assert!(long.contains("runs past"), "{long}");
        let list = |bytes: &[u8]| check_bytes(&part(7, &part(5, &part(7, bytes))));
        assert_eq!(list(&[0x01, 0x80, 0x01]), Ok(0));
        assert!(list(&[0x01, 0x80]).is_err() && list(&[0x89; 20]).is_err());
        let floats = |bytes: &[u8]| check_bytes(&part(7, &part(5, &part(4, bytes))));
        assert_eq!(floats(&[0; 8]), Ok(0));
        assert!(floats(&[0; 7]).unwrap_err().contains("cut within a number"));
    }

    #[test]
    fn graphs_in_graphs_end() {
        let nested =
            |levels| (0..levels).fold(Vec::new(), |graph, _| part(1, &part(5, &part(6, &graph))));
        assert_eq!(check_bytes(&part(7, &nested(20))), Ok(0));
        let error = check_bytes(&part(7, &nested(40))).unwrap_err();
        assert!(error.contains("too deep"), "{error}");
    }

    #[test]
    fn absurd_lengths_are_no_arithmetic_problem() {
        let huge = b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(check_bytes(huge), Err("the part at byte 0 runs past byte 11".into()));
        assert!(check_bytes(&[0xff; 20]).is_err());
    }
}
