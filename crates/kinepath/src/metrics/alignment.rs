//! How well an image fits its prompt, in the joint feature space of an image and a text encoder.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::error::{MetricsError, check_dimension, check_points};

/// Samples compared with the prompts at a time: a fixed piece of work, whatever the thread count.
const CHUNK: usize = 256;

/// How samples align with prompts, one value per sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// The sample's own prompt: the one given, or else the one most like it (of equally like ones
    /// the first).
    pub prompt: Vec<usize>,
    /// CLIP score, `100 · max(cos(image, own prompt), 0)`, in [0, 100].
    pub score: Vec<f64>,
    /// CLIP margin, `100 · (cos(image, own prompt) − max over other prompts of cos(image, prompt))`,
    /// in [−200, 200]; below 0 where another prompt fits better.
    pub margin: Vec<f64>,
}

/// CLIP score and margin of images `[N, F]` against prompts `[P, F]`, from the features that the
/// two encoders of a joint space give, of any length.
///
/// The score is that of Hessel et al., "CLIPScore", EMNLP 2021, `w · max(cos, 0)`, with `w = 100` as
/// in `torchmetrics` (the paper has 2.5). The clamp is taken per sample, as in the paper;
/// `torchmetrics` clamps the mean, which is the same unless a cosine is negative. The margin is
/// taken between cosines before the clamp: with it all prompts would tie where an image is like
/// none.
///
/// `own` holds the prompt of each sample: its class, for a model conditioned on classes whose
/// prompts are in the order of the classes. Without it the prompt that fits best counts, as in
/// zero-shot classification: the score is then the largest of all, the margin never negative, and
/// both say how recognisable a sample is, not whether it shows what was asked for.
///
/// # Errors
/// [`MetricsError::Empty`] and [`MetricsError::NotFinite`] for either array,
/// [`MetricsError::DimensionMismatch`] if their features differ in length,
/// [`MetricsError::TooFewPoints`] for a single prompt, [`MetricsError::ZeroVector`] where a row has
/// no direction, [`MetricsError::LengthMismatch`] and [`MetricsError::NoSuchPrompt`] for `own`.
///
/// # Example
/// ```
/// use ndarray::array;
/// let images = array![[3.0f32, 4.0]];
/// let prompts = array![[1.0f32, 0.0], [0.0, 2.0]];
/// let alignment = kinepath::metrics::alignment(images.view(), prompts.view(), Some(&[0]))?;
/// assert!((alignment.score[0] - 60.0).abs() < 1e-12);
/// assert!((alignment.margin[0] - (60.0 - 80.0)).abs() < 1e-12);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn alignment(
    image_features: ArrayView2<'_, f32>,
    prompt_features: ArrayView2<'_, f32>,
    own: Option<&[usize]>,
) -> Result<Alignment, MetricsError> {
    check_points("prompt features", &prompt_features)?;
    check_points("image features", &image_features)?;
    check_dimension("image features", prompt_features.ncols(), &image_features)?;
    let (count, prompts) = (image_features.nrows(), prompt_features.nrows());
    if prompts < 2 {
        return Err(MetricsError::TooFewPoints { what: "prompts", needed: 2, actual: prompts });
    }
    check_own(own, count, prompts)?;
    let prompt_directions = directions("prompt features", 0, prompt_features)?;
    let chunks: Vec<_> = image_features.axis_chunks_iter(Axis(0), CHUNK).collect();
    let parts: Result<Vec<_>, _> = chunks
        .into_par_iter()
        .enumerate()
        .map(|(chunk, images)| {
            let first = chunk * CHUNK;
            let cosines = directions("image features", first, images)?.dot(&prompt_directions.t());
            let judge = |(i, row): (usize, ArrayView1<'_, f64>)| {
                let own = own.map(|own| own[first + i]);
                compare(&row, own)
            };
            Ok(cosines.outer_iter().enumerate().map(judge).collect::<Vec<_>>())
        })
        .collect();
    let mut alignment = Alignment {
        prompt: Vec::with_capacity(count),
        score: Vec::with_capacity(count),
        margin: Vec::with_capacity(count),
    };
    for (prompt, cosine, rival) in parts?.into_iter().flatten() {
        alignment.prompt.push(prompt);
        alignment.score.push(100.0 * cosine.clamp(0.0, 1.0));
        alignment.margin.push(100.0 * (cosine - rival));
    }
    Ok(alignment)
}

/// The own prompt of a sample, its cosine, and the largest cosine of the others.
fn compare(cosines: &ArrayView1<'_, f64>, own: Option<usize>) -> (usize, f64, f64) {
    let best =
        |skipped: Option<usize>| {
            let others = cosines.iter().enumerate().filter(|(prompt, _)| Some(*prompt) != skipped);
            others.fold((0, f64::NEG_INFINITY), |best, (prompt, &cosine)| {
                if cosine > best.1 { (prompt, cosine) } else { best }
            })
        };
    let prompt = own.unwrap_or_else(|| best(None).0);
    (prompt, cosines[prompt], best(Some(prompt)).1)
}

/// The rows scaled to length 1, in f64. `first` is the number of the first row, for messages.
fn directions(
    what: &'static str,
    first: usize,
    features: ArrayView2<'_, f32>,
) -> Result<Array2<f64>, MetricsError> {
    let mut rows = features.mapv(f64::from);
    for (row, mut values) in rows.outer_iter_mut().enumerate() {
        let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm == 0.0 {
            return Err(MetricsError::ZeroVector { what, row: first + row });
        }
        values /= norm;
    }
    Ok(rows)
}

fn check_own(own: Option<&[usize]>, count: usize, prompts: usize) -> Result<(), MetricsError> {
    let Some(own) = own else { return Ok(()) };
    if own.len() != count {
        let (expected, actual) = (count, own.len());
        return Err(MetricsError::LengthMismatch { what: "own prompts", expected, actual });
    }
    match own.iter().position(|&prompt| prompt >= prompts) {
        Some(sample) => Err(MetricsError::NoSuchPrompt { sample, prompt: own[sample], prompts }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    /// Points of the plane at these angles in degrees, each at another distance from the origin.
    fn at(degrees: &[f32]) -> Array2<f32> {
        Array2::from_shape_fn((degrees.len(), 2), |(i, axis)| {
            let radians = degrees[i].to_radians();
            (0.5 + i as f32) * if axis == 0 { radians.cos() } else { radians.sin() }
        })
    }

    fn close(actual: &[f64], expected: &[f64]) -> bool {
        actual.len() == expected.len()
            && actual.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1.0e-4)
    }

    #[test]
    fn scores_are_cosines_of_angles() {
        let (images, prompts) = (at(&[0.0, 60.0, 170.0]), at(&[0.0, 90.0, 120.0]));
        let cos = |degrees: f64| 100.0 * degrees.to_radians().cos();
        let own = alignment(images.view(), prompts.view(), Some(&[0, 0, 0])).unwrap();
        assert_eq!(own.prompt, [0, 0, 0]);
        assert!(close(&own.score, &[100.0, 50.0, 0.0]), "{own:?}");
        let margins = [100.0, cos(60.0) - cos(30.0), cos(170.0) - cos(50.0)];
        assert!(close(&own.margin, &margins), "{own:?}");
        let best = alignment(images.view(), prompts.view(), None).unwrap();
        assert_eq!(best.prompt, [0, 1, 2]);
        assert!(close(&best.score, &[100.0, cos(30.0), cos(50.0)]), "{best:?}");
        assert!(close(&best.margin, &[100.0, cos(30.0) - cos(60.0), cos(50.0) - cos(80.0)]));
    }

    #[test]
    fn the_margin_tells_prompts_apart_that_are_all_unlike() {
        let alignment =
            alignment(at(&[0.0]).view(), at(&[100.0, 170.0]).view(), Some(&[0])).unwrap();
        assert_eq!(alignment.score, [0.0]);
        assert!(alignment.margin[0] > 80.0);
    }

    #[test]
    fn of_equal_prompts_the_first_is_best_and_nothing_is_gained() {
        let prompts = at(&[90.0, 30.0, 30.0]);
        let alignment = alignment(at(&[30.0]).view(), prompts.view(), None).unwrap();
        assert_eq!(alignment.prompt, [1]);
        assert!(alignment.margin[0].abs() < 1.0e-12);
    }

    #[test]
    fn refuses_what_has_no_answer() {
        let (images, prompts) = (at(&[0.0, 1.0]), at(&[0.0, 90.0]));
        let refusal = |images: &Array2<f32>, prompts: &Array2<f32>, own: Option<&[usize]>| {
            alignment(images.view(), prompts.view(), own).unwrap_err()
        };
        assert_eq!(
            refusal(&Array2::ones((2, 3)), &prompts, None),
            MetricsError::DimensionMismatch { what: "image features", expected: 2, actual: 3 }
        );
        assert_eq!(
            refusal(&images, &at(&[0.0]), None),
            MetricsError::TooFewPoints { what: "prompts", needed: 2, actual: 1 }
        );
        assert_eq!(
            refusal(&images, &prompts, Some(&[0])),
            MetricsError::LengthMismatch { what: "own prompts", expected: 2, actual: 1 }
        );
        assert_eq!(
            refusal(&images, &prompts, Some(&[1, 2])),
            MetricsError::NoSuchPrompt { sample: 1, prompt: 2, prompts: 2 }
        );
        assert_eq!(
            refusal(&array![[1.0, 0.0], [0.0, 0.0]], &prompts, None),
            MetricsError::ZeroVector { what: "image features", row: 1 }
        );
        assert_eq!(
            refusal(&images, &array![[0.0, 0.0], [1.0, 0.0]], None),
            MetricsError::ZeroVector { what: "prompt features", row: 0 }
        );
        assert_eq!(
            refusal(&array![[1.0, f32::NAN]], &prompts, None),
            MetricsError::NotFinite { what: "image features", row: 0, column: 1 }
        );
        assert!(matches!(
            refusal(&images, &Array2::zeros((0, 2)), None),
            MetricsError::Empty { what: "prompt features", .. }
        ));
    }

    #[test]
    fn a_row_without_direction_is_named_beyond_the_first_chunk() {
        let mut images = Array2::ones((CHUNK + 3, 2));
        images.row_mut(CHUNK + 1).fill(0.0);
        assert_eq!(
            alignment(images.view(), at(&[0.0, 90.0]).view(), None).unwrap_err(),
            MetricsError::ZeroVector { what: "image features", row: CHUNK + 1 }
        );
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition_and_ignores_lengths(
            values in proptest::collection::vec(-1.0f32..1.0, 7 * 4),
            own in proptest::collection::vec(0usize..3, 4),
            scale in 0.01f32..100.0,
        ) {
            let all = Array2::from_shape_vec((7, 4), values).unwrap();
            let (images, prompts) = all.view().split_at(Axis(0), 4);
            prop_assume!(all.outer_iter().all(|row| row.dot(&row) > 1.0e-3));
            let cosine = |a: usize, b: usize| {
                let (a, b): (Array1<f64>, Array1<f64>) =
                    (images.row(a).mapv(f64::from), prompts.row(b).mapv(f64::from));
                100.0 * a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()
            };
            let scaled = &images * scale;
            let alignment = alignment(scaled.view(), prompts, Some(&own)).unwrap();
            for (i, &own) in own.iter().enumerate() {
                let others = (0..3).filter(|&p| p != own).map(|p| cosine(i, p));
                let rival = others.fold(f64::NEG_INFINITY, f64::max);
                prop_assert!((alignment.score[i] - cosine(i, own).max(0.0)).abs() < 1.0e-4);
                prop_assert!((alignment.margin[i] - (cosine(i, own) - rival)).abs() < 1.0e-4);
            }
        }
    }
}
