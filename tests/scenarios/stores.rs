//! What the store promises, whichever database keeps it: each promise is written once and kept by PostgreSQL and by SQLite.

use harness::databases::{PostgresDatabase, SqliteDatabase, TestDatabase};

/// Makes of each promise a test on a PostgreSQL database and one on an SQLite file.
macro_rules! on_both {
    ($($promise:ident)*) => { $(
        mod $promise {
            use super::super::{PostgresDatabase, SqliteDatabase, TestDatabase as _};

            #[tokio::test]
            async fn postgres() {
                let database = PostgresDatabase::create().await;
                Box::pin(super::$promise(&database)).await;
                database.remove().await;
            }

            #[tokio::test]
            async fn sqlite() {
                let database = SqliteDatabase::create().await;
                Box::pin(super::$promise(&database)).await;
                database.remove().await;
            }
        }
    )* };
}

mod api_limits;
mod claims;
mod contacts;
mod dead_letters;
mod deadlines;
mod endpoints;
mod entities;
mod given;
mod inbox;
mod lookups;
mod promises;
mod refusals;
mod registrations;
mod same_rows;
mod same_tables;
mod stories;
mod transactions;
mod transfer;
mod verification;
mod waiting;
