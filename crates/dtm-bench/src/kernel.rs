//! What the kernel says about a process and the machine (Linux, `/proc`).

use std::fs;
use std::path::Path;
use std::time::Duration;

/// `USER_HZ`: the unit of times in `/proc/PID/stat`. Part of the kernel's interface, 100 on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time that a process has used so far, in user and in kernel mode, all threads together. The unit of
/// the kernel is 10 ms.
pub(crate) fn cpu_time(pid: u32) -> crate::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    ticks(&stat)
        .map(|ticks| Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
        .ok_or_else(|| format!("{path} has no utime and stime: {stat}").into())
}

/// CPU time of a process, its children that live, and those that have ended and were waited for: a database may
/// have a process for each connection.
pub(crate) fn cpu_time_of_tree(root: u32) -> crate::Result<Duration> {
    let mut total = 0;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may have ended since the folder was listed.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if pid == root {
            total += ticks(&stat).unwrap_or(0) + fields(&stat, 13).unwrap_or(0);
        } else if parent(&stat) == Some(root) {
            total += ticks(&stat).unwrap_or(0);
        }
    }
    Ok(Duration::from_millis(total * 1_000 / TICKS_PER_SECOND))
}

fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// utime and stime, fields 14 and 15. The name in field 2 may hold spaces and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    fields(stat, 11)
}

/// The sum of two fields; counted from 0 behind the name.
fn fields(stat: &str, first: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(first);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The most memory that a process has ever had resident, in bytes.
pub(crate) fn peak_memory(pid: u32) -> crate::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    kilobytes(&status, "VmHWM:").map(|kb| kb * 1_024).ok_or_else(|| format!("{path} has no VmHWM").into())
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Facts about the machine, in one line.
pub(crate) fn machine(data: &Path) -> crate::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let data = data.canonicalize()?;
    let file_system = file_system(&mounts, &data).unwrap_or("unknown");
    Ok(format!(
        "{cores} cores of {model}, Linux {}, data on {file_system}, load generator on the same cores",
        kernel.trim()
    ))
}

/// The type of the mount that is nearest to `path`.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mount = |line: &'a str| {
        let mut fields = line.split(' ').skip(1);
        let (folder, kind) = (fields.next()?, fields.next()?);
        path.starts_with(folder).then_some((folder.len(), kind))
    };
    mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_even_if_the_name_of_the_process_is_odd() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 0 0 130 20 7 8 20 0 4 0 100 1000 200 18446744073709551615";
        assert_eq!(ticks(stat), Some(150));
        assert_eq!(fields(stat, 13), Some(15), "of children that have ended");
        assert_eq!(parent(stat), Some(1));
        assert_eq!(ticks("42 (x) S 1"), None);
    }

    #[test]
    fn the_peak_of_the_memory_is_read() {
        assert_eq!(kilobytes("Name:\tx\nVmHWM:\t   1234 kB\nVmRSS:\t 1 kB\n", "VmHWM:"), Some(1_234));
        assert_eq!(kilobytes("Name:\tx\n", "VmHWM:"), None);
    }

    #[test]
    fn the_nearest_mount_tells_the_file_system() {
        let mounts = "overlay / overlay rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/a /tmp/deep ext4 rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/x")), Some("tmpfs"));
        assert_eq!(file_system(mounts, Path::new("/tmp/deep/x")), Some("ext4"));
        assert_eq!(file_system(mounts, Path::new("/tmpfile")), Some("overlay"));
    }

    #[test]
    fn this_process_can_be_measured() {
        let pid = std::process::id();
        assert!(peak_memory(pid).unwrap() > 100_000);
        cpu_time(pid).unwrap();
        assert!(machine(Path::new("/")).unwrap().contains(" cores of "));
    }
}
