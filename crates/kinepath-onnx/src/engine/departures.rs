//! Where rten departs from what ONNX says of an operator, as of 0.27.0.
//!
//! Such nodes load, and then give other values than on any other engine, or fail at the first run. They are
//! found in the graph, so that rten refuses them as it does operators that it does not have. What is left is
//! compared with ONNX Runtime, operator by operator, in the tests of the Python package
//! (`test_operators.py`).

use std::collections::HashMap;

use rten_onnx::onnx::{GraphProto, NodeProto};

use crate::Element;
use crate::finding::{Finding, find};
use crate::known::{HANDED_ON, Known, cast_to};
use crate::nodes::{graphs_in, input, integer, integers, operator, text};

/// Operators that take any number but 0 for true.
const LOGICAL: [&str; 4] = ["And", "Not", "Or", "Xor"];
/// The version from which on `Softmax` takes one axis rather than all from one on.
const ONE_AXIS: i64 = 13;
/// Axes of pictures that rten convolves and resizes over.
const SPATIAL: usize = 2;

/// The first node of `graph`, or of a graph in it, that rten departs at.
pub(crate) fn departure(graph: &GraphProto, opset: i64) -> Option<Finding> {
    find(graph, &Uses::of, &|node, known, uses| reason(node, opset, known, uses))
}

fn reason(
    node: &NodeProto,
    opset: i64,
    values: &Known<'_>,
    uses: &Uses<'_>,
) -> Option<&'static str> {
    match operator(node)? {
        "Conv" | "ConvTranspose" => convolution(node, values),
        "ConvInteger" => convolution(node, values).or_else(|| integer_convolution(node)),
        "AveragePool" | "MaxPool" => pooling(node),
        "Resize" => resizing(node, values),
        "Pad" => input(node, 3).map(|_| "rten pads every axis, and takes none to be named"),
        "Softmax" | "LogSoftmax" if opset < ONE_AXIS => softmax(node, values),
        "Cast" => cast(node, Element::of(cast_to(node)), values, uses),
        "CastLike" => cast(node, values.element(input(node, 1)?)?, values, uses),
        _ => None,
    }
}

fn convolution(node: &NodeProto, values: &Known<'_>) -> Option<&'static str> {
    let weights = input(node, 1).and_then(|name| values.rank(name)).unwrap_or(0);
    let kernel = integers(node, "kernel_shape");
    if kernel.is_some_and(|kernel| kernel.len() > SPATIAL) || weights > SPATIAL + 2 {
        return Some("rten convolves over one or two axes");
    }
    // Their usual values have as many numbers as the kernel has axes.
    let told = ["strides", "dilations"].iter().all(|name| integers(node, name).is_some());
    let padded = integers(node, "pads").is_some() || same(node);
    if kernel.is_none() && !(told && padded) {
        return Some("rten needs strides, dilations and pads where there is no kernel_shape");
    }
    padding(node)
}

fn pooling(node: &NodeProto) -> Option<&'static str> {
    if integers(node, "kernel_shape").is_some_and(|kernel| kernel.len() > SPATIAL) {
        return Some("rten pools over one or two axes");
    }
    if integers(node, "strides").is_none() {
        return Some("rten needs strides");
    }
    padding(node)
}

fn padding(node: &NodeProto) -> Option<&'static str> {
    let lower = text(node, "auto_pad") == Some("SAME_LOWER");
    lower.then_some("rten pads SAME_LOWER as SAME_UPPER")
}

/// Whether padding follows from the shape.
fn same(node: &NodeProto) -> bool {
    text(node, "auto_pad").is_some_and(|pad| pad.starts_with("SAME"))
}

/// A convolution of bytes with a zero point.
fn integer_convolution(node: &NodeProto) -> Option<&'static str> {
    let every = |name, value| {
        integers(node, name).is_some_and(|numbers| numbers.iter().all(|&number| number == value))
    };
    let padded = same(node) || (integers(node, "pads").is_some() && !every("pads", 0));
    let right = input(node, 2).is_none() || (every("kernel_shape", 1) && !padded);
    (!right)
        .then_some("rten takes zero points right where kernels are of one pixel, without padding")
}

fn resizing(node: &NodeProto, values: &Known<'_>) -> Option<&'static str> {
    if text(node, "mode") == Some("cubic") {
        return Some("rten interpolates linearly where cubic is asked for");
    }
    let scales = [2, 3].into_iter().filter_map(|at| values.constant(input(node, at)?));
    let spatial = scales.filter_map(|scales| scales.dims.first()).any(|&n| n > SPATIAL as i64 + 2);
    let axes = input(node, 0).and_then(|name| values.rank(name)).unwrap_or(0);
    (spatial || axes > SPATIAL + 2).then_some("rten resizes over two axes")
}

/// Of all axes from `axis` on, rten takes `axis` alone; that is the same where it is the last.
fn softmax(node: &NodeProto, values: &Known<'_>) -> Option<&'static str> {
    let axis = integer(node, "axis").unwrap_or(1);
    let rank = input(node, 0).and_then(|name| values.rank(name));
    let is_last = axis == -1 || rank.is_some_and(|rank| axis == rank as i64 - 1);
    (!is_last).then_some("rten takes one axis, and before version 13 all from one on are meant")
}

/// rten has no truth values: a cast to them leaves integers as they are and cuts floats off.
fn cast(
    node: &NodeProto,
    to: Element,
    values: &Known<'_>,
    uses: &Uses<'_>,
) -> Option<&'static str> {
    if to != Element::Bool {
        return None;
    }
    let whole = match values.element(input(node, 0)?) {
        Some(Element::Bool) => return None,
        Some(Element::Int32 | Element::Int64) => true,
        _ => false,
    };
    let harmless = whole && node.output.first().is_some_and(|output| uses.are_logical(output));
    (!harmless).then_some("rten makes no 0 and 1 of other numbers")
}

/// Who takes each value of a graph, graphs in it among them.
#[derive(Default)]
struct Uses<'a> {
    nodes: HashMap<&'a str, Vec<(&'a NodeProto, usize)>>,
    outputs: Vec<&'a str>,
}

impl<'a> Uses<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let mut uses = Self::default();
        uses.add(graph);
        uses
    }

    fn add(&mut self, graph: &'a GraphProto) {
        for node in &graph.node {
            for (at, name) in node.input.iter().enumerate() {
                self.nodes.entry(name.as_str()).or_default().push((node, at));
            }
            graphs_in(node).for_each(|inner| self.add(inner));
        }
        self.outputs.extend(graph.output.iter().filter_map(|output| output.name.as_deref()));
    }

    /// Whether a value, and what is the same in another shape, is asked for nothing but whether it is 0.
    fn are_logical(&self, value: &'a str) -> bool {
        let (mut seen, mut open) = (vec![value], vec![value]);
        while let Some(value) = open.pop() {
            if self.outputs.contains(&value) {
                return false;
            }
            for &(node, at) in self.nodes.get(value).into_iter().flatten() {
                match operator(node) {
                    Some("Where" | "If") if at == 0 => {}
                    Some(operator) if LOGICAL.contains(&operator) => {}
                    Some(operator) if HANDED_ON.contains(&operator) => {
                        let further = node.output.iter().map(String::as_str);
                        for further in
                            further.filter(|name| !seen.contains(name)).collect::<Vec<_>>()
                        {
                            seen.push(further);
                            open.push(further);
                        }
                    }
                    _ => return false,
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use rten_onnx::onnx::{
        AttributeProto, DataType, TensorProto, TypeProto, TypeProtoTensor, ValueInfoProto,
    };

    use super::*;

    fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: Some(operator.into()),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        }
    }

    fn cast(from: &str, to: DataType, output: &str) -> NodeProto {
        let (name, i) = (Some("to".into()), Some(to.0.into()));
        let attribute = AttributeProto { name, i, ..AttributeProto::default() };
        NodeProto { attribute: vec![attribute], ..node("Cast", &[from], output) }
    }

    fn declared(name: &str, element: DataType) -> ValueInfoProto {
        let tensor = TypeProtoTensor { elem_type: Some(element), ..TypeProtoTensor::default() };
        let kind = TypeProto { tensor_type: Some(tensor), ..TypeProto::default() };
        ValueInfoProto { name: Some(name.into()), r#type: Some(kind) }
    }

    /// What is said of a graph of these nodes with inputs `whole` and `real` and the output `out`.
    fn found(nodes: Vec<NodeProto>) -> Option<&'static str> {
        let graph = GraphProto {
            node: nodes,
            input: vec![declared("whole", DataType::INT64), declared("real", DataType::FLOAT)],
            output: vec![declared("out", DataType::FLOAT)],
            ..GraphProto::default()
        };
        let inner = AttributeProto { g: Some(graph.clone()), ..AttributeProto::default() };
        let branch = NodeProto { attribute: vec![inner], ..node("If", &["whole"], "out") };
        let around = GraphProto { node: vec![branch], ..GraphProto::default() };
        let (found, inside) = (departure(&graph, 19), departure(&around, 19));
        assert_eq!(found, inside);
        found.map(|departure| departure.what)
    }

    #[test]
    fn truths_of_integers_will_do_where_nothing_but_0_matters() {
        let truth = |from: &str| cast(from, DataType::BOOL, "truth");
        let masked = node("Where", &["wide", "real", "real"], "out");
        let handed_on = vec![truth("whole"), node("Expand", &["truth", "shape"], "wide"), masked];
        assert_eq!(found(handed_on), None);
        assert_eq!(found(vec![truth("whole"), node("Not", &["truth"], "out")]), None);
        let compared =
            vec![node("Less", &["real", "real"], "less"), cast("less", DataType::BOOL, "b")];
        assert_eq!(found(compared), None);
        let widened = vec![
            node("Less", &["real", "real"], "less"),
            node("Unsqueeze", &["less"], "wide"),
            cast("wide", DataType::BOOL, "b"),
        ];
        assert_eq!(found(widened), None);
        // A number again, also in a branch, a float's truth, truths that leave the graph, and one in the type
        // of another.
        let inner = GraphProto {
            node: vec![cast("truth", DataType::FLOAT, "number")],
            output: vec![declared("number", DataType::FLOAT)],
            ..GraphProto::default()
        };
        let attribute = vec![AttributeProto { g: Some(inner), ..AttributeProto::default() }];
        let branch = NodeProto { attribute, ..node("If", &["less"], "out") };
        for nodes in [
            vec![truth("whole"), branch],
            vec![
                node("Less", &["real", "real"], "less"),
                node("CastLike", &["real", "less"], "b"),
                node("Not", &["b"], "out"),
            ],
            vec![truth("whole"), cast("truth", DataType::FLOAT, "out")],
            vec![truth("real"), node("Not", &["truth"], "out")],
            vec![cast("whole", DataType::BOOL, "out")],
            vec![truth("whole"), node("Where", &["less", "truth", "truth"], "out")],
        ] {
            assert!(found(nodes).is_some());
        }
    }

    #[test]
    fn a_value_that_goes_in_a_circle_ends() {
        let circle = vec![
            cast("whole", DataType::BOOL, "a"),
            node("Concat", &["a", "b"], "b"),
            node("Not", &["b"], "out"),
        ];
        assert_eq!(found(circle), None);
    }

    #[test]
    fn a_softmax_of_old_needs_the_last_axis() {
        let softmax = |axis: i64| {
            let (name, i) = (Some("axis".into()), Some(axis));
            let attribute = AttributeProto { name, i, ..AttributeProto::default() };
            NodeProto { attribute: vec![attribute], ..node("Softmax", &["x"], "out") }
        };
        let tensor =
            TensorProto { name: Some("x".into()), dims: vec![2, 3, 4], ..Default::default() };
        let perm = AttributeProto {
            name: Some("perm".into()),
            ints: vec![0, 2, 1],
            ..AttributeProto::default()
        };
        let turned = NodeProto { attribute: vec![perm], ..node("Transpose", &["any"], "x") };
        let graph = |axis| GraphProto {
            node: vec![turned.clone(), softmax(axis)],
            ..GraphProto::default()
        };
        assert!(departure(&graph(2), 12).is_none() && departure(&graph(1), 12).is_some());
        let of = |axis, opset| {
            let graph = GraphProto {
                node: vec![softmax(axis)],
                initializer: vec![tensor.clone()],
                ..GraphProto::default()
            };
            departure(&graph, opset).is_some()
        };
        assert!(of(1, 12) && !of(2, 12) && !of(-1, 12) && !of(1, 13));
    }
}
