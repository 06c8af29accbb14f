//! How many labels the embeddings of a graph tell apart.

use std::collections::HashMap;

use rten_onnx::onnx::{GraphProto, NodeProto, TensorProto};

use crate::known::constants;
use crate::nodes::{integer, operator};

/// Operators that hand integers on, perhaps in another shape or type, from their first input.
const HANDED_ON: [&str; 9] = [
    "Cast",
    "CastLike",
    "Concat",
    "Expand",
    "Flatten",
    "Identity",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
];

/// For each input of `graph` that selects rows of a table of weights, the rows of the smallest such
/// table: what is at or beyond them has no embedding, and `Gather` takes a negative number for one
/// counted from the end.
///
/// Tables behind other operators are not found; whoever asks must do without the answer.
pub(crate) fn labels_known(graph: &GraphProto) -> HashMap<String, usize> {
    let tables = constants(graph);
    // Nodes are in the order in which they can be computed.
    let inputs = graph.input.iter().filter_map(|input| input.name.as_deref());
    let mut origins: HashMap<&str, &str> = inputs.map(|name| (name, name)).collect();
    let mut known: HashMap<String, usize> = HashMap::new();
    for node in &graph.node {
        match (operator(node), node.input.as_slice()) {
            (Some("Gather"), [table, index, ..]) => {
                let rows = tables.get(table.as_str()).and_then(|table| rows(table, node));
                if let (Some(rows), Some(&origin)) = (rows, origins.get(index.as_str())) {
                    let least = known.entry(origin.to_owned()).or_insert(rows);
                    *least = rows.min(*least);
                }
            }
            (Some(operator), [first, ..]) if HANDED_ON.contains(&operator) => {
                if let (Some(&origin), Some(output)) =
                    (origins.get(first.as_str()), node.output.first())
                {
                    origins.insert(output, origin);
                }
            }
            _ => {}
        }
    }
    known
}

/// The length of the axis that `Gather` selects from.
fn rows(table: &TensorProto, gather: &NodeProto) -> Option<usize> {
    let axis = integer(gather, "axis").unwrap_or(0);
    let rank = i64::try_from(table.dims.len()).ok()?;
    let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
    let length = *table.dims.get(usize::try_from(axis).ok()?)?;
    usize::try_from(length).ok()
}
