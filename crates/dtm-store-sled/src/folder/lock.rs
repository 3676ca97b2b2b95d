//! One server for one folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use dtm_store::{Clock, Error};

use crate::error::unusable;

/// Held as long as it lives. The operating system gives it back when the process dies, however that happens.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Keeps the lock; nobody reads it.
    _file: File,
}

impl Lock {
    pub(crate) fn take(folder: &Path, clock: &dyn Clock) -> Result<Self, Error> {
        let path = folder.join("LOCK");
        let failed = |error: &std::io::Error| unusable(folder, "take the lock", error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(folder, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        let started = clock.now().as_millis() / 1_000;
        let text = format!("pid {}, started at Unix time {started}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(|error| failed(&error))?;
        Ok(Self { _file: file })
    }
}

fn held(folder: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    // some systems do not let anybody read a locked file
    let holder = match file.rewind().and_then(|()| file.read_to_string(&mut holder)) {
        Ok(_) if !holder.trim().is_empty() => holder.trim(),
        Ok(_) | Err(_) => "its name is not readable",
    };
    Error::Fatal(format!(
        "the store in {} is in use by another server ({holder}): stop that one, or give this one a folder of its \
         own (Store.Path)",
        folder.display()
    ))
}
