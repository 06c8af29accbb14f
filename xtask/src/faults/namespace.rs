//! Where small file systems can be mounted.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// Set in the process that has been started once more.
const INSIDE: &str = "KINEPATH_FAULTS_INSIDE";

/// Starts this process once more as root of a user namespace, where nothing can be mounted otherwise,
/// and returns how it ended. Where there are no user namespaces, faults that need to mount say so.
pub(super) fn enter() -> Result<Option<ExitCode>> {
    let inside = std::env::var_os(INSIDE).is_some();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    if inside || mounts(folder.path()) || !runs(Command::new("unshare").args(["-rm", "true"])) {
        return Ok(None);
    }
    let program = std::env::current_exe().context("cannot find this program")?;
    let status = Command::new("unshare")
        .arg("-rm")
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .status()
        .context("cannot run unshare")?;
    Ok(Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

/// Whether a file system can be mounted on `folder`.
fn mounts(folder: &Path) -> bool {
    runs(Command::new("mount").args(["-t", "tmpfs", "-o", "size=4k", "tmpfs"]).arg(folder))
        && runs(Command::new("umount").arg(folder))
}

/// Whether a command can be run and succeeds.
fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
