//! The directory that holds everything, and the lock that keeps it one process's own.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

const LOCK: &str = "lock";
const MOVED: &str = "moved";
const DATABASE: &str = "esim-events.db";
const QUEUE: &str = "queue";

/// Activation codes and addresses are nobody else's business.
const OWN_USER_ONLY: u32 = 0o700;

/// A data directory that this process alone may write to, until the process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why the data can't be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    #[error("can't use the data directory {} (--data-dir): {source}", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "the data in {} is in use by another process{}: stop it first, or name another directory with --data-dir",
        path.display(), process.as_ref().map(|id| format!(" ({id})")).unwrap_or_default()
    )]
    InUse { path: PathBuf, process: Option<String> },
    #[error("there is no data in {} (--data-dir); it is made by the first run", path.display())]
    Missing { path: PathBuf },
    #[error(
        "the data in {} was moved to {to}, and what came in here would not be there. To go on here all the same, remove {}",
        path.display(), path.join(MOVED).display()
    )]
    Moved { path: PathBuf, to: String },
}

impl DataDir {
    /// Takes the directory, or makes it.
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(OWN_USER_ONLY).create(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let lock = path.join(LOCK);
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(lock).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let read = file.read_to_string(&mut process).is_ok() && !process.trim().is_empty();
                return Err(DataDirError::InUse { path, process: read.then(|| process.trim().to_owned()) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let moved = match std::fs::read_to_string(path.join(MOVED)) {
            Ok(to) => Some(to.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(unusable(source)),
        };
        if let Some(to) = moved {
            return Err(DataDirError::Moved { path, to });
        }
        // Only for who finds it locked.
        file.set_len(0).and_then(|()| write!(file, "process {}", std::process::id())).map_err(unusable)?;
        Ok(Self { path, _lock: file })
    }

    /// The database in a directory that another process may be using; for those who only look, or write a little.
    pub fn find_database(path: &Path) -> Result<PathBuf, DataDirError> {
        let file = path.join(DATABASE);
        if file.exists() { Ok(file) } else { Err(DataDirError::Missing { path: path.to_owned() }) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    pub fn queue(&self) -> PathBuf {
        self.path.join(QUEUE)
    }

    /// Notes that everything is elsewhere now: nobody runs on this data any more.
    pub fn note_moved(&self, to: &str) -> io::Result<()> {
        let mut file = File::create(self.path.join(MOVED))?;
        writeln!(file, "{to}")?;
        file.sync_all()?;
        File::open(&self.path)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_running_instance_locks_its_data_and_says_who_it_is() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("new");
        let held = DataDir::lock(&path).unwrap();
        let told = DataDir::lock(&path).unwrap_err().to_string();
        assert!(told.contains(&format!("process {}", std::process::id())) && told.contains("--data-dir"), "{told}");
        drop(held);
        DataDir::lock(&path).unwrap();
    }

    #[test]
    fn what_was_moved_is_not_run_on_again() {
        let directory = TempDir::new().unwrap();
        DataDir::lock(directory.path()).unwrap().note_moved("db.example:5432/shop").unwrap();
        let told = DataDir::lock(directory.path()).unwrap_err().to_string();
        assert!(told.contains("db.example:5432/shop"), "{told}");
    }

    #[test]
    fn who_looks_at_nothing_is_told_so_and_makes_nothing() {
        let directory = TempDir::new().unwrap();
        assert!(matches!(DataDir::find_database(directory.path()), Err(DataDirError::Missing { .. })));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
