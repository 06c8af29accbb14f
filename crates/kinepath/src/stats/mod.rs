//! Statistics: plain functions on columns.
