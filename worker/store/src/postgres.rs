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

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};

use crate::connection::{Connection, Store, Transaction};
use crate::error::StoreError;
use crate::tables::Tables;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long to wait for a connection, be it a new one or one that is in use.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Tables for PgConnection {}

/// Opens a pool; connections are made when they are needed, so the database may be away at start.
pub fn open(url: &SecretString, connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy(url.expose_secret())
}

#[async_trait]
impl Store for PgPool {
    async fn connect(&self) -> Result<Connection, StoreError> {
        Ok(Connection::new(self.acquire().await?))
    }

    async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction::new(Self::begin(self).await?))
    }

    async fn snapshot(&self) -> Result<Connection, StoreError> {
        Ok(Connection::new(self.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?))
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
