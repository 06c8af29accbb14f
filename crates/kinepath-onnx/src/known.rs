//! What is known of the values in a graph before it runs, from what is declared and from the operators.

use std::collections::HashMap;

use rten_onnx::onnx::{DataType, GraphProto, NodeProto, TensorProto};

use crate::Element;
use crate::nodes::{attribute, input, integers, operator};

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

/// Operators that hand values on as they are, in another shape, from their first input or, for some, all of
/// them.
pub(crate) const HANDED_ON: [&str; 12] = [
    "Concat",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
];

/// Operators that give as many axes as the input with most of them has.
const WIDEST: [&str; 9] = ["Add", "Div", "MatMul", "Max", "Min", "Mul", "Pow", "Sub", "Where"];
/// Operators that give as many axes as their first input has.
const SAME_RANK: [&str; 12] = [
    "Cast",
    "Concat",
    "Identity",
    "LayerNormalization",
    "LogSoftmax",
    "Neg",
    "Relu",
    "Slice",
    "Softmax",
    "Sqrt",
    "Tile",
    "Transpose",
];

/// What is known of the values of a graph, and of those around it, by name.
#[derive(Default, Clone)]
pub(crate) struct Known<'a> {
    constants: HashMap<&'a str, &'a TensorProto>,
    elements: HashMap<&'a str, Element>,
    ranks: HashMap<&'a str, usize>,
}

impl<'a> Known<'a> {
    /// The same, and that of a graph that sees these values.
    pub(crate) fn within(&self, graph: &'a GraphProto) -> Self {
        let mut known = self.clone();
        for value in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
            let tensor = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
            if let (Some(name), Some(tensor)) = (value.name.as_deref(), tensor) {
                known.elements.insert(name, Element::of(tensor.elem_type));
                if let Some(shape) = &tensor.shape {
                    known.ranks.insert(name, shape.dim.len());
                }
            }
        }
        for (name, tensor) in constants(graph) {
            known.constants.insert(name, tensor);
            known.elements.insert(name, Element::of(tensor.data_type));
            known.ranks.insert(name, tensor.dims.len());
        }
        // Nodes are in the order in which they can be computed.
        for node in &graph.node {
            let (element, rank) = (known.element_given(node), known.rank_given(node));
            for output in &node.output {
                if let Some(element) = element {
                    known.elements.insert(output, element);
                }
                if let Some(rank) = rank {
                    known.ranks.insert(output, rank);
                }
            }
        }
        known
    }

    /// The type of what a node gives, where that follows from its operator.
    fn element_given(&self, node: &NodeProto) -> Option<Element> {
        let of = |at| self.element(input(node, at)?);
        match operator(node)? {
            "Cast" => Some(Element::of(cast_to(node))),
            "CastLike" | "Where" => of(1),
            operator if TRUTHS.contains(&operator) => Some(Element::Bool),
            operator if HANDED_ON.contains(&operator) => of(0),
            _ => None,
        }
    }

    /// The number of axes of what a node gives, where that follows from its operator.
    fn rank_given(&self, node: &NodeProto) -> Option<usize> {
        let of = |name: &String| self.rank(name);
        match operator(node)? {
            "Transpose" if integers(node, "perm").is_some() => Some(integers(node, "perm")?.len()),
            "Reshape" => {
                let shape = self.constant(input(node, 1)?)?;
                usize::try_from(*shape.dims.first()?).ok()
            }
            operator if SAME_RANK.contains(&operator) => self.rank(input(node, 0)?),
            operator if WIDEST.contains(&operator) => {
                let ranks: Option<Vec<usize>> = node.input.iter().map(of).collect();
                ranks?.into_iter().max()
            }
            _ => None,
        }
    }

    /// The value, where it is a weight or a constant.
    pub(crate) fn constant(&self, name: &str) -> Option<&'a TensorProto> {
        self.constants.get(name).copied()
    }

    /// The type of its elements, where that is declared or follows from the operator.
    pub(crate) fn element(&self, name: &str) -> Option<Element> {
        self.elements.get(name).copied()
    }

    /// Number of its axes, where that is declared or follows from the operators.
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
