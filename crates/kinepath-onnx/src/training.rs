//! Nodes whose output does not follow from their own sample: networks that were exported while they were in
//! training.

use rten_onnx::onnx::{GraphProto, NodeProto};

use crate::finding::{Finding, find};
use crate::known::{Known, is_true};
use crate::nodes::{input, integer, operator};

/// The first node of `graph`, or of a graph in it, that draws random numbers or mixes the samples of a
/// batch.
pub(crate) fn unsteady(graph: &GraphProto, opset: i64) -> Option<Finding> {
    find(graph, &|_| (), &|node, known, ()| deed(node, opset, known))
}

fn deed(node: &NodeProto, opset: i64, values: &Known<'_>) -> Option<&'static str> {
    const RANDOM: &str = "draws random numbers";
    // Before version 7, whether there is training was said by an attribute of both.
    let of_old = opset < 7 && integer(node, "is_test") != Some(1);
    match operator(node)? {
        "Bernoulli" | "Multinomial" | "RandomNormal" | "RandomNormalLike" | "RandomUniform"
        | "RandomUniformLike" => Some(RANDOM),
        "Dropout" if of_old => Some(RANDOM),
        "Dropout" => {
            // In training unless the third input says no; without one it never is.
            let training = values.constant(input(node, 2)?).and_then(is_true);
            (training != Some(false)).then_some(RANDOM)
        }
        "BatchNormalization" => {
            // Before version 14, there were more outputs in training.
            let more = opset < 14 && node.output.iter().filter(|name| !name.is_empty()).count() > 1;
            let training = of_old || more || integer(node, "training_mode") == Some(1);
            training.then_some("normalises by the other samples of the batch")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rten_onnx::onnx::{AttributeProto, DataType, TensorProto};

    use super::*;

    fn node(operator: &str, inputs: &[&str]) -> NodeProto {
        NodeProto {
            op_type: Some(operator.into()),
            name: Some("mid/node".into()),
            input: inputs.iter().map(|&name| name.into()).collect(),
            ..NodeProto::default()
        }
    }

    fn refused(node: NodeProto, training: bool) -> bool {
        refused_in(node, training, 17)
    }

    fn refused_in(node: NodeProto, training: bool, opset: i64) -> bool {
        let constant = TensorProto {
            name: Some("training".into()),
            data_type: Some(DataType::BOOL),
            int32_data: vec![training.into()],
            ..TensorProto::default()
        };
        let graph =
            GraphProto { node: vec![node], initializer: vec![constant], ..GraphProto::default() };
        let inner = AttributeProto { g: Some(graph.clone()), ..AttributeProto::default() };
        let branch = NodeProto { attribute: vec![inner], ..node_of("If") };
        let around = GraphProto { node: vec![branch], ..GraphProto::default() };
        let (found, inside) = (unsteady(&graph, opset), unsteady(&around, opset));
        assert_eq!(found, inside);
        assert!(found.as_ref().is_none_or(|found| found.node == "mid/node"));
        found.is_some()
    }

    fn node_of(operator: &str) -> NodeProto {
        node(operator, &["x"])
    }

    #[test]
    fn what_is_drawn_is_refused() {
        for operator in ["RandomNormalLike", "RandomUniform", "Bernoulli", "Multinomial"] {
            assert!(refused(node_of(operator), false), "{operator}");
        }
        assert!(!refused(node_of("Add"), false));
        let other = NodeProto { domain: Some("org.example".into()), ..node_of("Bernoulli") };
        assert!(!refused(other, false));
    }

    #[test]
    fn dropout_is_refused_unless_it_is_certainly_off() {
        assert!(!refused(node("Dropout", &["x"]), true));
        assert!(!refused(node("Dropout", &["x", "ratio", ""]), true));
        assert!(!refused(node("Dropout", &["x", "ratio", "training"]), false));
        assert!(refused(node("Dropout", &["x", "ratio", "training"]), true));
        assert!(refused(node("Dropout", &["x", "ratio", "told"]), false));
    }

    #[test]
    fn statistics_of_the_batch_are_refused() {
        let with = |mode| {
            let (name, i) = (Some("training_mode".into()), Some(mode));
            let attribute = AttributeProto { name, i, ..AttributeProto::default() };
            NodeProto { attribute: vec![attribute], ..node_of("BatchNormalization") }
        };
        assert!(refused(with(1), false) && !refused(with(0), false));
        assert!(!refused(node_of("BatchNormalization"), false));
        let output = ["y", "mean", "variance"].map(str::to_owned).to_vec();
        let more = NodeProto { output, ..node_of("BatchNormalization") };
        assert!(refused_in(more.clone(), false, 13) && !refused_in(more, false, 15));
        assert!(!refused_in(node_of("BatchNormalization"), false, 9));
        for operator in ["BatchNormalization", "Dropout"] {
            assert!(refused_in(node_of(operator), false, 6), "{operator}");
        }
    }
}
