//! Held-out records: the reference of distances between distributions, and of the copying test.

use std::sync::Arc;

use kinepath::metrics::{
    Cells, CopyingReference, DistinctPoints, FeatureMoments, FrechetReference, GapRatios,
    KidReference, PrdcReference, ValueSummary, gap_ratios,
};
use ndarray::Array2;

use super::evidence::Evidence;
use super::judge::{Judge, MOST_COVARIANCE_FEATURES, describe};
use super::results::DataResults;
use crate::StudyError;
use crate::data;

/// Neighbours k of precision, recall, density and coverage, as in the package `prdc`.
const PRDC_NEIGHBOURS: usize = 5;
/// Training records per cell of the copying test, and the most cells: few enough to fill them.
const RECORDS_PER_CELL: usize = 128;
const MOST_CELLS: usize = 50;
/// Least share of the samples in a cell that counts in the copying test.
const LEAST_CELL_SHARE: f64 = 0.01;
/// Seed of the cells: the same for every study of a training set.
const CELL_SEED: u64 = 0;

/// What needs real records that the model has not seen.
pub(super) struct HeldOut {
    pub(super) results: DataResults,
    pub(super) values: ValueSummary,
    pub(super) gaps: GapRatios,
    pub(super) frechet: Option<Arc<FrechetReference>>,
    pub(super) kernel: Arc<KidReference<'static>>,
    prdc: PrdcReference<'static>,
    cells: Cells,
    copying: CopyingReference,
}

impl HeldOut {
    /// Loads the records and prepares every metric that they allow.
    ///
    /// # Errors
    /// [`StudyError`] if they cannot be loaded, or differ in shape from the training records.
    pub(super) fn open(judge: &Judge, name: &str) -> Result<Self, StudyError> {
        let (training, reference) = (&judge.training, data::load(name)?);
        if training.shape != reference.shape {
            return Err(StudyError::Mismatch(format!(
                "{} has records of shape {:?}, but {} of {:?}",
                training.name, training.shape, reference.name, reference.shape
            )));
        }
        let distinct = DistinctPoints::new(reference.values.view())?.len();
        let features = judge.embed(reference.values.view())?.into_owned();
        let sought = judge.copies_in.of(reference.values.view(), features.view());
        let gaps = gap_ratios(&judge.copies, sought)?;
        let frechet = match features.ncols() <= MOST_COVARIANCE_FEATURES {
            false => None,
            true => {
                let gaussian = FeatureMoments::new(features.view())?.gaussian();
                Some(Arc::new(FrechetReference::new(gaussian)?))
            }
        };
        let training_features = judge.feature_index();
        let count = (training_features.len() / RECORDS_PER_CELL).clamp(1, MOST_CELLS);
        let cells = Cells::k_means(training_features.source(), count, CELL_SEED)?;
        let placed = cells.assign(features.view())?;
        let copying = CopyingReference::new(&placed, &gaps.d1, LEAST_CELL_SHARE)?;
        let values = ValueSummary::of(reference.values.view());
        Ok(Self {
            results: describe(&reference, distinct, values),
            values,
            gaps,
            frechet,
            cells,
            kernel: Arc::new(KidReference::new(features.clone())?),
            prdc: PrdcReference::new(features, PRDC_NEIGHBOURS)?,
            copying,
        })
    }

    /// Adds what the held-out records say of samples with these features and distances.
    pub(super) fn testify(
        &self,
        evidence: &mut Evidence,
        features: &Arc<Array2<f32>>,
        gaps: &GapRatios,
    ) -> Result<(), StudyError> {
        if let Some(frechet) = &self.frechet {
            evidence.add_frechet(frechet, features)?;
        }
        evidence.add_kernel(&self.kernel, features)?;
        evidence.add_prdc(&self.prdc, features)?;
        let cells = self.cells.assign(features.view())?;
        evidence.add_copying(self.copying.compare(&cells, &gaps.d1)?);
        Ok(())
    }
}
