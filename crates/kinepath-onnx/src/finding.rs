//! Going through the nodes of a graph for one that must not run.

use rten_onnx::onnx::{GraphProto, NodeProto};

use crate::known::Known;
use crate::nodes::{graphs_in, qualified};

/// A node that must not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Its operator, as `domain::Name` outside the standard set.
    pub(crate) operator: String,
    /// Its name.
    pub(crate) node: String,
    /// What it does, or an engine does with it.
    pub(crate) what: &'static str,
}

/// The first node of `graph`, or of a graph in it, of which `look` says something. It is given what is known
/// of the values that the node sees, and what `gather` has made of its graph.
pub(crate) fn find<'a, G>(
    graph: &'a GraphProto,
    gather: &impl Fn(&'a GraphProto) -> G,
    look: &impl Fn(&'a NodeProto, &Known<'a>, &G) -> Option<&'static str>,
) -> Option<Finding> {
    find_within(&Known::default(), graph, gather, look)
}

fn find_within<'a, G>(
    around: &Known<'a>,
    graph: &'a GraphProto,
    gather: &impl Fn(&'a GraphProto) -> G,
    look: &impl Fn(&'a NodeProto, &Known<'a>, &G) -> Option<&'static str>,
) -> Option<Finding> {
    let (known, gathered) = (around.within(graph), gather(graph));
    graph.node.iter().find_map(|node| {
        let found = look(node, &known, &gathered).map(|what| Finding {
            operator: qualified(node),
            node: node.name.clone().unwrap_or_default(),
            what,
        });
        found.or_else(|| graphs_in(node).find_map(|inner| find_within(&known, inner, gather, look)))
    })
}
