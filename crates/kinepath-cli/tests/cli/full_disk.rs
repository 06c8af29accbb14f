//! A disk that fills up in the middle of a run.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, any_final_name, files, parts};

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// A disk of 64 KiB at `folder`, or why there is none.
    fn mount(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder);
        match mount.output() {
            Ok(output) if output.status.success() => Ok(Self(folder.to_owned())),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn grow(&self) {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-o", "remount,size=8m"]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_the_run_goes_on_after_it() {
    let place = Place::new();
    let disk = match SmallDisk::mount(&place.path("disk")) {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("skipped: a small file system cannot be mounted here: {}", reason.trim());
            return;
        }
    };
    let arguments = "sample --field mixture:mixture.toml --count 200 --batch 5 --steps 3";
    let message = place.fails(&format!("{arguments} --out disk/run"), 1);
    assert!(message.contains("No space left") && message.contains("free some space"), "{message}");
    let run = place.path("disk/run");
    assert!(!parts(&run).is_empty() && !any_final_name(&run));
    let temporary = files(&run).into_keys().filter(|name| name.to_string_lossy().ends_with("tmp"));
    assert_eq!(temporary.count(), 0);

    disk.grow();
    place.succeeds(&format!("{arguments} --out disk/run"));
    place.succeeds(&format!("{arguments} --out elsewhere"));
    assert_eq!(files(&run), files(&place.path("elsewhere")));
}
