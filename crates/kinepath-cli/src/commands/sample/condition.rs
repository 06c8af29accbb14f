//! What samples are conditioned on, as arguments of `kinepath sample`.

use std::ops::Range;
use std::str::FromStr;

use clap::Args;
use kinepath::field::GuidanceStyle;
use kinepath_study::StudyError;
use kinepath_study::conditions::{InputsFile, LabelSpec, Labels};
use kinepath_study::source::{FieldSource, GuidanceSpec};

/// Labels, further inputs and guidance.
#[derive(Debug, Args)]
#[command(next_help_heading = "Condition")]
pub(super) struct ConditionArgs {
    /// Classes of the samples, for a network with a label input: one for all, a list, cycle:K for 0
    /// to K - 1 in turn, or a file (text, NPY or safetensors)
    #[arg(long, alias = "label", value_name = "LABELS", allow_hyphen_values = true)]
    labels: Option<LabelSpec>,
    /// Further inputs of the network, such as embeddings of prompts: a safetensors file with a tensor
    /// of the name of each
    #[arg(long, value_name = "FILE")]
    inputs: Option<String>,
    /// Scale W of classifier-free guidance; each evaluation counts two
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    guidance: Option<f64>,
    /// Guide between these times only, noise at 0 and data at 1 [default: 0..1]
    #[arg(long, value_name = "A..B", requires = "guidance")]
    guidance_interval: Option<Interval>,
    /// doubled: both evaluations in one batch of twice the rows; calls: one after the other, for half
    /// the memory [default: doubled]
    #[arg(long, value_name = "STYLE", requires = "guidance")]
    guidance_style: Option<GuidanceStyle>,
    /// The label that stands for no class [default: null_label of NAME.kinepath.toml beside the network]
    #[arg(long, value_name = "L", allow_negative_numbers = true, requires = "guidance")]
    null_label: Option<i64>,
    /// The inputs that stand for no condition, one row of each that differs
    #[arg(long, value_name = "FILE", requires = "guidance")]
    null_inputs: Option<String>,
}

/// Two times with dots between.
#[derive(Debug, Clone, Copy)]
struct Interval([f64; 2]);

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text
            .split_once("..")
            .and_then(|(from, to)| Some([from.parse().ok()?, to.parse().ok()?]));
        ends.map(Self).ok_or_else(|| "use A..B with two times, such as 0.3..0.9".to_owned())
    }
}

impl ConditionArgs {
    /// The words for guidance.
    pub(super) fn guidance(&self) -> Option<GuidanceSpec> {
        Some(GuidanceSpec {
            scale: self.guidance?,
            interval: self.guidance_interval.map(|Interval(ends)| ends),
            style: self.guidance_style.unwrap_or_default().to_string(),
            null_label: self.null_label,
            null_inputs: self.null_inputs.clone(),
        })
    }

    /// How many samples the conditions are for, where they say so.
    pub(super) fn count(&self, source: &FieldSource) -> Result<Option<usize>, StudyError> {
        let labels = self.labels.as_ref().map_or(Ok(None), LabelSpec::count)?;
        match (labels, &self.inputs) {
            (None, Some(path)) => InputsFile::count(path, &source.inputs),
            (labels, _) => Ok(labels),
        }
    }

    /// The labels of the samples `range` of `total`.
    pub(super) fn labels(
        &self,
        range: Range<usize>,
        total: usize,
    ) -> Result<Option<Labels>, StudyError> {
        self.labels.as_ref().map(|labels| labels.labels(range, total)).transpose()
    }

    /// The further inputs of `source` for all `total` samples.
    pub(super) fn inputs(
        &self,
        source: &FieldSource,
        total: usize,
    ) -> Result<Option<InputsFile>, StudyError> {
        let open = |path: &String| InputsFile::of_samples(path, &source.inputs, total);
        self.inputs.as_ref().map(open).transpose()
    }
}
