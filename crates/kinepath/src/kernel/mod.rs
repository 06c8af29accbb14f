//! The numeric kernels: the only module where `unsafe` is allowed.

#![allow(unsafe_code)]

mod matmul;
mod prefetch;
mod vectors;

pub(crate) use matmul::matmul;
pub(crate) use prefetch::prefetch;
pub(crate) use vectors::vectorised;
