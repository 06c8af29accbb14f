//! What samples are judged by, as `evaluate` and `compare` take it.

use anyhow::Result;
use clap::Args;
use kinepath_study::study::DataSettings;

use crate::cli::at_least_one;
use crate::exit::Usage;

/// What samples are judged by.
#[derive(Debug, Args)]
#[command(next_help_heading = "Judged by")]
pub(crate) struct DataArgs {
    /// Training set of the model: IDX, NPY, NPZ, safetensors, CIFAR, a folder of pictures, or
    /// builtin:fashion-mnist
    #[arg(long, value_name = "DATA")]
    train: String,
    /// Real data the model has not seen, for Fréchet distance, precision and recall [default for
    /// builtin:fashion-mnist: builtin:fashion-mnist-reference]
    #[arg(long, value_name = "DATA")]
    reference: Option<String>,
    /// Network whose features are the feature space [default for builtin:fashion-mnist:
    /// builtin:classifier]
    #[arg(long, value_name = "E.onnx")]
    encoder: Option<String>,
    /// Network whose logits give confidence and margin [default for builtin:fashion-mnist:
    /// builtin:classifier]
    #[arg(long, value_name = "C.onnx")]
    classifier: Option<String>,
    /// Bootstrap resamples of every interval
    #[arg(long, value_name = "N", default_value = "2000", value_parser = at_least_one)]
    pub(crate) resamples: usize,
}

impl DataArgs {
    /// Fills in what the embedded data set implies, and refuses what is missing.
    pub(crate) fn settings(&self) -> Result<DataSettings> {
        let embedded = kinepath_study::study::StudySettings::default().data;
        if self.train == embedded.train {
            return Ok(DataSettings {
                train: embedded.train,
                reference: self.reference.clone().unwrap_or(embedded.reference),
                encoder: self.encoder.clone().unwrap_or(embedded.encoder),
                classifier: self.classifier.clone().unwrap_or(embedded.classifier),
            });
        }
        match (&self.reference, &self.encoder, &self.classifier) {
            (Some(reference), Some(encoder), Some(classifier)) => Ok(DataSettings {
                train: self.train.clone(),
                reference: reference.clone(),
                encoder: encoder.clone(),
                classifier: classifier.clone(),
            }),
            (reference, encoder, classifier) => {
                let missing = [
                    (reference, "--reference DATA (real data the model has not seen)"),
                    (encoder, "--encoder E.onnx (a network with features)"),
                    (classifier, "--classifier C.onnx (a network with logits)"),
                ];
                let missing: Vec<&str> =
                    missing.iter().filter(|(given, _)| given.is_none()).map(|(_, n)| *n).collect();
                Err(Usage(format!(
                    "to judge samples of {} give {}; this version needs all of them, only {} has \
                     defaults",
                    self.train,
                    missing.join(", "),
                    embedded.train
                ))
                .into())
            }
        }
    }
}
