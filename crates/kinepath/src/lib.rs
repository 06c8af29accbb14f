//! Kinetic path energy of flow-matching samplers.
//!
//! A flow model turns noise `x(0) ~ N(0, I)` into data `x(1)` by integrating a **velocity field**,
//! `dx/dt = v(x, t)`. The *kinetic path energy* of one sample is
//!
//! ```text
//! E[x] = ½ ∫₀¹ ‖dx/dt‖² dt
//! ```
//!
//! in squared data units. This crate evaluates fields, integrates them on a time grid, measures
//! the energy of every path, shapes it with a gain η(t) and judges the outcome. It touches no
//! files, no terminal and no network.
//!
//! | Room | What it holds |
//! |---|---|
//! | [`field`] | the [`VelocityField`](field::VelocityField) trait and its implementors |
//! | [`grid`], [`gain`], [`tableau`], [`plan`] | when to evaluate, how hard to push, how to step |
//! | [`sampler`], [`record`], [`paths`], [`noise`] | running a plan and what comes out |
//! | [`metrics`] | functions on arrays: neighbours, memorization, support, Fréchet distance, … |
//! | [`stats`] | functions on columns: rank correlation, bootstrap, false discovery rate, … |
//!
//! Source of the definitions: Li et al., "A Kinetic Energy Perspective of Flow Matching",
//! arXiv 2602.07928.

mod kernel;
mod keys;
mod made;
mod rows;

pub mod field;
pub mod gain;
pub mod grid;
pub mod metrics;
pub mod noise;
pub mod paths;
pub mod plan;
pub mod record;
pub mod sampler;
pub mod stats;
pub mod tableau;

/// The Rust example of the README, kept running as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
