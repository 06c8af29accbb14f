//! When a long call that its observer wants to end does so.

use std::ops::ControlFlow;

/// When a call stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Once nothing is lost: the batch of samples at hand is finished and written first.
    AfterBatch,
    /// At the next step: the batch at hand is lost, those before it are kept.
    AtOnce,
}

/// What an observer answers: go on, or stop.
pub type Answer = ControlFlow<Stop>;
