//! What ONNX Runtime's messages mean.

use std::collections::HashMap;

use crate::Problem;
use crate::engine::{EngineError, Provider};

/// What the library says, without the place in its source that some messages begin with.
pub(super) fn words<R>(error: &ort::Error<R>) -> String {
    plain(&error.to_string()).to_owned()
}

fn plain(message: &str) -> &str {
    // path:line function [ONNXRuntimeError] : number : CODE : what happened
    let located = message.rsplit_once("[ONNXRuntimeError] : ").map(|(_, rest)| rest);
    let said = located.and_then(|rest| rest.splitn(3, " : ").nth(2)).unwrap_or(message);
    said.trim().trim_end_matches('.')
}

/// What to say of options that the library refuses.
pub(super) fn unbuildable<R>(error: ort::Error<R>) -> Problem {
    EngineError::Start(words(&error)).into()
}

/// What to say of a network that does not load. `nodes` has the operators at named nodes.
pub(super) fn of_loading<R>(
    error: &ort::Error<R>,
    nodes: &HashMap<String, String>,
    provider: Provider,
) -> Problem {
    let reason = words(error);
    if let Some(node) = operator_refused(&reason, nodes) {
        let operator = nodes[&node].clone();
        return Problem::Operator { operator, node, reason };
    }
    // A GPU that is missing shows when the session starts.
    let on_gpu = ["CUDA", "CUDNN", "TensorRT", "TensorrtExecutionProvider"];
    if provider != Provider::Cpu && on_gpu.iter().any(|word| reason.contains(word)) {
        return EngineError::Provider { provider, reason }.into();
    }
    Problem::Unloadable(reason)
}

/// The node whose operator the library does not have, or not for these types, if `reason` says so.
///
/// The library names the node where an operator lacks a kernel (`Could not find an implementation
/// for Conv(11) node with name 'x'`), and the operator alone where it knows none of its name
/// (`org.example:Swirl(-1) is not a registered function/op`).
fn operator_refused(reason: &str, nodes: &HashMap<String, String>) -> Option<String> {
    if let Some((_, rest)) = reason.split_once("node with name '") {
        let node = rest.split('\'').next().unwrap_or_default();
        return nodes.contains_key(node).then(|| node.to_owned());
    }
    let (before, _) = reason.split_once("(-1) is not a registered")?;
    let called = before.rsplit(' ').next().unwrap_or_default().replace(':', "::");
    let mut found: Vec<_> = nodes.iter().filter(|(_, operator)| **operator == called).collect();
    found.sort();
    found.first().map(|(node, _)| (*node).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reason: &str) -> Option<String> {
        let nodes = [("conv", "Conv"), ("mid/swirl", "org.example::Swirl"), ("z", "Conv")];
        let nodes = nodes.map(|(node, operator)| (node.to_owned(), operator.to_owned()));
        operator_refused(reason, &nodes.into())
    }

    #[test]
    fn the_node_at_fault_is_found() {
        let kernel = "Could not find an implementation for Conv(11) node with name 'z'";
        assert_eq!(refused(kernel).as_deref(), Some("z"));
        let unknown = "Fatal error: org.example:Swirl(-1) is not a registered function/op";
        assert_eq!(refused(unknown).as_deref(), Some("mid/swirl"));
    }

    #[test]
    fn messages_are_freed_of_where_they_were_written() {
        let located = "/src/bridge.cc:2043 onnxruntime::Get() [ONNXRuntimeError] : 1 : FAIL : Failed \
                       to load x.so with error: y.so : no such file\n";
        assert_eq!(plain(located), "Failed to load x.so with error: y.so : no such file");
        assert_eq!(
            plain("CUDA is not enabled in this build. "),
            "CUDA is not enabled in this build"
        );
        assert_eq!(plain("[ONNXRuntimeError] : odd"), "[ONNXRuntimeError] : odd");
    }

    #[test]
    fn other_messages_are_left_alone() {
        assert_eq!(refused("Protobuf parsing failed."), None);
        assert_eq!(refused("node with name 'elsewhere' is odd"), None);
        assert_eq!(refused("Fatal error: a:B(-1) is not a registered function/op"), None);
    }
}
