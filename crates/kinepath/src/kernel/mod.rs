//! The numeric kernels: the only module where `unsafe` is allowed.

#![allow(unsafe_code)]

mod keys;
mod lanes;
mod level;
mod matmul;
mod nearest;
mod pairs;
mod prefetch;
mod registers;
mod rows;
mod squares;
mod transpose;
mod vectors;
mod weigh;
mod wide;

pub(crate) use keys::{CHUNK, Form, GROUP, KEY_LANES, keys};
pub(crate) use lanes::{LANES, Lanes, add_products, lanes_of, products};
pub(crate) use matmul::matmul;
pub(crate) use nearest::{SIDE_BY_SIDE, TOGETHER, TwoNearest};
pub(crate) use pairs::{inner_product, squared_difference};
pub(crate) use prefetch::prefetch;
pub(crate) use rows::{add_rows, row_products};
pub(crate) use squares::{MANY, SUMS, squared_distances};
pub(crate) use transpose::{FOUR, transpose_four};
pub(crate) use vectors::vectorised;
pub(crate) use weigh::{Best, Limits, Points, Scoring, WeightSums, score, weigh};
pub(crate) use wide::{
    add_point, squared_deviation, squared_distance, squared_length, wide_product,
};
