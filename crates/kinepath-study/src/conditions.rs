//! What the samples of a run are conditioned on: class labels and further inputs of a network.

mod inputs;
mod labels;

use std::collections::BTreeSet;
use std::ops::Range;

use kinepath::field::Conditions;
use kinepath_onnx::ConditionInput;

pub use inputs::InputsFile;
pub(crate) use inputs::Wanted;
pub use labels::{LabelSpec, Labels};

use crate::StudyError;
use crate::run::ConditionSettings;
use crate::source::FieldSource;

/// What the samples of a run are conditioned on.
#[derive(Debug, Default)]
pub struct RunConditions {
    /// One class label per sample, or none.
    pub labels: Option<Labels>,
    /// Further inputs of the network: a row per sample, or one for all.
    pub inputs: Option<InputsFile>,
}

/// The inputs of a field that a file can give.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldInputs {
    /// Those that it needs.
    pub needed: Vec<ConditionInput>,
    /// Its label as an input of numbers, for networks whose label is a vector.
    pub label: Option<ConditionInput>,
}

impl RunConditions {
    /// Class labels alone, such as those that another run has had.
    #[must_use]
    pub fn labels(labels: Vec<i64>) -> Self {
        Self { labels: Some(Labels::given(labels)), inputs: None }
    }

    /// The conditions of the samples `range` in words: `labels` as [`LabelSpec`] reads them, and a
    /// file of inputs. Both are for all `total` samples of which the range is a part.
    ///
    /// # Errors
    /// [`StudyError`] for labels or a file that cannot be read, or do not fit the field or the
    /// number of samples.
    pub fn open(
        labels: Option<&LabelSpec>,
        inputs: Option<&str>,
        source: &FieldSource,
        range: Range<usize>,
        total: usize,
    ) -> Result<Self, StudyError> {
        Ok(Self {
            labels: labels.map(|spec| spec.labels(range, total)).transpose()?,
            inputs: inputs
                .map(|path| InputsFile::of_samples(path, &source.inputs, total))
                .transpose()?,
        })
    }

    /// Refuses conditions that the field does not take, or that are not all that it needs, of a run
    /// of `count` samples whose first has the index `first`.
    ///
    /// # Errors
    /// [`StudyError::Spec`] that says what to add or leave out; [`StudyError::Mismatch`] for labels
    /// of another number than `count`; [`StudyError::Field`] for a label or a null condition that the
    /// field cannot use.
    pub(crate) fn check(
        &self,
        source: &FieldSource,
        first: usize,
        count: usize,
    ) -> Result<(), StudyError> {
        let refuse = |reason: String| {
            let text = source.settings.spec.clone();
            Err(StudyError::Spec { what: "field", text, reason })
        };
        let given = |input: &ConditionInput| {
            self.inputs.as_ref().is_some_and(|inputs| inputs.has(&input.name))
        };
        let label_given = source.inputs.label.as_ref().is_some_and(given);
        match &self.labels {
            Some(_) if !source.labelled => {
                return refuse("it has no classes; leave the labels out".to_owned());
            }
            Some(_) if label_given => {
                return refuse("its labels are among the inputs already; leave one out".to_owned());
            }
            None if source.labelled && !label_given => {
                return refuse("it needs a class label for every sample: --labels, or labels in a settings file".to_owned());
            }
            Some(labels) if labels.values.len() != count => {
                return Err(StudyError::Mismatch(format!(
                    "there are {} labels for {count} samples",
                    labels.values.len()
                )));
            }
            _ => {}
        }
        let missing: Vec<_> = source.inputs.needed.iter().filter(|input| !given(input)).collect();
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|input| format!("`{}`", input.name)).collect();
            return refuse(format!(
                "it needs the inputs {}, from a safetensors file with a tensor of each name",
                names.join(", ")
            ));
        }
        self.check_values(source, first)
    }

    /// Asks the field about each class and, since all rows are alike in kind and shape, the inputs of
    /// one sample.
    fn check_values(&self, source: &FieldSource, first: usize) -> Result<(), StudyError> {
        let mut conditions = self.of(first, &[0])?;
        let labels = self.labels.as_ref().map(|labels| labels.values.iter().copied().collect());
        let labels: Option<BTreeSet<i64>> = labels;
        let classes = labels.map_or(vec![None], |labels| labels.into_iter().map(Some).collect());
        for class in classes {
            conditions.labels = class.map(|label| vec![label]);
            source.field.check_condition(conditions.as_condition(), 1)?;
        }
        Ok(())
    }

    /// The conditions of some samples of a run whose first sample has the index `first`, in this
    /// order: of sample `row` the label number `row`, and row `first + row` of the inputs.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file that cannot be read any more.
    pub(crate) fn of(&self, first: usize, rows: &[usize]) -> Result<Conditions, StudyError> {
        let labels = self.labels.as_ref();
        let in_file = || rows.iter().map(|row| first + row).collect::<Vec<_>>();
        Ok(Conditions {
            labels: labels.map(|labels| rows.iter().map(|&row| labels.values[row]).collect()),
            inputs: match &self.inputs {
                Some(inputs) => inputs.rows(&in_file())?,
                None => Vec::new(),
            },
        })
    }

    /// What goes into `run.toml`, if there is anything.
    pub(crate) fn settings(&self) -> Option<ConditionSettings> {
        (self.labels.is_some() || self.inputs.is_some()).then(|| ConditionSettings {
            labels: self.labels.as_ref().map(Labels::settings),
            inputs: self.inputs.as_ref().map(|inputs| inputs.settings().clone()),
        })
    }
}
