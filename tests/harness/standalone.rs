//! The standalone edition for one test: its data directory, the process that runs on it, and what its tables say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex;

use futures_util::TryStreamExt as _;
use reqwest::Client;
use samples::Source;
use store::Store;
use store::catalogue::TABLES;
use store::sqlite::{self, SqliteStore};
use store::transfer::Row;
use tempfile::TempDir;
use uuid::Uuid;

use crate::broker::http_client;
use crate::containers::free_port;
use crate::eventually::{eventually, holds};
use crate::posting::{Posting, envelope};
use crate::programs::{Process, binary, ready};
use crate::sources;

/// A data directory, and the process on it, if one runs.
#[derive(Debug)]
pub struct Standalone {
    pub client: Client,
    pub process: Option<Process>,
    ingest: SocketAddr,
    worker: SocketAddr,
    data: TempDir,
    environment: Vec<(String, String)>,
    /// What was answered with 200: the ids, with the hash of the body as copies have it, and its source.
    accepted: Mutex<BTreeMap<Uuid, (String, String)>>,
}

impl Standalone {
    /// On an empty directory, with the sources that every test knows, and settings of its own.
    pub async fn start(more: &[(&str, &str)]) -> Self {
        let mut standalone = Self::stopped(more);
        standalone.start_again().await;
        standalone
    }

    pub fn stopped(more: &[(&str, &str)]) -> Self {
        let data = TempDir::new().unwrap();
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (ingest, worker) = (address(), address());
        let file = data.path().join("sources.toml");
        std::fs::write(&file, sources::file()).unwrap();
        let mut environment = sources::environment();
        let own = [
            ("DATA_DIR", data.path().join("data").display().to_string()),
            ("SOURCES_FILE", file.display().to_string()),
            ("INGEST_LISTEN", ingest.to_string()),
            ("WORKER_LISTEN", worker.to_string()),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self { client: http_client(), process: None, ingest, worker, data, environment, accepted: Mutex::default() }
    }

    /// The same directory, and a new process on it.
    pub async fn start_again(&mut self) {
        let process = Process::start_at("standalone", &self.environment, self.ingest);
        ready(self.ingest).await;
        ready(self.worker).await;
        self.process = Some(process);
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await;
    }

    /// SIGTERM; it has to end well.
    pub async fn stop(&mut self) {
        let process = self.process.take().unwrap();
        process.signal("TERM");
        let (status, said) = process.last_words().await;
        assert!(status.success(), "{status}: {said}");
    }

    /// Runs a command on the data; how it ended, and what it said on stdout and stderr.
    pub async fn command(&self, arguments: &[&str]) -> (ExitStatus, String, String) {
        let output = tokio::process::Command::new(binary("standalone"))
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status, text(output.stdout), text(output.stderr))
    }

    pub fn worker_address(&self) -> SocketAddr {
        self.worker
    }

    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// A webhook to the source's path, without any proof of who sends it.
    pub fn post(&self, source: Source, body: impl Into<Vec<u8>>) -> Posting {
        Posting::new(&self.client, self.ingest, Some(source), &format!("/webhooks/{}", source.name()), body.into())
    }

    /// Sends a webhook as its provider would; it must be answered 200.
    pub async fn accept(&self, source: Source, body: impl Into<Vec<u8>>) -> Uuid {
        let body = body.into();
        let answer = self.post(source, body.clone()).signed().send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.remember(answer.id(), source, &body);
        answer.id()
    }

    /// Notes that the event must be applied.
    pub fn remember(&self, id: Uuid, source: Source, body: &[u8]) {
        let event = providers::decode(&envelope(source, body));
        let hash = event.map_or_else(|_| String::new(), |event| event.body_hash().to_owned());
        self.accepted.lock().unwrap().insert(id, (source.name().to_owned(), hash));
    }

    /// Waits until all that was accepted is an event, a copy of one or a dead letter, and nothing waits to be delivered.
    pub async fn settled(&self) {
        eventually("everything is applied and delivered", async || {
            let (events, dead) = (self.rows("events").await, self.rows("dead_letters").await);
            let deliveries = self.rows("deliveries").await;
            let missing = self.missing(&events, &dead);
            let open = deliveries.iter().filter(|row| row["status"] == "pending" || row["status"] == "sending").count();
            holds(missing == 0 && open == 0, || format!("{missing} are missing, {open} deliveries are open"))
        })
        .await;
    }

    fn missing(&self, events: &[Row], dead: &[Row]) -> usize {
        let text = |row: &Row, column: &str| row[column].as_str().unwrap_or_default().to_owned();
        let ids: Vec<_> = events.iter().chain(dead).map(|row| text(row, "id")).collect();
        let body = |row: &Row| (text(row, "source"), text(row, "event_key").split('@').next().unwrap().to_owned());
        let bodies: Vec<_> = events.iter().map(body).collect();
        let is_there = |(id, body): &(&Uuid, &(String, String))| ids.contains(&id.to_string()) || bodies.contains(body);
        self.accepted.lock().unwrap().iter().filter(|accepted| !is_there(accepted)).count()
    }

    pub fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().len()
    }

    pub fn store(&self) -> SqliteStore {
        sqlite::open(&self.data_dir().join("esim-events.db"))
    }

    /// All rows of a table, in the form in which they move.
    pub async fn rows(&self, table: &str) -> Vec<Row> {
        let store = self.store();
        let table = TABLES.iter().find(|portable| portable.name == table).unwrap();
        let rows = store.snapshot().await.unwrap().read_table(table).try_collect().await.unwrap();
        store.close().await;
        rows
    }

    /// Ends a test: everything is settled, and the tables are what the events say. `reasons` are those of the dead letters.
    pub async fn finish(mut self, reasons: &[&str]) {
        self.settled().await;
        let dead: Vec<_> = self.rows("dead_letters").await.iter().map(|row| row["reason"].clone()).collect();
        assert_eq!(dead, reasons, "dead letters");
        let (status, out, problems) = self.command(&["verify"]).await;
        assert!(status.success(), "{out}{problems}");
        if self.process.is_some() {
            self.stop().await;
        }
    }
}
