//! The noise levels of a diffusion network that was trained on numbered steps.

use super::ConventionError;
use crate::grid::MOST_STEPS;

/// Cumulative signal shares at or below this stand for none: diffusers' value for the last step of a
/// schedule rescaled to zero terminal SNR, whose ratio σ/α would be infinite.
const SMALLEST_SHARE: f64 = 1.0 / 16_777_216.0;

/// The noise levels `σ_n/α_n` of steps `n = 0 … T − 1`, rising with n.
///
/// On a variance-preserving path (Ho et al., arXiv 2006.11239) step n has signal `α_n = √ᾱ_n` and
/// noise `σ_n = √(1 − ᾱ_n)` with `ᾱ_n = Π_{m ≤ n} (1 − β_m)`; the β are the *schedule*. Between two
/// steps `log(σ/α)` is linear in n, as in k-diffusion and in diffusers' `_sigma_to_t`.
///
/// ```
/// use kinepath::field::NoiseLevels;
///
/// let levels = NoiseLevels::scaled_linear(1000, 0.00085, 0.012)?;
/// let (least, most) = levels.range();
/// assert!((least - 0.02917).abs() < 1e-5 && (most - 14.6146).abs() < 1e-4);
/// # Ok::<(), kinepath::field::ConventionError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseLevels {
    log_ratios: Vec<f64>,
}

impl NoiseLevels {
    /// `β_n` linear from `start` to `end` over `steps` steps: Ho et al. with 1000, 10⁻⁴ and 0.02.
    ///
    /// # Errors
    /// [`ConventionError::Levels`] for fewer than two steps or more than a million, or a β outside
    /// (0, 1).
    pub fn linear(steps: usize, start: f64, end: f64) -> Result<Self, ConventionError> {
        Self::from_betas(steps, |u| start + (end - start) * u)
    }

    /// `√β_n` linear, the schedule of latent diffusion (Rombach et al., arXiv 2112.10752): Stable
    /// Diffusion with 1000 steps, 0.00085 and 0.012.
    ///
    /// # Errors
    /// As [`linear`](Self::linear).
    pub fn scaled_linear(steps: usize, start: f64, end: f64) -> Result<Self, ConventionError> {
        let (first, last) = (start.sqrt(), end.sqrt());
        Self::from_betas(steps, |u| (first + (last - first) * u).powi(2))
    }

    /// `ᾱ(u) = cos²(π/2 · (u + 0.008)/1.008)` at `u = n/T`, with `β ≤ 0.999` (Nichol & Dhariwal,
    /// arXiv 2102.09672, eq. 17); diffusers' `squaredcos_cap_v2`.
    ///
    /// # Errors
    /// [`ConventionError::Levels`] for fewer than two steps or more than a million.
    pub fn cosine(steps: usize) -> Result<Self, ConventionError> {
        let share = |u: f64| ((u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
        let count = steps as f64;
        let betas = (0..steps).map(|n| {
            let n = n as f64;
            (1.0 - share((n + 1.0) / count) / share(n / count)).min(0.999)
        });
        Self::from_alphas_cumprod(&cumulative(steps, betas)?)
    }

    /// The levels of given cumulative signal shares `ᾱ_n`, diffusers' `alphas_cumprod`. A share of 0
    /// at the last step, zero terminal SNR, counts as 2⁻²⁴, as in diffusers, or as a quarter of the share
    /// before it where that is no more than 2⁻²⁴.
    ///
    /// # Errors
    /// [`ConventionError::Levels`] for fewer than two steps, or unless the shares fall from step to
    /// step within (0, 1).
    pub fn from_alphas_cumprod(shares: &[f64]) -> Result<Self, ConventionError> {
        let refuse = |text: String| Err(ConventionError::Levels(text));
        if shares.len() < 2 {
            return refuse(format!("needs at least two steps, got {}", shares.len()));
        }
        let mut shares = shares.to_vec();
        if let [.., before, last @ 0.0] = shares.as_mut_slice() {
            *last = if *before > SMALLEST_SHARE { SMALLEST_SHARE } else { *before / 4.0 };
        }
        if let Some(step) = shares.iter().position(|share| !(*share > 0.0 && *share < 1.0)) {
            return refuse(format!(
                "has alphas_cumprod {} at step {step}, outside (0, 1)",
                shares[step]
            ));
        }
        if let Some(step) = shares.windows(2).position(|pair| pair[1] >= pair[0]) {
            return refuse(format!(
                "must have falling alphas_cumprod, but step {} has {} after {}",
                step + 1,
                shares[step + 1],
                shares[step]
            ));
        }
        let log_ratios = shares.iter().map(|share| 0.5 * ((1.0 - share) / share).ln()).collect();
        Ok(Self { log_ratios })
    }

    /// The same schedule with no signal left at its last step (Lin et al., arXiv 2305.08891,
    /// Algorithm 1): `√ᾱ` is shifted so that the last is 0 and scaled so that the first stays.
    ///
    /// # Errors
    /// [`ConventionError::Levels`] if rounding leaves two steps of one level.
    pub fn with_zero_terminal_snr(&self) -> Result<Self, ConventionError> {
        let roots: Vec<f64> = self.log_ratios.iter().map(|log| alpha(log.exp())).collect();
        let (first, last) = (roots[0], roots[roots.len() - 1]);
        let rescaled = |root: &f64| ((root - last) * first / (first - last)).powi(2);
        Self::from_alphas_cumprod(&roots.iter().map(rescaled).collect::<Vec<_>>())
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.log_ratios.len()
    }

    /// The least and the greatest `σ/α`.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.log_ratios[0].exp(), self.log_ratios[self.steps() - 1].exp())
    }

    /// The number of the step at which σ/α is `ratio`, between steps a fraction; the first or last
    /// step for a ratio beyond them.
    #[must_use]
    pub fn step(&self, ratio: f64) -> f64 {
        let log = ratio.ln();
        let above = self.log_ratios.partition_point(|level| *level < log);
        if above == 0 {
            return 0.0;
        }
        let below = above - 1;
        match self.log_ratios.get(above) {
            None => below as f64,
            Some(next) => {
                let start = self.log_ratios[below];
                below as f64 + (log - start) / (next - start)
            }
        }
    }

    fn from_betas(steps: usize, beta: impl Fn(f64) -> f64) -> Result<Self, ConventionError> {
        let last = steps.saturating_sub(1).max(1) as f64;
        Self::from_alphas_cumprod(&cumulative(steps, (0..steps).map(|n| beta(n as f64 / last)))?)
    }
}

/// `Π (1 − β)` up to each β.
fn cumulative(steps: usize, betas: impl Iterator<Item = f64>) -> Result<Vec<f64>, ConventionError> {
    if steps > MOST_STEPS {
        return Err(ConventionError::Levels(format!("has {steps} steps, {MOST_STEPS} at most")));
    }
    let mut product = 1.0;
    let shares = betas.map(|beta| {
        product *= 1.0 - beta;
        product
    });
    Ok(shares.collect())
}

/// The signal `α = 1/√(1 + (σ/α)²)` of a variance-preserving path.
fn alpha(ratio: f64) -> f64 {
    1.0 / ratio.hypot(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn steps_between_steps_are_geometric_means() {
        let levels = NoiseLevels::linear(1000, 1e-4, 0.02).unwrap();
        let at = |n: usize| levels.log_ratios[n].exp();
        assert_eq!(levels.step(at(0)), 0.0);
        assert!((levels.step(at(417)) - 417.0).abs() < 1e-9);
        assert!((levels.step((at(417) * at(418)).sqrt()) - 417.5).abs() < 1e-9);
        assert_eq!((levels.step(1e-9), levels.step(1e9)), (0.0, 999.0));
        assert_eq!(levels.steps(), 1000);
    }

    #[test]
    fn every_usual_schedule_can_end_without_signal() {
        for levels in [
            NoiseLevels::linear(1000, 1e-4, 0.02),
            NoiseLevels::linear(4000, 2.5e-5, 0.005),
            NoiseLevels::scaled_linear(1000, 0.00085, 0.012),
            NoiseLevels::cosine(1000),
        ] {
            let levels = levels.unwrap();
            let rescaled = levels.with_zero_terminal_snr().unwrap();
            let first = rescaled.range().0 / levels.range().0;
            assert!(rescaled.steps() == levels.steps() && (first - 1.0).abs() < 1e-9);
            assert!(rescaled.range().1 >= 4095.0, "{}", rescaled.range().1);
        }
    }

    #[test]
    fn unusable_schedules_are_refused() {
        let refused = |levels: Result<NoiseLevels, ConventionError>| {
            levels.err().unwrap_or_else(|| panic!("accepted")).to_string()
        };
        assert!(refused(NoiseLevels::linear(1, 1e-4, 0.02)).contains("two steps"));
        assert!(refused(NoiseLevels::linear(10, 1e-4, 1.5)).contains("outside (0, 1)"));
        assert!(refused(NoiseLevels::linear(10, -0.1, 0.5)).contains("outside (0, 1)"));
        assert!(refused(NoiseLevels::scaled_linear(10, f64::NAN, 0.5)).contains("NaN"));
        assert!(refused(NoiseLevels::from_alphas_cumprod(&[0.9, 0.5, 0.6])).contains("step 2"));
        assert!(refused(NoiseLevels::from_alphas_cumprod(&[0.9, 0.0, 0.0])).contains("step 1"));
        let zero = NoiseLevels::from_alphas_cumprod(&[0.9, 0.5, 0.0]).unwrap();
        assert!((zero.range().1 - 4096.0).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn a_level_is_found_at_its_step(
            steps in 2usize..400, start in 1e-5f64..0.01, width in 1e-4f64..0.2, pick in 0f64..1.0
        ) {
            let levels = NoiseLevels::scaled_linear(steps, start, start + width).unwrap();
            let step = pick * (steps - 1) as f64;
            let below = (step.floor() as usize).min(steps - 2);
            let share = step - below as f64;
            let log = levels.log_ratios[below] * (1.0 - share)
                + levels.log_ratios[below + 1] * share;
            prop_assert!((levels.step(log.exp()) - step).abs() < 1e-6);
        }
    }
}
