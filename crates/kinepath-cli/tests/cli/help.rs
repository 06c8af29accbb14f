//! Help that teaches, completions, manual pages.

use crate::support::Place;

#[test]
fn every_command_has_help_with_examples() {
    let place = Place::new();
    for command in [
        "",
        "study",
        "sample",
        "merge",
        "evaluate",
        "compare",
        "tune",
        "report",
        "inspect",
        "completions",
        "man",
    ] {
        let help = place.succeeds(&format!("{command} --help"));
        assert!(help.contains("Usage: kinepath"), "{command}: {help}");
        assert!(help.contains("Examples:"), "{command}: {help}");
        assert!(help.contains("--json"), "{command}: {help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command}: {help}");
    }
}

#[test]
fn the_help_of_sample_is_grouped_and_tells_the_defaults() {
    let help = Place::new().succeeds("sample --help");
    for part in [
        "Model:",
        "Path:",
        "Samples:",
        "Output:",
        "Gains:",
        "Exact flows:",
        "--certify <TAU|off>",
        "FIELD",
        "[default: euler]",
        "discrete:T",
        "kts:alpha=A",
        "trajectory:K",
    ] {
        assert!(help.contains(part), "{part} is missing:\n{help}");
    }
}

#[test]
fn the_version_is_printed() {
    assert!(Place::new().succeeds("--version").starts_with("kinepath 0."));
}

#[test]
fn completions_and_manual_pages_come_from_the_command_line() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.succeeds(&format!("completions {shell}")).contains("sample"), "{shell}");
    }
    assert!(place.succeeds("man").contains(".TH kinepath"));
    place.succeeds("man --out pages --quiet");
    assert!(place.path("pages/kinepath-sample.1").exists());
}

#[test]
fn a_slip_of_the_pen_is_answered_with_what_was_meant() {
    let place = Place::new();
    assert!(place.fails("smaple", 2).contains("sample"));
    assert!(place.fails("sample --field mixture:mixture.toml --stpes 3", 2).contains("--steps"));
}

#[test]
fn the_default_study_is_a_file_to_edit() {
    let place = Place::new();
    let text = place.succeeds("study --print-default");
    for key in ["count", "[data]", "[sampler]", "[[field]]", "[[gain]]"] {
        assert!(text.contains(key), "{key}: {text}");
    }
}
