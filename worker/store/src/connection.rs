//! A database as its users see it: it lends connections and begins transactions, and on both every statement of
//! [`Tables`] can be called.

use std::fmt;
use std::ops::{Deref, DerefMut};

use async_trait::async_trait;
use sqlx::Database;
use sqlx::migrate::MigrateError;

use crate::error::StoreError;
use crate::tables::Tables;

/// A database with our tables. All clones of its `Arc` share its connections.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// A connection, each of whose statements is a transaction of its own.
    async fn connect(&self) -> Result<Connection, StoreError>;

    /// A transaction that may write. A row that it has locked is changed by no other until it ends.
    async fn begin(&self) -> Result<Transaction, StoreError>;

    /// A connection whose statements all see one moment, whatever others commit meanwhile, and can write nothing.
    async fn snapshot(&self) -> Result<Connection, StoreError>;

    /// Brings the tables up to date. Of several processes that do it at once one works, and the others wait for it.
    async fn migrate(&self) -> Result<(), MigrateError>;

    /// Answers if the database does.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Gives up all connections, once they are not in use.
    async fn close(&self);
}

/// A connection on loan: dropping it returns it.
pub struct Connection(Box<dyn Handle>);

/// A transaction under way: dropping it rolls it back.
pub struct Transaction(Box<dyn OpenTransaction>);

/// Anything that holds a connection.
pub trait Handle: Send {
    fn tables(&self) -> &(dyn Tables + 'static);
    fn tables_mut(&mut self) -> &mut (dyn Tables + 'static);
}

/// Anything that holds a connection with a transaction under way on it.
#[async_trait]
pub trait OpenTransaction: Handle {
    /// See [`Transaction::commit`].
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

impl Connection {
    pub(crate) fn new(handle: impl Handle + 'static) -> Self {
        Self(Box::new(handle))
    }
}

impl Transaction {
    pub fn new(transaction: impl OpenTransaction + 'static) -> Self {
        Self(Box::new(transaction))
    }

    /// Makes all of the transaction durable. After an error either all of it is, because only the answer was lost, or
    /// nothing.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.0.commit().await
    }
}

/// What sqlx lends: a connection of a pool, or a transaction on one.
impl<L, C> Handle for L
where
    L: DerefMut<Target = C> + Send,
    C: Tables + 'static,
{
    fn tables(&self) -> &(dyn Tables + 'static) {
        &**self
    }

    fn tables_mut(&mut self) -> &mut (dyn Tables + 'static) {
        &mut **self
    }
}

#[async_trait]
impl<D: Database<Connection: Tables>> OpenTransaction for sqlx::Transaction<'static, D> {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok((*self).commit().await?)
    }
}

impl Deref for Connection {
    type Target = dyn Tables;

    fn deref(&self) -> &Self::Target {
        self.0.tables()
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.tables_mut()
    }
}

impl Deref for Transaction {
    type Target = dyn Tables;

    fn deref(&self) -> &Self::Target {
        self.0.tables()
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.tables_mut()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
