//! The numeric kernels: the only module where `unsafe` is allowed.

#![allow(unsafe_code)]

mod keys;
mod matmul;
mod prefetch;
mod vectors;

pub(crate) use keys::{CHUNK, Form, GROUP, LANES, keys};
pub(crate) use matmul::matmul;
pub(crate) use prefetch::prefetch;
pub(crate) use vectors::vectorised;
