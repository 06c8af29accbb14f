//! The numeric kernels: the only module where `unsafe` is allowed.

#![allow(unsafe_code)]

mod lanes;
mod matmul;
mod prefetch;
mod rows;
mod vectors;
mod weigh;
mod wide;

pub(crate) use lanes::{LANES, Lanes, add_products, products};
pub(crate) use matmul::matmul;
pub(crate) use prefetch::prefetch;
pub(crate) use rows::{add_rows, row_products};
pub(crate) use vectors::vectorised;
pub(crate) use weigh::{Best, Limits, Points, Scoring, WeightSums, score, weigh};
pub(crate) use wide::{add_point, squared_deviation};
