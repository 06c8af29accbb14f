//! Files that promise more than they hold.

use super::*;

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn table(rows: usize) -> Vec<u8> {
    let columns = vec![
        ("index".to_owned(), Column::I64(vec![7; rows])),
        ("label".to_owned(), Column::OptI64(vec![None; rows])),
    ];
    let (rows, mut bytes) = (Table::new(columns).unwrap(), Vec::new());
    let file = begin(&rows, &mut bytes).unwrap();
    TableWriter { file, rows }.finish().unwrap();
    bytes
}

fn refused(bytes: &[u8]) -> String {
    read(file_of(bytes).path()).unwrap_err().to_string()
}

/// `bytes` with the footer changed, and its length with it.
fn with_footer(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (rest, end) = bytes.split_at(bytes.len() - 8);
    let length = u32::from_le_bytes([end[0], end[1], end[2], end[3]]) as usize;
    let (start, footer) = rest.split_at(rest.len() - length);
    let mut footer = footer.to_vec();
    change(&mut footer);
    let length = (footer.len() as u32).to_le_bytes();
    [start, &footer, &length, b"PAR1"].concat()
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap() + part.len()
}

#[test]
fn a_table_is_read_as_long_as_its_file_is_worth_it() {
    assert_eq!(read(file_of(&table(1000)).path()).unwrap().rows(), 1000);
    // Two million equal values take a few kilobytes.
    let many = table(1_000_000);
    let most = 256 * many.len();
    assert!(most < 2_000_000, "{}", many.len());
    assert!(refused(&many).contains(&format!("promises more than {most} values")));
}

#[test]
fn a_schema_of_other_columns_than_it_says_is_refused() {
    let whole = table(3);
    assert_eq!(with_footer(&whole, |_| ()), whole);
    // The root's number of children, 2 in zigzag form, becomes 2³⁰: 8 GiB of columns.
    let absurd = with_footer(&whole, |footer| {
        let at = position(footer, b"\x06schema\x15");
        footer.splice(at..=at, [0x80, 0x80, 0x80, 0x80, 0x08]);
    });
    assert!(refused(&absurd).contains("another number of columns"), "{}", refused(&absurd));
    // A column with a child, which the root counts as its own.
    let nested = with_footer(&whole, |footer| {
        let at = position(footer, b"\x05index");
        footer.splice(at..at, [0x15, 0x02]);
    });
    assert!(refused(&nested).contains("another number of columns"), "{}", refused(&nested));
    let cut = &whole[whole.len() - 7..];
    assert!(refused(cut).contains("too short"), "{}", refused(cut));
}

/// What the Parquet crate would take for something else, or never come back from: it gives a boolean in a
/// list no bytes, and reads a known field as what it should be.
#[test]
fn a_footer_that_two_readers_understand_differently_is_refused() {
    let whole = table(3);
    // Behind the last known field, 2³¹ − 1 booleans.
    let endless = with_footer(&whole, |footer| {
        let end = footer.len() - 1;
        footer.splice(end..end, [0xf9, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07]);
    });
    assert!(refused(&endless).contains("a list holds booleans"), "{}", refused(&endless));
    // The version, a number, becomes a list of nothing.
    let another = with_footer(&whole, |footer| {
        assert_eq!(footer[0], 0x15);
        footer[0] = 0x19;
    });
    assert!(refused(&another).contains("not of the kind"), "{}", refused(&another));
    // The same field by its full number.
    let anew = with_footer(&whole, |footer| {
        footer.splice(0..1, [0x05, 0x02]);
    });
    assert!(refused(&anew).contains("a number of its own"), "{}", refused(&anew));
}
