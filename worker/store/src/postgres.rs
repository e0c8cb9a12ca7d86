//! PostgreSQL: the database of the distributed edition, which any number of workers share. Its clock is theirs.

mod api_limits;
mod contacts;
mod dead_letters;
mod deadlines;
mod entities;
mod events;
mod lookups;
mod outbox;
mod registrations;
mod story;
mod transfer;
mod verification;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgDatabaseError, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::{Store, StoreError, Tables};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long to wait for a connection, be it a new one or one that is in use.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Tables for PgConnection {}

/// Opens a pool; connections are made when they are needed, so the database may be away at start.
pub fn open(url: &SecretString, connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy(url.expose_secret())
}

impl Store for PgPool {
    type Database = Postgres;

    async fn connect(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.acquire().await?)
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(Self::begin(self).await?)
    }

    async fn commit(&self, tx: Transaction<'static, Postgres>) -> Result<(), StoreError> {
        Ok(tx.commit().await?)
    }

    async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    /// An advisory lock lets one worker work.
    async fn migrate(&self) -> Result<(), MigrateError> {
        MIGRATIONS.run(self).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("SELECT 1 AS alive").fetch_one(self).await?;
        Ok(())
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

/// Whether it will never take what it refused. SQLSTATE classes (PostgreSQL, appendix A): data exception, integrity
/// constraint, program limit.
pub(super) fn is_refusal(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
}

/// Whether it ends the connection, or takes none, because it starts, stops or breaks off. SQLSTATE classes: connection
/// exception, and of operator intervention what is about more than a statement.
pub(super) fn is_closing(error: &dyn DatabaseError) -> bool {
    let error = error.try_downcast_ref::<PgDatabaseError>();
    error.is_some_and(|error| ["08", "57P"].iter().any(|class| error.code().starts_with(class)))
}
