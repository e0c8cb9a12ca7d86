//! The whole system for one test: its own database and virtual host, the programs, and the verbs of a scenario.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use reqwest::Client;
use runtime::broker::{Broker, Publisher};
use samples::Source;
use serde_json::{Value, json};
use shared::envelope::{DEAD_QUEUE, Envelope, QUEUE};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use store::{Store, postgres};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::commands::{Which, replay_dead_letters};
use worker::verify::{VerifyArgs, verify};

use crate::broker::{VirtualHost, http_client};
use crate::containers::{Postgres, RabbitMq, Shared, shared};
use crate::eventually::{eventually, holds};
use crate::mailbox::Mailbox;
use crate::merchant::Merchant;
use crate::posting::Posting;
use crate::programs::{Process, Program, metric};
use crate::setup::{API_TOKEN, Setup};
use crate::tables::{self, assert_row};

/// Everything, running. The containers come last, so that they outlive what uses them.
#[derive(Debug)]
pub struct System {
    pub pool: PgPool,
    pub client: Client,
    pub merchant: Option<Merchant>,
    pub mailbox: Option<Mailbox>,
    pub ingest: Option<Program>,
    pub workers: Vec<Program>,
    pub host: VirtualHost,
    pub spool: TempDir,
    pub database_url: String,
    database_name: String,
    setup: Setup,
    sent: Mutex<Vec<Sent>>,
    /// Whether every message ends in a counter of a worker of `workers`.
    counts_all: bool,
    pub rabbitmq: Arc<RabbitMq>,
    pub postgres: Arc<Postgres>,
    _shared: Arc<Shared>,
}

/// What went in, and must come out.
#[derive(Debug, Clone)]
struct Sent {
    id: Uuid,
    source: String,
    /// Of the body, as copies have it; empty for what is no event.
    hash: String,
}

impl System {
    /// Ingest and a worker on the shared containers.
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    pub(crate) async fn from(setup: Setup) -> Self {
        let shared = shared().await;
        let rabbitmq = if setup.own_broker { Arc::new(RabbitMq::start().await) } else { Arc::clone(&shared.rabbitmq) };
        let postgres =
            if setup.own_database { Arc::new(Postgres::start().await) } else { Arc::clone(&shared.postgres) };
        let name = format!("test_{}", Uuid::now_v7().simple());
        let host = VirtualHost::create(&rabbitmq, &name).await;
        create_database(&postgres, &name).await;
        let database_url = postgres.url(&name);
        let pool = postgres::open(&database_url.clone().into(), 8).unwrap();
        if !setup.empty_database {
            Store::migrate(&pool).await.unwrap();
        }
        let mut system = Self {
            pool,
            client: http_client(),
            merchant: if setup.merchant { Some(Merchant::open().await) } else { None },
            mailbox: match setup.mail {
                Some(security) => Some(Mailbox::open(security).await),
                None => None,
            },
            ingest: None,
            workers: Vec::new(),
            host,
            spool: TempDir::new().unwrap(),
            database_url,
            database_name: name,
            sent: Mutex::default(),
            counts_all: true,
            rabbitmq,
            postgres,
            _shared: shared,
            setup,
        };
        for _ in 0..system.setup.workers {
            system.start_worker().await;
        }
        if system.setup.ingests {
            system.start_ingest().await;
        }
        system
    }

    /// Another worker, in this process.
    pub async fn start_worker(&mut self) {
        let mut program = Program::worker(self.setup.worker_settings(self)).await;
        program.ready().await;
        self.workers.push(program);
    }

    pub async fn start_ingest(&mut self) {
        let mut program = Program::ingest(self.setup.ingest_settings(self)).await;
        program.ready().await;
        // Ready also with nothing but the spool; a scenario begins with the broker.
        eventually("ingest is connected", async || {
            let connected = metric(&self.client, program.address, "ingest_broker_connected", &[]).await?;
            holds(connected > 0.0, || "it is not".to_owned())
        })
        .await;
        self.ingest = Some(program);
    }

    /// A worker of its own process, which reaches the broker through `amqp_port`.
    pub async fn worker_process(&mut self, amqp_port: u16) -> Process {
        self.worker_process_with(amqp_port, &[]).await
    }

    /// The same with settings of its own.
    pub async fn worker_process_with(&mut self, amqp_port: u16, more: &[(&'static str, &str)]) -> Process {
        self.counts_all = false;
        Process::start("worker", &self.setup.worker_environment(self, amqp_port, more)).ready().await
    }

    /// Ingest in a process of its own. It may not be ready, if the broker is away.
    pub fn ingest_process(&self, more: &[(&str, &str)]) -> Process {
        Process::start("ingest", &self.setup.ingest_environment(self, more))
    }

    /// From now on messages may be counted twice, or by a worker that is gone.
    pub fn counts_no_more(&mut self) {
        self.counts_all = false;
    }

    /// A webhook to the source's path, without any proof of who sends it.
    pub fn post(&self, source: Source, body: impl Into<Vec<u8>>) -> Posting {
        Posting::new(
            &self.client,
            self.ingest_address(),
            Some(source),
            &format!("/webhooks/{}", source.name()),
            body.into(),
        )
    }

    /// A POST to any path.
    pub fn post_to(&self, path: &str, body: impl Into<Vec<u8>>) -> Posting {
        Posting::new(&self.client, self.ingest_address(), None, path, body.into())
    }

    /// Of the system's own ingest; nowhere, if it has none.
    fn ingest_address(&self) -> SocketAddr {
        self.ingest.as_ref().map_or(SocketAddr::from(([127, 0, 0, 1], 9)), |ingest| ingest.address)
    }

    /// Sends a webhook as its provider would; it must be answered 200. The event's id.
    pub async fn accept(&self, source: Source, body: impl Into<Vec<u8>>) -> Uuid {
        let body = body.into();
        let answer = self.post(source, body.clone()).signed().send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.remember(answer.id(), source, &body);
        answer.id()
    }

    /// Notes that the event must come out at the other end.
    pub fn remember(&self, id: Uuid, source: Source, body: &[u8]) {
        let envelope = Envelope { id, ..crate::posting::envelope(source, body) };
        let hash = providers::decode(&envelope).map_or_else(|_| String::new(), |event| event.body_hash().into());
        self.sent.lock().unwrap().push(Sent { id, source: source.name().to_owned(), hash });
    }

    /// Puts an envelope into the queue, past ingest.
    pub async fn publish(&self, envelope: &Envelope) {
        crate::posting::publish(self.setup.broker_settings(self), envelope).await;
        let source = envelope.source.clone();
        let hash = providers::decode(envelope).map_or_else(|_| String::new(), |event| event.body_hash().into());
        self.sent.lock().unwrap().push(Sent { id: envelope.id, source, hash });
    }

    /// Waits until all that went in is applied or dead, and nothing is on its way. What was promised may be undelivered.
    pub async fn applied(&self) {
        let sent = self.sent.lock().unwrap().clone();
        let (ids, sources, hashes) = (
            sent.iter().map(|sent| sent.id).collect::<Vec<_>>(),
            sent.iter().map(|sent| sent.source.clone()).collect::<Vec<_>>(),
            sent.iter().map(|sent| sent.hash.clone()).collect::<Vec<_>>(),
        );
        eventually("all is applied", async || {
            let missing = tables::missing(&self.pool, &ids, &sources, &hashes).await;
            let missing = missing.map_err(|error| error.to_string())?;
            holds(missing == 0, || format!("{missing} of {} are missing", ids.len()))?;
            if self.counts_all {
                let processed = self.processed().await?;
                let seen = format!("{processed} of {} are processed", ids.len());
                holds(processed >= f64::from(u32::try_from(ids.len()).unwrap()), || seen)?;
            }
            match &self.ingest {
                Some(ingest) => {
                    let spooled = metric(&self.client, ingest.address, "ingest_spool_events", &[]).await?;
                    holds(spooled == 0.0, || format!("{spooled} are in the spool"))
                }
                None => Ok(()),
            }
        })
        .await;
        self.host.emptied(QUEUE).await;
        self.host.emptied(DEAD_QUEUE).await;
    }

    /// Waits until nothing more will happen: all is applied, and every promise delivered, failed or superseded.
    pub async fn settled(&self) {
        self.applied().await;
        eventually("all is delivered", async || {
            let open = tables::undelivered(&self.pool).await.map_err(|error| error.to_string())?;
            holds(open == 0, || format!("{open} deliveries are open"))
        })
        .await;
    }

    async fn processed(&self) -> Result<f64, String> {
        let mut processed = 0.0;
        for worker in &self.workers {
            processed += metric(&self.client, worker.address, "worker_events_total", &[]).await?;
            processed += metric(&self.client, worker.address, "worker_dead_letters_total", &[]).await?;
        }
        Ok(processed)
    }

    /// A metric of ingest.
    pub async fn ingest_metric(&self, name: &str, labels: &[&str]) -> f64 {
        metric(&self.client, self.ingest.as_ref().unwrap().address, name, labels).await.unwrap()
    }

    /// A metric of all workers together.
    pub async fn worker_metric(&self, name: &str, labels: &[&str]) -> f64 {
        let mut sum = 0.0;
        for worker in &self.workers {
            sum += metric(&self.client, worker.address, name, labels).await.unwrap();
        }
        sum
    }

    pub async fn order(&self, source: Source, order_ref: &str) -> Value {
        tables::row(&self.pool, "orders", "order_ref", source.name(), order_ref).await
    }

    pub async fn esim(&self, source: Source, esim_ref: &str) -> Value {
        tables::row(&self.pool, "esims", "esim_ref", source.name(), esim_ref).await
    }

    /// The kinds of all promises, with their eSIM, order or nothing, sorted.
    pub async fn actions(&self) -> Vec<String> {
        let kinds: Vec<String> =
            sqlx::query_scalar("SELECT kind FROM actions ORDER BY kind").fetch_all(&self.pool).await.unwrap();
        kinds
    }

    /// The merchant's deliveries: kind, status, and why, sorted.
    pub async fn deliveries(&self) -> Vec<(String, String, Option<String>)> {
        sqlx::query_as(
            "SELECT kind, status, last_error FROM deliveries INNER JOIN actions ON actions.id = action_id
             WHERE channel = 'merchant_webhook' ORDER BY kind, status, last_error",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    /// The reasons of the dead letters that wait, sorted.
    pub async fn dead_letters(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT reason FROM dead_letters WHERE replayed_at IS NULL ORDER BY reason")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    pub fn merchant(&self) -> &Merchant {
        self.merchant.as_ref().unwrap()
    }

    pub fn mailbox(&self) -> &Mailbox {
        self.mailbox.as_ref().unwrap()
    }

    /// Says to the first worker who an order belongs to.
    pub async fn register(&self, source: Source, order_ref: &str, contact: &Value) {
        self.register_at(self.workers[0].address, source, order_ref, contact).await;
    }

    pub async fn register_at(&self, worker: SocketAddr, source: Source, order_ref: &str, contact: &Value) {
        let url = format!("http://{worker}/v1/orders/{}/{order_ref}/contact", source.name());
        let answer = self.client.put(url).bearer_auth(API_TOKEN).json(contact).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Sends dead letters through the door again; what the command says to it.
    pub async fn replay(&self, which: Which<'_>) -> String {
        let (stop, mut out) = (CancellationToken::new(), Vec::new());
        let (publisher, publishing) =
            Publisher::start(Broker::new(self.setup.broker_settings(self), "integration"), stop.clone());
        replay_dead_letters(&self.pool, &publisher, which, &mut out).await.unwrap();
        stop.cancel();
        publishing.await.unwrap().unwrap();
        String::from_utf8(out).unwrap()
    }

    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Folds all events again, in another order: the tables must be what comes out.
    async fn verified(&self) {
        let rules = self.setup.worker_settings(self).work.routing.rules;
        let mut differences = Vec::new();
        let args = VerifyArgs::default();
        let report = verify(&self.pool, &rules, &args, &mut differences, &mut std::io::sink()).await.unwrap();
        assert_eq!(report.differences, 0, "seed {}: {}", report.seed, String::from_utf8_lossy(&differences));
    }

    /// Ends the scenario: nothing pending, nothing dead-lettered, and everybody stops well.
    pub async fn finish(self) {
        self.finish_with_dead_letters(&[]).await;
    }

    /// Ends the scenario with dead letters of these reasons (sorted) and no others.
    pub async fn finish_with_dead_letters(self, reasons: &[&str]) {
        self.settled().await;
        assert_eq!(self.dead_letters().await, reasons, "dead letters");
        self.verified().await;
        self.close().await;
    }

    /// Ends a scenario that has written into the tables by hand.
    pub async fn close(mut self) {
        if let Some(ingest) = self.ingest.take() {
            ingest.stop().await;
        }
        for worker in self.workers.drain(..) {
            worker.stop().await;
        }
        // What a worker still held would be there again now.
        for queue in [QUEUE, DEAD_QUEUE] {
            self.host.left_empty(queue).await;
        }
        self.pool.close().await;
        drop_database(&self.postgres, &self.database_name).await;
        self.host.delete().await;
    }
}

pub(crate) async fn create_database(postgres: &Postgres, name: &str) {
    eventually("making a database", async || {
        let make = async {
            let mut admin = PgConnection::connect(&postgres.url("postgres")).await?;
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
            admin.close().await
        };
        make.await.map_err(|error: sqlx::Error| error.to_string())
    })
    .await;
}

pub(crate) async fn drop_database(postgres: &Postgres, name: &str) {
    let mut admin = PgConnection::connect(&postgres.url("postgres")).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut admin).await.unwrap();
}

/// An eSIM Access eSIM's life in one place: `kind` is `notifyType`.
pub fn esim_access(kind: &str, order: &str, at: &str, content: Value) -> Vec<u8> {
    let mut body = json!({ "notifyType": kind, "notifyId": Uuid::now_v7().simple().to_string(), "content": content });
    body["content"]["orderNo"] = json!(order);
    if !at.is_empty() {
        body["eventGenerateTime"] = json!(at);
    }
    body.to_string().into_bytes()
}

/// Asserts fields of a row; re-exported where scenarios read it.
#[track_caller]
pub fn check(row: &Value, expected: Value) {
    assert_row(row, &expected);
}

/// A time of the test's own making, so many seconds from now.
pub fn seconds_from_now(seconds: i64) -> String {
    let time = Utc::now() + Duration::ZERO + chrono::TimeDelta::seconds(seconds);
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
