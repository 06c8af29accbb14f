//! How a network is called: which inputs it has, and in what shapes and types they go in.

use serde::Serialize;

use crate::roles::{InputRole, LABEL, STATE, TIME, joint, list};
use crate::{Axis, ConditionInput, Graph, Port, Problem, Reason};

/// How a network is called.
///
/// Inputs are recognised by name, ignoring case (the state as `x`, `sample`, `input`,
/// `hidden_states`, …; the time as `t`, `timestep`, `time`, `sigma`, …; the label as `y`, `label`,
/// `class_labels`, …). An input with another name is recognised if it alone fits: the state is a
/// float of rank two or more, the time a number of rank one or less, the label an integer of rank
/// one or less. An input `[batch, K]` with the name of a label is a one-hot label of K classes. Two
/// inputs that fit equally well are an error. Inputs left over are what a field with a time is
/// conditioned on; for other networks they are an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The state, or image.
    pub state: StateInput,
    /// The time, for a velocity field.
    pub time: Option<RowInput>,
    /// The class label, for a conditional field.
    pub label: Option<RowInput>,
    /// Further inputs, which a field is conditioned on.
    pub conditions: Vec<ConditionInput>,
    /// The label as an input of numbers, for a condition that gives it as such: the `y` of some
    /// networks is a vector, not a class.
    #[serde(skip)]
    pub label_input: Option<ConditionInput>,
    /// How many rows go in at once.
    pub batch: Batch,
}

/// The input that takes the state or image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateInput {
    /// Its name in the graph.
    pub name: String,
    /// The shape of one sample, without the batch: `[C, H, W]` for images.
    pub sample_shape: Vec<usize>,
    /// Why it was taken for the state.
    pub reason: Reason,
}

/// An input that takes one number a row: a time or a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowInput {
    /// Its name in the graph.
    pub name: String,
    /// Whether it takes integers. A float time goes in as 32-bit float.
    pub integer: bool,
    /// Whether rows can differ.
    pub rows: Rows,
    /// Number of axes; those after the first have length 1, except in a one-hot label.
    pub rank: usize,
    /// The number of classes of a one-hot label, which takes as many numbers a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// The number of labels that its embedding tells apart, where the graph tells: 0 to one less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<usize>,
    /// Why it was given its role.
    pub reason: Reason,
}

/// Whether the rows of a batch can have different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// One value a row.
    Each,
    /// One value for all rows: a batch whose rows differ is run in parts.
    Shared,
}

/// How many rows a network takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Batch {
    /// Any number.
    Any,
    /// Exactly this many: larger batches are run in parts, the last one filled up with copies of
    /// its last row.
    Fixed(usize),
}

impl Batch {
    /// What the first axis of an input says, unless it has no room for any row.
    pub(crate) fn of(axis: &Axis) -> Option<Self> {
        match axis {
            Axis::Free(_) => Some(Self::Any),
            Axis::Fixed(0) => None,
            Axis::Fixed(rows) => Some(Self::Fixed(*rows)),
        }
    }

    /// How many rows go in for `rows` at hand.
    pub(crate) fn fed(self, rows: usize) -> usize {
        match self {
            Self::Any => rows,
            Self::Fixed(size) => size,
        }
    }
}

impl Signature {
    /// Finds the roles of a graph's inputs.
    ///
    /// # Errors
    /// [`Problem::NoState`], [`Problem::Ambiguous`], [`Problem::Unfit`], [`Problem::Unused`] and
    /// [`Problem::Joint`], each naming the inputs in question.
    pub fn of(graph: &Graph) -> Result<Self, Problem> {
        Self::sized(graph, None)
    }

    /// As [`Signature::of`], with the free axes of a sample as long as those of `shape`.
    pub(crate) fn sized(graph: &Graph, shape: Option<&[usize]>) -> Result<Self, Problem> {
        let ports = &graph.inputs;
        if let Some(problem) = joint(ports) {
            return Err(problem);
        }
        let no_state = || Problem::NoState { inputs: list(ports) };
        let (state_at, state_reason) = STATE.find(ports, &[])?.ok_or_else(no_state)?;
        let (batch, state) = state_input(&ports[state_at], state_reason, shape)?;

        // A label known by its name goes first: it would do for a time without a telling name.
        let mut taken = vec![state_at];
        let no_label: Vec<usize> =
            (0..ports.len()).filter(|&at| is_embedding(&ports[at])).collect();
        let mut find = |role: &InputRole| -> Result<Option<RowInput>, Problem> {
            let Some((at, reason)) = role.find(ports, &[&taken[..], &no_label].concat())? else {
                return Ok(None);
            };
            taken.push(at);
            // Integers that select rows of a table are words, not a class.
            let selects = graph.labels_known.contains_key(&ports[at].name);
            row_input(&ports[at], role, reason, (batch, selects)).map(Some)
        };
        let (time, mut label) = if LABEL.is_named_in(ports) {
            let label = find(&LABEL)?;
            (find(&TIME)?, label)
        } else {
            (find(&TIME)?, find(&LABEL)?)
        };
        if let Some(label) = label.as_mut().filter(|label| label.integer && label.classes.is_none())
        {
            label.labels = graph.labels_known.get(&label.name).copied();
        }
        let lengths = lengths(ports, &ports[state_at]);
        let mut left = (0..ports.len()).filter(|at| !taken.contains(at)).map(|at| &ports[at]);
        let conditions = match (&time, left.next()) {
            (None, Some(port)) => return Err(Problem::Unused { input: port.to_string() }),
            (_, first) => first
                .into_iter()
                .chain(left)
                .map(|port| ConditionInput::of(port, graph, batch, &lengths))
                .collect::<Result<_, _>>()?,
        };
        let label_port = label.as_ref().and_then(|l| ports.iter().find(|p| p.name == l.name));
        let label_input =
            label_port.map(|port| ConditionInput::of(port, graph, batch, &lengths)).transpose()?;
        Ok(Self { state, time, label, conditions, label_input, batch })
    }

    /// Length of one row: the product of the sample shape.
    pub fn dim(&self) -> usize {
        self.state.sample_shape.iter().product()
    }
}

/// The names of axes that are as long as something in a row of some input, not as the batch of
/// `state`.
fn lengths<'a>(ports: &'a [Port], state: &Port) -> Vec<&'a str> {
    let first = state.shape.as_deref().and_then(<[Axis]>::first);
    let within =
        ports.iter().flat_map(|port| port.shape.iter().flat_map(|axes| axes.iter().skip(1)));
    let named = |axis: &'a Axis| match axis {
        Axis::Free(name) if !name.is_empty() && Some(axis) != first => Some(&**name),
        _ => None,
    };
    within.filter_map(named).collect()
}

fn state_input(
    port: &Port,
    reason: Reason,
    shape: Option<&[usize]>,
) -> Result<(Batch, StateInput), Problem> {
    let unfit = || STATE.unfit(port);
    let [batch, sample @ ..] = port.shape.as_deref().ok_or_else(unfit)? else {
        return Err(unfit());
    };
    let shape = shape.filter(|shape| shape.len() == sample.len());
    let lengths: Option<Vec<usize>> = sample
        .iter()
        .enumerate()
        .map(|(i, axis)| match axis {
            Axis::Fixed(length) => Some(*length),
            Axis::Free(_) => shape.map(|shape| shape[i]),
        })
        .map(|length| length.filter(|&length| length > 0))
        .collect();
    let batch = Batch::of(batch).ok_or_else(unfit)?;
    let sample_shape = lengths.filter(|lengths| !lengths.is_empty()).ok_or_else(unfit)?;
    // Lengths whose product overflows come from damage, not from an exporter.
    let rows = if let Batch::Fixed(rows) = batch { rows } else { 1 };
    let size = sample_shape.iter().try_fold(rows, |size, &length| size.checked_mul(length));
    if !STATE.takes(port.element) || size.is_none() {
        return Err(unfit());
    }
    Ok((batch, StateInput { name: port.name.clone(), sample_shape, reason }))
}

fn row_input(
    port: &Port,
    role: &InputRole,
    reason: Reason,
    (batch, selects): (Batch, bool),
) -> Result<RowInput, Problem> {
    let unfit = || role.unfit(port);
    let shape = port.shape.as_deref().ok_or_else(unfit)?;
    let rest = shape.get(1..).unwrap_or_default();
    let is_one_hot =
        |port: &Port| port.element.is_float() || (port.element.is_integer() && !selects);
    let classes = match (role.role, rest) {
        ("label", &[Axis::Fixed(classes)]) if classes > 1 && is_one_hot(port) => Some(classes),
        _ => None,
    };
    let of_one = role.takes(port.element) && rest.iter().all(|axis| *axis == Axis::Fixed(1));
    if !of_one && classes.is_none() {
        return Err(unfit());
    }
    let rows = match (shape.first(), batch) {
        (Some(Axis::Free(_)), _) => Rows::Each,
        (Some(Axis::Fixed(length)), Batch::Fixed(rows)) if *length == rows => Rows::Each,
        (None | Some(Axis::Fixed(1)), _) => Rows::Shared,
        (Some(Axis::Fixed(_)), _) => return Err(unfit()),
    };
    let integer = port.element.is_integer();
    let rank = shape.len();
    Ok(RowInput { name: port.name.clone(), integer, rows, rank, classes, labels: None, reason })
}

/// Whether this is a float that is no time or label whatever its name: of several axes that are longer
/// than 1, or as long as a caller makes it.
fn is_embedding(port: &Port) -> bool {
    let several = |axes: &[Axis]| match axes {
        // For every row one number, in the shape that a picture is multiplied by.
        [_, rest @ ..] if rest.iter().all(|axis| *axis == Axis::Fixed(1)) => false,
        [_, Axis::Free(_)] => true,
        axes => axes.len() > 2,
    };
    port.element.is_float() && port.shape.as_deref().is_some_and(several)
}

#[cfg(test)]
mod tests;
