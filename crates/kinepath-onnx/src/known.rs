//! What is known of the values in a graph before it runs.

use std::collections::HashMap;

use rten_onnx::onnx::{DataType, GraphProto, NodeProto, TensorProto};

use crate::Element;
use crate::nodes::{attribute, operator};

/// Operators that give truth values.
const TRUTHS: [&str; 11] = [
    "And",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "IsInf",
    "IsNaN",
    "Less",
    "LessOrEqual",
    "Not",
    "Or",
    "Xor",
];

/// The values of one graph, by name; those of graphs around it are not among them.
pub(crate) struct Known<'a> {
    constants: HashMap<&'a str, &'a TensorProto>,
    elements: HashMap<&'a str, Element>,
    ranks: HashMap<&'a str, usize>,
}

impl<'a> Known<'a> {
    pub(crate) fn of(graph: &'a GraphProto) -> Self {
        let constants = constants(graph);
        let (mut elements, mut ranks) = (HashMap::new(), HashMap::new());
        for value in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
            let tensor = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
            if let (Some(name), Some(tensor)) = (value.name.as_deref(), tensor) {
                elements.insert(name, Element::of(tensor.elem_type));
                if let Some(shape) = &tensor.shape {
                    ranks.insert(name, shape.dim.len());
                }
            }
        }
        for (&name, tensor) in &constants {
            elements.insert(name, Element::of(tensor.data_type));
            ranks.insert(name, tensor.dims.len());
        }
        for node in &graph.node {
            let Some(output) = node.output.first() else { continue };
            let element = match operator(node) {
                Some("Cast") => Element::of(cast_to(node)),
                Some(operator) if TRUTHS.contains(&operator) => Element::Bool,
                _ => continue,
            };
            elements.insert(output, element);
        }
        Self { constants, elements, ranks }
    }

    /// The value, where it is a weight or a constant.
    pub(crate) fn constant(&self, name: &str) -> Option<&'a TensorProto> {
        self.constants.get(name).copied()
    }

    /// The type of its elements, where that is declared or follows from the operator.
    pub(crate) fn element(&self, name: &str) -> Option<Element> {
        self.elements.get(name).copied()
    }

    /// Number of its axes, where that is declared.
    pub(crate) fn rank(&self, name: &str) -> Option<usize> {
        self.ranks.get(name).copied()
    }
}

/// The weights of a graph and its constants, by name.
pub(crate) fn constants(graph: &GraphProto) -> HashMap<&str, &TensorProto> {
    let weights =
        graph.initializer.iter().filter_map(|weight| Some((weight.name.as_deref()?, weight)));
    let constants = graph.node.iter().filter(|node| operator(node) == Some("Constant"));
    let constants = constants.filter_map(|node| {
        let tensor = node.attribute.iter().find_map(|attribute| attribute.t.as_ref())?;
        Some((node.output.first()?.as_str(), tensor))
    });
    weights.chain(constants).collect()
}

/// What a `Cast` turns its input into.
pub(crate) fn cast_to(cast: &NodeProto) -> Option<DataType> {
    let to = i32::try_from(attribute(cast, "to")?.i?).ok()?;
    Some(DataType(to))
}

/// Whether a constant truth value is true, where its bytes are in the file.
pub(crate) fn is_true(constant: &TensorProto) -> Option<bool> {
    match (&constant.raw_data, constant.int32_data.first()) {
        (Some(bytes), _) => bytes.borrow().first().map(|byte| *byte != 0),
        (None, Some(number)) => Some(*number != 0),
        (None, None) => None,
    }
}
