//! The worker's tables: every SQL statement, for PostgreSQL and for SQLite. This crate holds no rule.
//!
//! In reading order:
//!
//! 1. [`catalogue`]: the columns of every table.
//! 2. `connection`: a [`Store`] lends connections and begins transactions; `error`: why a statement fails. Only `apply`
//!    and the commands open transactions; elsewhere each statement is a transaction of its own.
//! 3. `tables`: [`Tables`] is every statement, one trait for each group of tables: [`events`] and [`entities`]; [`outbox`],
//!    [`contacts`] and [`dead_letters`]; [`lookups`], [`api_limits`], [`registrations`] and [`deadlines`]; [`story`],
//!    [`verification`] and [`transfer`].
//! 4. [`postgres`] and [`sqlite`]: the statements in each of the two databases.

pub mod api_limits;
pub mod catalogue;
mod connection;
pub mod contacts;
pub mod dead_letters;
pub mod deadlines;
pub mod entities;
mod error;
pub mod events;
pub mod lookups;
pub mod outbox;
pub mod postgres;
pub mod registrations;
pub mod sqlite;
pub mod story;
mod tables;
pub mod transfer;
pub mod verification;

pub use connection::{Connection, Handle, OpenTransaction, Store, Transaction};
pub use error::{StoreError, may_pass};
pub use sqlx::Error as DriverError;
pub use sqlx::migrate::MigrateError;
pub use tables::Tables;
