//! A server of one test alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::scripts::{self, Service, parse};

/// A server of its own, in a folder of its own, so that nobody else is disturbed. Stopped and removed when it is
/// dropped.
#[derive(Debug)]
pub struct Private {
    name: &'static str,
    folder: PathBuf,
}

impl Private {
    /// One of that script, with its data in a folder in `folder`. It does not run yet.
    #[must_use]
    pub fn new(name: &'static str, folder: &Path) -> Self {
        Self { name, folder: folder.join(format!("{name}-{}", std::process::id())) }
    }

    /// Leaves a file in the folder of the server, which exists from now on; its path.
    #[must_use]
    pub fn leave(&self, name: &str, content: &str) -> PathBuf {
        let folder = self.folder.join(self.name);
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A call of its script. Whoever exports how to reach the server that tests share does not mean this one.
    fn script(&self, verb: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg(scripts::script(self.name)).arg(verb).env("SERVICE_FOLDER", &self.folder);
        for port in ["MARIADB_PORT", "POSTGRES_PORT", "REDIS_PORT"] {
            command.env_remove(port);
        }
        command
    }

    async fn call(&self, verb: &'static str) -> Output {
        let mut command = self.script(verb);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Starts it; right after a crash, what is left of the old one may still be in the way.
    pub async fn start(&self) -> Service {
        let mut said = Vec::new();
        for _ in 0..20 {
            let output = self.call("start").await;
            if output.status.success() {
                return parse(&output);
            }
            said = output.stderr;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let said = String::from_utf8_lossy(&said);
        panic!("{} does not start in {}: {said}", self.name, self.folder.display());
    }

    /// Kills it, as a crash does, and waits until it is dead: its script takes one that is dying for one that runs.
    #[expect(
        clippy::disallowed_methods,
        reason = "a helper of tests, and nobody tells the end of somebody else's child"
    )]
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join(self.name).join("pid")).unwrap();
        assert!(Command::new("kill").arg("-KILL").arg(pid.trim()).status().unwrap().success());
        let words = Path::new("/proc").join(pid.trim()).join("cmdline");
        let begun = Instant::now();
        while std::fs::read(&words).is_ok_and(|words| !words.is_empty()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{} cannot be killed", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let stopped = self.script("stop").status();
        if !stopped.is_ok_and(|status| status.success()) || std::fs::remove_dir_all(&self.folder).is_err() {
            eprintln!("a server or its data are left behind in {}", self.folder.display());
        }
    }
}
