//! What a network is conditioned on: the labels and further inputs of a batch, as it takes them.

use std::borrow::Cow;

use kinepath::field::{Condition, FieldError, InputValues, NamedInput};
use serde::Serialize;

use crate::given::{Given, Numbers};
use crate::{Axis, Batch, Element, Graph, Port, Problem, RowInput, Rows, Signature};

/// An input that is neither state, time nor label: the embedding of a prompt, a mask, a scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionInput {
    /// Its name in the graph.
    pub name: String,
    /// Whether it takes integers or truth values, not floats.
    pub integer: bool,
    /// Whether rows can differ.
    pub rows: Rows,
    /// Whether its first axis is that of the rows, even if of length 1.
    pub batched: bool,
    /// The declared axes of one row.
    pub shape: Vec<Axis>,
    /// How many rows its numbers tell apart, where they select rows of a table and the graph tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<usize>,
}

impl ConditionInput {
    /// What a port of `graph` takes, with batches `batch` and axes of a row named `lengths`.
    ///
    /// # Errors
    /// [`Problem::Unused`] for a type that is no number, or an undeclared shape.
    pub(crate) fn of(
        port: &Port,
        graph: &Graph,
        batch: Batch,
        lengths: &[&str],
    ) -> Result<Self, Problem> {
        let unused = || Problem::Unused { input: port.to_string() };
        let axes = port.shape.as_deref().ok_or_else(unused)?;
        let integer = match port.element {
            Element::Other => return Err(unused()),
            element => !element.is_float(),
        };
        let (rows, batched) = match (axes.first(), batch) {
            // As long as a prompt or an image has tokens: their positions, the same in every row.
            (Some(Axis::Free(name)), _) if lengths.contains(&&**name) => (Rows::Shared, false),
            (Some(Axis::Free(_)), _) => (Rows::Each, true),
            (Some(Axis::Fixed(length)), Batch::Fixed(rows)) if *length == rows => {
                (Rows::Each, true)
            }
            (Some(Axis::Fixed(1)), _) => (Rows::Shared, true),
            (None | Some(Axis::Fixed(_)), _) => (Rows::Shared, false),
        };
        let shape = axes[usize::from(batched)..].to_vec();
        let labels = graph.labels_known.get(&port.name).copied().filter(|_| integer);
        Ok(Self { name: port.name.clone(), integer, rows, batched, shape, labels })
    }

    /// The number of axes it is declared with.
    pub fn rank(&self) -> usize {
        self.shape.len() + usize::from(self.batched)
    }

    /// Checks the kind and the shape of one row of what is to be given.
    ///
    /// # Errors
    /// What it takes and what is to be given, in words, where they differ.
    pub fn check(&self, integer: bool, shape: &[usize]) -> Result<(), String> {
        let kind = |integer| if integer { "integers or truth values" } else { "floats" };
        if integer != self.integer {
            let (takes, given) = (kind(self.integer), kind(integer));
            return Err(format!("the input `{}` takes {takes}, not {given}", self.name));
        }
        let fits = |(axis, length): (&Axis, &usize)| match axis {
            Axis::Fixed(declared) => declared == length,
            Axis::Free(_) => *length > 0,
        };
        if shape.len() == self.shape.len() && self.shape.iter().zip(shape).all(fits) {
            return Ok(());
        }
        let axes: Vec<_> = self.shape.iter().map(ToString::to_string).collect();
        Err(format!(
            "the input `{}` takes [{}] for each sample, not {shape:?}",
            self.name,
            axes.join(", ")
        ))
    }

    /// Checks the values that are to be given: numbers, and rows of tables where they select some.
    ///
    /// # Errors
    /// The first value that will not do, and why, in words.
    pub fn check_values(&self, values: &InputValues) -> Result<(), String> {
        let known = self.labels.and_then(|labels| i64::try_from(labels).ok());
        let unknown = |value: &&i64| known.is_some_and(|known| !(0..known).contains(*value));
        match values {
            // Minus infinity is what masks have where nothing is to be looked at.
            InputValues::Float(values) => {
                match values.iter().find(|&&v| v.is_nan() || v == f32::INFINITY) {
                    None => Ok(()),
                    Some(value) => Err(format!("the input `{}` would be given {value}", self.name)),
                }
            }
            InputValues::Integer(values) => {
                let wide = |value: &&i64| i32::try_from(**value).is_err();
                if let Some(value) = values.iter().find(wide) {
                    return Err(format!("{value} in the input `{}` exceeds 32 bits", self.name));
                }
                match (values.iter().find(unknown), known) {
                    (Some(value), Some(known)) => Err(format!(
                        "the input `{}` would be given {value}, which is none of the {known} that its \
                         embedding tells apart, 0 to {}",
                        self.name,
                        known - 1
                    )),
                    _ => Ok(()),
                }
            }
        }
    }

    fn given<'a>(&'a self, input: &'a NamedInput) -> Result<Given<'a>, String> {
        self.check_values(input.values())?;
        let numbers = match input.values() {
            InputValues::Float(values) => Numbers::Float(values.into()),
            InputValues::Integer(values) => {
                // Within 32 bits, as was checked.
                Numbers::Integer(values.iter().map(|&value| value as i32).collect())
            }
        };
        self.check(matches!(numbers, Numbers::Integer(_)), input.shape())?;
        Ok(Given {
            name: &self.name,
            rows: self.rows,
            batched: self.batched,
            shape: input.shape().to_vec(),
            shared: input.rows().is_none(),
            numbers,
        })
    }
}

/// The inputs of `network`, whose signature is given, for `rows` rows of a condition.
///
/// # Errors
/// [`FieldError::Condition`] for a label or input that is missing, superfluous or of another kind
/// or shape; [`FieldError::Shape`] for labels of another number.
pub(crate) fn given<'a>(
    network: &str,
    signature: &'a Signature,
    condition: Condition<'a>,
    rows: usize,
) -> Result<Vec<Given<'a>>, FieldError> {
    condition.check(rows)?;
    let refuse = |text: String| FieldError::Condition(format!("{network}: {text}"));
    let inputs = condition.inputs();
    let find = |name: &str| inputs.iter().find(|input| input.name() == name);
    let conditions = &signature.conditions;
    let names: Vec<&str> =
        conditions.iter().chain(&signature.label_input).map(|c| &*c.name).collect();
    if let Some(input) = inputs.iter().find(|input| !names.contains(&input.name())) {
        return Err(refuse(format!("has no input `{}` to be conditioned on", input.name())));
    }
    let mut given = Vec::new();
    let direct = signature.label_input.as_ref().and_then(|known| Some((known, find(&known.name)?)));
    match (&signature.label, condition.labels(), direct) {
        (None, None, _) => {}
        (None, Some(_), _) => {
            return Err(refuse(
                "has no label input, so it cannot be conditioned on labels; leave them out".into(),
            ));
        }
        (Some(input), Some(_), Some(_)) => {
            return Err(refuse(format!("its input `{}` was given twice", input.name)));
        }
        (Some(_), None, Some((known, input))) => given.push(known.given(input).map_err(refuse)?),
        (Some(input), None, None) => {
            return Err(refuse(format!("needs a label a sample for its input `{}`", input.name)));
        }
        (Some(input), Some(labels), None) => given.push(label(input, labels).map_err(refuse)?),
    }
    for known in conditions {
        let Some(input) = find(&known.name) else {
            return Err(refuse(format!("needs its input `{}`, and it was not given", known.name)));
        };
        given.push(known.given(input).map_err(refuse)?);
    }
    Ok(given)
}

/// Labels as numbers, or as rows of as many numbers as there are classes: 1 at the class, 0
/// elsewhere, and 0 everywhere for no class.
fn label<'a>(input: &'a RowInput, labels: &'a [i64]) -> Result<Given<'a>, String> {
    labels.iter().try_for_each(|&label| input.check_label(label))?;
    if let Some(classes) = input.classes {
        let rows = labels.iter().enumerate();
        // Where there is no class, there is no one.
        let ones: Vec<usize> = rows
            .filter_map(|(row, &label)| Some(row * classes + usize::try_from(label).ok()?))
            .collect();
        let count = labels.len() * classes;
        let numbers = if input.integer {
            Numbers::Integer(Cow::Owned(with_ones(vec![0; count], &ones, 1)))
        } else {
            Numbers::Float(Cow::Owned(with_ones(vec![0.0; count], &ones, 1.0)))
        };
        return Ok(Given::for_rows(input, classes, numbers));
    }
    // Within 32 bits, as was checked.
    let labels = labels.iter().map(|&label| label as i32).collect();
    Ok(Given::for_rows(input, 1, Numbers::Integer(Cow::Owned(labels))))
}

impl RowInput {
    /// Checks a class label that is to be given to this input.
    ///
    /// # Errors
    /// What it takes, in words, where it does not take `label`.
    pub fn check_label(&self, label: i64) -> Result<(), String> {
        if let Some(classes) = self.classes {
            return match usize::try_from(label) {
                Ok(class) if class < classes => Ok(()),
                Err(_) if label == NO_CLASS => Ok(()),
                _ => Err(format!(
                    "the label {label} is none of its {classes} classes 0 to {} nor {NO_CLASS}, no class",
                    classes - 1
                )),
            };
        }
        match (i32::try_from(label), self.labels) {
            // An embedding counts negative labels from its end, and answers with another class.
            _ if label < 0 => Err(format!("the label {label} is negative; classes count from 0")),
            (Ok(narrow), Some(labels)) if narrow as usize >= labels => Err(format!(
                "the label {label} is none of the {labels} that its embedding tells apart, 0 to {}",
                labels.saturating_sub(1)
            )),
            (Ok(_), _) => Ok(()),
            (Err(_), _) => Err(format!("the label {label} exceeds 32 bits")),
        }
    }
}

fn with_ones<T: Copy>(mut numbers: Vec<T>, places: &[usize], one: T) -> Vec<T> {
    places.iter().for_each(|&place| numbers[place] = one);
    numbers
}

/// The label that is no class of a one-hot input.
const NO_CLASS: i64 = -1;
