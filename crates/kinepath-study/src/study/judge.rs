//! What samples are judged by, prepared once: data, networks, neighbour indices, references.

use std::sync::Arc;

use kinepath::metrics::{
    DistinctPoints, Fidelity, FrechetReference, GAP_THRESHOLD, GapRatios, KidReference,
    MetricsError, NeighbourIndex, ValueSummary, VendiFeatures, alignment, authenticity, fidelity,
    kde_support, knn_support, median_bandwidth,
};
use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use super::copy_space::CopySpace;
use super::doubts::value_scale;
use super::evidence::Evidence;
use super::held_out::HeldOut;
use super::look::Look;
use super::networks::Networks;
use super::results::DataResults;
use super::settings::DataSettings;
use crate::StudyError;
use crate::data::{self, Dataset};

/// Most features of which covariances are taken: a matrix of 4096² numbers takes 134 MB.
pub(super) const MOST_COVARIANCE_FEATURES: usize = 4096;

/// How often the training set is held at the height of preparing it: as it is, without duplicates, and
/// laid out for the search, which takes half a copy more while it is made. Measured: 3.4 times for
/// 60,000 records of 512 values.
const COPIES: u64 = 4;

/// Everything that samples are compared with.
pub struct Judge {
    pub(super) training: Dataset,
    training_results: DataResults,
    pub(super) training_values: ValueSummary,
    pub(super) copies_in: CopySpace,
    /// The training set where copies are sought in it.
    pub(super) copies: NeighbourIndex<'static>,
    pub(super) networks: Networks,
    /// Training features; absent where those are what copies are sought in.
    features: Option<NeighbourIndex<'static>>,
    support_neighbours: usize,
    bandwidth: f64,
    pub(super) held_out: Option<HeldOut>,
}

/// What the judge says of the samples of one run, one entry per sample in every column.
pub struct Judged {
    /// Distances to the training set, in the space where copies are sought.
    pub gaps: GapRatios,
    /// Whether the gap ratio is below a third.
    pub memorized: Vec<bool>,
    /// Whether a sample is further from its nearest training record than that is from its own.
    pub authentic: Vec<bool>,
    /// The classifier's opinion, if there is one.
    pub fidelity: Option<Fidelity>,
    /// k-nearest-neighbour support in feature space.
    pub knn_support: Vec<f64>,
    /// Kernel support in feature space.
    pub kde_support: Vec<f64>,
    /// `‖x(1)‖²`, in the space where paths run: that of latents where samples are decoded.
    pub squared_norm: Vec<f64>,
    /// What the figures are computed from.
    pub evidence: Evidence,
    /// Features of the samples, `[N, F]`.
    pub features: Arc<Array2<f32>>,
    /// Where the values of the samples lie, decoded where they are latents.
    pub values: ValueSummary,
}

impl Judge {
    /// Loads data and networks and prepares the reference side of every metric that they allow.
    /// `shape` is that of one sample to be judged: a latent's where the settings name a decoder, whose
    /// file may leave lengths free, and else a record's.
    ///
    /// # Errors
    /// [`StudyError`] if something cannot be loaded, the two data sets differ in shape, copies are
    /// sought in features that no encoder gives, or the decoder does not make pictures of the size of
    /// the records, or there are fewer records than neighbours are sought.
    pub fn open(
        settings: &DataSettings,
        support_neighbours: usize,
        shape: &[usize],
    ) -> Result<Self, StudyError> {
        settings.check()?;
        let training = data::load_for(&settings.train, COPIES)?;
        let networks = Networks::open(settings, &training, shape)?;
        let distinct = DistinctPoints::new(training.values.clone())?;
        let training_values = ValueSummary::of(training.values.view());
        let distinct_records = distinct.len();
        let training_results = describe(&training, distinct_records, training_values);
        let features = match &networks.encoder {
            None => None,
            Some(encoder) => {
                let features = encoder.features(training.values.view())?;
                Some(NeighbourIndex::new(DistinctPoints::new(features)?))
            }
        };
        let (copies, features) = match (settings.copies_in, features) {
            (CopySpace::Features, Some(features)) => (features, None),
            (_, features) => (NeighbourIndex::new(distinct), features),
        };
        let searched = features.as_ref().unwrap_or(&copies);
        if searched.len() <= support_neighbours {
            let what = match settings.encoder.as_ref().filter(|_| distinct_records > searched.len())
            {
                Some(encoder) => format!("records of so many features by {encoder}"),
                None => "different records".to_owned(),
            };
            return Err(StudyError::Mismatch(format!(
                "{} holds {} {what}; samples are judged by the {support_neighbours} nearest of each, \
                 which takes at least {}",
                training.name,
                searched.len(),
                support_neighbours + 1
            )));
        }
        let bandwidth = median_bandwidth(searched, support_neighbours)?;
        let mut judge = Self {
            training,
            training_results,
            training_values,
            copies_in: settings.copies_in,
            copies,
            networks,
            features,
            support_neighbours,
            bandwidth,
            held_out: None,
        };
        judge.held_out =
            settings.reference.as_ref().map(|name| HeldOut::open(&judge, name)).transpose()?;
        Ok(judge)
    }

    /// The training set.
    pub fn training(&self) -> &Dataset {
        &self.training
    }

    /// The shape of one sample that can be judged: a latent's where samples are decoded, and else a
    /// training record's.
    pub fn sample_shape(&self) -> &[usize] {
        match &self.networks.decoder {
            Some(decoder) => decoder.latent_shape(),
            None => &self.training.shape,
        }
    }

    /// That samples of `name` do not have the shape that can be judged.
    pub(crate) fn cannot_judge(&self, name: &str, shape: &[usize]) -> StudyError {
        let judged = match &self.networks.decoder {
            Some(decoder) => format!("{} decodes latents", decoder.network().name()),
            None => format!("{} has records", self.training.name),
        };
        let hint = match &self.networks.decoder {
            Some(_) => "",
            None => "; latents need a decoder (--decode)",
        };
        StudyError::Mismatch(format!(
            "{name} has samples of shape {shape:?}, but {judged} of shape {:?}{hint}",
            self.sample_shape()
        ))
    }

    /// Samples as pictures, `[N, P]`: decoded where they are latents.
    ///
    /// # Errors
    /// [`StudyError::Network`] if they cannot be decoded.
    pub(super) fn decode<'v>(
        &self,
        samples: ArrayView2<'v, f32>,
    ) -> Result<CowArray<'v, f32, Ix2>, StudyError> {
        Ok(match &self.networks.decoder {
            Some(decoder) => decoder.pictures(samples)?.into(),
            None => samples.into(),
        })
    }

    /// The training set in a few words and numbers.
    pub fn training_results(&self) -> DataResults {
        self.training_results.clone()
    }

    /// The held-out set in a few words and numbers, if there is one.
    pub fn reference_results(&self) -> Option<DataResults> {
        self.held_out.as_ref().map(|held_out| held_out.results.clone())
    }

    /// Distances of the held-out records to the training set, if there are any.
    pub fn held_out_gaps(&self) -> Option<&GapRatios> {
        self.held_out.as_ref().map(|held_out| &held_out.gaps)
    }

    /// The training set as copies are sought in it: different records only.
    pub(super) fn copy_index(&self) -> &NeighbourIndex<'static> {
        &self.copies
    }

    /// What extrapolations and subsets of distances between distributions start from, if there is
    /// a held-out set.
    pub(super) fn references(&self) -> Option<(Option<&FrechetReference>, &KidReference<'static>)> {
        let held_out = self.held_out.as_ref()?;
        Some((held_out.frechet.as_deref(), &held_out.kernel))
    }

    /// Judges samples, `[N, D]`; `labels` are the classes that they were asked for, if any.
    ///
    /// # Errors
    /// [`StudyError::Metrics`] or [`StudyError::Network`] if they do not have the dimension of the
    /// data, [`StudyError::Metrics`] if they are too few or have a class without a prompt,
    /// [`StudyError::Mismatch`] for a negative class beside prompts.
    pub fn judge(
        &self,
        samples: ArrayView2<'_, f32>,
        labels: Option<&[i64]>,
    ) -> Result<Judged, StudyError> {
        let count = samples.nrows();
        let Look { features, gaps, logits, clip, values } = Look::at(self, samples)?;
        let features = Arc::new(features);
        let memorized = gaps.memorized(GAP_THRESHOLD);
        let authentic = authenticity(&self.copies, &gaps)?.authentic;
        let fidelity = logits.map(|logits| fidelity(logits.view())).transpose()?;

        let mut evidence = Evidence::new(count);
        evidence.add_column("f_mem", flags(&memorized))?;
        evidence.add_column("authenticity", flags(&authentic))?;
        if let Some(fidelity) = &fidelity {
            evidence.add_column("confidence", fidelity.confidence.clone())?;
            evidence.add_column("margin", fidelity.margin.clone())?;
        }
        if let Some((images, networks)) = clip.zip(self.networks.clip.as_ref()) {
            let own = labels.map(prompts_of).transpose()?;
            let fit = alignment(images.view(), networks.prompts.features.view(), own.as_deref())?;
            evidence.add_column("clip_score", fit.score)?;
            evidence.add_column("clip_margin", fit.margin)?;
        }
        add_diversity(&mut evidence, &features)?;
        if let Some(held_out) = &self.held_out {
            held_out.testify(&mut evidence, &features, &gaps)?;
        }
        let index = self.feature_index();
        Ok(Judged {
            gaps,
            memorized,
            authentic,
            fidelity,
            knn_support: knn_support(index, features.view(), self.support_neighbours)?,
            kde_support: kde_support(index, features.view(), self.bandwidth)?,
            squared_norm: samples
                .outer_iter()
                .map(|x| x.iter().map(|&v| f64::from(v).powi(2)).sum())
                .collect(),
            evidence,
            features,
            values,
        })
    }

    /// Features of pictures: the encoder's, or the pictures themselves.
    pub(super) fn embed<'v>(
        &self,
        samples: ArrayView2<'v, f32>,
    ) -> Result<CowArray<'v, f32, Ix2>, StudyError> {
        Ok(match &self.networks.encoder {
            None => samples.into(),
            Some(encoder) => encoder.features(samples)?.into(),
        })
    }

    pub(super) fn feature_index(&self) -> &NeighbourIndex<'static> {
        self.features.as_ref().unwrap_or(&self.copies)
    }
}

/// The number of the prompt that each class stands for.
fn prompts_of(labels: &[i64]) -> Result<Vec<usize>, StudyError> {
    let numbered = labels.iter().enumerate().map(|(sample, &label)| {
        usize::try_from(label).map_err(|_| {
            StudyError::Mismatch(format!(
                "sample {sample} has class {label}, but prompts are numbered from 0"
            ))
        })
    });
    numbered.collect()
}

/// Adds the Vendi score, unless a feature vector is zero and so has no direction.
fn add_diversity(evidence: &mut Evidence, features: &Array2<f32>) -> Result<(), StudyError> {
    if features.ncols() > MOST_COVARIANCE_FEATURES {
        return Ok(());
    }
    match VendiFeatures::new(features.view()) {
        Err(MetricsError::ZeroVector { .. }) => Ok(()),
        vendi => evidence.add_column("vendi", vendi?.contributions()?),
    }
}

/// Flags as a column: 0 or 1.
pub(super) fn flags(flags: &[bool]) -> Vec<f64> {
    flags.iter().map(|&flag| f64::from(flag)).collect()
}

pub(super) fn describe(data: &Dataset, distinct: usize, values: ValueSummary) -> DataResults {
    DataResults {
        name: data.name.clone(),
        count: data.len(),
        distinct,
        shape: data.shape.clone(),
        scaling: data.scaling.to_string(),
        sha256: data.sha256.clone(),
        values: value_scale(values),
    }
}
