//! SQLite: the database of the standalone edition, a file of one process. Its clock is the process's.
//!
//! Everybody writes through one connection, so that nobody waits for a lock but in turn; what reads a snapshot has
//! connections of its own, and sees what was committed when it began.

mod api_limits;
mod contacts;
mod dead_letters;
mod deadlines;
mod entities;
mod events;
mod lookups;
mod outbox;
mod registrations;
mod row;
mod story;
mod transfer;
mod verification;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection, SqlitePool};

use crate::connection::{Connection, Store, Transaction};
use crate::error::StoreError;
use crate::tables::Tables;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// How long to wait for the one connection that writes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait for another process: a command that an operator runs beside us.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Snapshots at a time.
const READERS: u32 = 4;

impl Tables for SqliteConnection {}

/// A database in a file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Opens the database in `file`, or makes it; that is done when it is needed, so a file that can't be opened is noticed
/// by the first statement. What is committed survives a power cut.
pub fn open(file: &Path) -> SqliteStore {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let pool = |connections, options| {
        // A connection that is idle costs nothing, and to make it anew would.
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options)
    };
    let reading = options.clone().pragma("query_only", "ON");
    SqliteStore { writer: pool(1, options), readers: pool(READERS, reading) }
}

impl SqliteStore {
    /// Ends all leases: makes due what somebody was sending or asking. Only for who knows that all of them are gone, as the
    /// one process does that holds the lock on this file's directory.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for statement in [
            "UPDATE deliveries SET status = 'pending', lease_until = NULL, next_attempt_at = ?1 WHERE status = 'sending'",
            "UPDATE fetch_tasks SET status = 'pending', lease_until = NULL, next_attempt_at = ?1 WHERE status = 'asking'",
        ] {
            sqlx::query(statement).bind(row::text(row::now())).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn connect(&self) -> Result<Connection, StoreError> {
        Ok(Connection::new(self.writer.acquire().await?))
    }

    /// What it reads stays as it is: nobody else writes until it ends.
    async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction::new(self.writer.begin_with("BEGIN IMMEDIATE").await?))
    }

    async fn snapshot(&self) -> Result<Connection, StoreError> {
        let mut tx = self.readers.begin().await?;
        // The moment that is seen is that of the first reading.
        sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut *tx).await?;
        Ok(Connection::new(tx))
    }

    /// In one transaction, because sqlx takes no lock for SQLite.
    async fn migrate(&self) -> Result<(), MigrateError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        MIGRATIONS.run_direct(None, &mut *tx, false).await?;
        Ok(tx.commit().await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.writer).await?;
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
