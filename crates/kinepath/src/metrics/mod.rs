//! Metrics: plain functions on arrays whose rows are points.
//!
//! A *point* is a flattened sample or its feature vector: one row of an `f32` array `[N, D]`.
//! Results are `f64`. Nothing here draws random numbers except through an explicit
//! [`Bootstrap`](crate::stats::Bootstrap), and results do not depend on the thread count.
//!
//! | Question | Functions |
//! |---|---|
//! | which training points are closest? | [`DistinctPoints`], [`NeighbourIndex`], [`NeighbourStream`] |
//! | is a sample a copy? | [`gap_ratios`], [`f_mem`], [`memorization_curve`], [`f_mem_by_class`] |
//! | how often would a new point pass for a copy? | [`HeldOutRatios`] |
//! | which training points are copied? | [`most_copied`] |
//! | are generated samples closer to the training set than real ones? | [`CopyingReference`], [`Cells`], [`authenticity`](authenticity()) |
//! | are samples in the units of the training set? | [`ValueSummary`] |
//! | how dense is the training set around a sample? | [`knn_support`], [`kde_support`], [`median_bandwidth`] |
//! | how sure is a classifier? | [`fidelity`] |
//! | does an image show what its prompt says? | [`alignment`](alignment()) |
//! | are two sets of features alike? | [`FeatureMoments`], [`FrechetReference`], [`frechet_infinity`], [`KidReference`], [`PrdcReference`] |
//! | how many different samples are there? | [`VendiFeatures`] |

mod alignment;
mod authenticity;
mod calibration;
mod cells;
mod classes;
mod copied;
mod copying_test;
mod coverage_groups;
mod cubic_kernel;
mod error;
mod fidelity;
mod frechet;
mod frechet_contributions;
mod frechet_infinity;
mod kid;
mod largest;
mod memorization;
mod moments;
mod neighbours;
mod prdc;
mod prdc_contributions;
mod recall_splits;
mod scatter;
mod support;
mod value_summary;
mod vendi;
mod vendi_contributions;

pub use alignment::{Alignment, alignment};
pub use authenticity::{Authenticity, authenticity};
pub use calibration::HeldOutRatios;
pub use cells::Cells;
pub use classes::{ClassMean, ClassMemorization, f_mem_by_class, mean_by_class};
pub use copied::{CopiedPoint, most_copied};
pub use copying_test::{CellScore, CopyingReference, CopyingTest};
pub use coverage_groups::CoverageGroups;
pub use error::MetricsError;
pub use fidelity::{Fidelity, fidelity};
pub use frechet::{FrechetReference, frechet_distance};
pub use frechet_infinity::{FrechetInfinity, frechet_infinity};
pub use kid::{Kid, KidReference, KidSubsets, SubsetKid};
pub use memorization::{GAP_THRESHOLD, GapRatios, f_mem, gap_ratios, memorization_curve};
pub use moments::{FeatureMoments, GaussianStats};
pub use neighbours::{DistinctPoints, NeighbourIndex, NeighbourStream, Neighbours};
pub use prdc::{Prdc, PrdcComparison, PrdcReference};
pub use prdc_contributions::PrdcColumns;
pub use recall_splits::RecallSplits;
pub use support::{kde_support, knn_support, median_bandwidth};
pub use value_summary::ValueSummary;
pub use vendi::VendiFeatures;
