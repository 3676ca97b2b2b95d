//! Crashes at every kind of moment, against a model that knows what was acknowledged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

use dtm_store::Error;

use super::{Journal, PARTS, Writes, record};
use crate::engine::{Engine, Overlay, read};
use crate::error::Failure;
use crate::schema::Meta;
use crate::{SledConfig, open};

/// So that every few batches fill a part.
const PART_LENGTH: u64 = 4 << 10;

fn config(path: &Path) -> SledConfig {
    SledConfig { journal_bytes: PART_LENGTH, ..SledConfig::new(path) }
}

/// A store below its operations, and what it has acknowledged.
struct Writer {
    engine: Arc<Engine>,
    meta: Meta,
    model: BTreeMap<String, Vec<u8>>,
    random: StdRng,
}

impl Writer {
    fn open(path: &Path, seed: u64) -> Self {
        let (engine, writer) = open::open(&config(path)).unwrap();
        Self { engine, meta: writer.meta, model: BTreeMap::new(), random: StdRng::seed_from_u64(seed) }
    }

    /// One batch: some entries are new, some replaced, some removed, some in several parts.
    fn batch(&mut self) {
        let writes = self.next();
        self.engine.write(self.meta.batch, writes).unwrap();
    }

    fn next(&mut self) -> Writes {
        let engine = Arc::clone(&self.engine);
        let mut overlay = Overlay::new(engine.tree());
        for _ in 0..self.random.random_range(1..=6) {
            let key = format!("x{}", self.random.random_range(0..40));
            let old = read(&overlay, key.as_bytes()).unwrap();
            if let (Some(old), 0) = (&old, self.random.random_range(0..3)) {
                overlay.remove(key.as_bytes(), old);
                self.model.remove(&key);
            } else {
                let is_long = self.random.random_range(0..8) == 0;
                let length = if is_long { 10_000 } else { self.random.random_range(20..320) };
                let body = vec![self.random.random::<u8>(); length];
                overlay.put(key.as_bytes(), old.as_ref(), &[&body]).unwrap();
                self.model.insert(key, body);
            }
        }
        overlay.seal(&mut self.meta)
    }
}

/// Everything that a store shows.
fn content(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let (engine, _) = open::open(&config(path))?;
    let keys = engine.tree().scan_prefix("x").keys().map(Result::unwrap);
    Ok(keys
        .map(|key| {
            let body = read(engine.tree(), &key).unwrap().unwrap().body().to_vec();
            (String::from_utf8(key.to_vec()).unwrap(), body)
        })
        .collect())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "LOCK") {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(|_| ()).unwrap()
        }
    }
}

/// The machine dies: of sled there is what the last checkpoint left, of the journal and the mark all.
fn power_failure(live: &Path, checkpoint: &Path, to: PathBuf) -> PathBuf {
    copy(live, &to);
    fs::remove_dir_all(to.join("sled")).unwrap();
    copy(checkpoint, &to.join("sled"));
    to
}

#[test]
fn whatever_sled_has_kept_everything_acknowledged_is_there_after_a_crash() {
    let folder = TempDir::new().unwrap();
    let (mut number, mut turns) = (0, 0);
    let mut place = || {
        number += 1;
        folder.path().join(number.to_string())
    };
    for seed in 0..6 {
        let live = place();
        let mut writer = Writer::open(&live, seed);
        let mut checkpoint = place();
        copy(&live.join("sled"), &checkpoint);
        let mut active = 0;
        for batch in 0..60 {
            writer.batch();
            let mut journal = writer.engine.journal_for_tests();
            if journal.active != active {
                active = journal.active;
                turns += 1;
                journal.await_checkpoint().unwrap();
                checkpoint = place();
                copy(&live.join("sled"), &checkpoint);
            }
            drop(journal);
            if batch % 6 == 5 {
                let killed = place();
                copy(&live, &killed);
                assert!(content(&killed).unwrap() == writer.model, "killed, seed {seed}, batch {batch}");
                // and once more, now that the first start has written all of it again
                assert!(content(&killed).unwrap() == writer.model, "killed, seed {seed}, batch {batch}");
                let dark = power_failure(&live, &checkpoint, place());
                assert!(content(&dark).unwrap() == writer.model, "dark, seed {seed}, batch {batch}");
            }
        }
    }
    assert!(turns > 20, "both parts were used many times: {turns}");
}

#[test]
fn a_crash_in_the_middle_of_an_append_leaves_the_batches_before_it() {
    let folder = TempDir::new().unwrap();
    let live = folder.path().join("live");
    let mut writer = Writer::open(&live, 7);
    for _ in 0..20 {
        writer.batch();
    }
    let expected = writer.model.clone();
    let (active, at) = {
        let journal = writer.engine.journal_for_tests();
        (journal.active, usize::try_from(journal.at).unwrap())
    };
    let writes = writer.next();
    let record = record::encode(writer.meta.batch, &writes).unwrap();
    for length in
        [1, record::HEADER - 1, record::HEADER, record::HEADER + 1, record.len() / 2, record.len() - 1]
    {
        let torn = folder.path().join(length.to_string());
        copy(&live, &torn);
        let part = torn.join(PARTS[active]);
        let mut bytes = fs::read(&part).unwrap();
        bytes.resize(bytes.len().max(at + record.len()), 0);
        bytes[at..at + length].copy_from_slice(&record[..length]);
        bytes[at + length] = !record[length]; // what was there before might be the same by chance
        fs::write(&part, bytes).unwrap();
        assert!(content(&torn).unwrap() == expected, "{length} of {} bytes", record.len());
    }
    // what is there as a whole happened, whether or not anybody was told
    let whole = folder.path().join("whole");
    copy(&live, &whole);
    let part = whole.join(PARTS[active]);
    let mut bytes = fs::read(&part).unwrap();
    bytes.resize(bytes.len().max(at + record.len()), 0);
    bytes[at..at + record.len()].copy_from_slice(&record);
    fs::write(&part, bytes).unwrap();
    assert!(content(&whole).unwrap() == writer.model);
}

#[test]
fn a_flipped_byte_of_the_journal_stops_the_start_or_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let live = folder.path().join("live");
    let mut writer = Writer::open(&live, 3);
    let checkpoint = folder.path().join("checkpoint");
    copy(&live.join("sled"), &checkpoint);
    // until the first turn is not yet over: sled itself has nothing
    while writer.engine.journal_for_tests().at < PART_LENGTH / 2 {
        writer.batch();
    }
    let used = usize::try_from(writer.engine.journal_for_tests().at).unwrap();
    let mut refused = 0;
    for flip in 0..40 {
        let at = flip * (used - 1) / 39;
        let dark = power_failure(&live, &checkpoint, folder.path().join(flip.to_string()));
        let mut bytes = fs::read(dark.join(PARTS[0])).unwrap();
        bytes[at] ^= 0x55;
        fs::write(dark.join(PARTS[0]), bytes).unwrap();
        match content(&dark) {
            Ok(found) => assert!(found == writer.model, "byte {at}"),
            Err(Error::Fatal(message)) => {
                assert!(message.contains("damaged") && message.contains("backup"), "{message}");
                refused += 1;
            }
            Err(other) => panic!("byte {at}: {other:?}"),
        }
    }
    assert_eq!(refused, 40, "each of these bytes was acknowledged, and is nowhere else");
}

#[test]
fn a_database_that_is_older_than_the_journal_begins_is_refused() {
    let folder = TempDir::new().unwrap();
    let live = folder.path().join("live");
    let mut writer = Writer::open(&live, 5);
    let first = folder.path().join("first");
    copy(&live.join("sled"), &first);
    let mut turns = 0;
    while turns < 2 {
        let before = writer.engine.journal_for_tests().active;
        writer.batch();
        let mut journal = writer.engine.journal_for_tests();
        turns += usize::from(journal.active != before);
        journal.await_checkpoint().unwrap();
    }
    writer.batch();
    let gap = power_failure(&live, &first, folder.path().join("gap"));
    let Err(Error::Fatal(message)) = content(&gap) else { panic!("it was opened") };
    assert!(message.contains("its journal has the batches"), "{message}");
}

#[test]
fn a_batch_of_which_the_journal_could_not_be_written_is_seen_by_nobody() {
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::open(folder.path(), 1);
    writer.batch();
    let before = writer.model.clone();
    {
        let mut journal = writer.engine.journal_for_tests();
        let active = journal.active;
        // as if the disk were full
        journal.parts[active].make_read_only(&folder.path().join(PARTS[active])).unwrap();
    }
    let writes = writer.next();
    assert!(writer.engine.write(writer.meta.batch, writes).is_err());
    for (key, body) in &before {
        let value = writer.engine.read(|tree| read(tree, key.as_bytes())).unwrap().unwrap();
        assert_eq!(value.body(), body, "{key}");
    }
    assert_eq!(writer.engine.tree().scan_prefix("x").count(), before.len());
    drop(writer);
    assert!(content(folder.path()).unwrap() == before);
}

/// Two parts that nobody has written yet.
fn journal(folder: &Path) -> Journal {
    Journal::open(folder, true, 100).unwrap()
}

/// Batch 1 in one part, and another batch in the other one.
fn turned(folder: &Path, second: u64) -> Journal {
    let mut journal = journal(folder);
    journal.append(1, &entry()).unwrap();
    journal.turn(|| Ok(())).unwrap();
    journal.append(second, &entry()).unwrap();
    journal
}

fn entry() -> Writes {
    vec![(b"key".into(), Some(vec![1; 100].into()))]
}

#[test]
fn a_part_is_not_written_again_before_its_checkpoint_has_ended() {
    let folder = TempDir::new().unwrap();
    let mut journal = journal(folder.path());
    let (end, ends) = mpsc::channel::<()>();
    journal.append(1, &entry()).unwrap();
    journal.turn(move || ends.recv().map_err(|error| Failure::Broken(error.to_string()))).unwrap();
    assert_eq!(journal.active, 1);
    journal.append(2, &entry()).unwrap();
    journal.append(3, &entry()).unwrap();
    journal.turn(|| Ok(())).unwrap();
    assert_eq!(journal.active, 1, "the first part is all that has batch 1");
    end.send(()).unwrap();
    // now the end is only a matter of time, and past the fourfold length it is waited for
    journal.append(4, &entry()).unwrap();
    journal.append(5, &entry()).unwrap();
    journal.turn(|| Ok(())).unwrap();
    assert_eq!((journal.active, journal.at), (0, 0));
}

#[test]
fn a_checkpoint_that_fails_is_an_error_and_its_part_is_kept() {
    let folder = TempDir::new().unwrap();
    for failure in [|| Err(Failure::Broken("planted".to_owned())), || panic!("planted")] {
        let mut journal = journal(folder.path());
        journal.append(1, &entry()).unwrap();
        journal.turn(failure).unwrap();
        journal.append(2, &vec![entry(); 8].concat()).unwrap();
        assert!(journal.turn(|| Ok(())).is_err());
        assert_eq!(journal.active, 1);
        assert_eq!(journal.replay(folder.path(), 0, |_| Ok(())).unwrap(), 2);
    }
}

#[test]
fn a_retired_journal_has_nothing_and_starts_anew() {
    let folder = TempDir::new().unwrap();
    let mut journal = journal(folder.path());
    for batch in 1..=3 {
        journal.append(batch, &entry()).unwrap();
    }
    journal.retire().unwrap();
    assert_eq!(journal.replay(folder.path(), 3, |_| panic!("there is nothing")).unwrap(), 0);
    // what is left of the old batches behind the new one does not follow it
    journal.append(4, &entry()).unwrap();
    assert_eq!(journal.replay(folder.path(), 3, |_| Ok(())).unwrap(), 1);
}

#[test]
fn a_crash_while_the_journal_is_retired_is_no_damage() {
    let folder = TempDir::new().unwrap();
    let mut journal = turned(folder.path(), 2);
    // it gets no further than to the older part
    journal.parts[0].make_read_only(&folder.path().join(PARTS[0])).unwrap();
    assert!(journal.retire().is_err());
    assert_eq!(journal.replay(folder.path(), 2, |_| Ok(())).unwrap(), 2);
}

#[test]
fn parts_that_do_not_follow_each_other_are_refused() {
    let folder = TempDir::new().unwrap();
    let journal = turned(folder.path(), 3);
    let Err(Error::Fatal(message)) = journal.replay(folder.path(), 0, |_| panic!("too early")) else {
        panic!("it was replayed")
    };
    assert!(message.contains("batch 1 is followed by batch 3"), "{message}");
}

#[test]
fn a_journal_that_ends_before_the_database_is_refused_and_not_replayed() {
    let folder = TempDir::new().unwrap();
    let mut journal = journal(folder.path());
    journal.append(1, &entry()).unwrap();
    let result = journal.replay(folder.path(), 2, |_| panic!("that would go back in time"));
    assert!(matches!(result, Err(Error::Fatal(_))), "{result:?}");
}
