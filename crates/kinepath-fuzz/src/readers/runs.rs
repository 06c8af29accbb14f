//! Run folders and their files.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use kinepath_study::run::{Existing, Opened, RunReader, RunWriter};

use super::{BASE, TREE};
use crate::seeds::{self, RunFiles};
use crate::{Target, scratch, wrap};

/// A whole run, of which a target replaces one file.
static WHOLE: LazyLock<RunFiles> = LazyLock::new(RunFiles::sampled);

/// A table holds so many cells for a byte, each of 16 bytes in an optional column, and twice while
/// a column grows.
const TABLE_RATIO: usize = 256 * 16 * 3;
/// Rows are read so many at a time, with their levels.
const TABLE_BASE: usize = 16 << 20;

/// The table of a run.
pub static TABLE: Target = Target::new("table", TABLE_RATIO, TABLE_BASE, |input| {
    open("table", [&WHOLE.settings, &WHOLE.samples, input], &[2])
});

/// The settings of a run.
pub static RUN_TOML: Target = Target::new("run_toml", TREE, BASE, |input| {
    open("settings", [input, &WHOLE.samples, &WHOLE.table], &[0])
});

/// A run folder: settings, samples and table from one input.
pub static RUN: Target = Target::new("run", TABLE_RATIO, TABLE_BASE, |input| {
    open("run", wrap::split::<3>(input), &[0, 1, 2])
});

/// The files of a run folder.
const FILES: [&str; 3] = ["run.toml", "samples.safetensors", "samples.parquet"];

/// Opens a run folder and reads all of it. Only the files `changed` differ from call to call.
fn open(folder: &str, files: [&[u8]; 3], changed: &[usize]) -> bool {
    scratch::with(|scratch| {
        let dir = scratch.path(folder);
        for (at, (name, bytes)) in FILES.iter().zip(files).enumerate() {
            if changed.contains(&at) || !dir.join(name).exists() {
                scratch.write(&format!("{folder}/{name}"), bytes);
            }
        }
        let Ok(run) = RunReader::open(&dir) else { return false };
        let whole = run.samples().is_ok();
        let _ = run.first_draws();
        let _ = run.profile();
        let _ = run.posterior_entropy();
        let _ = run.effective_count();
        let _ = run.energy_map();
        let _ = run.trajectory();
        whole
    })
}

/// The settings and the only batch of an unfinished run, which is opened, and finished where the
/// settings are those that were asked for.
pub static PART: Target = Target::new("part", TREE, 8 << 20, |input| {
    let [settings, part] = wrap::split(input);
    scratch::with(|scratch| {
        let dir = scratch.path("unfinished");
        scratch.write("unfinished/parts/run.toml", settings);
        scratch.write(&format!("unfinished/parts/{}", seeds::PART), part);
        let _ = RunReader::open(&dir);
        let opened = RunWriter::open(&dir, WHOLE.parsed.clone(), Existing::Resume);
        let Ok(Opened::Incomplete(writer)) = opened else { return false };
        let finished = writer.missing().is_empty() && writer.finish().is_ok();
        let _ = RunReader::open(&dir).map(|run| run.samples());
        remove(&dir);
        finished
    })
});

/// Makes room for the next run.
fn remove(dir: &Path) {
    for name in FILES {
        // What is left is found by the next input.
        let _ = fs::remove_file(dir.join(name));
    }
}
