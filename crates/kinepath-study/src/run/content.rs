//! What tells whether the files of a run are as sampling left them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::table::{Column, Table};
use crate::data::hex;

/// SHA-256 of what sampling wrote, in hexadecimal. It is of values and not of files, so that an
/// evaluation, which adds columns, does not change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunContent {
    /// Number of columns that sampling wrote: the first ones of the table.
    pub columns: usize,
    /// Of these columns: SHA-256 of their digests, each that of its name, its kind and its values.
    pub table: String,
    /// Of the bytes of each tensor, by name.
    pub tensors: BTreeMap<String, String>,
}

/// The digest of a table, some rows at a time.
#[derive(Default)]
pub(crate) struct TableDigest(Vec<Sha256>);

impl TableDigest {
    /// The digest of the first columns of a whole table.
    pub(crate) fn of(table: &Table, columns: usize) -> String {
        let mut digest = Self::begun(table, columns);
        digest.update(table);
        digest.finish()
    }

    fn begun(rows: &Table, columns: usize) -> Self {
        let begun = |(name, column): (&str, &Column)| {
            Sha256::new().chain_update(name).chain_update([0]).chain_update(column.kind())
        };
        Self(rows.columns().take(columns).map(begun).collect())
    }

    /// Adds rows; all calls must have the same columns.
    pub(crate) fn update(&mut self, rows: &Table) {
        if self.0.is_empty() {
            *self = Self::begun(rows, usize::MAX);
        }
        for (digest, (_, column)) in self.0.iter_mut().zip(rows.columns()) {
            match column {
                Column::F64(values) => values.iter().for_each(|v| digest.update(v.to_le_bytes())),
                Column::I64(values) => values.iter().for_each(|v| digest.update(v.to_le_bytes())),
                Column::OptI64(values) => values.iter().for_each(|value| {
                    digest.update([u8::from(value.is_some())]);
                    digest.update(value.unwrap_or(0).to_le_bytes());
                }),
                Column::Bool(values) => values.iter().for_each(|&v| digest.update([u8::from(v)])),
            }
        }
    }

    pub(crate) fn finish(self) -> String {
        let columns = self.0.into_iter().map(Sha256::finalize);
        hex(columns.fold(Sha256::new(), Digest::chain_update).finalize().as_slice())
    }
}

/// Passes bytes on and keeps their digest.
pub(crate) struct Hashed<W> {
    to: W,
    digest: Sha256,
}

impl<W: Write> Hashed<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, digest: Sha256::new() }
    }

    pub(crate) fn finish(self) -> String {
        hex(self.digest.finalize().as_slice())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sha256_hex;

    fn table(labels: &[Option<i64>], kpe: &[f64]) -> Table {
        Table::new(vec![
            ("label".to_owned(), Column::OptI64(labels.to_vec())),
            ("kpe".to_owned(), Column::F64(kpe.to_vec())),
        ])
        .unwrap()
    }

    #[test]
    fn rows_may_come_in_pieces() {
        let all = table(&[Some(1), None, Some(0)], &[1.0, -0.0, f64::NAN]);
        let whole = TableDigest::of(&all, 2);
        let mut pieces = TableDigest::default();
        pieces.update(&table(&[Some(1)], &[1.0]));
        pieces.update(&table(&[None, Some(0)], &[-0.0, f64::NAN]));
        assert_eq!(pieces.finish(), whole);
        let others = [
            table(&[Some(1), Some(0), Some(0)], &[1.0, -0.0, f64::NAN]),
            table(&[Some(1), None, Some(0)], &[1.0, 0.0, f64::NAN]),
        ];
        assert!(others.iter().all(|other| TableDigest::of(other, 2) != whole));
    }

    #[test]
    fn bytes_pass_through() {
        let mut to = Vec::new();
        let mut hashed = Hashed::new(&mut to);
        hashed.write_all(b"ab").unwrap();
        hashed.write_all(b"c").unwrap();
        assert_eq!(hashed.finish(), sha256_hex(b"abc"));
        assert_eq!(to, b"abc");
    }
}
