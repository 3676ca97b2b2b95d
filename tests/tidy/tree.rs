//! The files of the project.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the project.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Written by a tool, which has habits of its own.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/gen/")
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// All text files that git tracks or would track.
pub(crate) fn files() -> Vec<File> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "this is a git work tree: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let files: Vec<File> = names
        .split_terminator('\0')
        // A file that is being deleted, and a file that is no text, have nothing to say.
        .filter_map(|path| {
            Some(File { path: path.to_owned(), text: std::fs::read_to_string(root().join(path)).ok()? })
        })
        .collect();
    assert!(files.len() > 50, "git lists the project");
    files
}

pub(crate) fn with_extension(extension: &str) -> Vec<File> {
    let suffix = format!(".{extension}");
    files().into_iter().filter(|file| file.path.ends_with(&suffix)).collect()
}
