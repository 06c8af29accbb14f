//! Nodes whose output does not follow from their own sample: networks that were exported while they were in
//! training.

use rten_onnx::onnx::{GraphProto, NodeProto};

use crate::Problem;
use crate::known::{Known, is_true};
use crate::nodes::{input, integer, operator, qualified};

/// The first node of `graph`, or of a graph in it, that draws random numbers or mixes the samples of a
/// batch.
///
/// # Errors
/// [`Problem::Training`], which names it.
pub(crate) fn refuse(graph: &GraphProto) -> Result<(), Problem> {
    let values = Known::of(graph);
    graph.node.iter().try_for_each(|node| {
        if let Some(what) = unsteady(node, &values) {
            let node_name = node.name.clone().unwrap_or_default();
            return Err(Problem::Training { operator: qualified(node), node: node_name, what });
        }
        node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()).try_for_each(refuse)
    })
}

fn unsteady(node: &NodeProto, values: &Known<'_>) -> Option<&'static str> {
    const RANDOM: &str = "draws random numbers";
    match operator(node)? {
        "Bernoulli" | "Multinomial" | "RandomNormal" | "RandomNormalLike" | "RandomUniform"
        | "RandomUniformLike" => Some(RANDOM),
        "Dropout" => {
            // In training unless the third input says no; without one it never is.
            let training = values.constant(input(node, 2)?).and_then(is_true);
            (training != Some(false)).then_some(RANDOM)
        }
        "BatchNormalization" => (integer(node, "training_mode") == Some(1))
            .then_some("normalises by the other samples of the batch"),
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
        let (found, inside) = (refuse(&graph), refuse(&around));
        assert_eq!(found, inside);
        if let Err(problem) = &found {
            assert!(problem.to_string().contains("mid/node"), "{problem}");
        }
        found.is_err()
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
    }
}
