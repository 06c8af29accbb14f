//! What a network is conditioned on: the labels and further inputs of a batch, as it takes them.

use std::borrow::Cow;

use kinepath::field::{Condition, FieldError, InputValues, NamedInput};
use serde::Serialize;

use crate::given::{Given, Numbers};
use crate::{Axis, Batch, Element, Port, Problem, RowInput, Rows, Signature};

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
}

impl ConditionInput {
    /// What a port takes, in a network with batches `batch` and axes of a row named `lengths`.
    ///
    /// # Errors
    /// [`Problem::Unused`] for a type that is no number, or an undeclared shape.
    pub(crate) fn of(port: &Port, batch: Batch, lengths: &[&str]) -> Result<Self, Problem> {
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
        Ok(Self { name: port.name.clone(), integer, rows, batched, shape })
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
        let kind = |integer| if integer { "integers" } else { "floats" };
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

    fn given<'a>(&'a self, input: &'a NamedInput) -> Result<Given<'a>, String> {
        let numbers = match input.values() {
            InputValues::Float(values) => Numbers::Float(values.into()),
            InputValues::Integer(values) => {
                let narrow = |value: &i64| {
                    i32::try_from(*value).map_err(|_| {
                        format!("{value} in the input `{}` exceeds 32 bits", self.name)
                    })
                };
                Numbers::Integer(values.iter().map(narrow).collect::<Result<_, _>>()?)
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
    if let Some(classes) = input.classes {
        let mut rows = vec![0.0; labels.len() * classes];
        for (row, &label) in labels.iter().enumerate() {
            match usize::try_from(label) {
                Ok(class) if class < classes => rows[row * classes + class] = 1.0,
                Err(_) if label == NO_CLASS => {}
                _ => {
                    return Err(format!(
                        "the label {label} is none of its {classes} classes 0 to {} nor {NO_CLASS}, \
                         no class",
                        classes - 1
                    ));
                }
            }
        }
        return Ok(Given::for_rows(input, classes, Numbers::Float(Cow::Owned(rows))));
    }
    let narrow = |&label: &i64| match (i32::try_from(label), input.labels) {
        // An embedding counts negative labels from its end, and answers with another class.
        _ if label < 0 => Err(format!("the label {label} is negative; classes count from 0")),
        (Ok(narrow), Some(labels)) if narrow as usize >= labels => Err(format!(
            "the label {label} is none of the {labels} that its embedding tells apart, 0 to {}",
            labels.saturating_sub(1)
        )),
        (Ok(narrow), _) => Ok(narrow),
        (Err(_), _) => Err(format!("the label {label} exceeds 32 bits")),
    };
    let labels = labels.iter().map(narrow).collect::<Result<_, _>>()?;
    Ok(Given::for_rows(input, 1, Numbers::Integer(Cow::Owned(labels))))
}

/// The label that is no class of a one-hot input.
const NO_CLASS: i64 = -1;
