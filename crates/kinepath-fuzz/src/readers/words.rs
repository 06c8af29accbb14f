//! What a person writes in one word: gains, grids, bands, shares, labels, paths and
//! conventions.

use kinepath::field::{ConditionalPath, GuidanceStyle, Prediction, TimeConvention};
use kinepath::gain::{Gain, GovernedSpec};
use kinepath::grid::GridFamily;
use kinepath_onnx::{EncoderSpec, Engine};
use kinepath_study::conditions::LabelSpec;
use kinepath_study::run::Certify;
use kinepath_study::sampling::{Band, IndexRange, Shard};
use kinepath_study::study::CopySpace;

use super::{PLAIN, SCHEDULE};
use crate::Target;

/// Steps that a grid is made of.
const STEPS: usize = 7;

/// Every expression of the command line.
pub static WORDS: Target = Target::new("words", PLAIN, SCHEDULE, |input| {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    if let Ok(grid) = text.parse::<GridFamily>() {
        let _ = grid.grid(STEPS);
    }
    if let Ok(labels) = text.parse::<LabelSpec>()
        && !matches!(labels, LabelSpec::File(_))
    {
        let _ = labels.labels(1..4, 4);
    }
    let (range, shard) = (text.parse::<IndexRange>(), text.parse::<Shard>());
    let _ = range.as_ref().map(|range| range.within(1000));
    let _ = shard.as_ref().map(|shard| shard.range(1000, 128));
    let gain = text.parse::<Gain>();
    let band = text.parse::<Band>();
    // What is written is read again: run folders keep both as text.
    if let Ok(gain) = &gain {
        assert_eq!(gain.to_string().parse().as_ref(), Ok(gain));
    }
    if let Ok(band) = &band {
        assert_eq!(band.to_string().parse().as_ref(), Ok(band));
    }
    gain.is_ok()
        || band.is_ok()
        || range.is_ok()
        || shard.is_ok()
        || text.parse::<GovernedSpec>().is_ok()
        || text.parse::<ConditionalPath>().is_ok()
        || text.parse::<TimeConvention>().is_ok()
        || text.parse::<Prediction>().is_ok()
        || text.parse::<GuidanceStyle>().is_ok()
        || text.parse::<Engine>().is_ok()
        || text.parse::<Certify>().is_ok()
        || text.parse::<CopySpace>().is_ok()
        || text.parse::<EncoderSpec>().is_ok()
});
