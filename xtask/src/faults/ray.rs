//! Faults of clusters, which the tests of the Python package bring about.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::row::{Outcome, Row};
use crate::python::PythonTests;

/// What the faults are tried on.
pub(super) const COMMAND: &str = "kinepath.ray";
/// Where their tests are, from the repository's root.
const TESTS: &str = "crates/kinepath-python/tests/integrations";

/// A fault and the test that brings it about once and compares what the others end with.
pub(super) struct ClusterFault {
    /// Its name on the command line.
    pub(super) name: &'static str,
    what: &'static str,
    file: &'static str,
    test: &'static str,
}

/// All of them.
pub(super) const FAULTS: &[ClusterFault] = &[
    ClusterFault {
        name: "ray-worker",
        what: "a Ray worker is killed",
        file: "test_ray.py",
        test: "test_the_work_of_a_killed_worker_is_done_by_another",
    },
    ClusterFault {
        name: "ray-node",
        what: "a Ray node is killed",
        file: "test_ray_nodes.py",
        test: "test_the_other_node_goes_on",
    },
];

impl ClusterFault {
    /// Runs the test, in the environment of `cargo xtask test --all`.
    pub(super) fn attempt(&self, root: &Path) -> Result<Row> {
        let file = Path::new(TESTS).join(self.file);
        let python = PythonTests::new(true).interpreter();
        let outcome = if !python.exists() || !root.join(&file).exists() {
            Outcome::Skipped("`cargo xtask test --all` installs what it needs".to_owned())
        } else {
            let test = format!("{}::{}", file.display(), self.test);
            let output = Command::new(python)
                .args(["-m", "pytest", "--quiet", &test])
                .current_dir(root)
                .output()
                .context("cannot run pytest")?;
            match output.status.success() {
                true => Outcome::Survived { times: 1, message: String::new() },
                false => Outcome::Failed(format!("{test}: {}", end_of(&output.stdout))),
            }
        };
        Ok(Row { fault: self.what.to_owned(), command: COMMAND.to_owned(), outcome })
    }
}

/// The last lines of what a test printed.
fn end_of(output: &[u8]) -> String {
    /// Lines that pytest's summary takes.
    const LINES: usize = 5;
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}
