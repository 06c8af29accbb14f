//! A table of named columns, one row a sample.

use thiserror::Error;

/// Columns of equal length under distinct names, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Energies, distances, scores; NaN where a value is undefined.
    F64(Vec<f64>),
    /// Counts and indices.
    I64(Vec<i64>),
    /// Integers that may be absent, such as labels.
    OptI64(Vec<Option<i64>>),
    /// Yes or no.
    Bool(Vec<bool>),
}

/// A table that does not hold together, or a column that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// A column of another length than the others.
    #[error("column '{name}' has {actual} rows, the others have {expected}")]
    Length {
        /// The column.
        name: String,
        /// Its rows.
        actual: usize,
        /// The table's rows.
        expected: usize,
    },
    /// Two columns of one name.
    #[error("two columns are named '{name}'")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// No column of that name.
    #[error("no column '{name}'; there are {found}")]
    Missing {
        /// The name asked for.
        name: String,
        /// The names there are.
        found: String,
    },
    /// A column of another kind than asked for.
    #[error("column '{name}' holds {actual}, not {expected}")]
    Kind {
        /// The column.
        name: String,
        /// The kind it has.
        actual: &'static str,
        /// The kind asked for.
        expected: &'static str,
    },
}

impl Column {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::OptI64(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows `rows`, which must be within the column.
    #[must_use]
    pub(crate) fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        match self {
            Self::F64(values) => Self::F64(values[rows].to_vec()),
            Self::I64(values) => Self::I64(values[rows].to_vec()),
            Self::OptI64(values) => Self::OptI64(values[rows].to_vec()),
            Self::Bool(values) => Self::Bool(values[rows].to_vec()),
        }
    }

    /// The kind in words: `f64`, `i64`, `optional i64` or `bool`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::F64(_) => "f64",
            Self::I64(_) => "i64",
            Self::OptI64(_) => "optional i64",
            Self::Bool(_) => "bool",
        }
    }
}

impl Table {
    /// A table of `columns`.
    ///
    /// # Errors
    /// [`TableError`] when lengths differ or a name comes twice.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self, TableError> {
        let mut table = Self::default();
        for (name, column) in columns {
            if table.get(&name).is_some() {
                return Err(TableError::Duplicate { name });
            }
            table.set(&name, column)?;
        }
        Ok(table)
    }

    /// Number of rows; 0 without columns.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The columns and their names, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// The columns themselves.
    pub(crate) fn into_columns(self) -> Vec<(String, Column)> {
        self.columns
    }

    /// The column of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(other, _)| other == name).map(|(_, column)| column)
    }

    /// Adds a column at the end, or replaces the one of that name where it stands.
    ///
    /// # Errors
    /// [`TableError::Length`] when its length differs from the other columns'.
    pub fn set(&mut self, name: &str, column: Column) -> Result<(), TableError> {
        let others = self.columns.iter().find(|(other, _)| other != name);
        if let Some((_, other)) = others
            && other.len() != column.len()
        {
            return Err(TableError::Length {
                name: name.to_owned(),
                actual: column.len(),
                expected: other.len(),
            });
        }
        match self.columns.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = column,
            None => self.columns.push((name.to_owned(), column)),
        }
        Ok(())
    }

    /// The values of a column of f64.
    ///
    /// # Errors
    /// [`TableError`] when there is no such column, or it is of another kind.
    pub fn f64(&self, name: &str) -> Result<&[f64], TableError> {
        match self.require(name)? {
            Column::F64(values) => Ok(values),
            other => Err(wrong_kind(name, other, "f64")),
        }
    }

    /// The values of a column of i64, also of an optional one without gaps (other programs write
    /// every column as optional).
    ///
    /// # Errors
    /// [`TableError`] when there is no such column, it is of another kind, or it has gaps.
    pub fn i64(&self, name: &str) -> Result<Vec<i64>, TableError> {
        let column = self.require(name)?;
        match column {
            Column::I64(values) => Some(values.clone()),
            Column::OptI64(values) => values.iter().copied().collect(),
            Column::F64(_) | Column::Bool(_) => None,
        }
        .ok_or_else(|| wrong_kind(name, column, "i64 in every row"))
    }

    /// Adds the rows of `other`, which has the same columns in the same order.
    ///
    /// # Errors
    /// [`TableError`] when it does not.
    pub fn append(&mut self, other: Self) -> Result<(), TableError> {
        if self.columns.is_empty() {
            *self = other;
            return Ok(());
        }
        if self.columns.len() != other.columns.len() {
            return Err(TableError::Length {
                name: "(columns)".to_owned(),
                actual: other.columns.len(),
                expected: self.columns.len(),
            });
        }
        // Everything is checked before anything is moved, so that a failure changes nothing.
        for ((name, mine), (their_name, theirs)) in self.columns.iter().zip(&other.columns) {
            if name != their_name {
                return Err(TableError::Missing {
                    name: name.clone(),
                    found: format!("'{their_name}' in its place"),
                });
            }
            if mine.kind() != theirs.kind() {
                return Err(wrong_kind(name, theirs, mine.kind()));
            }
        }
        for ((_, mine), (_, theirs)) in self.columns.iter_mut().zip(other.columns) {
            match (mine, theirs) {
                (Column::F64(mine), Column::F64(theirs)) => mine.extend(theirs),
                (Column::I64(mine), Column::I64(theirs)) => mine.extend(theirs),
                (Column::OptI64(mine), Column::OptI64(theirs)) => mine.extend(theirs),
                (Column::Bool(mine), Column::Bool(theirs)) => mine.extend(theirs),
                // Kinds were compared above.
                _ => {}
            }
        }
        Ok(())
    }

    /// The first `count` columns.
    pub(crate) fn leading(mut self, count: usize) -> Self {
        self.columns.truncate(count);
        self
    }

    /// The rows `rows`, which the table must have.
    pub(crate) fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        let slice = |(name, column): &(String, Column)| (name.clone(), column.slice(rows.clone()));
        Self { columns: self.columns.iter().map(slice).collect() }
    }

    fn require(&self, name: &str) -> Result<&Column, TableError> {
        self.get(name).ok_or_else(|| TableError::Missing {
            name: name.to_owned(),
            found: self
                .columns
                .iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

fn wrong_kind(name: &str, column: &Column, expected: &'static str) -> TableError {
    TableError::Kind { name: name.to_owned(), actual: column.kind(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::new(vec![
            ("index".to_owned(), Column::I64(vec![0, 1])),
            ("kpe".to_owned(), Column::F64(vec![1.5, 2.5])),
        ])
        .unwrap()
    }

    #[test]
    fn a_column_replaces_its_namesake_in_place() {
        let mut table = table();
        table.set("index", Column::I64(vec![5, 6])).unwrap();
        assert_eq!(table.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["index", "kpe"]);
        assert_eq!(table.i64("index").unwrap(), [5, 6]);
    }

    #[test]
    fn misfits_are_named() {
        let mut table = table();
        let short = table.set("nfe", Column::I64(vec![1]));
        assert!(matches!(short, Err(TableError::Length { actual: 1, expected: 2, .. })));
        assert!(matches!(table.f64("index"), Err(TableError::Kind { .. })));
        assert!(matches!(table.f64("none"), Err(TableError::Missing { .. })));
        table.set("label", Column::OptI64(vec![Some(1), None])).unwrap();
        assert!(matches!(table.i64("label"), Err(TableError::Kind { .. })));
        let twice = vec![("a".to_owned(), Column::I64(vec![])); 2];
        assert!(matches!(Table::new(twice), Err(TableError::Duplicate { .. })));
    }

    #[test]
    fn appending_needs_the_same_columns() {
        let mut whole = Table::default();
        whole.append(table()).unwrap();
        whole.append(table()).unwrap();
        assert_eq!(whole.f64("kpe").unwrap(), [1.5, 2.5, 1.5, 2.5]);
        let before = whole.clone();
        let mut other = table();
        other.set("index", Column::F64(vec![0.0, 1.0])).unwrap();
        assert!(matches!(whole.append(other), Err(TableError::Kind { .. })));
        assert_eq!(whole, before);
    }
}
