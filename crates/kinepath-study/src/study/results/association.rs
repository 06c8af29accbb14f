//! What the energy goes with.

use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

/// A rank correlation of KPE with a property of the samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// The property's key, such as `margin`.
    pub with: String,
    /// Its name for people.
    pub name: String,
    /// Spearman's ρ; absent where it is undefined (a constant column).
    pub plain: Option<Interval>,
    /// Partial ρ controlling for `‖x(1)‖²` and displacement energy.
    pub partial: Option<Interval>,
    /// What the two say together.
    pub sentence: String,
}

/// Fidelity of the samples in one third of the KPE range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tercile {
    /// Number of samples.
    pub count: usize,
    /// Mean KPE.
    pub kpe: f64,
    /// Name, mean and sd of every fidelity score.
    pub scores: Vec<(String, f64, f64)>,
    /// Share of memorized samples.
    pub f_mem: Interval,
}

/// Memorization and fidelity along KPE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goldilocks {
    /// Quantile bins of KPE, lowest energy first.
    pub bins: Vec<GoldilocksBin>,
    /// First and last bin of the band, if there is one.
    pub band: Option<(usize, usize)>,
    /// What the curve says.
    pub sentence: String,
    /// Share of bootstrap resamples, of samples or of seeds and samples, with an interior band.
    pub band_share: f64,
    /// Lower and upper end of the band over those resamples, in energy: the 2.5, 50 and 97.5 %
    /// quantiles; absent where the share is below a half.
    pub band_ends: Option<(Interval, Interval)>,
    /// The band found on one half of the samples, tried on the other.
    pub confirmation: BandConfirmation,
}

/// An interior band found on one half of the samples and tried on the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandConfirmation {
    /// The energies between which the first half has its band; absent without an interior one.
    pub band: Option<(f64, f64)>,
    /// On the other half, mean fidelity in the band less that below it, with its interval.
    pub fidelity_gain: Option<Interval>,
    /// On the other half, F_mem above the band less that in it, with its interval.
    pub memorization_avoided: Option<Interval>,
    /// What that says.
    pub sentence: String,
}

/// The samples of one KPE quantile bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GoldilocksBin {
    /// Number of samples.
    pub count: usize,
    /// Smallest KPE in the bin.
    pub kpe_low: f64,
    /// Largest KPE in the bin.
    pub kpe_high: f64,
    /// Share of memorized samples.
    pub f_mem: Interval,
    /// Mean classifier margin.
    pub fidelity: Interval,
}
