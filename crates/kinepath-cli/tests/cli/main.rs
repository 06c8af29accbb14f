//! The program from the outside: what it prints, what it writes, how it ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod conventions;
mod engines;
mod evaluation;
mod exact_flow;
mod faults;
mod help;
mod interruption;
mod published_euler;
mod refusals;
mod sampling;
mod selection;
mod shares;
mod studies;
mod support;
mod tuning;
