//! The numeric kernels: the only module where `unsafe` is allowed.

#![allow(unsafe_code)]

mod keys;

mod matmul;
mod pairs;
mod prefetch;
mod registers;
mod squares;
mod transpose;
mod vectors;

pub(crate) use keys::{CHUNK, Form, GROUP, KEY_LANES, keys};
pub(crate) use matmul::matmul;
pub(crate) use pairs::{inner_product, squared_difference};
pub(crate) use prefetch::prefetch;
pub(crate) use squares::{MANY, SUMS, squared_distances};
pub(crate) use transpose::{FOUR, transpose_four};
pub(crate) use vectors::vectorised;
