//! A run and what the judge says of it.

use ndarray::Array2;

use super::RunInput;
use super::judge::{Judge, Judged};
use crate::StudyError;
use crate::run::Column;

/// A run and what the judge says of it.
pub(super) struct JudgedRun {
    pub(super) input: RunInput,
    /// Endpoints, `[N, D]`.
    pub(super) samples: Array2<f32>,
    pub(super) judged: Judged,
}

impl JudgedRun {
    /// Judges a run and adds the columns of the judgement to its tables.
    ///
    /// # Errors
    /// [`StudyError`] if the samples cannot be read or judged, or a table not be written.
    pub(super) fn new(judge: &Judge, mut input: RunInput) -> Result<Self, StudyError> {
        let samples = input.samples()?;
        let judged = judge.judge(samples.view(), input.labels().as_deref())?;
        input.add_columns(&judgement(&judged))?;
        Ok(Self { input, samples, judged })
    }
}

/// The columns that judging adds to the table of a run.
fn judgement(judged: &Judged) -> Vec<(&'static str, Column)> {
    let integers =
        |values: &[usize]| Column::I64(values.iter().map(|&value| value as i64).collect());
    let gaps = &judged.gaps;
    let mut columns = vec![
        ("nearest", integers(&gaps.nearest)),
        ("d1", Column::F64(gaps.d1.clone())),
        ("d2", Column::F64(gaps.d2.clone())),
        ("gap_ratio", Column::F64(gaps.ratio.clone())),
        ("memorized", Column::Bool(judged.memorized.clone())),
        ("authentic", Column::Bool(judged.authentic.clone())),
    ];
    if let Some(fidelity) = &judged.fidelity {
        columns.push(("predicted", integers(&fidelity.predicted)));
        columns.push(("confidence", Column::F64(fidelity.confidence.clone())));
        columns.push(("margin", Column::F64(fidelity.margin.clone())));
        columns.push(("entropy", Column::F64(fidelity.entropy.clone())));
    }
    for key in ["clip_score", "clip_margin"] {
        if let Some(column) = judged.evidence.column(key) {
            columns.push((key, Column::F64(column.values.clone())));
        }
    }
    columns.push(("knn_support", Column::F64(judged.knn_support.clone())));
    columns.push(("kde_support", Column::F64(judged.kde_support.clone())));
    columns
}
