//! Whether the parts of a Parquet file are what they say, before they are decoded.
//!
//! Schema and pages announce how many there are, how long they become and what they hold. The
//! Parquet crate (as of 60.1) asks for that much memory at once, so the numbers are held against
//! the file first.

use std::io::{self, BufRead, Seek, SeekFrom};

use super::shapes;
use super::thrift::{I32, LIST, STRUCT, Thrift, invalid};

/// What ends a file, behind the length of the footer.
const MAGIC: &[u8; 4] = b"PAR1";
/// What snappy can shrink by at most: a copy of up to 64 bytes takes three.
const SNAPPY_LIMIT: u64 = 22;
/// The type of a page that is a dictionary.
const DICTIONARY: u64 = 2;
/// How deep columns lie in each other, in any file that means it.
const NESTING: usize = 32;

/// Checks that the schema in the footer of a file of `length` bytes is a tree of columns, as many as it
/// says.
pub(super) fn check_schema(file: &mut (impl BufRead + Seek), length: u64) -> io::Result<()> {
    let mut end = [0; 8];
    let tail = length.checked_sub(8).ok_or_else(|| invalid("the file is too short"))?;
    file.seek(SeekFrom::Start(tail))?;
    file.read_exact(&mut end)?;
    let ([footer @ .., _, _, _, _], magic) = (end, &end[4..]);
    let footer = u64::from(u32::from_le_bytes(footer));
    if magic != MAGIC {
        return Err(invalid("the file does not end like one"));
    }
    let start = tail.checked_sub(footer).ok_or_else(|| invalid("the footer has no room"))?;
    file.seek(SeekFrom::Start(start))?;
    let mut thrift = Thrift::new(file, footer);
    let mut id = 0;
    while let Some(kind) = thrift.field(&mut id)? {
        if (id, kind) == (2, LIST) {
            check_elements(&mut thrift)?;
        } else {
            thrift.check_field(shapes::FILE, id, kind)?;
        }
    }
    Ok(())
}

/// Passes over the elements of a schema: the root and what lies in it, depth first, each with the number of
/// elements that lie in it directly.
fn check_elements(thrift: &mut Thrift<'_, impl BufRead>) -> io::Result<()> {
    let (kind, count) = thrift.list()?;
    if kind != STRUCT {
        return Err(invalid("the schema is no list of columns"));
    }
    // How many are still to come of those that lie in each element around.
    let mut around: Vec<u64> = Vec::new();
    for element in 0..count {
        let (mut id, mut children) = (0, 0);
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (5, I32) => children = thrift.count()?,
                _ => thrift.check_field(shapes::SCHEMA_ELEMENT, id, kind)?,
            }
        }
        match around.last_mut() {
            Some(left) => *left -= 1,
            None if element == 0 => {}
            None => return Err(another_number()),
        }
        if children > count - 1 - element {
            return Err(another_number());
        }
        around.push(children);
        if around.len() > NESTING {
            return Err(invalid("its columns lie too deep in each other"));
        }
        while around.pop_if(|left| *left == 0).is_some() {}
    }
    if around.is_empty() { Ok(()) } else { Err(another_number()) }
}

fn another_number() -> io::Error {
    invalid("the schema has another number of columns than it says")
}

/// Checks the pages of a column of `rows` values in the `length` bytes from `start` on.
///
/// A page becomes no longer than snappy allows, a dictionary has no more values than bytes, and the
/// other pages have no more than `rows` together.
pub(super) fn check_pages(
    file: &mut (impl BufRead + Seek),
    start: u64,
    length: u64,
    rows: u64,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    let (mut left, mut values_left) = (length, rows);
    while left > 0 {
        let mut thrift = Thrift::new(file, left);
        let page = Page::read(&mut thrift)?;
        let rest = thrift.left.checked_sub(page.compressed);
        left = rest.ok_or_else(|| invalid("a page runs past its column"))?;
        if page.uncompressed > page.compressed.saturating_mul(SNAPPY_LIMIT) {
            return Err(invalid("a page would become longer than its bytes allow"));
        }
        if page.is_dictionary && page.values > page.uncompressed {
            return Err(invalid("a dictionary has more values than bytes"));
        }
        if !page.is_dictionary {
            let rest = values_left.checked_sub(page.values);
            values_left = rest.ok_or_else(|| invalid("a column has more values than rows"))?;
        }
        // No longer than the file, so it fits.
        file.seek_relative(page.compressed as i64)?;
    }
    Ok(())
}

/// What the header of a page says of its size.
#[derive(Debug, Default)]
struct Page {
    uncompressed: u64,
    compressed: u64,
    values: u64,
    is_dictionary: bool,
}

impl Page {
    fn read(thrift: &mut Thrift<'_, impl BufRead>) -> io::Result<Self> {
        let (mut page, mut id) = (Self::default(), 0);
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (1, I32) => page.is_dictionary = thrift.count()? == DICTIONARY,
                (2, I32) => page.uncompressed = thrift.count()?,
                (3, I32) => page.compressed = thrift.count()?,
                // The headers of data pages of both versions, and of a dictionary.
                (5 | 7 | 8, STRUCT) => {
                    let header = match id {
                        5 => shapes::DATA_PAGE,
                        7 => shapes::DICTIONARY_PAGE,
                        _ => shapes::DATA_PAGE_V2,
                    };
                    let mut id = 0;
                    while let Some(kind) = thrift.field(&mut id)? {
                        match (id, kind) {
                            // The type says which header counts, and there should be one.
                            (1, I32) => page.values = page.values.max(thrift.count()?),
                            _ => thrift.check_field(header, id, kind)?,
                        }
                    }
                }
                _ => thrift.check_field(shapes::PAGE, id, kind)?,
            }
        }
        Ok(page)
    }
}
