//! The memorization audit.

use kinepath::metrics::CopiedPoint;
use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

/// The memorization criterion on held-out records, none of which is a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Share of held-out records that would count as memorized at the threshold 1/3.
    pub false_alarm: Interval,
    /// The largest threshold that calls at most the share `level` of unseen records memorized;
    /// absent where there are too few held-out records to tell.
    pub threshold: Option<f64>,
    /// The level that `threshold` keeps.
    pub level: f64,
}

/// The memorization audit of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memorization {
    /// F_mem along the threshold of the gap ratio.
    pub curve: Vec<CurvePoint>,
    /// Number of different training records of which there is a memorized sample.
    pub records_copied: usize,
    /// The training records copied most, most copied first: rows of the training set, where it holds
    /// each so often, or records with the same features where copies are sought in these.
    pub copied_most: Vec<CopiedPoint>,
    /// What `classes` goes by: the label a sample was asked for, or the class predicted.
    pub classes_by: String,
    /// F_mem and energy by class; empty without labels and classifier.
    pub classes: Vec<ClassShare>,
}

/// One threshold of the gap ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The threshold.
    pub threshold: f64,
    /// Share of samples below it.
    pub f_mem: f64,
    /// Share of held-out records below it.
    pub false_alarm: Option<f64>,
}

/// F_mem and energy among the samples of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassShare {
    /// The class.
    pub class: i64,
    /// Number of samples.
    pub count: usize,
    /// Number of them that are memorized.
    pub memorized: usize,
    /// Share memorized, where there are enough samples for an interval.
    pub f_mem: Option<Interval>,
    /// Mean kinetic path energy, squared data units, where there are enough samples for an interval
    /// and their paths were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kpe: Option<Interval>,
}

/// Flags for samples at risk of being copies, tried on the study's own baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    /// Terminal spike from which on a sample counts as spiking, chosen on one half of the samples.
    pub spike: f64,
    /// Gap ratio below which a sample counts as close.
    pub gap_ratio: f64,
    /// How well each flag finds the copies among the other half.
    pub flags: Vec<FlagScore>,
    /// What they say together.
    pub sentence: String,
}

impl Risk {
    /// Whether the spike alone detectably marks memorized samples.
    #[must_use]
    pub fn marks_copies(&self) -> bool {
        self.flags.first().is_some_and(FlagScore::marks)
    }
}

/// How well a flag finds what it should.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagScore {
    /// The flag, in words.
    pub flag: String,
    /// What counts as a copy.
    pub truth: String,
    /// Share of samples that are copies: the precision of a flag that knows nothing.
    pub base_rate: f64,
    /// Share of samples flagged.
    pub flagged: f64,
    /// Share of flagged samples that are copies; absent if none is flagged.
    pub precision: Option<Interval>,
    /// Share of copies that are flagged.
    pub recall: Option<Interval>,
}

impl FlagScore {
    /// Whether flagged samples are copies detectably more often than all are.
    #[must_use]
    pub fn marks(&self) -> bool {
        self.precision.is_some_and(|precision| precision.low > self.base_rate)
    }
}
