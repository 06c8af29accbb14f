//! What networks and distances say of samples, before anything is concluded.

use kinepath::metrics::{GapRatios, ValueSummary, gap_ratios};
use ndarray::{Array2, ArrayView2, Axis, concatenate};

use super::judge::Judge;
use crate::StudyError;

/// Latents decoded at a time: a layer of Stable Diffusion's decoder takes 270 MB for a picture of
/// 512 × 512 pixels.
const DECODED_TOGETHER: usize = 8;

/// What is seen of samples, a row or an entry for each.
pub(super) struct Look {
    /// `[N, F]`.
    pub(super) features: Array2<f32>,
    /// Distances to the training set, in the space where copies are sought.
    pub(super) gaps: GapRatios,
    /// `[N, classes]`, if there is a classifier.
    pub(super) logits: Option<Array2<f32>>,
    /// Features in the space of prompts, if there are prompts.
    pub(super) clip: Option<Array2<f32>>,
    /// Where values lie.
    pub(super) values: ValueSummary,
}

impl Look {
    /// Looks at samples, `[N, D]`. Where they are latents, a few are decoded at a time, so that
    /// memory holds what is seen of the pictures and not the pictures.
    ///
    /// # Errors
    /// [`StudyError::Network`] or [`StudyError::Metrics`] if they do not have the dimension of the
    /// data.
    pub(super) fn at(judge: &Judge, samples: ArrayView2<'_, f32>) -> Result<Self, StudyError> {
        if judge.networks.decoder.is_none() || samples.nrows() == 0 {
            return Self::at_pictures(judge, samples);
        }
        let looks = samples
            .axis_chunks_iter(Axis(0), DECODED_TOGETHER)
            .map(|latents| Self::at_pictures(judge, judge.decode(latents)?.view()))
            .collect::<Result<Vec<_>, _>>()?;
        let values = looks.iter().map(|look| look.values).reduce(ValueSummary::and);
        Ok(Self {
            values: values.unwrap_or_else(|| ValueSummary::of(samples)),
            features: stacked(looks.iter().map(|look| &look.features)),
            logits: looks
                .iter()
                .map(|look| look.logits.as_ref())
                .collect::<Option<Vec<_>>>()
                .map(stacked),
            clip: looks
                .iter()
                .map(|look| look.clip.as_ref())
                .collect::<Option<Vec<_>>>()
                .map(stacked),
            gaps: GapRatios {
                nearest: looks.iter().flat_map(|look| look.gaps.nearest.iter().copied()).collect(),
                d1: looks.iter().flat_map(|look| look.gaps.d1.iter().copied()).collect(),
                d2: looks.iter().flat_map(|look| look.gaps.d2.iter().copied()).collect(),
                ratio: looks.iter().flat_map(|look| look.gaps.ratio.iter().copied()).collect(),
            },
        })
    }

    fn at_pictures(judge: &Judge, pictures: ArrayView2<'_, f32>) -> Result<Self, StudyError> {
        let networks = &judge.networks;
        let features = judge.embed(pictures)?.into_owned();
        let gaps = gap_ratios(judge.copy_index(), judge.copies_in.of(pictures, features.view()))?;
        let logits = networks.classifier.as_ref().map(|network| network.logits(pictures));
        let clip = networks.clip.as_ref().map(|clip| clip.images.features(pictures));
        let (logits, clip) = (logits.transpose()?, clip.transpose()?);
        Ok(Self { features, gaps, logits, clip, values: ValueSummary::of(pictures) })
    }
}

/// Rows of arrays that have as many columns.
fn stacked<'a>(parts: impl IntoIterator<Item = &'a Array2<f32>>) -> Array2<f32> {
    let views: Vec<_> = parts.into_iter().map(|part| part.view()).collect();
    concatenate(Axis(0), &views).unwrap_or_default()
}
