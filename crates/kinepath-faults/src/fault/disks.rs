//! Disks that are full or cannot be written.

use std::path::{Path, PathBuf};
use std::process::Command;

use rand::RngExt;

use super::{TRIES, Tried, Trouble, Verdict};
use crate::trial::Trial;
use crate::{Chance, Subject};

/// Bytes of a page, by which a file system in memory is counted.
const PAGE: usize = 4096;
/// What the disk holds beyond what was there before, in shares of what the command adds.
const SHARES: [f64; 3] = [0.02, 0.4, 0.8];
/// Enough for everything.
const ROOMY: usize = 1 << 28;

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// A disk of `bytes` at `folder`.
    fn mount(folder: &Path, bytes: usize) -> Result<Self, Trouble> {
        std::fs::create_dir(folder)?;
        let options = format!("size={}", bytes.next_multiple_of(PAGE));
        let mounted = mount(folder, &["-t", "tmpfs", "-o", &options, "tmpfs"])?;
        match mounted {
            None => Ok(Self(folder.to_owned())),
            Some(why) => Err(Trouble::Skipped(format!(
                "a file system cannot be mounted; it needs root or user namespaces ({why})"
            ))),
        }
    }

    /// Changes the options.
    fn remount(&self, options: &str) -> Result<(), Trouble> {
        match mount(&self.0, &["-o", &format!("remount,{options}")])? {
            None => Ok(()),
            Some(why) => Err(Trouble::Failed(format!("the disk cannot be remounted: {why}"))),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Mounts; returns why it was refused, if it was.
fn mount(folder: &Path, arguments: &[&str]) -> Result<Option<String>, Trouble> {
    match Command::new("mount").args(arguments).arg(folder).output() {
        Ok(output) if output.status.success() => Ok(None),
        Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// Runs the command on disks that are too small for it, then makes them larger.
pub(super) fn full(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    let (mut times, mut message) = (0, String::new());
    for share in SHARES {
        let trial = subject.trial_without_out("full-disk")?;
        let added = subject.bytes_added() as f64;
        let disk = SmallDisk::mount(&trial.out(), ROOMY)?;
        subject.write_before(&trial.out())?;
        let size = subject.bytes_before(PAGE) + (share * added) as usize;
        disk.remount(&format!("size={}", size.next_multiple_of(PAGE)))?;
        let ended = trial.run()?;
        message = trial.refuses(&ended, &["No space left", "free some space"])?;
        trial.stays_sound(false)?;
        disk.remount(&format!("size={ROOMY}"))?;
        times += 1;
        recovers(subject, trial, disk)?;
    }
    Ok(Verdict { times, message })
}

/// Kills the command, and repeats it while the disk is read-only and when it is not any more.
pub(super) fn read_only(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    let (mut met, mut message) = (0, String::new());
    for _ in 0..TRIES * times {
        let trial = subject.trial_without_out("read-only")?;
        let disk = SmallDisk::mount(&trial.out(), ROOMY)?;
        subject.write_before(&trial.out())?;
        let mut running = trial.start()?;
        running.wait_until(subject.duration().mul_f64(chance.random()))?;
        running.kill()?;
        disk.remount("ro")?;
        let ended = trial.run()?;
        // A run that was whole before the kill needs no writing.
        if !ended.status.success() {
            message = trial.refuses(&ended, &["Read-only file system", "may write to"])?;
            met += 1;
        }
        disk.remount("rw")?;
        recovers(subject, trial, disk)?;
        if met == times {
            return Ok(Verdict { times, message });
        }
    }
    Err(Trouble::Failed(format!("it was unfinished {met} times of {times} only")))
}

/// Repeats the command, which must end with the undisturbed bytes, and gives up the disk.
fn recovers(subject: &Subject, trial: Trial<'_>, disk: SmallDisk) -> Result<(), Trouble> {
    let ended = trial.run()?;
    if !ended.status.success() {
        return Err(trial.failed(format!("repeating it fails: {}", ended.told())));
    }
    if let Some(difference) = subject.difference(&trial.out())? {
        return Err(trial.failed(format!("the end is another one: {difference}")));
    }
    drop(disk);
    Ok(trial.clear()?)
}
