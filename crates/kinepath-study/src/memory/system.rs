//! What the system says of memory. Only Linux is asked.
//!
//! Free is the least of what the machine has available, swap included, and of what each control group
//! around the process still allows, be it of version 1 or 2: jobs of a cluster and containers are
//! bounded by theirs. Pages that a group can drop at once, those of files nobody used lately, count
//! as free.

use std::fs;
use std::path::{Path, PathBuf};

/// A machine by the files that it tells about itself.
pub(super) struct System {
    /// Where `proc` and `sys` are.
    root: PathBuf,
}

/// The files of one version of control groups.
struct Files {
    limit: &'static str,
    usage: &'static str,
    /// The key in `memory.stat` of the bytes that can be dropped at once.
    droppable: &'static str,
}

const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    droppable: "total_inactive_file",
};
const VERSION_2: Files =
    Files { limit: "memory.max", usage: "memory.current", droppable: "inactive_file" };

impl System {
    /// This machine.
    pub(super) fn here() -> Self {
        Self { root: PathBuf::from("/") }
    }

    /// Bytes that can be had, if the system says so.
    pub(super) fn free(&self) -> Option<u64> {
        let machine = self.read("proc/meminfo").and_then(|text| {
            let swap = kibibytes(&text, "SwapFree").unwrap_or(0);
            Some(kibibytes(&text, "MemAvailable")? + swap)
        });
        machine.into_iter().chain(self.allowed()).min()
    }

    /// Bytes that the process has, if the system says so.
    pub(super) fn resident(&self) -> Option<u64> {
        kibibytes(&self.read("proc/self/status")?, "VmRSS")
    }

    /// What the control groups around the process still allow, if they limit it.
    fn allowed(&self) -> Option<u64> {
        let groups = self.read("proc/self/cgroup")?;
        groups.lines().filter_map(|line| self.allowed_by(line)).min()
    }

    /// What one line of `/proc/self/cgroup` allows: `ID:CONTROLLERS:PATH`, without controllers in
    /// version 2.
    fn allowed_by(&self, line: &str) -> Option<u64> {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let (mount, files) = match controllers {
            "" => ("sys/fs/cgroup", VERSION_2),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", VERSION_1)
            }
            _ => return None,
        };
        // A group is bounded by those around it. In a container the path may be the host's, of which
        // only the mount itself can be seen.
        let path = Path::new(path.trim_start_matches('/'));
        path.ancestors()
            .filter_map(|group| self.left(&self.root.join(mount).join(group), &files))
            .min()
    }

    /// What a group in `folder` has left of its limit, if it has one.
    fn left(&self, folder: &Path, files: &Files) -> Option<u64> {
        let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok();
        // The word `max` is no number and no limit.
        let (limit, usage): (u64, u64) = (number(files.limit)?, number(files.usage)?);
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let droppable =
            stat.lines().find_map(|line| line.strip_prefix(files.droppable)?.trim().parse().ok());
        Some(limit.saturating_sub(usage.saturating_sub(droppable.unwrap_or(0))))
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }
}

/// The value of `KEY:  1234 kB`, in bytes.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with 1000 KiB available and 24 KiB of swap, and these files besides.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, System) {
        let folder = tempfile::tempdir().unwrap();
        let meminfo = "MemTotal: 4000 kB\nMemAvailable:    1000 kB\nSwapFree:   24 kB\n";
        for (path, text) in [("proc/meminfo", meminfo)].iter().chain(files) {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let system = System { root: folder.path().to_owned() };
        (folder, system)
    }

    #[test]
    fn the_machine_says_what_it_has() {
        let status = ("proc/self/status", "Name:\tx\nVmRSS:\t    12 kB\n");
        let (_folder, system) = machine(&[status]);
        assert_eq!(system.free(), Some(1024 * 1024));
        assert_eq!(system.resident(), Some(12 * 1024));
        let (_folder, system) = machine(&[("proc/meminfo", "MemTotal: 4 kB\n")]);
        assert_eq!((system.free(), system.resident()), (None, None));
    }

    #[test]
    fn the_innermost_limit_is_not_the_only_one() {
        let (_folder, system) = machine(&[
            ("proc/self/cgroup", "0::/slurm/job_1/step_0\n"),
            ("sys/fs/cgroup/slurm/memory.max", "max\n"),
            ("sys/fs/cgroup/slurm/memory.current", "900000\n"),
            ("sys/fs/cgroup/slurm/job_1/memory.max", "500000\n"),
            ("sys/fs/cgroup/slurm/job_1/memory.current", "300000\n"),
            ("sys/fs/cgroup/slurm/job_1/memory.stat", "active_file 7\ninactive_file 1000\n"),
            ("sys/fs/cgroup/slurm/job_1/step_0/memory.max", "900000\n"),
            ("sys/fs/cgroup/slurm/job_1/step_0/memory.current", "100\n"),
        ]);
        assert_eq!(system.free(), Some(201_000));
    }

    #[test]
    fn groups_of_version_1_in_a_container_are_those_of_the_mount() {
        let (_folder, system) = machine(&[
            ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/0123\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "700000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n"),
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 9\ntotal_inactive_file 50000\n"),
        ]);
        assert_eq!(system.free(), Some(250_000));
    }

    #[test]
    fn more_than_the_machine_has_is_no_limit() {
        let (_folder, system) = machine(&[
            ("proc/self/cgroup", "4:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n"),
        ]);
        assert_eq!(system.free(), Some(1024 * 1024));
    }
}
