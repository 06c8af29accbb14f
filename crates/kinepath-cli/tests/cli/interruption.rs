//! Kills, interrupts and readers that go away.

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
fn an_interrupt_stops_at_the_next_step_and_keeps_the_parts() {
    use std::io::Read;
    use std::process::Command;

    let place = Place::new();
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let out = format!("interrupted{signal}");
        let (mut stdout, mut stderr, mut code) = (String::new(), String::new(), None);
        let arguments = meet(&place, &out, |child| {
            let id = child.id().to_string();
            assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
            child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
            stderr.clear();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            code = child.wait().unwrap().code();
        });
        assert_eq!(code, Some(expected), "{stderr}");
        assert_eq!(stdout, "");
        assert!(stderr.contains("stopping at the next step"), "{stderr}");
        assert!(stderr.contains("the same command goes on where it stopped"), "{stderr}");
        let run = place.path(&out);
        assert!(!parts(&run).is_empty() && !any_final_name(&run));
        place.succeeds(&format!("{arguments} --out {out}"));
    }
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
