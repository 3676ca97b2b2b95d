//! The version of the folder, as text.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use dtm_store::Error;

use crate::error::{damaged, unusable};
use crate::journal::PARTS;

/// The name of the folder of the database.
pub(crate) const DATABASE: &str = "sled";

/// The version that this server writes. It reads all before it.
const FORMAT: u32 = 2;

/// The version that had no journal yet.
const WITHOUT_JOURNAL: u32 = 1;

const NAME: &str = "format";
const START: &str = "dtm store, format ";

/// Whether the folder has no store yet.
///
/// # Errors
/// When it has something else.
pub(crate) fn is_new(folder: &Path) -> Result<bool, Error> {
    let failed = |error: &std::io::Error| unusable(folder, "read", error);
    if fs::exists(folder.join(NAME)).map_err(|error| failed(&error))? {
        return Ok(false);
    }
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let name = entry.map_err(|error| failed(&error))?.file_name();
        // what a start leaves behind that died before the store was complete
        let mut ours = ["LOCK", "format.new", "mark", DATABASE].into_iter().chain(PARTS);
        let ours = ours.any(|own| name == own);
        if !ours {
            return Err(Error::Fatal(format!(
                "{} is no store: it has no file '{NAME}', but it has '{}'; set Store.Path to an empty folder, or \
                 restore the file",
                folder.display(),
                name.display()
            )));
        }
    }
    Ok(true)
}

/// What has to be done to a folder before it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Present,
    /// It is as it should be but for the journal, of which it has none yet.
    WithoutJournal,
}

/// The version of a folder that has one.
///
/// # Errors
/// When this server cannot read it.
pub(crate) fn read_format(folder: &Path) -> Result<Format, Error> {
    let text = fs::read_to_string(folder.join(NAME)).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => damaged(folder, "the file 'format' is not readable"),
        _ => unusable(folder, "read the file 'format'", &error),
    })?;
    let version = text.lines().next().and_then(|line| line.strip_prefix(START)?.parse::<u32>().ok());
    match version {
        Some(FORMAT) => Ok(Format::Present),
        Some(WITHOUT_JOURNAL) => Ok(Format::WithoutJournal),
        Some(newer) if newer > FORMAT => Err(Error::Fatal(format!(
            "the store in {} has format {newer}, this server reads formats up to {FORMAT}: use the server that wrote it or \
             a newer one, or set Store.Path to another folder",
            folder.display()
        ))),
        Some(_) | None => Err(damaged(folder, "the file 'format' has no known version")),
    }
}

/// Declares the folder complete. Once it has returned, that is durable.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn write_format(folder: &Path) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let new = folder.join("format.new");
        let mut file = File::create(&new)?;
        writeln!(file, "{START}{FORMAT}")?;
        writeln!(file, "written by dtm-server {}; do not edit", env!("CARGO_PKG_VERSION"))?;
        file.sync_all()?;
        fs::rename(new, folder.join(NAME))?;
        sync_folder(&folder.join(DATABASE))?;
        sync_folder(folder)
    };
    write().map_err(|error| unusable(folder, "write the file 'format'", &error))
}

/// Makes the names of new files durable. Windows has no such thing, and needs none.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(folder)?.sync_all()
}
