//! The options for some of the samples of a run.

use clap::Args;
use kinepath_study::sampling::{IndexRange, Shard, Share};

/// Which of the samples, if not all.
#[derive(Debug, Default, Args)]
pub(crate) struct ShareArgs {
    /// Sample this range of them only, from index A up to, but not including, B, as a share of the
    /// whole
    #[arg(long, value_name = "A..B", conflicts_with = "shard", help_heading = "Samples")]
    range: Option<IndexRange>,
    /// Sample share I, from 0, of N shares of whole batches
    #[arg(long, value_name = "I/N", help_heading = "Samples")]
    shard: Option<Shard>,
}

impl ShareArgs {
    /// The share asked for, if it is one.
    pub(crate) fn share(&self) -> Option<Share> {
        self.range.map(Share::Range).or(self.shard.map(Share::Shard))
    }
}
