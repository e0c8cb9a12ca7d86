//! Why the database did not do what was asked, as far as a caller decides by it.

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use thiserror::Error;

/// Why a statement failed. The type is the decision.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It may succeed later: the database is away, busy, or chose this transaction to end a deadlock.
    #[error("the database can't do it now")]
    Transient(#[source] sqlx::Error),
    /// It never succeeds: a value violates a constraint or does not fit its type.
    #[error("the database refuses it: {0}")]
    Rejected(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_rejected = match &error {
            sqlx::Error::Database(answer) => is_refusal(&**answer),
            sqlx::Error::Encode(_) => true,
            // Anything else, a missing table too, is not the event's fault: keep it and try again.
            _ => false,
        };
        if is_rejected { Self::Rejected(error) } else { Self::Transient(error) }
    }
}

/// Whether a migration may succeed later: the database is away, or is just starting or stopping. Any other error, and
/// wrong connection options, need an operator.
pub fn may_pass(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    match error {
        sqlx::Error::Database(answer) => is_closing(&**answer),
        sqlx::Error::Configuration(_) | sqlx::Error::Tls(_) => false,
        _ => true,
    }
}

/// Whether the same statement would be refused again, whichever of the two databases says so.
fn is_refusal(error: &dyn DatabaseError) -> bool {
    match error.try_downcast_ref::<SqliteError>() {
        Some(error) => is_sqlite_refusal(error),
        None => has_class(error, &["22", "23", "54"]),
    }
}

/// SQLite's result codes: a constraint, a type, or a value that is too big.
fn is_sqlite_refusal(error: &SqliteError) -> bool {
    const TOO_BIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    // The lower byte of the extended code is the primary one.
    code.is_some_and(|code| [TOO_BIG, CONSTRAINT, MISMATCH].contains(&(code & 0xff)))
}

/// Whether PostgreSQL ends the connection, or takes none, because it starts, stops or breaks off.
fn is_closing(error: &dyn DatabaseError) -> bool {
    has_class(error, &["08", "57P"])
}

/// SQLSTATE classes (PostgreSQL, appendix A): 08 connection exception, 22 data exception, 23 integrity constraint,
/// 54 program limit, and of 57, operator intervention, what is about more than one statement.
fn has_class(error: &dyn DatabaseError, classes: &[&str]) -> bool {
    let error = error.try_downcast_ref::<PgDatabaseError>();
    error.is_some_and(|error| classes.iter().any(|class| error.code().starts_with(class)))
}
