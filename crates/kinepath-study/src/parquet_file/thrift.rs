//! Thrift structures in the
//! [compact protocol](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md),
//! field by field: as much of it as it takes to look into a Parquet file.

use std::io::{self, BufRead};

use super::shapes::{Shape, Value};

/// The kind of a field that holds a byte.
pub(super) const BYTE: u8 = 3;
/// The kind of a field that holds a 16-bit integer.
pub(super) const I16: u8 = 4;
/// The kind of a field that holds a 32-bit integer.
pub(super) const I32: u8 = 5;
/// The kind of a field that holds a 64-bit integer.
pub(super) const I64: u8 = 6;
/// The kind of a field that holds a number in f64.
pub(super) const DOUBLE: u8 = 7;
/// The kind of a field that holds bytes.
pub(super) const BINARY: u8 = 8;
/// The kind of a field that holds a list.
pub(super) const LIST: u8 = 9;
/// The kind of a field that holds a set, which is written as a list.
const SET: u8 = 10;
/// The kind of a field that holds a structure.
pub(super) const STRUCT: u8 = 12;

/// How deep values lie in each other, in any file that means it.
const DEPTH: u32 = 32;

/// A reader of no more than so many bytes.
pub(super) struct Thrift<'a, R> {
    source: &'a mut R,
    /// Bytes that have not been read.
    pub(super) left: u64,
}

impl<'a, R: BufRead> Thrift<'a, R> {
    /// The structures in the next `length` bytes of `source`.
    pub(super) fn new(source: &'a mut R, length: u64) -> Self {
        Self { source, left: length }
    }

    /// Goes to the next field of a structure and gives its kind, or `None` at the end. `id` is the
    /// number of the field before, 0 at the start, and becomes that of this one.
    pub(super) fn field(&mut self, id: &mut i64) -> io::Result<Option<u8>> {
        let head = self.byte()?;
        match (head & 0x0f, head >> 4) {
            (0, _) => return Ok(None),
            // What writes a number in full skips fifteen that nobody knows, or goes back.
            (_, 0) => return Err(invalid("a field has a number of its own")),
            (_, step) => *id += i64::from(step),
        }
        Ok(Some(head & 0x0f))
    }

    /// Begins a list: the kind of its values, and how many there are.
    pub(super) fn list(&mut self) -> io::Result<(u8, u64)> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Ok((head & 0x0f, count))
    }

    /// An integer that counts something.
    pub(super) fn count(&mut self) -> io::Result<u64> {
        u64::try_from(self.integer()?).map_err(|_| invalid("a number that counts is negative"))
    }

    /// Passes over a structure, in which the fields that `shape` knows hold what it says.
    pub(super) fn check(&mut self, shape: Shape) -> io::Result<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            self.check_field(shape, id, kind)?;
        }
        Ok(())
    }

    /// Passes over the value of field `id`, which holds what `shape` says if it knows it.
    pub(super) fn check_field(&mut self, shape: Shape, id: i64, kind: u8) -> io::Result<()> {
        match shape.iter().find(|(known, _)| *known == id) {
            Some((_, Value::Bool)) if matches!(kind, 1 | 2) => Ok(()),
            Some((_, value)) => self.check_value(value, kind),
            None => self.skip(kind),
        }
    }

    fn check_value(&mut self, value: &Value, kind: u8) -> io::Result<()> {
        match value {
            Value::Plain(known) if *known == kind => self.skip_within(kind, DEPTH),
            Value::Struct(shape) if kind == STRUCT => self.check(shape),
            Value::List(of) if kind == LIST => {
                let (kind, count) = self.list()?;
                // A value takes a byte at least, so that this ends with the file.
                (0..count).try_for_each(|_| self.check_value(of, kind))
            }
            _ => Err(invalid("a field is not of the kind that it should be")),
        }
    }

    /// Passes over the value of a field.
    pub(super) fn skip(&mut self, kind: u8) -> io::Result<()> {
        // In a field, the kind says which of the two a boolean is.
        if matches!(kind, 1 | 2) { Ok(()) } else { self.skip_within(kind, DEPTH) }
    }

    fn skip_within(&mut self, kind: u8, depth: u32) -> io::Result<()> {
        let depth = depth.checked_sub(1).ok_or_else(|| invalid("values lie too deep"))?;
        match kind {
            // A boolean in a list: a byte as the protocol has it, and none to the Parquet crate.
            1 | 2 => Err(invalid("a list holds booleans")),
            BYTE => self.pass(1),
            I16..=I64 => self.varint().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            // A value takes a byte at least, so that this ends with the file.
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_within(kind, depth))
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    if !matches!(kind, 1 | 2) {
                        self.skip_within(kind, depth)?;
                    }
                }
                Ok(())
            }
            // Maps among them, which Parquet has no use for.
            _ => Err(invalid("a field is of an unknown kind")),
        }
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        self.take(length)?;
        let passed = io::copy(&mut io::Read::take(&mut *self.source, length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.take(1)?;
        self.source.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn take(&mut self, length: u64) -> io::Result<()> {
        let left = self.left.checked_sub(length);
        self.left = left.ok_or_else(|| invalid("a structure runs past its end"))?;
        Ok(())
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid("an integer does not end"))
    }

    /// An integer in zigzag form.
    fn integer(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

pub(super) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
