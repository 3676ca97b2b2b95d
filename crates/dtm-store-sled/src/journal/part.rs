//! One of the two files of the journal.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::record::{self, HEADER, Header, Writes};

/// By how many bytes of zeros a part grows at least. A file that grows with each record makes each sync write its
/// length too.
const GROWTH: u64 = 256 << 10;

const ZEROS: [u8; 16 << 10] = [0; 16 << 10];

#[derive(Debug)]
pub(super) struct Part {
    file: File,
    length: u64,
}

impl Part {
    pub(super) fn open(path: &Path, create: bool) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(create).truncate(false).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    /// Writes a record. Once it has returned, it is durable.
    pub(super) fn write(&mut self, at: u64, record: &[u8]) -> std::io::Result<()> {
        self.grow(at + record.len() as u64)?;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(record)?;
        self.file.sync_data()
    }

    /// Makes what can be read durable.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    /// Makes it read as empty. Once it has returned, that is durable.
    pub(super) fn retire(&mut self) -> std::io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(&[0; HEADER])?;
        self.file.sync_data()
    }

    /// Reads its records from the first one.
    pub(super) fn records(&self) -> std::io::Result<Records> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(Records { reader: BufReader::new(file), left: self.length })
    }

    #[cfg(test)]
    pub(super) fn make_read_only(&mut self, path: &Path) -> std::io::Result<()> {
        self.file = File::open(path)?;
        Ok(())
    }

    fn grow(&mut self, length: u64) -> std::io::Result<()> {
        if self.length >= length {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        let enough = length.max(self.length + GROWTH);
        while self.length < enough {
            self.file.write_all(&ZEROS)?;
            self.length += ZEROS.len() as u64;
        }
        Ok(())
    }
}

/// A batch that was read.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) batch: u64,
    /// `None` when the record is whole and yet makes no sense.
    pub(super) writes: Option<Writes>,
}

/// Reads one record after the other.
#[derive(Debug)]
pub(super) struct Records {
    reader: BufReader<File>,
    left: u64,
}

impl Records {
    /// The next record; `None` where what follows is not whole: nothing, zeros, or a record that was cut off.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Record>> {
        let mut header = [0; HEADER];
        if !self.read(&mut header)? {
            return Ok(None);
        }
        let header = Header::from_bytes(header);
        let Some(length) = usize::try_from(header.length).ok().filter(|_| header.length <= self.left) else {
            return Ok(None);
        };
        let mut body = vec![0; length];
        if !self.read(&mut body)? || !header.is_whole(&body) {
            return Ok(None);
        }
        Ok(Some(Record { batch: header.batch, writes: record::decode(&body) }))
    }

    /// Fills `bytes`, if there are as many.
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<bool> {
        match self.reader.read_exact(bytes) {
            Ok(()) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}
