//! Figures of whole sets, as contributions of single samples and what is beyond them.

use std::sync::Arc;

use kinepath::metrics::{
    CoverageGroups, FeatureMoments, FrechetReference, KidReference, PrdcReference, RecallSplits,
};
use kinepath::stats::{Curvature, Tilt, changed_flags};
use ndarray::Array2;

use super::evidence::{Column, Evidence};
use crate::StudyError;

/// Seed of the splits that the variance of recall comes from: the same in all sets, so that
/// differences are paired.
const SPLIT_SEED: u64 = 0;

/// What a figure depends on beyond the contributions of single samples.
#[derive(Debug, Clone)]
pub(super) enum SecondOrder {
    /// The Fréchet distance of features.
    Frechet(Arc<FrechetReference>, Arc<Array2<f32>>),
    /// The kernel distance of features.
    Kernel(Arc<KidReference<'static>>, Arc<Array2<f32>>),
    /// The variance of recall.
    Recall(RecallSplits),
    /// The variance of coverage.
    Coverage(CoverageGroups),
}

/// The contributions of samples to a figure or a difference, with the spread that it has.
pub(super) struct Influence<'e> {
    /// One value per sample; their mean is the figure.
    pub(super) values: Vec<f64>,
    /// Where the difference is one of shares: how many samples have a flag in the own set alone, and
    /// how many in the baseline alone.
    pub(super) changes: Option<(usize, usize)>,
    own: Option<&'e SecondOrder>,
    baseline: Option<&'e SecondOrder>,
}

impl Evidence {
    /// Adds the Fréchet distance of `features`, `[N, F]`.
    ///
    /// # Errors
    /// [`StudyError::Metrics`] as [`FrechetReference::contributions`], [`StudyError::Mismatch`] for
    /// another number of rows than samples.
    pub fn add_frechet(
        &mut self,
        reference: &Arc<FrechetReference>,
        features: &Arc<Array2<f32>>,
    ) -> Result<(), StudyError> {
        let values = reference.contributions(&FeatureMoments::new(features.view())?)?;
        let second_order = SecondOrder::Frechet(Arc::clone(reference), Arc::clone(features));
        self.add("frechet_distance", Column { values, second_order: Some(second_order) })
    }

    /// Adds the kernel distance of `features`, `[N, F]`.
    ///
    /// # Errors
    /// [`StudyError::Metrics`] as [`KidReference::compare`], [`StudyError::Mismatch`] for another
    /// number of rows than samples.
    pub fn add_kernel(
        &mut self,
        reference: &Arc<KidReference<'static>>,
        features: &Arc<Array2<f32>>,
    ) -> Result<(), StudyError> {
        let values = reference.compare(features.view())?.contributions;
        let second_order = SecondOrder::Kernel(Arc::clone(reference), Arc::clone(features));
        self.add("kernel_distance", Column { values, second_order: Some(second_order) })
    }

    /// Adds precision, recall, density and coverage of `features`, `[N, F]`.
    ///
    /// # Errors
    /// [`StudyError::Metrics`] as [`PrdcReference::compare`], [`StudyError::Mismatch`] for another
    /// number of rows than samples.
    pub fn add_prdc(
        &mut self,
        reference: &PrdcReference<'_>,
        features: &Array2<f32>,
    ) -> Result<(), StudyError> {
        let comparison = reference.compare(features.view())?;
        let columns = comparison.contributions();
        let recall = comparison.recall_splits(SPLIT_SEED).map(SecondOrder::Recall);
        let coverage = Some(SecondOrder::Coverage(comparison.coverage_groups()));
        for (key, values, second_order) in [
            ("precision", columns.precision, None),
            ("recall", columns.recall, recall),
            ("density", columns.density, None),
            ("coverage", columns.coverage, coverage),
        ] {
            self.add(key, Column { values, second_order })?;
        }
        Ok(())
    }
}

impl<'e> Influence<'e> {
    /// Of a figure.
    pub(super) fn of(column: &'e Column) -> Result<Self, StudyError> {
        Self::with(column.values.clone(), column.second_order.as_ref(), None)
    }

    /// Of the difference `own − baseline` of a figure between two sets on the same noise.
    pub(super) fn of_difference(own: &'e Column, baseline: &'e Column) -> Result<Self, StudyError> {
        let values = own.values.iter().zip(&baseline.values).map(|(own, base)| own - base);
        let plain = own.second_order.is_none() && baseline.second_order.is_none();
        let changes = if plain { changed_flags(&baseline.values, &own.values) } else { None };
        let (own, baseline) = (own.second_order.as_ref(), baseline.second_order.as_ref());
        let influence = Self::with(values.collect(), own, baseline)?;
        Ok(Self { changes, ..influence })
    }

    fn with(
        mut values: Vec<f64>,
        own: Option<&'e SecondOrder>,
        baseline: Option<&'e SecondOrder>,
    ) -> Result<Self, StudyError> {
        if let Some(variance) = own.map(|own| own.variance(baseline)).transpose()?.flatten() {
            spread_to(&mut values, variance);
        }
        Ok(Self { values, changes: None, own, baseline })
    }

    /// How the figure bends along its least favourable direction.
    pub(super) fn curvature(&self) -> Result<Curvature, StudyError> {
        let tilt = Tilt::of(&self.values)?;
        let along = |order: Option<&SecondOrder>| {
            order.map_or(Ok(0.0), |order| order.along(tilt.direction()))
        };
        Ok(tilt.curvature(along(self.own)? - along(self.baseline)?))
    }
}

impl SecondOrder {
    /// The term of second order of the figure along a change of the samples' weights; 0 where only
    /// the variance is known to depend on it.
    fn along(&self, direction: &[f64]) -> Result<f64, StudyError> {
        Ok(match self {
            Self::Frechet(reference, features) => {
                reference.second_order(&FeatureMoments::new(features.view())?, direction)?
            }
            Self::Kernel(reference, features) => {
                reference.second_order(features.view(), direction)?
            }
            Self::Recall(_) | Self::Coverage(_) => 0.0,
        })
    }

    /// The variance of the figure, or of its difference to the baseline's, if it is known better
    /// than from the contributions.
    fn variance(&self, baseline: Option<&Self>) -> Result<Option<f64>, StudyError> {
        Ok(match (self, baseline) {
            (Self::Recall(own), None) => Some(own.variance()),
            (Self::Coverage(own), None) => Some(own.variance()),
            (Self::Recall(own), Some(Self::Recall(base))) => Some(own.minus(base)?.variance()),
            (Self::Coverage(own), Some(Self::Coverage(base))) => Some(own.minus(base)?.variance()),
            _ => None,
        })
    }
}

/// Brings pseudo-values of a jackknife closer to their mean, until the variance of the mean is
/// `variance`. The jackknife's own is an upper bound (Efron & Stein 1981), so that they are never
/// moved away from it, and stay where an estimate of the variance came out as none.
fn spread_to(values: &mut [f64], variance: f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let jackknife = squares / (count * (count - 1.0));
    if variance > 0.0 && variance < jackknife {
        let scale = (variance / jackknife).sqrt();
        values.iter_mut().for_each(|value| *value = mean + scale * (*value - mean));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_values_are_drawn_in_to_a_smaller_variance_only() {
        // The jackknife variance of the mean of 1, 3, 5, 7 is 20 / 12.
        let after = |variance: f64| {
            let mut values = vec![1.0, 3.0, 5.0, 7.0];
            spread_to(&mut values, variance);
            values
        };
        assert_eq!(after(20.0 / 48.0), [2.5, 3.5, 4.5, 5.5]);
        assert_eq!(after(2.0), [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(after(-0.1), [1.0, 3.0, 5.0, 7.0]);
        let mut constant = vec![2.0; 3];
        spread_to(&mut constant, 1.0);
        assert_eq!(constant, [2.0; 3]);
    }
}
