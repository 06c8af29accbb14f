//! Statistics: plain functions on columns.
//!
//! A *column* is a slice of `f64`, one value per sample. Resampling is seeded: the same seed gives
//! the same interval, whatever the thread count.
//!
//! | Question | Functions |
//! |---|---|
//! | how uncertain is a figure? | [`Bootstrap`], [`bootstrap`], [`mean_interval`] |
//! | and where its distribution is skewed? | [`bca_interval`], [`mean_bca_interval`] |
//! | and where it is no mean? | [`Tilt`], [`Bootstrap::curved_bca_interval`] |
//! | and where it is a share? | [`share_interval`], [`wilson_interval`] |
//! | and over seeds as well? | [`Resampling::nested`], [`mean_interval_of_rows`] |
//! | do two settings differ on the same samples? | [`paired_permutation`], [`sign_flip_test`] |
//! | and in a share? | [`paired_share_interval`] |
//! | how small a difference could be seen? | [`minimum_detectable_effect`], [`samples_needed`] |
//! | do two columns go together? | [`spearman`], [`partial_spearman`] and their intervals |
//! | which of many findings stand? | [`benjamini_hochberg`] |
//! | how is a column spread? | [`quantile`], [`summarize`], [`quantile_bins`], [`terciles`] |

mod bca;
mod bins;
mod curvature;
mod error;
mod fdr;
mod groups;
mod normal;
mod paired_share;
mod partial;
mod permutation;
mod power;
mod quantile;
mod rank;
mod replicates;
mod resample;
mod share;
mod spearman;
mod summary;
mod wilson;

pub use bca::{Acceleration, bca_interval, mean_bca_interval};
pub use bins::{quantile_bins, terciles};
pub use curvature::{Curvature, Tilt};
pub use error::StatsError;
pub use fdr::benjamini_hochberg;
pub use groups::Resampling;
pub use normal::{normal_cdf, normal_quantile};
pub use paired_share::{changed_flags, paired_share_interval};
pub use partial::{partial_spearman, partial_spearman_interval, partial_spearman_of_rows};
pub use permutation::{
    PairedPermutation, PermutationTest, paired_permutation, permutation_p_value, sign_flip_test,
};
pub use power::{DEFAULT_POWER, minimum_detectable_effect, samples_needed};
pub use quantile::{median, quantile};
pub use replicates::Replicates;
pub use resample::{Bootstrap, Interval, bootstrap};
pub use share::{flags, share_interval, share_interval_of_rows};
pub use spearman::{spearman, spearman_interval, spearman_of_rows};
pub(crate) use summary::sd_of;
pub use summary::{Summary, mean, mean_interval, mean_interval_of_rows, mean_of_rows, summarize};
pub use wilson::wilson_interval;
