//! What the nodes of a graph say of themselves.

use rten_onnx::onnx::{AttributeProto, GraphProto, NodeProto};

/// Whether a domain is that of the standard operators.
pub(crate) fn is_standard(domain: Option<&str>) -> bool {
    matches!(domain, None | Some("" | "ai.onnx"))
}

/// The name of an operator of the standard set.
pub(crate) fn operator(node: &NodeProto) -> Option<&str> {
    is_standard(node.domain.as_deref()).then_some(())?;
    node.op_type.as_deref()
}

/// The name of an operator, as `domain::Name` outside the standard set.
pub(crate) fn qualified(node: &NodeProto) -> String {
    let name = node.op_type.as_deref().unwrap_or("(unnamed)");
    match node.domain.as_deref() {
        Some(domain) if !is_standard(Some(domain)) => format!("{domain}::{name}"),
        _ => name.to_owned(),
    }
}

/// An attribute of a node.
pub(crate) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
}

/// The text of an attribute.
pub(crate) fn text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a str> {
    attribute(node, name)?.s.as_deref()
}

/// The integer of an attribute.
pub(crate) fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name)?.i
}

/// The integers of an attribute.
pub(crate) fn integers<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [i64]> {
    Some(&attribute(node, name)?.ints)
}

/// The graphs that a node has among its attributes: branches and bodies.
pub(crate) fn graphs_in(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().filter_map(|attribute| attribute.g.as_ref())
}

/// The name of an input that is given: one that is left out has none.
pub(crate) fn input(node: &NodeProto, at: usize) -> Option<&str> {
    node.input.get(at).map(String::as_str).filter(|name| !name.is_empty())
}
