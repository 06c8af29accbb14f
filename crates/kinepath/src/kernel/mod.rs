//! The numeric kernels: the only module where `unsafe` is allowed.

#![allow(unsafe_code)]

mod matmul;

pub(crate) use matmul::matmul;
