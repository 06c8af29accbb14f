//! Every target with its seeds, whole and damaged, on any toolchain.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use kinepath_fuzz::{TARGETS, Target, seeds};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Damaged files of each target.
const CASES: u32 = 200;

/// Some bytes of a seed changed, and an end of it left off.
fn damaged(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let index = any::<prop::sample::Index>;
    let changes = prop::collection::vec((index(), any::<u8>()), 0..8);
    (prop::sample::select(seeds), changes, index(), any::<bool>()).prop_map(
        |(mut file, changes, keep, cut)| {
            for (at, value) in changes {
                let at = at.index(file.len());
                file[at] = value;
            }
            if cut {
                file.truncate(keep.index(file.len() + 1));
            }
            file
        },
    )
}

fn check(target: &Target) {
    let seeds = seeds::of(target.name);
    let whole = seeds.iter().filter(|seed| target.check(seed)).count();
    assert!(whole > 0, "{}: none of its {} seeds is whole", target.name, seeds.len());
    target.check(&[]);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let outcome = runner.run(&damaged(seeds), |file| {
        target.check(&file);
        Ok(())
    });
    assert!(outcome.is_ok(), "{}: {}", target.name, outcome.unwrap_err());
}

/// One test for all: memory is measured for the whole process.
#[test]
fn no_reader_panics_is_slow_or_takes_memory_on_a_header_s_word() {
    TARGETS.iter().for_each(|target| check(target));
}

#[test]
fn the_targets_are_those_of_libfuzzer() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/fuzz_targets");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    files.sort();
    let mut names = TARGETS.map(|target| target.name.to_owned());
    names.sort();
    assert_eq!(files, names);
}
