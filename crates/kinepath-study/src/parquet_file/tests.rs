//! Pages that promise more than they hold.

use std::io::Cursor;

use super::frame;

/// An integer field of the next number.
fn integer(value: u64) -> Vec<u8> {
    let (mut bytes, mut rest) = (vec![0x15], value << 1);
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// A page of a data page's (0) or a dictionary's (2) header and `compressed` bytes.
fn page(kind: u64, uncompressed: u64, compressed: u64, values: u64) -> Vec<u8> {
    let header = if kind == 0 { 0x2c } else { 0x4c };
    let sizes = [integer(kind), integer(uncompressed), integer(compressed)].concat();
    let end = vec![0; 2 + compressed as usize];
    [&sizes, &[header][..], &integer(values), &end].concat()
}

fn check(bytes: &[u8], rows: u64) -> String {
    let length = bytes.len() as u64;
    frame::check_pages(&mut Cursor::new(bytes), 0, length, rows)
        .map_or_else(|error| error.to_string(), |()| "fits".to_owned())
}

#[test]
fn pages_that_promise_more_than_they_hold_are_refused() {
    let dictionary = page(2, 16, 16, 2);
    let pages = [dictionary.clone(), page(0, 220, 10, 60), page(0, 10, 10, 40)].concat();
    assert_eq!(check(&pages, 100), "fits");
    assert_eq!(check(&pages, 99), "a column has more values than rows");
    let long = page(0, 1 << 31, 10, 3);
    assert_eq!(check(&long, 3), "a page would become longer than its bytes allow");
    let wide = page(2, 16, 16, 1 << 31);
    assert_eq!(check(&wide, 3), "a dictionary has more values than bytes");
    let outside = &page(0, 10, 100, 3)[..20];
    assert_eq!(check(outside, 3), "a page runs past its column");
    assert_eq!(check(&dictionary[..5], 3), "a structure runs past its end");
    // Statistics of 2⁶⁰ bytes, for which the Parquet crate would ask at once.
    let statistics = [0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    let start = [integer(0), integer(1), integer(1), vec![0x2c], integer(1)].concat();
    let text = [&start, &[0x4c][..], &statistics, &[0; 8]].concat();
    assert_eq!(check(&text, 3), "a structure runs past its end");
    // Lists in lists, one after the other: no reader may call itself for each.
    let deep = [&[0x99][..], &[0x19; 100_000]].concat();
    assert_eq!(check(&deep, 3), "values lie too deep");
}
