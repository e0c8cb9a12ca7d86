//! The two programs: in this process through their own `run`, or as the real binaries where a test has to kill one.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use ingest::settings::IngestSettings;
use reqwest::Client;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use worker::settings::WorkerSettings;

use crate::broker::http_client;
use crate::containers::free_port;
use crate::eventually::{eventually, holds};

/// Longer than any program's own deadline for stopping.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);

/// A program that runs in this process.
#[derive(Debug)]
pub struct Program {
    pub address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Program {
    pub async fn ingest(settings: IngestSettings) -> Self {
        Self::start(async |listener, stop| ingest::run(settings, listener, stop).await).await
    }

    pub async fn worker(settings: WorkerSettings) -> Self {
        Self::start(async |listener, stop| worker::run(settings, listener, stop).await).await
    }

    /// Waits until it says that it can do its work. If it ends instead, it tells why.
    pub async fn ready(&mut self) {
        tokio::select! {
            () = ready(self.address) => {}
            ended = &mut self.task => panic!("a program ended instead of getting ready: {:?}", ended.unwrap()),
        }
    }

    /// Asks it to stop; it has to end well.
    pub async fn stop(self) {
        self.stop.cancel();
        self.ended().await.unwrap_or_else(|error| panic!("a program did not stop well: {error:#}"));
    }

    /// Waits for it to end by itself.
    pub async fn ended(self) -> anyhow::Result<()> {
        timeout(STOP_TIMEOUT, self.task).await.unwrap_or_else(|_| panic!("a program did not end")).unwrap()
    }

    async fn start<F>(run: impl FnOnce(TcpListener, CancellationToken) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let task = tokio::spawn(run(listener, stop.clone()));
        Self { address, stop, task }
    }
}

/// A real binary in a process of its own, ended with the test.
#[derive(Debug)]
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    log: TempDir,
}

impl Process {
    /// Starts `program` (`ingest` or `worker`) with these settings, listening on an address of its own.
    pub fn start(program: &str, environment: &[(String, String)]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let listen = (format!("{}_LISTEN", program.to_uppercase()), address.to_string());
        let environment: Vec<_> = environment.iter().cloned().chain([listen]).collect();
        Self::start_at(program, &environment, address)
    }

    /// The same for a program that listens on `address` by its settings.
    pub fn start_at(program: &str, environment: &[(String, String)], address: SocketAddr) -> Self {
        let log = TempDir::new().unwrap();
        let file = File::create(log.path().join("log")).unwrap();
        let child = tokio::process::Command::new(binary(program))
            .env_clear()
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { address, child, log }
    }

    /// Waits until it says that it can do its work.
    pub async fn ready(self) -> Self {
        ready(self.address).await;
        self
    }

    /// `kill -9`: no chance to finish anything.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM; answers how it ended.
    pub async fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Sends it a signal, by the name that `kill` has for it.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    }

    /// Waits for it to end by itself.
    pub async fn ended(mut self) -> ExitStatus {
        timeout(STOP_TIMEOUT, self.child.wait()).await.unwrap_or_else(|_| panic!("a process did not end")).unwrap()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path().join("log")).unwrap()
    }

    /// Waits for it to end by itself; how, and what it said.
    pub async fn last_words(mut self) -> (ExitStatus, String) {
        let status = timeout(STOP_TIMEOUT, self.child.wait()).await.unwrap_or_else(|_| panic!("a process did not end"));
        (status.unwrap(), self.log())
    }
}

/// Where the program is. Cargo builds it with the tests, from the program's own `main.rs`: see this package's Cargo.toml.
pub fn binary(program: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join(format!("{program}-process"));
    assert!(built.exists(), "{} is not there; `cargo test -p integration` builds it", built.display());
    built
}

/// Waits until the program that listens there can do its work.
pub async fn ready(address: SocketAddr) {
    let client = http_client();
    eventually(&format!("{address} is ready"), async || {
        let answer = client.get(format!("http://{address}/readyz")).send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        holds(status.is_success(), || format!("{status} {body}"))
    })
    .await;
}

/// The sum of a metric over those of its lines that contain each of the `labels`.
pub async fn metric(client: &Client, address: SocketAddr, name: &str, labels: &[&str]) -> Result<f64, String> {
    let answer = client.get(format!("http://{address}/metrics")).send().await.map_err(|error| error.to_string())?;
    let text = answer.text().await.map_err(|error| error.to_string())?;
    let is_asked = |line: &&str| {
        let rest = line.strip_prefix(name).unwrap_or_default();
        rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
    };
    let values = text.lines().filter(is_asked).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    Ok(values.sum())
}
