//! The data sets and networks that travel inside the program.
//!
//! Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017; MIT licence), and two small networks trained on
//! it; `training/` in the repository holds the scripts that made them.

use super::dataset::Dataset;
use super::error::DataError;
use super::idx;

/// Prefix of a specification that names an embedded data set.
pub const PREFIX: &str = "builtin:";

/// The velocity network of the default study, an ONNX model.
pub const VELOCITY_ONNX: &[u8] = include_bytes!("../../../../assets/velocity.onnx");

/// The classifier of the default study, an ONNX model: its penultimate layer is the feature
/// space, its softmax gives confidence and margin.
pub const CLASSIFIER_ONNX: &[u8] = include_bytes!("../../../../assets/classifier.onnx");

/// An embedded data set.
struct Embedded {
    name: &'static str,
    images: &'static [u8],
    labels: &'static [u8],
}

const EMBEDDED: &[Embedded] = &[
    Embedded {
        name: "fashion-mnist",
        images: include_bytes!("../../../../assets/train-images-idx3-ubyte.gz"),
        labels: include_bytes!("../../../../assets/train-labels-idx1-ubyte.gz"),
    },
    Embedded {
        name: "fashion-mnist-reference",
        images: include_bytes!("../../../../assets/reference-images-idx3-ubyte.gz"),
        labels: include_bytes!("../../../../assets/reference-labels-idx1-ubyte.gz"),
    },
];

/// The names that can follow `builtin:`: `fashion-mnist`, the training subset, and
/// `fashion-mnist-reference`, pictures held out from it.
pub fn names() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|embedded| embedded.name)
}

/// Loads an embedded data set by the name that follows `builtin:`.
pub(crate) fn load(name: &str) -> Result<Dataset, DataError> {
    let embedded = EMBEDDED.iter().find(|embedded| embedded.name == name).ok_or_else(|| {
        DataError::UnknownBuiltin {
            name: name.to_owned(),
            known: names().collect::<Vec<_>>().join(", "),
        }
    })?;
    let spec = format!("{PREFIX}{name}");
    let images = idx::parse(embedded.images, &spec)?;
    let labels = idx::parse(embedded.labels, &spec)?.into_labels(&spec, "labels")?;
    Dataset::assemble(&spec, images, Some(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_data_set_loads() {
        for name in names() {
            let data = load(name).unwrap();
            assert!(data.len() > 1, "{name}");
            assert_eq!(data.shape[0], 1, "{name}");
            assert_eq!(data.dim(), data.shape.iter().product::<usize>(), "{name}");
            assert!(data.labels.unwrap().iter().all(|label| (0..10).contains(label)), "{name}");
        }
    }

    #[test]
    fn training_and_reference_have_one_shape_and_differ() {
        let [train, reference] =
            ["fashion-mnist", "fashion-mnist-reference"].map(|name| load(name).unwrap());
        assert_eq!(train.shape, reference.shape);
        assert_ne!(train.sha256, reference.sha256);
    }
}
