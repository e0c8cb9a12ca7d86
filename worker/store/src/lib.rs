//! The tables, behind one seam: what the worker asks of its database, and what each of the two databases must answer.
//! It holds no rules.
//!
//! A [`Store`] opens connections and transactions; the statements on them are [`Tables`], one trait for each group of
//! tables. [`postgres`] and [`sqlite`] are the two that keep them, with every SQL statement of the worker. Only `apply`
//! and the commands open transactions; elsewhere each statement is a transaction of its own.

pub mod api_limits;
pub mod contacts;
pub mod dead_letters;
pub mod deadlines;
pub mod entities;
pub mod events;
pub mod lookups;
pub mod outbox;
pub mod postgres;
pub mod registrations;
pub mod sqlite;
pub mod story;
pub mod transfer;
pub mod verification;
pub mod view;

use std::fmt;

use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Transaction};
use thiserror::Error;

pub use api_limits::ApiLimits;
pub use contacts::Contacts;
pub use dead_letters::DeadLetters;
pub use deadlines::Deadlines;
pub use entities::Entities;
pub use events::Inbox;
pub use lookups::Lookups;
pub use outbox::Outbox;
pub use registrations::Registrations;
pub use story::Stories;
pub use transfer::Transfer;
pub use verification::Verification;

/// Every statement there is, on one connection.
pub trait Tables:
    ApiLimits
    + Contacts
    + DeadLetters
    + Deadlines
    + Entities
    + Inbox
    + Lookups
    + Outbox
    + Registrations
    + Stories
    + Transfer
    + Verification
{
}

/// A database with our tables. Cheap to clone; all clones share its connections.
#[trait_variant::make(Send)]
pub trait Store: Clone + fmt::Debug + Send + Sync + 'static {
    type Database: Database<Connection: Tables>;

    /// A connection, each of whose statements is a transaction of its own.
    async fn connect(&self) -> Result<PoolConnection<Self::Database>, StoreError>;

    /// A transaction that may write. What it reads to write, nobody else changes meanwhile, if it is locked.
    async fn begin(&self) -> Result<Transaction<'static, Self::Database>, StoreError>;

    /// Makes all of the transaction durable, or, where that fails, nothing of it or all: the answer may be what was lost.
    async fn commit(&self, tx: Transaction<'static, Self::Database>) -> Result<(), StoreError>;

    /// A transaction that sees one moment, whatever others do meanwhile, and can write nothing.
    async fn snapshot(&self) -> Result<Transaction<'static, Self::Database>, StoreError>;

    /// Brings the tables up to date. Several may do it at once: one of them works, and the others wait for it.
    async fn migrate(&self) -> Result<(), MigrateError>;

    /// Answers if the database does.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Gives up all connections, once they are not in use.
    async fn close(&self);
}

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

/// Whether the tables may be brought up to date later: the database is away, or comes and goes just now. What else it
/// answers, and what is wrong with how it is reached, is for somebody to look at.
pub fn may_pass(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    match error {
        sqlx::Error::Database(answer) => postgres::is_closing(&**answer),
        sqlx::Error::Configuration(_) | sqlx::Error::Tls(_) => false,
        _ => true,
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_rejected = match &error {
            sqlx::Error::Database(database) => postgres::is_refusal(&**database) || sqlite::is_refusal(&**database),
            sqlx::Error::Encode(_) => true,
            // Anything else, a missing table too, is not the event's fault: keep it and try again.
            _ => false,
        };
        if is_rejected { Self::Rejected(error) } else { Self::Transient(error) }
    }
}
