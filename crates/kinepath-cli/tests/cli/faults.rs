//! A few of the faults that `cargo xtask faults` tries many times, on small commands.

#![cfg(target_os = "linux")]

use kinepath_faults::{FAULTS, Size, Subject, Trouble, Workload, chance};

/// What every command is tried with.
const EVERYWHERE: &[&str] = &["kill", "interrupt"];
/// What a run is tried with besides, as its files and messages are those of all commands.
const SAMPLING: &[&str] = &[
    "terminate",
    "full-disk",
    "read-only",
    "moved",
    "in-the-way",
    "two-at-once",
    "full-output",
    "clock",
    "memory",
];

fn survives(workload: Workload, times: usize, besides: &[&str]) {
    let place = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_kinepath").as_ref();
    let subject = Subject::new(workload, Size::Small, program, place.path()).unwrap();
    let mut chance = chance(17);
    let tried = |name: &str| EVERYWHERE.contains(&name) || besides.contains(&name);
    for fault in FAULTS.iter().filter(|fault| tried(fault.name)) {
        match fault.attempt(&subject, &mut chance, times) {
            Ok(_) => {}
            Err(Trouble::Skipped(why)) => eprintln!("{}: skipped: {why}", fault.name),
            Err(trouble @ Trouble::Failed(_)) => {
                let place = place.keep();
                panic!("{}, {}: {trouble} in {}", workload.name(), fault.what, place.display());
            }
        }
    }
}

#[test]
fn sampling_survives() {
    survives(Workload::Sample, 2, SAMPLING);
}

#[test]
fn a_study_survives() {
    survives(Workload::Study, 1, &[]);
}

#[test]
fn a_judgement_survives() {
    survives(Workload::Evaluate, 1, &["two-at-once"]);
}

#[test]
fn a_search_survives() {
    survives(Workload::Tune, 1, &[]);
}

#[test]
fn a_merge_survives() {
    survives(Workload::Merge, 1, &["full-disk", "memory"]);
}
