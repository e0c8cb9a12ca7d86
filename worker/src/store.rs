//! Every SQL statement of the worker; it holds no rules.
//!
//! A statement is a function on a connection. Only `apply`, `relay` and the commands open transactions.

pub mod api_limits;
pub mod contacts;
pub mod dead_letters;
pub mod deadlines;
pub mod entities;
pub mod events;
pub mod lookups;
pub mod outbox;
pub mod registrations;
pub mod story;
pub mod verification;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use thiserror::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Why the database did not do it. The type is the decision.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It may succeed later: the database is away, busy, or chose this transaction to end a deadlock.
    #[error("the database can't do it now")]
    Transient(#[source] sqlx::Error),
    /// It never will: what was to be written violates a constraint or does not fit its type.
    #[error("the database refuses it: {0}")]
    Rejected(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_rejected = match &error {
            // SQLSTATE classes (PostgreSQL, appendix A): data exception, integrity constraint, program limit.
            sqlx::Error::Database(database) => {
                database.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
            }
            sqlx::Error::Encode(_) => true,
            // Anything else, a missing table too, is not the event's fault: keep it and try again.
            _ => false,
        };
        if is_rejected { Self::Rejected(error) } else { Self::Transient(error) }
    }
}

/// Opens a pool; connections are made when they are needed, so the database may be away at start.
pub fn open(url: &SecretString, connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy(url.expose_secret())
}

/// Brings the tables up to date. Several workers may start at once: an advisory lock lets one of them work.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATIONS.run(pool).await
}

/// Answers if the database does.
pub async fn ping(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query!("SELECT 1 AS alive").fetch_one(pool).await?;
    Ok(())
}
