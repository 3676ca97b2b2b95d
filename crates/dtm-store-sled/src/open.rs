//! Opening a folder, and everything that can be wrong with it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dtm_store::{Damaged, Error};

use crate::SledConfig;
use crate::backend::Writer;
use crate::engine::{Engine, Log, NotApplied, apply, read};
use crate::error::{Unreadable, damaged, unusable};
use crate::folder::{DATABASE, Format, Lock, Mark, is_new, read_format, write_format};
use crate::index::Index;
use crate::journal::{Journal, Writes};
use crate::keys;
use crate::lease::gid_of_damaged;
use crate::node::Nodes;
use crate::schema::{Meta, share, split_row};

/// How long to wait for a lock on sled's own files, which no server can hold.
const FOREIGN_LOCK_TIME_MAX: Duration = Duration::from_secs(5);
const FOREIGN_LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Opens the folder. Blocks.
pub(crate) fn open(config: &SledConfig) -> Result<(Arc<Engine>, Writer), Error> {
    let folder = config.path.as_path();
    fs::create_dir_all(folder).map_err(|error| unusable(folder, "create the folder", &error))?;
    let lock = Lock::take(folder, &*config.clock)?;
    let new = is_new(folder)?;
    let without_journal = new || read_format(folder)? == Format::WithoutJournal;
    let database_folder = folder.join(DATABASE);
    let log = database_folder.join("db");
    if !new && !log.exists() {
        return Err(damaged(folder, "the database is missing"));
    }
    let (mark, marked) = Mark::open(folder, new)?;
    let journal = Journal::open(folder, without_journal, config.journal_bytes)?;
    let database = open_database(folder, &database_folder, config.cache_bytes)?;
    let log = Log::open(&log).map_err(|error| unusable(folder, "open the database", &error))?;
    replay(folder, &database, &log, &journal)?;
    let meta = read_meta(folder, &database)?;
    if meta.batch < marked.unwrap_or(0) {
        let lost = format!(
            "it ends at batch {}, but batch {} was acknowledged: what came between is lost",
            meta.batch,
            marked.unwrap_or(0)
        );
        return Err(damaged(folder, &lost));
    }
    if new && meta != Meta::EMPTY {
        return Err(damaged(folder, "the file 'format' is missing"));
    }
    let index = read_index(folder, &database, &meta)?;
    let engine = Engine::new(folder, database, log, journal, mark, lock);
    // not before all was found to be in order: until then the journal is kept as it is
    let settled = engine.settle().and_then(|()| if new { engine.start_mark() } else { Ok(()) });
    settled.map_err(|error| engine.failed(&error.to_string()))?;
    if without_journal {
        write_format(folder)?;
    }
    Ok((Arc::new(engine), Writer { meta, index, nodes: Nodes::default() }))
}

/// Puts into the database what it has lost, or has only half of, because the process or the machine died.
fn replay(folder: &Path, database: &sled::Db, log: &Log, journal: &Journal) -> Result<(), Error> {
    let reached = read_meta(folder, database)?.batch;
    let mut unsynced = 0;
    let write = |writes: Writes| {
        apply(database, log, writes, &mut unsynced).map_err(|error| match error {
            NotApplied::Database(error) => damaged(folder, &error.to_string()),
            NotApplied::Sync(error) => unusable(folder, "sync the database", &error),
        })
    };
    let batches = journal.replay(folder, reached, write)?;
    if batches > 0 {
        tracing::info!(path = %folder.display(), batches, "the last batches were read from the journal");
    }
    Ok(())
}

/// Opens sled's own files. It locks one of them, and that lock may outlive its holder for a moment: while threads of
/// a sled that was just closed end, or while a process that was just forked has not yet called exec. Our own lock is
/// held, so nobody else is a server on this folder, and waiting a little is right.
#[expect(
    clippy::disallowed_methods,
    reason = "on a thread for what blocks; the end of that lock is no event"
)]
fn open_database(folder: &Path, database_folder: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    let deadline = Instant::now() + FOREIGN_LOCK_TIME_MAX;
    loop {
        let opened =
            sled::Config::new().path(database_folder).cache_capacity(cache_bytes).flush_every_ms(None).open();
        match opened {
            Ok(database) => return Ok(database),
            Err(error) if !is_locked(&error) => return Err(damaged(folder, &error.to_string())),
            Err(_) if Instant::now() < deadline => std::thread::sleep(FOREIGN_LOCK_PAUSE),
            Err(error) => return Err(held_by_another_program(folder, &error)),
        }
    }
}

/// sled says it in words only.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

fn held_by_another_program(folder: &Path, error: &sled::Error) -> Error {
    Error::Fatal(format!(
        "the database in {} is held open by a program that is no server ({error}): end that program, then start again",
        folder.display()
    ))
}

fn read_meta(folder: &Path, tree: &sled::Tree) -> Result<Meta, Error> {
    match read(tree, keys::META) {
        Ok(Some(value)) => Meta::from_bytes(value.body())
            .ok_or_else(|| damaged(folder, "the numbers of the store cannot be read")),
        Ok(None) => Ok(Meta::EMPTY),
        Err(Unreadable::Damaged(detail) | Unreadable::Broken(detail)) => Err(damaged(folder, &detail)),
    }
}

/// Walks along all entries. Every one that was acknowledged has to be there, in its last version: the digest says
/// so. sled notices much of what can happen to a file, but not all of it: some damage makes it forget an entry, or
/// remember an older one. On the way the unfinished transactions are put into the index. A record that is there
/// and makes no sense is left for the operator and stops nobody else.
fn read_index(folder: &Path, tree: &sled::Tree, meta: &Meta) -> Result<Index, Error> {
    let mut index = Index::default();
    let (mut entries, mut digest) = (0_u64, 0_u64);
    for entry in tree {
        let (key, entry) = entry.map_err(|error| damaged(folder, &error.to_string()))?;
        if *key == *keys::META {
            continue;
        }
        entries += 1;
        digest = digest.wrapping_add(share(&entry));
        if key.first() == Some(&keys::STATE) {
            take_up(&mut index, tree, &key, &entry).map_err(|detail| damaged(folder, &detail))?;
        }
    }
    if (entries, digest) != (meta.entries, meta.digest) {
        let lost = format!(
            "of what was acknowledged something is lost or older than it should be ({entries} entries instead of {})",
            meta.entries
        );
        return Err(damaged(folder, &lost));
    }
    Ok(index)
}

fn take_up(index: &mut Index, tree: &sled::Tree, key: &[u8], entry: &[u8]) -> Result<(), String> {
    let number = keys::number_in(key).ok_or_else(|| "a state has no number".to_owned())?;
    let row = match read(tree, key) {
        Ok(Some(value)) => split_row(value.body()).map(|(row, _)| row),
        Ok(None) => Err("it has disappeared".to_owned()),
        Err(Unreadable::Damaged(detail)) => Err(detail),
        Err(Unreadable::Broken(detail)) => return Err(detail),
    };
    match row {
        Ok(row) => index.insert(number, &row.head),
        Err(detail) => {
            let gid = gid_of_damaged(entry).unwrap_or_else(|| format!("transaction number {}", number.0));
            tracing::error!(gid, detail, "a record cannot be read; it is left untouched");
            index.damaged.push(Damaged { gid, detail });
        }
    }
    Ok(())
}
