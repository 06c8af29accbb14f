//! Kills, interrupts and readers that go away.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, any_final_name, files, parts};

/// Ten batches, long enough that the program can be met in the middle.
const SLOW: &str = "sample --field mixture:mixture.toml --count 40 --batch 4 --record profile,map";

/// Starts a run that is met between its first part and its last one, with `meet` called there;
/// returns the arguments of the run. Machines differ in speed, so longer runs are tried in turn.
fn meet(place: &Place, out: &str, mut meet: impl FnMut(&mut Child)) -> String {
    for steps in [2_000, 10_000, 50_000] {
        let arguments = format!("{SLOW} --steps {steps}");
        let run = format!("{out}-{steps}");
        let mut command = place.command(&format!("{arguments} --out {run}"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let folder = place.path(&run);
        if first_part(&mut child, &folder) {
            meet(&mut child);
            if child.wait().unwrap().code() != Some(0) {
                std::fs::rename(folder, place.path(out)).unwrap();
                return arguments;
            }
        }
    }
    panic!("the program was never met in the middle of a run");
}

/// Waits for the first part of a run; false if the run ended first.
fn first_part(child: &mut Child, run: &Path) -> bool {
    let begun = Instant::now();
    while parts(run).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no part after two minutes");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_bytes() {
    let place = Place::new();
    let arguments = meet(&place, "killed", |child| child.kill().unwrap());
    let kept = parts(&place.path("killed"));
    assert!(!kept.is_empty() && kept.len() < 10, "{kept:?}");
    assert!(!any_final_name(&place.path("killed")));

    let evaluation = place.fails("evaluate killed --train builtin:fashion-mnist", 1);
    assert!(evaluation.contains("not finished"), "{evaluation}");

    let resumed = place.succeeds(&format!("{arguments} --out killed"));
    assert!(resumed.contains("of its samples were there already"), "{resumed}");
    place.succeeds(&format!("{arguments} --out undisturbed"));
    assert_eq!(files(&place.path("killed")), files(&place.path("undisturbed")));
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_once_the_batch_is_written_and_keeps_the_parts() {
    let place = Place::new();
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let out = format!("interrupted{signal}");
        let mut told = Told::default();
        let arguments = meet(&place, &out, |child| {
            send(child, signal);
            told = Told::of(child);
        });
        assert_eq!(told.code, Some(expected), "{}", told.stderr);
        assert_eq!(told.stdout, "");
        let (first, again) = ("once the batch at hand is written", "the same command goes on");
        assert!(told.stderr.contains(first) && told.stderr.contains(again), "{}", told.stderr);
        let run = place.path(&out);
        // Nothing that was begun is lost: what is there are whole parts.
        assert!(!parts(&run).is_empty() && !any_final_name(&run));
        place.succeeds(&format!("{arguments} --out {out}"));
    }
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_does_not_wait_for_the_batch() {
    let place = Place::new();
    // A batch of hours: the run ends within the test only if it does not wait for one.
    let arguments = "sample --field mixture:mixture.toml --count 4000 --batch 4000 --steps 1000000";
    let mut command = place.command(&format!("{arguments} --out long"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let settings = place.path("long/parts/run.toml");
    let begun = Instant::now();
    while !settings.exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it did not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Two of the same that wait together are one to the system.
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    send(&child, "-INT");
    assert!(stderr.any(|line| line.contains("once the batch at hand is written")));
    send(&child, "-INT");
    assert!(stderr.any(|line| line.starts_with("stopping at the next step")));
    drop(stderr);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(parts(&place.path("long")).is_empty());
}

/// What a program ended with.
#[cfg(unix)]
#[derive(Default)]
struct Told {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

#[cfg(unix)]
impl Told {
    fn of(child: &mut Child) -> Self {
        let mut told = Self::default();
        child.stdout.take().unwrap().read_to_string(&mut told.stdout).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut told.stderr).unwrap();
        told.code = child.wait().unwrap().code();
        told
    }
}

#[cfg(unix)]
fn send(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let status = std::process::Command::new("kill").args([signal, &id]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let arguments = "sample --field mixture:mixture.toml --count 4 --steps 10 --json";
    let mut command = place.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(any_final_name(&place.path("kinepath-run")));
}
