//! The structures of the Parquet format, as far as its readers know them.
//!
//! Transcribed from [`parquet.thrift`](https://github.com/apache/parquet-format). The Parquet crate (as
//! of 60.1) reads a known field by its number and never looks at its kind, so that a field of another
//! kind makes it take bytes for something else than they are.

use super::thrift::{BINARY, BYTE, DOUBLE, I16, I32, I64};

/// The known fields of a structure: the number and the value of each.
pub(super) type Shape = &'static [(i64, Value)];

/// The value of a field.
pub(super) enum Value {
    /// A boolean, which in a field has no bytes of its own.
    Bool,
    /// A value of this kind, which has no parts.
    Plain(u8),
    /// A structure.
    Struct(Shape),
    /// Values of one sort.
    List(&'static Value),
}

use Value::{Bool, List, Plain, Struct};

const EMPTY: Value = Struct(&[]);

const TIME_UNIT: Value = Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]);
const LOGICAL_TYPE: Shape = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Struct(&[(1, Plain(I32)), (2, Plain(I32))])),
    (6, EMPTY),
    (7, Struct(&[(1, Bool), (2, TIME_UNIT)])),
    (8, Struct(&[(1, Bool), (2, TIME_UNIT)])),
    (10, Struct(&[(1, Plain(BYTE)), (2, Bool)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Struct(&[(1, Plain(BYTE))])),
    (17, Struct(&[(1, Plain(BINARY))])),
    (18, Struct(&[(1, Plain(BINARY)), (2, Plain(I32))])),
];

/// A column, or the root of all.
pub(super) const SCHEMA_ELEMENT: Shape = &[
    (1, Plain(I32)),
    (2, Plain(I32)),
    (3, Plain(I32)),
    (4, Plain(BINARY)),
    (5, Plain(I32)),
    (6, Plain(I32)),
    (7, Plain(I32)),
    (8, Plain(I32)),
    (9, Plain(I32)),
    (10, Struct(LOGICAL_TYPE)),
];

const STATISTICS: Shape = &[
    (1, Plain(BINARY)),
    (2, Plain(BINARY)),
    (3, Plain(I64)),
    (4, Plain(I64)),
    (5, Plain(BINARY)),
    (6, Plain(BINARY)),
    (7, Bool),
    (8, Bool),
    (9, Plain(I64)),
];

const KEY_VALUE: Value = Struct(&[(1, Plain(BINARY)), (2, Plain(BINARY))]);
const COUNTS: Value = List(&Plain(I64));
const BOUNDING_BOX: Shape = &[
    (1, Plain(DOUBLE)),
    (2, Plain(DOUBLE)),
    (3, Plain(DOUBLE)),
    (4, Plain(DOUBLE)),
    (5, Plain(DOUBLE)),
    (6, Plain(DOUBLE)),
    (7, Plain(DOUBLE)),
    (8, Plain(DOUBLE)),
];

const COLUMN_METADATA: Shape = &[
    (1, Plain(I32)),
    (2, List(&Plain(I32))),
    (3, List(&Plain(BINARY))),
    (4, Plain(I32)),
    (5, Plain(I64)),
    (6, Plain(I64)),
    (7, Plain(I64)),
    (8, List(&KEY_VALUE)),
    (9, Plain(I64)),
    (10, Plain(I64)),
    (11, Plain(I64)),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Plain(I32)), (2, Plain(I32)), (3, Plain(I32))]))),
    (14, Plain(I64)),
    (15, Plain(I32)),
    (16, Struct(&[(1, Plain(I64)), (2, COUNTS), (3, COUNTS)])),
    (17, Struct(&[(1, Struct(BOUNDING_BOX)), (2, List(&Plain(I32)))])),
];

const COLUMN_CHUNK: Shape = &[
    (1, Plain(BINARY)),
    (2, Plain(I64)),
    (3, Struct(COLUMN_METADATA)),
    (4, Plain(I64)),
    (5, Plain(I32)),
    (6, Plain(I64)),
    (7, Plain(I32)),
    (9, Plain(BINARY)),
];

const ROW_GROUP: Shape = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, Plain(I64)),
    (3, Plain(I64)),
    (4, List(&Struct(&[(1, Plain(I32)), (2, Bool), (3, Bool)]))),
    (5, Plain(I64)),
    (6, Plain(I64)),
    (7, Plain(I16)),
];

/// The footer of a file.
pub(super) const FILE: Shape = &[
    (1, Plain(I32)),
    (2, List(&Struct(SCHEMA_ELEMENT))),
    (3, Plain(I64)),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&KEY_VALUE)),
    (6, Plain(BINARY)),
    (7, List(&Struct(&[(1, EMPTY)]))),
];

/// The header of a page of values, in the first version and the second.
pub(super) const DATA_PAGE: Shape =
    &[(1, Plain(I32)), (2, Plain(I32)), (3, Plain(I32)), (4, Plain(I32)), (5, Struct(STATISTICS))];
pub(super) const DATA_PAGE_V2: Shape = &[
    (1, Plain(I32)),
    (2, Plain(I32)),
    (3, Plain(I32)),
    (4, Plain(I32)),
    (5, Plain(I32)),
    (6, Plain(I32)),
    (7, Bool),
    (8, Struct(STATISTICS)),
];
/// The header of a dictionary.
pub(super) const DICTIONARY_PAGE: Shape = &[(1, Plain(I32)), (2, Plain(I32)), (3, Bool)];

/// The header of any page.
pub(super) const PAGE: Shape = &[
    (1, Plain(I32)),
    (2, Plain(I32)),
    (3, Plain(I32)),
    (4, Plain(I32)),
    (5, Struct(DATA_PAGE)),
    (6, EMPTY),
    (7, Struct(DICTIONARY_PAGE)),
    (8, Struct(DATA_PAGE_V2)),
];
