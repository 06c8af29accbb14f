//! Which samples of a run one process takes, when several share it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use thiserror::Error;

/// A range of the global sample index, as text `A..B`: from A up to, but not including, B.
///
/// ```
/// use kinepath_study::sampling::IndexRange;
///
/// let range: IndexRange = "1000..2000".parse()?;
/// assert_eq!(range.within(5000)?, 1000..2000);
/// assert!(range.within(1500).is_err());
/// # Ok::<(), kinepath_study::sampling::ShareError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRange {
    start: usize,
    end: usize,
}

/// One of several shares of about the same size, as text `I/N`: share I, from 0, of N.
///
/// ```
/// use kinepath_study::sampling::Shard;
///
/// let shard: Shard = "1/3".parse()?;
/// assert_eq!(shard.range(1000, 128)?, 256..640);
/// # Ok::<(), kinepath_study::sampling::ShareError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

/// Some of the samples of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Those of a range.
    Range(IndexRange),
    /// Whole batches, one of several such shares.
    Shard(Shard),
}

impl Share {
    /// Its samples, of `total` that are integrated in batches of `batch` (at least 1).
    ///
    /// # Errors
    /// Those of [`IndexRange::within`] and [`Shard::range`].
    pub fn range(self, total: usize, batch: usize) -> Result<Range<usize>, ShareError> {
        match self {
            Self::Range(range) => range.within(total),
            Self::Shard(shard) => shard.range(total, batch),
        }
    }
}

/// A share that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShareError {
    /// No range.
    #[error("use A..B with two sample indices and A below B, such as 1000..2000; got '{0}'")]
    NoRange(String),
    /// No shard.
    #[error("use I/N with I from 0 to N - 1, such as 0/8 to 7/8; got '{0}'")]
    NoShard(String),
    /// Samples beyond the last.
    #[error("the range {range} goes beyond the last of {total} samples")]
    Beyond {
        /// The range.
        range: IndexRange,
        /// Samples in all.
        total: usize,
    },
    /// More shards than batches.
    #[error(
        "{shard} has no samples: a shard is made of whole batches, and {total} samples are {batches} \
         of {batch}; make at most {batches} shards, or choose a smaller batch for all of them"
    )]
    Nothing {
        /// The shard.
        shard: Shard,
        /// Samples in all.
        total: usize,
        /// Samples of a batch.
        batch: usize,
        /// Batches in all.
        batches: usize,
    },
}

impl IndexRange {
    /// The range as one of `total` samples.
    ///
    /// # Errors
    /// [`ShareError::Beyond`] where it is none.
    pub fn within(self, total: usize) -> Result<Range<usize>, ShareError> {
        match self.end <= total {
            true => Ok(self.start..self.end),
            false => Err(ShareError::Beyond { range: self, total }),
        }
    }
}

impl Shard {
    /// The samples of this shard when `total` of them are integrated in batches of `batch` (at least
    /// 1): whole batches, so that shards have the values of the whole run to the last bit. Shards
    /// differ by one batch at most.
    ///
    /// # Errors
    /// [`ShareError::Nothing`] where there are fewer batches than shards and this one gets none.
    pub fn range(self, total: usize, batch: usize) -> Result<Range<usize>, ShareError> {
        let batches = total.div_ceil(batch);
        // In u128, no product is too large.
        let border = |index: usize| {
            let border = index as u128 * batches as u128 / self.of as u128;
            total.min((border as usize).saturating_mul(batch))
        };
        let range = border(self.index)..border(self.index + 1);
        match range.is_empty() {
            true => Err(ShareError::Nothing { shard: self, total, batch, batches }),
            false => Ok(range),
        }
    }
}

impl FromStr for IndexRange {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ends =
            text.split_once("..").and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match ends {
            Some((start, end)) if start < end => Ok(Self { start, end }),
            _ => Err(ShareError::NoRange(text.to_owned())),
        }
    }
}

impl FromStr for Shard {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts =
            text.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parts {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err(ShareError::NoShard(text.to_owned())),
        }
    }
}

impl fmt::Display for IndexRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_share_is_told() {
        for text in ["", "5", "..5", "5..", "5..5", "6..5", "-1..5", "0..1e3", "a..b", "0...5"] {
            let refusal = text.parse::<IndexRange>().unwrap_err();
            assert_eq!(refusal, ShareError::NoRange(text.to_owned()));
        }
        for text in ["", "1", "1/", "/2", "2/2", "3/2", "0/0", "-1/2", "0/2/3", "1.0/2"] {
            let refusal = text.parse::<Shard>().unwrap_err();
            assert_eq!(refusal, ShareError::NoShard(text.to_owned()));
        }
        let shard: Shard = "0/3".parse().unwrap();
        let words = shard.range(20, 10).unwrap_err().to_string();
        assert!(words.starts_with("0/3 has no samples") && words.contains("at most 2"), "{words}");
    }

    #[test]
    fn huge_numbers_are_no_trouble() {
        let shard: Shard = format!("{}/{}", usize::MAX - 1, usize::MAX).parse().unwrap();
        assert_eq!(shard.range(usize::MAX, 1), Ok(usize::MAX - 1..usize::MAX));
        assert_eq!(shard.range(usize::MAX, usize::MAX), Ok(0..usize::MAX));
        assert!(shard.range(3, 1).is_ok_and(|range| range == (2..3)));
    }

    proptest! {
        #[test]
        fn shards_are_whole_batches_and_make_the_whole(
            total in 1..100_000usize, batch in 1..5000usize, of in 1..40usize,
        ) {
            let mut end = 0;
            let mut sizes = Vec::new();
            for index in 0..of {
                let Ok(range) = (Shard { index, of }).range(total, batch) else {
                    prop_assert!(total.div_ceil(batch) < of);
                    sizes.push(0);
                    continue;
                };
                prop_assert_eq!(range.start, end);
                prop_assert!(range.end % batch == 0 || range.end == total);
                sizes.push(range.len().div_ceil(batch));
                end = range.end;
            }
            prop_assert_eq!(end, total);
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1);
        }

        #[test]
        fn texts_are_read_as_they_are_written(start in any::<u32>(), length in 1..1000usize) {
            let range = IndexRange { start: start as usize, end: start as usize + length };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            let shard = Shard { index: length - 1, of: length };
            prop_assert_eq!(shard.to_string().parse(), Ok(shard));
        }
    }
}
