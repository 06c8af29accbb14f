//! What a batch is conditioned on: class labels, further inputs of a network, or both.

use std::ops::Range;

use super::{FieldError, check_shape};

/// What a batch is conditioned on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Condition<'a> {
    /// Nothing: an unconditional field.
    #[default]
    None,
    /// One class label per row.
    Labels(&'a [i64]),
    /// Further inputs of a network, such as the embedding of a prompt.
    Inputs {
        /// One class label per row, where the network takes labels too.
        labels: Option<&'a [i64]>,
        /// The inputs, each of its own name.
        inputs: &'a [NamedInput],
    },
}

/// A condition that owns its values: rows gathered from another, or read from a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conditions {
    /// One class label per row, or none.
    pub labels: Option<Vec<i64>>,
    /// Further inputs, each of its own name.
    pub inputs: Vec<NamedInput>,
}

/// An input of a network by its name: a value for each row of a batch, or one for all.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedInput {
    name: String,
    rows: Option<usize>,
    shape: Vec<usize>,
    values: InputValues,
}

/// The numbers of a [`NamedInput`], row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum InputValues {
    /// Floating-point numbers.
    Float(Vec<f32>),
    /// Integers; truth values are 0 and 1.
    Integer(Vec<i64>),
}

impl<'a> Condition<'a> {
    /// The class labels, one per row, if there are any.
    pub fn labels(self) -> Option<&'a [i64]> {
        match self {
            Self::None => None,
            Self::Labels(labels) => Some(labels),
            Self::Inputs { labels, .. } => labels,
        }
    }

    /// The further inputs.
    pub fn inputs(self) -> &'a [NamedInput] {
        match self {
            Self::None | Self::Labels(_) => &[],
            Self::Inputs { inputs, .. } => inputs,
        }
    }

    /// Checks that there is a label, and a row of every input that has rows, for each of `rows`
    /// rows.
    ///
    /// # Errors
    /// [`FieldError::Shape`] for labels of another number, [`FieldError::Condition`] for an input
    /// of other rows, which it names.
    pub fn check(self, rows: usize) -> Result<(), FieldError> {
        if let Some(labels) = self.labels() {
            check_shape("labels", &[labels.len()], &[rows])?;
        }
        match self.inputs().iter().find(|input| input.rows.is_some_and(|own| own != rows)) {
            None => Ok(()),
            Some(NamedInput { name, rows: own, .. }) => Err(FieldError::Condition(format!(
                "the input `{name}` has {} rows for {rows} samples",
                own.unwrap_or_default()
            ))),
        }
    }

    /// The condition of the rows `rows`, in this order; [`check`](Self::check) has to hold.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(self, rows: &[usize]) -> Conditions {
        let labels = self.labels().map(|labels| rows.iter().map(|&row| labels[row]).collect());
        let inputs = self.inputs().iter().map(|input| input.select(rows)).collect();
        Conditions { labels, inputs }
    }

    /// These `rows` rows, and after them the `others` rows of `other`, which has the same labels
    /// and inputs; `None` where an input's rows differ in shape or kind.
    pub(super) fn followed_by(
        self,
        rows: usize,
        other: Condition<'_>,
        others: usize,
    ) -> Option<Conditions> {
        let labels = self.labels().zip(other.labels());
        let inputs = self.inputs().iter().zip(other.inputs());
        let inputs = inputs.map(|(mine, theirs)| mine.followed_by(rows, theirs, others));
        Some(Conditions {
            labels: labels.map(|(mine, theirs)| [mine, theirs].concat()),
            inputs: inputs.collect::<Option<_>>()?,
        })
    }
}

impl Conditions {
    /// The condition, to be passed on.
    pub fn as_condition(&self) -> Condition<'_> {
        match (&self.labels, &self.inputs[..]) {
            (None, []) => Condition::None,
            (Some(labels), []) => Condition::Labels(labels),
            (labels, inputs) => Condition::Inputs { labels: labels.as_deref(), inputs },
        }
    }
}

impl NamedInput {
    /// The input `name` with `values` of `shape` for each of `rows` rows, or one for all.
    ///
    /// # Errors
    /// [`FieldError::Condition`] unless there are as many values as rows and shape say.
    pub fn new(
        name: &str,
        rows: Option<usize>,
        shape: &[usize],
        values: InputValues,
    ) -> Result<Self, FieldError> {
        let expected = shape.iter().try_fold(rows.unwrap_or(1), |n, &axis| n.checked_mul(axis));
        if expected != Some(values.len()) {
            return Err(FieldError::Condition(format!(
                "the input `{name}` has {} values, but {} of shape {shape:?} are expected",
                values.len(),
                rows.map_or("one".to_owned(), |rows| rows.to_string()),
            )));
        }
        Ok(Self { name: name.to_owned(), rows, shape: shape.to_vec(), values })
    }

    /// Its name in the network.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows it has, or `None` where one value is shared by all.
    pub fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// The shape of one row.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All values, row after row.
    pub fn values(&self) -> &InputValues {
        &self.values
    }

    /// Where the values of row `row` are among all.
    pub fn row(&self, row: usize) -> Range<usize> {
        let width: usize = self.shape.iter().product();
        let row = if self.rows.is_some() { row } else { 0 };
        row * width..(row + 1) * width
    }

    fn select(&self, rows: &[usize]) -> Self {
        match self.rows {
            None => self.clone(),
            Some(_) => self.gathered(rows.iter().copied()),
        }
    }

    /// A row for each of `rows`, also of what is shared.
    fn gathered(&self, rows: impl ExactSizeIterator<Item = usize>) -> Self {
        let count = rows.len();
        self.with(Some(count), self.values.gather(rows.map(|row| self.row(row))))
    }

    /// The same input with other values.
    fn with(&self, rows: Option<usize>, values: InputValues) -> Self {
        Self { name: self.name.clone(), rows, shape: self.shape.clone(), values }
    }

    fn followed_by(&self, rows: usize, other: &Self, others: usize) -> Option<Self> {
        if self.rows.is_none() && self == other {
            return Some(self.clone());
        }
        if self.shape != other.shape {
            return None;
        }
        let values = self.gathered(0..rows).values.joined(other.gathered(0..others).values)?;
        Some(self.with(Some(rows + others), values))
    }
}

impl InputValues {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Integer(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn gather(&self, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        match self {
            Self::Float(values) => {
                Self::Float(ranges.flat_map(|range| &values[range]).copied().collect())
            }
            Self::Integer(values) => {
                Self::Integer(ranges.flat_map(|range| &values[range]).copied().collect())
            }
        }
    }

    /// These values and then others of the same kind.
    fn joined(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Float(mut mine), Self::Float(theirs)) => {
                mine.extend(theirs);
                Some(Self::Float(mine))
            }
            (Self::Integer(mut mine), Self::Integer(theirs)) => {
                mine.extend(theirs);
                Some(Self::Integer(mine))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(rows: Option<usize>, values: Vec<f32>) -> NamedInput {
        let width = values.len() / rows.unwrap_or(1);
        NamedInput::new("context", rows, &[width], InputValues::Float(values)).unwrap()
    }

    #[test]
    fn rows_are_selected_and_what_is_shared_stays_so() {
        let inputs = [input(Some(3), vec![0., 1., 2., 3., 4., 5.]), input(None, vec![7.])];
        let condition = Condition::Inputs { labels: Some(&[5, 6, 7]), inputs: &inputs };
        condition.check(3).unwrap();
        let selected = condition.select(&[2, 0]);
        assert_eq!(selected.labels, Some(vec![7, 5]));
        assert_eq!(selected.inputs, [input(Some(2), vec![4., 5., 0., 1.]), input(None, vec![7.])]);
        let refusal = condition.check(2).unwrap_err();
        assert!(matches!(refusal, FieldError::Shape { what: "labels", .. }), "{refusal}");
        let unlabelled = Condition::Inputs { labels: None, inputs: &inputs };
        assert!(unlabelled.check(2).unwrap_err().to_string().contains("3 rows for 2"));
    }

    #[test]
    fn stacking_expands_only_what_differs() {
        let side = |labels, inputs| Conditions { labels, inputs };
        let mine = side(Some(vec![1, 2]), vec![input(None, vec![1., 2.]), input(None, vec![9.])]);
        let null = side(Some(vec![0]), vec![input(None, vec![3., 4.]), input(None, vec![9.])]);
        let both = mine.as_condition().followed_by(2, null.as_condition(), 1).unwrap();
        assert_eq!(both.labels, Some(vec![1, 2, 0]));
        assert_eq!(both.inputs[0], input(Some(3), vec![1., 2., 1., 2., 3., 4.]));
        assert_eq!(both.inputs[1], input(None, vec![9.]));
        let longer = side(None, vec![input(None, vec![0.; 3]), input(None, vec![9.])]);
        assert_eq!(mine.as_condition().followed_by(2, longer.as_condition(), 1), None);
    }

    #[test]
    fn values_that_do_not_fit_their_shape_are_refused() {
        let new = |rows, shape: &[usize]| {
            NamedInput::new("mask", rows, shape, InputValues::Integer(vec![1; 6]))
        };
        assert!(new(Some(2), &[3]).is_ok() && new(None, &[2, 3]).is_ok());
        assert!(new(Some(3), &[3]).unwrap_err().to_string().contains("6 values, but 3"));
        assert!(new(Some(usize::MAX), &[2]).is_err());
    }
}
