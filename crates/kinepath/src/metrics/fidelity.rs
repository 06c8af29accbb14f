//! How sure a classifier is of a sample.

use ndarray::ArrayView2;

use super::error::{MetricsError, check_points};

/// A classifier's opinion, one value per sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Fidelity {
    /// Class of the largest logit; of equal logits the lower class.
    pub predicted: Vec<usize>,
    /// Softmax probability of that class, in (0, 1].
    pub confidence: Vec<f64>,
    /// That probability minus the second largest, in [0, 1].
    pub margin: Vec<f64>,
    /// Entropy of all softmax probabilities in nats, in [0, ln classes]; 0 is a certain classifier.
    pub entropy: Vec<f64>,
}

/// Confidence, margin and entropy from `logits`, shape `[N, classes]`: with `p = softmax(logits)`
/// sorted descending, `confidence = p₁`, `margin = p₁ − p₂` and `entropy = −Σ p ln p`. Computed in
/// f64 from differences of logits, so that large logits cannot overflow. Agrees with
/// `scipy.special.softmax` and `scipy.stats.entropy`.
///
/// # Errors
/// [`MetricsError::TooFewPoints`] with fewer than 2 classes, [`MetricsError::Empty`] without
/// samples, [`MetricsError::NotFinite`] for a NaN or infinite logit.
///
/// # Example
/// ```
/// use ndarray::array;
/// let fidelity = kinepath::metrics::fidelity(array![[0.0f32, 3.0f32.ln()]].view())?;
/// assert_eq!(fidelity.predicted, [1]);
/// assert!((fidelity.confidence[0] - 0.75).abs() < 1e-7);
/// assert!((fidelity.margin[0] - 0.5).abs() < 1e-7);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn fidelity(logits: ArrayView2<'_, f32>) -> Result<Fidelity, MetricsError> {
    check_points("logits", &logits)?;
    let classes = logits.ncols();
    if classes < 2 {
        return Err(MetricsError::TooFewPoints { what: "classes", needed: 2, actual: classes });
    }
    let count = logits.nrows();
    let mut fidelity = Fidelity {
        predicted: Vec::with_capacity(count),
        confidence: Vec::with_capacity(count),
        margin: Vec::with_capacity(count),
        entropy: Vec::with_capacity(count),
    };
    for row in logits.rows() {
        let (mut top, mut second) = (0, None::<f32>);
        for (class, &logit) in row.iter().enumerate().skip(1) {
            let runner_up =
                if logit > row[top] { std::mem::replace(&mut top, class) } else { class };
            let runner_up = row[runner_up];
            second = Some(second.map_or(runner_up, |second| second.max(runner_up)));
        }
        let below_top = |logit: f32| f64::from(logit) - f64::from(row[top]);
        let relative = |logit: f32| below_top(logit).exp();
        let total: f64 = row.iter().map(|&logit| relative(logit)).sum();
        let exponents: f64 = row.iter().map(|&logit| relative(logit) * below_top(logit)).sum();
        fidelity.predicted.push(top);
        fidelity.confidence.push(1.0 / total);
        fidelity.margin.push((1.0 - second.map_or(0.0, relative)) / total);
        // −Σ p ln p with ln p = below_top − ln total.
        fidelity.entropy.push(total.ln() - exponents / total);
    }
    Ok(fidelity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    #[test]
    fn equal_logits_have_no_margin() {
        let fidelity = fidelity(array![[2.0f32, 2.0, 2.0, 2.0]].view()).unwrap();
        assert_eq!(fidelity.predicted, [0]);
        assert_eq!(fidelity.confidence, [0.25]);
        assert_eq!(fidelity.margin, [0.0]);
        assert_eq!(fidelity.entropy, [4.0f64.ln()]);
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let fidelity = fidelity(array![[f32::MAX, -f32::MAX], [-1.0e30, -1.0e30]].view()).unwrap();
        assert_eq!(fidelity.confidence, [1.0, 0.5]);
        assert_eq!(fidelity.margin, [1.0, 0.0]);
        assert_eq!(fidelity.entropy, [0.0, 2.0f64.ln()]);
    }

    #[test]
    fn refuses_bad_logits() {
        assert_eq!(
            fidelity(array![[1.0f32]].view()).unwrap_err(),
            MetricsError::TooFewPoints { what: "classes", needed: 2, actual: 1 }
        );
        assert_eq!(
            fidelity(array![[1.0f32, f32::NAN]].view()).unwrap_err(),
            MetricsError::NotFinite { what: "logits", row: 0, column: 1 }
        );
        assert!(fidelity(Array2::zeros((0, 10)).view()).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_sorted_probabilities(logits in proptest::collection::vec(-9.0f32..9.0, 2..12)) {
            let row = Array2::from_shape_vec((1, logits.len()), logits.clone()).unwrap();
            let fidelity = fidelity(row.view()).unwrap();
            let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
            let mut p: Vec<f64> = logits.iter().map(|&logit| f64::from(logit).exp() / total).collect();
            prop_assert!((p[fidelity.predicted[0]] - fidelity.confidence[0]).abs() < 1.0e-12);
            let entropy: f64 = p.iter().map(|p| -p * p.ln()).sum();
            prop_assert!((entropy - fidelity.entropy[0]).abs() < 1.0e-12);
            p.sort_by(|a, b| b.total_cmp(a));
            prop_assert!((p[0] - fidelity.confidence[0]).abs() < 1.0e-12);
            prop_assert!((p[0] - p[1] - fidelity.margin[0]).abs() < 1.0e-12);
        }
    }
}
