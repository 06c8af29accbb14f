//! What samples are judged by, prepared once: data, networks, neighbour indices, references.

use std::sync::Arc;

use kinepath::metrics::{
    DistinctPoints, FeatureMoments, Fidelity, FrechetReference, GAP_THRESHOLD, GapRatios,
    NeighbourIndex, Prdc, PrdcComparison, PrdcReference, f_mem, fidelity, gap_ratios, kde_support,
    knn_support, median_bandwidth,
};
use kinepath::stats::{Bootstrap, Interval};
use kinepath_onnx::{Classifier, Encoder};
use ndarray::ArrayView2;

use super::results::DataResults;
use super::settings::DataSettings;
use crate::StudyError;
use crate::data::{self, Dataset};
use crate::source::open_onnx;

/// Neighbours k of precision, recall, density and coverage, as in the package `prdc`.
const PRDC_NEIGHBOURS: usize = 5;

/// Everything that samples are compared with.
pub struct Judge {
    training: Dataset,
    training_results: DataResults,
    reference_results: DataResults,
    pixels: NeighbourIndex<'static>,
    false_alarms: GapRatios,
    encoder: Encoder,
    classifier: Classifier,
    features: NeighbourIndex<'static>,
    support_neighbours: usize,
    bandwidth: f64,
    frechet: FrechetReference,
    prdc: PrdcReference<'static>,
}

/// What the judge says of the samples of one run, one entry per sample in every column.
pub struct Judged {
    /// Distances to the training set in pixels.
    pub gaps: GapRatios,
    /// Whether the gap ratio is below a third, as 0 or 1.
    pub memorized: Vec<f64>,
    /// The classifier's opinion.
    pub fidelity: Fidelity,
    /// k-nearest-neighbour support in feature space.
    pub knn_support: Vec<f64>,
    /// Kernel support in feature space.
    pub kde_support: Vec<f64>,
    /// `‖x(1)‖²`.
    pub squared_norm: Vec<f64>,
    moments: FeatureMoments<'static>,
    prdc: PrdcComparison,
}

impl Judge {
    /// Loads data and networks and prepares the reference side of every metric.
    ///
    /// # Errors
    /// [`StudyError`] if something cannot be loaded, or the two data sets differ in shape.
    pub fn open(settings: &DataSettings, support_neighbours: usize) -> Result<Self, StudyError> {
        let training = data::load(&settings.train)?;
        let reference = data::load(&settings.reference)?;
        if training.shape != reference.shape {
            return Err(StudyError::Mismatch(format!(
                "{} has records of shape {:?}, but {} of {:?}",
                training.name, training.shape, reference.name, reference.shape
            )));
        }
        let network = Arc::new(open_onnx(&settings.encoder)?.0);
        let encoder = Encoder::new(network.clone())?;
        // One network often is both, as the embedded one: it is then loaded once.
        let classifier = if settings.classifier == settings.encoder {
            Classifier::new(network)?
        } else {
            Classifier::new(open_onnx(&settings.classifier)?.0)?
        };

        let distinct = DistinctPoints::new(training.values.clone())?;
        let training_results = describe(&training, distinct.len());
        let distinct_reference = DistinctPoints::new(reference.values.view())?.len();
        let reference_results = describe(&reference, distinct_reference);
        let pixels = NeighbourIndex::new(distinct);
        let false_alarms = gap_ratios(&pixels, reference.values.view())?;

        let training_features = encoder.features(training.values.view())?;
        let features = NeighbourIndex::new(DistinctPoints::new(training_features)?);
        let bandwidth = median_bandwidth(&features, support_neighbours)?;
        let reference_features = encoder.features(reference.values.view())?;
        let frechet =
            FrechetReference::new(FeatureMoments::new(reference_features.view())?.gaussian())?;
        let prdc = PrdcReference::new(reference_features, PRDC_NEIGHBOURS)?;
        Ok(Self {
            training,
            training_results,
            reference_results,
            pixels,
            false_alarms,
            encoder,
            classifier,
            features,
            support_neighbours,
            bandwidth,
            frechet,
            prdc,
        })
    }

    /// The training set.
    pub fn training(&self) -> &Dataset {
        &self.training
    }

    /// The training set in a few words and numbers.
    pub fn training_results(&self) -> DataResults {
        self.training_results.clone()
    }

    /// The reference set in a few words and numbers.
    pub fn reference_results(&self) -> DataResults {
        self.reference_results.clone()
    }

    /// The share of reference images that would count as memorized.
    ///
    /// # Errors
    /// [`StudyError::Stats`] if there are fewer than two of them.
    pub fn false_alarm(&self, bootstrap: &Bootstrap) -> Result<Interval, StudyError> {
        Ok(f_mem(&self.false_alarms.memorized(GAP_THRESHOLD), bootstrap)?)
    }

    /// Judges samples, `[N, D]`.
    ///
    /// # Errors
    /// [`StudyError::Metrics`] if they do not have the dimension of the data or are too few.
    pub fn judge(&self, samples: ArrayView2<'_, f32>) -> Result<Judged, StudyError> {
        let gaps = gap_ratios(&self.pixels, samples)?;
        let features = self.encoder.features(samples)?;
        Ok(Judged {
            memorized: gaps.memorized(GAP_THRESHOLD).into_iter().map(f64::from).collect(),
            gaps,
            fidelity: fidelity(self.classifier.logits(samples)?.view())?,
            knn_support: knn_support(&self.features, features.view(), self.support_neighbours)?,
            kde_support: kde_support(&self.features, features.view(), self.bandwidth)?,
            squared_norm: samples
                .outer_iter()
                .map(|x| x.iter().map(|&v| f64::from(v).powi(2)).sum())
                .collect(),
            prdc: self.prdc.compare(features.view())?,
            moments: FeatureMoments::new(features)?,
        })
    }

    /// Fréchet distance of the samples in `rows` to the reference; NaN where undefined.
    pub(super) fn frechet(&self, judged: &Judged, rows: &[usize]) -> f64 {
        let distance =
            judged.moments.resampled(rows).and_then(|gaussian| self.frechet.distance(&gaussian));
        distance.unwrap_or(f64::NAN)
    }
}

impl Judged {
    /// Precision, recall, density and coverage of the samples in `rows`, if there are any.
    pub(super) fn prdc(&self, rows: &[usize]) -> Option<Prdc> {
        self.prdc.resampled(rows).ok()
    }
}

fn describe(data: &Dataset, distinct: usize) -> DataResults {
    DataResults {
        name: data.name.clone(),
        count: data.len(),
        distinct,
        shape: data.shape.clone(),
        scaling: data.scaling.to_string(),
        sha256: data.sha256.clone(),
    }
}
