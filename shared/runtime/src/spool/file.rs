//! The spool's file: SQLite in WAL mode with synchronous = FULL, so that what is committed survives a power cut. It knows
//! rows; what they are for is the caller's business.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use shared::envelope::{DELIVERY_LIMIT, Envelope};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::types::Json;
use sqlx::{ConnectOptions as _, Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection};
use thiserror::Error;

use super::Contents;

const FILE: &str = "spool.db";
const LOCK: &str = "spool.lock";

/// Why ingest does not start with this spool.
#[derive(Debug, Error)]
pub enum OpenFailed {
    #[error("can't use the directory {} (SPOOL_DIR)", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("another process uses the spool in {} (SPOOL_DIR); each ingest needs a directory of its own", path.display())]
    InUse { path: PathBuf },
    #[error(
        "the spool {} can't be read. Webhooks that were answered 200 may be only there: copy it away for repair \
         (sqlite3 … .recover), then remove it to start with an empty one",
        path.display()
    )]
    Damaged { path: PathBuf, source: sqlx::Error },
}

/// A webhook as a row.
#[derive(Debug)]
pub(super) struct Entry {
    /// The envelope as JSON, without the body.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// What it counts against the bound.
    pub(super) bytes: u64,
    /// µs since 1970.
    pub(super) received_at_us: i64,
}

/// A row's number, times and page overhead, roughly (bytes).
const ROW_OVERHEAD: u64 = 64;

impl Entry {
    pub(super) fn of(envelope: &Envelope) -> Result<Self, serde_json::Error> {
        let head = serde_json::to_string(envelope)?;
        let body = envelope.body.clone();
        let bytes = u64::try_from(head.len() + body.len()).unwrap_or(u64::MAX).saturating_add(ROW_OVERHEAD);
        Ok(Self { head, body, bytes, received_at_us: envelope.received_at.timestamp_micros() })
    }
}

/// A webhook in the spool.
#[derive(Debug)]
pub struct Spooled {
    /// Rising with age.
    pub number: i64,
    /// Or why it can't be read.
    pub envelope: Result<Envelope, String>,
}

/// Whether an entry may still be handed out to be applied. One that was handed out as often as the broker would, and
/// never settled, is a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    GivenUp,
}

/// An entry handed to a lane.
#[derive(Debug)]
pub(super) struct Handed {
    pub number: i64,
    /// How often it was handed out before.
    pub times: u64,
    pub envelope: Result<Envelope, Unreadable>,
}

/// An entry that is no envelope of ours.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub error: String,
    pub head: String,
    pub body: Vec<u8>,
}

/// What a deletion took away, and what is the oldest now.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    pub events: u64,
    pub bytes: u64,
    /// µs since 1970.
    pub oldest_at_us: Option<i64>,
}

#[derive(Debug)]
pub(super) struct SpoolFile {
    connection: SqliteConnection,
    path: PathBuf,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl SpoolFile {
    pub(super) async fn open(directory: &Path) -> Result<Self, OpenFailed> {
        let lock = lock(directory)?;
        let path = directory.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let connection =
            prepare(&options).await.map_err(|source| OpenFailed::Damaged { path: path.clone(), source })?;
        // The new file's name must survive a power cut as well.
        sync_directory(directory)?;
        Ok(Self { connection, path, _lock: lock })
    }

    pub(super) fn damaged(&self, source: sqlx::Error) -> OpenFailed {
        OpenFailed::Damaged { path: self.path.clone(), source }
    }

    pub(super) async fn contents(&mut self) -> Result<Contents, sqlx::Error> {
        let row = sqlx::query("SELECT count(*), coalesce(sum(bytes), 0), min(received_at_us) FROM spool")
            .fetch_one(&mut self.connection)
            .await?;
        let oldest: Option<i64> = row.try_get(2)?;
        let oldest = oldest.and_then(|micros| u64::try_from(micros).ok());
        Ok(Contents {
            events: unsigned(row.try_get(0)?),
            bytes: unsigned(row.try_get(1)?),
            oldest_at: oldest.map(|micros| UNIX_EPOCH + Duration::from_micros(micros)),
        })
    }

    /// All of them, or none. Returns once they are on disk.
    pub(super) async fn insert(&mut self, entries: Vec<Entry>) -> Result<(), sqlx::Error> {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO spool (head, body, bytes, received_at_us) ");
        insert.push_values(entries, |mut row, entry| {
            row.push_bind(entry.head);
            row.push_bind(entry.body);
            row.push_bind(i64::try_from(entry.bytes).unwrap_or(i64::MAX));
            row.push_bind(entry.received_at_us);
        });
        // One statement is one transaction. Not prepared for keeps: its text differs with the number of rows.
        insert.build().persistent(false).execute(&mut self.connection).await.map(drop)
    }

    pub(super) async fn oldest(&mut self, after: i64, limit: u32) -> Result<Vec<Spooled>, sqlx::Error> {
        let rows = sqlx::query("SELECT number, head, body FROM spool WHERE number > ? ORDER BY number LIMIT ?")
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut self.connection)
            .await?;
        let spooled = |row: &SqliteRow| {
            let envelope = read(row)?.map_err(|unreadable| unreadable.error);
            Ok(Spooled { number: row.try_get("number")?, envelope })
        };
        rows.iter().map(spooled).collect()
    }

    /// The oldest entries of this standing with a number above `after`.
    pub(super) async fn oldest_of(
        &mut self,
        standing: Standing,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Handed>, sqlx::Error> {
        let statement = match standing {
            Standing::Waiting => {
                "SELECT number, head, body, coalesce(times, 0) AS times FROM spool LEFT JOIN handed_out USING (number)
                 WHERE number > ?1 AND coalesce(times, 0) <= ?2 ORDER BY number LIMIT ?3"
            }
            Standing::GivenUp => {
                "SELECT number, head, body, times FROM handed_out INNER JOIN spool USING (number)
                 WHERE number > ?1 AND times > ?2 ORDER BY number LIMIT ?3"
            }
        };
        let rows = sqlx::query(statement)
            .bind(after)
            .bind(DELIVERY_LIMIT)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut self.connection)
            .await?;
        let handed = |row: &SqliteRow| {
            let times = unsigned(row.try_get("times")?);
            Ok(Handed { number: row.try_get("number")?, times, envelope: read(row)? })
        };
        rows.iter().map(handed).collect()
    }

    /// Counts that these were handed out. It has to outlive this process, not this machine, so nobody waits for the disk.
    pub(super) async fn count_handed_out(&mut self, numbers: &[i64]) -> Result<(), sqlx::Error> {
        let count = "INSERT INTO handed_out (number, times) SELECT value, 1 FROM json_each(?) WHERE true
                     ON CONFLICT (number) DO UPDATE SET times = times + 1";
        sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut self.connection).await?;
        let counted = sqlx::query(count).bind(Json(numbers)).execute(&mut self.connection).await;
        sqlx::query("PRAGMA synchronous = FULL").execute(&mut self.connection).await?;
        counted.map(drop)
    }

    pub(super) async fn count_given_up(&mut self) -> Result<u64, sqlx::Error> {
        let count = sqlx::query_scalar("SELECT count(*) FROM handed_out WHERE times > ?").bind(DELIVERY_LIMIT);
        Ok(unsigned(count.fetch_one(&mut self.connection).await?))
    }

    pub(super) async fn delete(&mut self, numbers: &[i64]) -> Result<Deleted, sqlx::Error> {
        if numbers.is_empty() {
            return Ok(Deleted::default());
        }
        let delete = "DELETE FROM spool WHERE number IN (SELECT value FROM json_each(?)) RETURNING bytes";
        let sizes: Vec<i64> = sqlx::query_scalar(delete).bind(Json(numbers)).fetch_all(&mut self.connection).await?;
        let oldest_at_us = sqlx::query_scalar("SELECT received_at_us FROM spool ORDER BY number LIMIT 1")
            .fetch_optional(&mut self.connection)
            .await?;
        let bytes = sizes.iter().copied().map(unsigned).sum();
        Ok(Deleted { events: u64::try_from(sizes.len()).unwrap_or_default(), bytes, oldest_at_us })
    }

    /// Writes and leaves nothing: tells whether the disk has room again.
    pub(super) async fn probe(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO probe (at) VALUES (1)").execute(&mut self.connection).await?;
        sqlx::query("DELETE FROM probe").execute(&mut self.connection).await.map(drop)
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }
}

fn read(row: &SqliteRow) -> Result<Result<Envelope, Unreadable>, sqlx::Error> {
    let (head, body): (String, Vec<u8>) = (row.try_get("head")?, row.try_get("body")?);
    Ok(match serde_json::from_str::<Envelope>(&head) {
        Ok(envelope) => Ok(Envelope { body, ..envelope }),
        Err(error) => Err(Unreadable { error: error.to_string(), head, body }),
    })
}

fn lock(directory: &Path) -> Result<File, OpenFailed> {
    let path = directory.to_owned();
    let failed = |source| OpenFailed::Directory { path: path.clone(), source };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).open(directory.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenFailed::InUse { path }),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn sync_directory(directory: &Path) -> Result<(), OpenFailed> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| OpenFailed::Directory { path: directory.to_owned(), source })
}

async fn prepare(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
    if verdict != "ok" {
        return Err(sqlx::Error::Protocol(verdict));
    }
    // AUTOINCREMENT: a number is never given twice, so a late delete can't hit another webhook.
    for statement in [
        "CREATE TABLE IF NOT EXISTS spool (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            head TEXT NOT NULL,
            body BLOB NOT NULL,
            bytes INTEGER NOT NULL,
            received_at_us INTEGER NOT NULL
        )",
        // How often a lane was handed an entry.
        "CREATE TABLE IF NOT EXISTS handed_out (
            number INTEGER PRIMARY KEY REFERENCES spool (number) ON DELETE CASCADE,
            times INTEGER NOT NULL
        )",
        "CREATE TABLE IF NOT EXISTS probe (at INTEGER NOT NULL)",
    ] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    Ok(connection)
}

/// Sizes and counts are never negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
