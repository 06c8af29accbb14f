//! Steps of a task, run one after the other.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};

/// A call of a program: what it is for, and what to do if it fails.
pub(crate) struct Step {
    purpose: &'static str,
    command: Command,
    hint: Option<&'static str>,
    /// A file that an earlier step brings, and the environment variable that names it.
    brought: Option<(&'static str, Find)>,
}

type Find = Box<dyn Fn() -> Option<PathBuf>>;

impl Step {
    /// A call of `program`, run in the repository's root.
    pub(crate) fn new(
        purpose: &'static str,
        program: impl AsRef<Path>,
        arguments: &[&str],
    ) -> Self {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        Self { purpose, command, hint: None, brought: None }
    }

    /// A call of the cargo that runs this task.
    pub(crate) fn cargo(purpose: &'static str, arguments: &[&str]) -> Self {
        Self::new(purpose, env!("CARGO"), arguments)
    }

    /// The same with an environment variable.
    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The same with an environment variable for a file that is looked for when the step runs,
    /// because an earlier one brings it.
    pub(crate) fn with_file(
        mut self,
        name: &'static str,
        find: impl Fn() -> Option<PathBuf> + 'static,
    ) -> Self {
        self.brought = Some((name, Box::new(find)));
        self
    }

    /// The same with what to do if it fails.
    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The call as a person would type it.
    fn line(&self) -> String {
        let program = Path::new(self.command.get_program());
        let name = program.file_stem().unwrap_or(program.as_os_str());
        let words = std::iter::once(name).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// Runs the steps in order; the first that fails ends it with its exit code.
pub(crate) fn run(mut steps: Vec<Step>) -> Result<ExitCode> {
    let begun = Instant::now();
    let total = steps.len();
    for (index, step) in steps.iter_mut().enumerate() {
        let (number, line) = (index + 1, step.line());
        eprintln!("\n[{number}/{total}] {}: {line}", step.purpose);
        if let Some((name, find)) = &step.brought {
            let file = find().with_context(|| format!("there is no file for {name}"))?;
            step.command.env(name, file);
        }
        let since = Instant::now();
        let status = step.command.status().with_context(|| match step.hint {
            Some(hint) => format!("cannot run `{line}`; {hint}"),
            None => format!("cannot run `{line}`"),
        })?;
        if !status.success() {
            let seconds = begun.elapsed().as_secs_f64();
            eprintln!("\nfailed: {} ({line}) after {seconds:.1} s", step.purpose);
            if let Some(hint) = step.hint {
                eprintln!("{hint}");
            }
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
        eprintln!("[{number}/{total}] {}: {:.1} s", step.purpose, since.elapsed().as_secs_f64());
    }
    eprintln!("\nall passed in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}
