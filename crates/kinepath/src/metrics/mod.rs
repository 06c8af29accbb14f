//! Metrics: plain functions on arrays.
