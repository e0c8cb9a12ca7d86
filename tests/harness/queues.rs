//! Both queues as the tests of the queue's seam need them: made for one test, ended in every way, and written to by hand.

use std::sync::Arc;
use std::time::Duration;

use runtime::broker::{Broker, BrokerSettings, Publisher};
use runtime::queue::{Lane as _, Publish, Queue, QueueError, Session as _};
use runtime::spool::{Spool, Writer};
use serde_json::json;
use shared::envelope::{EXCHANGE, QUEUE};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::VirtualHost;
use crate::containers::{Shared, held, shared};
use crate::eventually::{eventually, holds};

/// How much a queue holds.
#[derive(Debug, Clone, Copy)]
pub enum Room {
    /// More than a test fills.
    Ample,
    /// A few small messages.
    Scarce,
}

/// A queue of one test.
#[expect(async_fn_in_trait, reason = "a test stays on its thread")]
pub trait TestQueue: Sized {
    type Queue: Queue;
    type Publisher: Publish;

    async fn create(room: Room) -> Self;

    fn queue(&self) -> &Self::Queue;

    fn publisher(&self) -> &Self::Publisher;

    /// Ends its side of this process as a program that stops does, and begins anew.
    async fn reopen(self) -> Self;

    /// The same as when the process is killed: nothing is closed.
    async fn kill(self) -> Self;

    /// Puts in, by hand, what is no envelope.
    async fn put_foreign(self, body: &str) -> Self;

    /// Hands the oldest message out once, to somebody who fails at it.
    async fn hand_out_in_vain(&self);

    async fn remove(self);
}

/// A virtual host on the shared RabbitMQ.
#[derive(Debug)]
pub struct BrokerQueue {
    broker: Broker,
    publisher: Publisher,
    stop: CancellationToken,
    publishing: JoinHandle<Result<(), QueueError>>,
    host: VirtualHost,
    shared: Arc<Shared>,
}

impl BrokerQueue {
    async fn connect(broker: Broker, host: VirtualHost, shared: Arc<Shared>) -> Self {
        let stop = CancellationToken::new();
        let (publisher, publishing) = Publisher::start(broker.clone(), stop.clone());
        let connected = async || holds(publisher.is_ready(), || "it is not".to_owned());
        eventually("the publisher is connected", connected).await;
        Self { broker, publisher, stop, publishing, host, shared }
    }
}

impl TestQueue for BrokerQueue {
    type Queue = Broker;
    type Publisher = Publisher;

    async fn create(room: Room) -> Self {
        let shared = shared().await;
        let host = VirtualHost::create(&shared.rabbitmq, &format!("test_{}", Uuid::now_v7().simple())).await;
        let settings = BrokerSettings {
            url: host.amqp_url().into(),
            confirm_timeout: Duration::from_secs(10),
            queue_max_length: match room {
                Room::Ample => 100_000,
                Room::Scarce => 5,
            },
        };
        let broker = Broker::new(settings, "integration");
        Self::connect(broker, host, shared).await
    }

    fn queue(&self) -> &Broker {
        &self.broker
    }

    fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    async fn reopen(self) -> Self {
        self.stop.cancel();
        self.publishing.await.unwrap().unwrap();
        Self::connect(self.broker, self.host, self.shared).await
    }

    async fn kill(self) -> Self {
        self.publishing.abort();
        Self::connect(self.broker, self.host, self.shared).await
    }

    async fn put_foreign(self, body: &str) -> Self {
        self.host.publish(EXCHANGE, json!({ "content_type": "text/plain" }), body).await;
        self
    }

    /// Newer brokers count only what is rejected, and not what a lane held that ended.
    async fn hand_out_in_vain(&self) {
        eventually("a message is handed out", async || {
            let handed = self.host.hand_back(QUEUE, 1).await;
            holds(handed == 1, || format!("{handed} messages"))
        })
        .await;
    }

    async fn remove(self) {
        self.stop.cancel();
        self.publishing.await.unwrap().unwrap();
        self.host.delete().await;
    }
}

/// A spool in a directory.
#[derive(Debug)]
pub struct SpoolQueue {
    spool: Spool,
    stop: CancellationToken,
    writing: JoinHandle<Result<(), sqlx::Error>>,
    room: Room,
    directory: TempDir,
    _shared: Option<Arc<Shared>>,
}

impl SpoolQueue {
    async fn open(directory: TempDir, room: Room, shared: Option<Arc<Shared>>) -> Self {
        let max_bytes = match room {
            Room::Ample => 64 * 1024 * 1024,
            Room::Scarce => 2 * 1024,
        };
        let (spool, writer): (Spool, Writer) = Spool::open(directory.path(), max_bytes).await.unwrap();
        let stop = CancellationToken::new();
        let writing = tokio::spawn(writer.run(stop.clone()));
        Self { spool, stop, writing, room, directory, _shared: shared }
    }

    async fn close(self) -> (TempDir, Room, Option<Arc<Shared>>) {
        self.stop.cancel();
        self.writing.await.unwrap().unwrap();
        (self.directory, self.room, self._shared)
    }
}

impl TestQueue for SpoolQueue {
    type Queue = Spool;
    type Publisher = Spool;

    async fn create(room: Room) -> Self {
        Self::open(TempDir::new().unwrap(), room, held().await).await
    }

    fn queue(&self) -> &Spool {
        &self.spool
    }

    fn publisher(&self) -> &Spool {
        &self.spool
    }

    async fn reopen(self) -> Self {
        let (directory, room, shared) = self.close().await;
        Self::open(directory, room, shared).await
    }

    async fn kill(self) -> Self {
        self.writing.abort();
        assert!(self.writing.await.unwrap_err().is_cancelled());
        Self::open(self.directory, self.room, self._shared).await
    }

    /// While nobody has it open, as a hand or a broken disk would.
    async fn put_foreign(self, body: &str) -> Self {
        let (directory, room, shared) = self.close().await;
        let file = SqliteConnectOptions::new().filename(directory.path().join("spool.db"));
        sqlx::query("INSERT INTO spool (head, body, bytes, received_at_us) VALUES ('not ours', ?1, 100, 0)")
            .bind(body.as_bytes())
            .execute(&mut file.connect().await.unwrap())
            .await
            .unwrap();
        Self::open(directory, room, shared).await
    }

    async fn hand_out_in_vain(&self) {
        let session = self.spool.connect().await.unwrap();
        let mut lane = session.lane(QUEUE, 1).await.unwrap();
        drop(lane.next().await.unwrap());
    }

    async fn remove(self) {
        self.close().await;
    }
}
