//! The store and the queue with a fuse in each of their steps; what they do is what those below them do.

use async_trait::async_trait;
use runtime::queue::{Lane, Message, Queue, QueueError, Session};
use runtime::spool::{Spool, SpoolLane, SpoolSession};
use store::sqlite::SqliteStore;
use store::{Connection, Handle, MigrateError, OpenTransaction, Store, StoreError, Tables, Transaction};

use crate::fuse::Fuse;

#[derive(Debug, Clone)]
pub(crate) struct FusedStore {
    pub(crate) store: SqliteStore,
    pub(crate) fuse: Fuse,
}

struct FusedTransaction {
    tx: Transaction,
    fuse: Fuse,
}

#[async_trait]
impl Store for FusedStore {
    async fn connect(&self) -> Result<Connection, StoreError> {
        self.fuse.step().await;
        self.store.connect().await
    }

    async fn begin(&self) -> Result<Transaction, StoreError> {
        self.fuse.step().await;
        Ok(Transaction::new(FusedTransaction { tx: self.store.begin().await?, fuse: self.fuse.clone() }))
    }

    async fn snapshot(&self) -> Result<Connection, StoreError> {
        self.store.snapshot().await
    }

    async fn migrate(&self) -> Result<(), MigrateError> {
        self.store.migrate().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

impl Handle for FusedTransaction {
    fn tables(&self) -> &(dyn Tables + 'static) {
        &*self.tx
    }

    fn tables_mut(&mut self) -> &mut (dyn Tables + 'static) {
        &mut *self.tx
    }
}

#[async_trait]
impl OpenTransaction for FusedTransaction {
    /// Before the commit, and after it.
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.fuse.step().await;
        let committed = self.tx.commit().await;
        self.fuse.step().await;
        committed
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FusedQueue {
    pub(crate) queue: Spool,
    pub(crate) fuse: Fuse,
}

#[derive(Debug)]
pub(crate) struct FusedSession {
    session: SpoolSession,
    fuse: Fuse,
}

#[derive(Debug)]
pub(crate) struct FusedLane {
    lane: SpoolLane,
    fuse: Fuse,
}

impl Queue for FusedQueue {
    type Session = FusedSession;

    async fn connect(&self) -> Result<FusedSession, QueueError> {
        self.fuse.step().await;
        Ok(FusedSession { session: self.queue.connect().await?, fuse: self.fuse.clone() })
    }
}

impl Session for FusedSession {
    type Lane = FusedLane;

    async fn lane(&self, queue: &str, prefetch: u16) -> Result<FusedLane, QueueError> {
        Ok(FusedLane { lane: self.session.lane(queue, prefetch).await?, fuse: self.fuse.clone() })
    }

    async fn depth(&self, queue: &str) -> Result<u64, QueueError> {
        self.session.depth(queue).await
    }

    fn address(&self) -> &str {
        self.session.address()
    }

    async fn close(self) {
        self.session.close().await;
    }
}

impl Lane for FusedLane {
    /// After a message was handed over.
    async fn next(&mut self) -> Result<Message, QueueError> {
        let message = self.lane.next().await?;
        self.fuse.step().await;
        Ok(message)
    }

    fn next_ready(&mut self) -> Option<Result<Message, QueueError>> {
        self.lane.next_ready()
    }

    /// Before the acknowledgement, and after it.
    async fn acknowledge_through(&mut self, tag: u64) -> Result<(), QueueError> {
        self.fuse.step().await;
        let acknowledged = self.lane.acknowledge_through(tag).await;
        self.fuse.step().await;
        acknowledged
    }
}
