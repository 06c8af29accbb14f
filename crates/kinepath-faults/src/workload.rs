//! The commands that faults are tried on.

use std::fs;
use std::io;
use std::path::Path;

/// The name of the folder that every command writes into. Results name it, so it is always the same.
pub(crate) const OUT: &str = "out";
/// The shares that are merged.
const SHARES: usize = 3;
/// A Gaussian around each of four points of the plane, so that nothing has to be loaded.
const MIXTURE: &str = "\
weights = [0.1, 0.2, 0.3, 0.4]
means = [[-2.0, 0.5], [1.0, 1.5], [0.0, -1.0], [2.0, 2.0]]
variances = [0.04, 0.25, 0.09, 0.16]
";

/// How much work a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A part of a second, for tests.
    Small,
    /// A few seconds in a release build.
    Full,
}

/// A command of the program, small and in many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// A run in many batches.
    Sample,
    /// A study of several runs and their controls.
    Study,
    /// The judgement of a run, which is there before.
    Evaluate,
    /// A search with its confirmation.
    Tune,
    /// The run of three shares, which are there before.
    Merge,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sample, Self::Study, Self::Evaluate, Self::Tune, Self::Merge];

    /// The name of the command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Study => "study",
            Self::Evaluate => "evaluate",
            Self::Tune => "tune",
            Self::Merge => "merge",
        }
    }

    /// The arguments, apart by blanks.
    pub(crate) fn arguments(self, size: Size) -> String {
        match self {
            Self::Sample => sample(size),
            Self::Study => format!("study study.toml --out {OUT}"),
            Self::Evaluate => format!(
                "evaluate {OUT} --train builtin:fashion-mnist \
                 --reference builtin:fashion-mnist-reference --encoder builtin:classifier \
                 --classifier builtin:classifier --resamples {}",
                size.of(50, 200)
            ),
            Self::Tune => format!("tune tune.toml --out {OUT}"),
            Self::Merge => {
                let shares: Vec<String> = (0..SHARES).map(share).collect();
                format!("merge {} --out {OUT}", shares.join(" "))
            }
        }
    }

    /// The arguments of the commands that make what the command needs.
    pub(crate) fn before(self, size: Size) -> Vec<String> {
        match self {
            Self::Sample | Self::Study | Self::Tune => Vec::new(),
            Self::Evaluate => vec![format!(
                "sample --field empirical:builtin:fashion-mnist --count {} --steps 10 \
                 --record profile,map --out {OUT}",
                size.of(32, 256)
            )],
            Self::Merge => (0..SHARES).map(|number| sample_share(size, number)).collect(),
        }
    }

    /// Writes the files that a person writes for the command into `folder`.
    pub(crate) fn prepare(self, size: Size, folder: &Path) -> io::Result<()> {
        match self {
            Self::Sample | Self::Merge => fs::write(folder.join("mixture.toml"), MIXTURE),
            Self::Study => fs::write(folder.join("study.toml"), study(size)),
            Self::Evaluate => Ok(()),
            Self::Tune => fs::write(folder.join("tune.toml"), tune(size)),
        }
    }
}

impl Size {
    fn of(self, small: usize, full: usize) -> usize {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }
}

fn sample(size: Size) -> String {
    format!(
        "sample --field mixture:mixture.toml --count {} --batch 8 --steps {} --record profile,map \
         --out {OUT}",
        size.of(64, 320),
        size.of(200, 400),
    )
}

/// The folder of a share.
fn share(number: usize) -> String {
    format!("share-{number}")
}

/// Enough samples for the merge to take a while.
fn sample_share(size: Size, number: usize) -> String {
    format!(
        "sample --field mixture:mixture.toml --count {} --batch 4096 --steps 4 --record profile,map \
         --shard {number}/{SHARES} --out {}",
        size.of(20_000, 200_000),
        share(number)
    )
}

/// What studies and searches judge by, and how they sample.
fn data_and_sampler(steps: usize) -> String {
    format!(
        "\
[data]
train = \"builtin:fashion-mnist\"
reference = \"builtin:fashion-mnist-reference\"
encoder = \"builtin:classifier\"
classifier = \"builtin:classifier\"

[sampler]
solver = \"euler\"
steps = {steps}
grid = \"uniform\"
quadrature = \"solver\"
"
    )
}

/// Runs of the exact flow of the embedded training set, in several batches each.
fn study(size: Size) -> String {
    format!(
        "\
title = \"a study to be disturbed\"
count = {count}
batch = 16
seeds = [0, 1]
resamples = {resamples}
bins = 4
support_neighbours = 10
significance = 0.05

{data_and_sampler}
[[field]]
name = \"exact flow\"
spec = \"empirical:builtin:fashion-mnist\"

[[gain]]
name = \"KTS\"
gain = \"kts:alpha=0.01,beta=0.05\"

[[gain]]
name = \"governed\"
gain = \"governed:quantile=0.5\"
",
        count = size.of(32, 64),
        resamples = size.of(50, 100),
        data_and_sampler = data_and_sampler(size.of(8, 20)),
    )
}

/// A search among gains of the exact flow of the embedded training set.
fn tune(size: Size) -> String {
    format!(
        "\
objectives = [\"frechet_distance\", \"f_mem\"]
candidates = {candidates}
count = {count}
rungs = 2
keep = 2
finalists = 2
confirm = {confirm}
seed = 0
batch = 8
resamples = {resamples}

{data_and_sampler}
[field]
name = \"exact flow\"
spec = \"empirical:builtin:fashion-mnist\"

[[family]]
kind = \"kts\"
alpha = [0.0, 0.06]
beta = [0.7, 0.9]
split = [0.3, 0.4]
launch = [\"linear\"]
landing = [\"constant\"]
",
        candidates = size.of(4, 6),
        count = size.of(12, 24),
        confirm = size.of(16, 48),
        resamples = size.of(50, 100),
        data_and_sampler = data_and_sampler(size.of(8, 10)),
    )
}
