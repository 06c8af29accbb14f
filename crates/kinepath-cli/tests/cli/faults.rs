//! A few of the faults that `cargo xtask faults` tries many times, on small commands.

#![cfg(target_os = "linux")]

use kinepath_faults::{FAULTS, Size, Subject, Trouble, Workload, chance};

/// Kills and stops of each command.
const TIMES: usize = 2;
/// Those of which a few tries are worth their time in every test run.
const TRIED: &[&str] = &[
    "kill",
    "interrupt",
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

fn survives(workload: Workload) {
    let place = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_kinepath").as_ref();
    let subject = Subject::new(workload, Size::Small, program, place.path()).unwrap();
    let mut chance = chance(17);
    for fault in FAULTS.iter().filter(|fault| TRIED.contains(&fault.name)) {
        match fault.attempt(&subject, &mut chance, TIMES) {
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
    survives(Workload::Sample);
}

#[test]
fn a_study_survives() {
    survives(Workload::Study);
}

#[test]
fn a_judgement_survives() {
    survives(Workload::Evaluate);
}

#[test]
fn a_search_survives() {
    survives(Workload::Tune);
}
