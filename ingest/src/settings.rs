//! Settings: environment variables or flags, whose `--help` is the manual. Read as text and checked together, so that
//! every wrong one is told at once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use runtime::broker::{Broker, BrokerSettings};
use runtime::secret::Env;
use runtime::settings::{Problems, WrongSettings, count, duration, listen};
use runtime::telemetry::{Logging, LoggingArgs};
use secrecy::SecretString;

use crate::address;
use crate::sources::Sources;

/// A webhook's body may be limited to no more than this (bytes): it has to fit in a message.
const MAX_BODY_LIMIT: u64 = 16 * 1024 * 1024;
const MAX_COUNT: u64 = i64::MAX as u64;

/// Takes the webhooks of eSIM and payment providers, and answers 200 once they are durable: confirmed by RabbitMQ, or on
/// disk in the spool while RabbitMQ is away. Every setting is an environment variable, or the flag of the same name.
#[derive(Debug, Clone, Parser)]
#[command(name = "ingest", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// RabbitMQ: amqp://user:password@host:port/vhost, or amqps:// for TLS. Required, no default.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, global = true)]
    amqp_url: Option<String>,
    /// The TOML file that lists the sources: who sends webhooks, and how they prove it. Required.
    #[arg(long, env = "SOURCES_FILE", global = true)]
    sources_file: Option<String>,
    /// Directory on a durable disk that keeps webhooks while RabbitMQ is away. Made if missing; one process at a time.
    /// Required.
    #[arg(long, env = "SPOOL_DIR", global = true)]
    spool_dir: Option<String>,
    /// How much the spool may hold, in bytes (default 1 GiB). When it is full, webhooks are answered 503.
    #[arg(long, env = "SPOOL_MAX_BYTES", default_value = "1073741824", global = true)]
    spool_max_bytes: String,
    /// How long to wait for RabbitMQ's confirmation before the webhook goes to the spool.
    #[arg(long, env = "CONFIRM_TIMEOUT", default_value = "1s", global = true)]
    confirm_timeout: String,
    /// The most messages that a RabbitMQ queue holds (x-max-length); beyond that, webhooks go to the spool. Must be the
    /// same for ingest and worker, and for a queue that exists.
    #[arg(long, env = "QUEUE_MAX_LENGTH", default_value = "1000000", global = true)]
    queue_max_length: String,
    /// How long requests in flight may take to end after SIGTERM.
    #[arg(long, env = "SHUTDOWN_DEADLINE", default_value = "7s", global = true)]
    shutdown_deadline: String,
    #[command(flatten)]
    webhooks: WebhookArgs,
    #[command(flatten)]
    logging: LoggingArgs,
}

/// How webhooks are taken, wherever they go.
#[derive(Debug, Clone, Args)]
pub struct WebhookArgs {
    /// Address and port to listen on, for webhooks, /healthz, /readyz and /metrics.
    #[arg(long, env = "INGEST_LISTEN", default_value = "127.0.0.1:8080", global = true)]
    ingest_listen: String,
    /// The largest body that is accepted, in bytes (default 256 KiB).
    #[arg(long, env = "BODY_LIMIT_BYTES", default_value = "262144", global = true)]
    body_limit_bytes: String,
    /// How long a sender may take for its body, such as 10s or 500ms.
    #[arg(long, env = "BODY_TIMEOUT", default_value = "10s", global = true)]
    body_timeout: String,
    /// The reverse proxies in front, as addresses or networks (CIDR) separated by commas. Only behind these does
    /// X-Forwarded-For count. Default: none.
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "", hide_default_value = true, global = true)]
    trusted_proxies: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Subcommand)]
pub enum Command {
    /// Take webhooks (what happens without a command).
    #[default]
    Run,
    /// Ask the ingest that listens on INGEST_LISTEN whether it can make a webhook durable right now; for container
    /// health checks.
    Health,
}

/// What ingest needs to run beside a broker.
#[derive(Debug, Clone)]
pub struct Settings {
    pub webhooks: WebhookSettings,
    pub broker: BrokerSettings,
    pub spool_dir: PathBuf,
    /// Bytes.
    pub spool_max_bytes: u64,
}

/// What it takes to take webhooks. Times are how long a thing may take.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    pub sources: Sources,
    pub listen: SocketAddr,
    pub body_limit_bytes: usize,
    pub body_timeout: Duration,
    pub trusted_proxies: Vec<IpNet>,
    pub shutdown_deadline: Duration,
}

impl Cli {
    pub fn asked_for(&self) -> Command {
        self.command.unwrap_or_default()
    }

    pub fn listen_address(&self) -> Result<SocketAddr, WrongSettings> {
        let mut problems = Problems::new();
        let address = self.webhooks.listen(&mut problems);
        problems.finish(address)
    }

    /// Checks all settings, reading the sources' file and secrets.
    pub fn read(&self) -> Result<(Settings, Logging), WrongSettings> {
        let mut problems = Problems::new();
        let settings = self.settings(&mut problems);
        let logging = self.logging.read(&mut problems);
        problems.finish(settings.zip(logging))
    }

    /// Reads everything before giving up, so that every problem is noted.
    fn settings(&self, problems: &mut Problems) -> Option<Settings> {
        let broker = self.broker(problems);
        let sources = self.sources(problems);
        let spool_dir = problems.require("SPOOL_DIR", self.spool_dir.clone()).map(PathBuf::from);
        let spool_max_bytes = problems.take("SPOOL_MAX_BYTES", count(&self.spool_max_bytes, MAX_COUNT));
        let shutdown_deadline = problems.take("SHUTDOWN_DEADLINE", duration(&self.shutdown_deadline));
        let webhooks = self.webhooks.read(sources, shutdown_deadline, problems);
        Some(Settings {
            webhooks: webhooks?,
            broker: broker?,
            spool_dir: spool_dir?,
            spool_max_bytes: spool_max_bytes?,
        })
    }

    fn broker(&self, problems: &mut Problems) -> Option<BrokerSettings> {
        let url = problems.require("AMQP_URL", self.amqp_url.clone()).map(SecretString::from);
        let url = url.filter(|url| problems.take("AMQP_URL", Broker::check_url(url)).is_some());
        let confirm_timeout = problems.take("CONFIRM_TIMEOUT", duration(&self.confirm_timeout));
        let queue_max_length = problems.take("QUEUE_MAX_LENGTH", count(&self.queue_max_length, MAX_COUNT));
        Some(BrokerSettings {
            url: url?,
            connection_name: "esim-events ingest".to_owned(),
            confirm_timeout: confirm_timeout?,
            queue_max_length: queue_max_length?,
        })
    }

    fn sources(&self, problems: &mut Problems) -> Option<Sources> {
        let path = problems.require("SOURCES_FILE", self.sources_file.clone())?;
        let text = std::fs::read_to_string(&path).map_err(|error| format!("can't read {path}: {error}"));
        let text = problems.take("SOURCES_FILE", text)?;
        read_sources(&text, &|name| std::env::var(name).ok(), problems)
    }
}

/// The sources of a file's text; what is wrong with them is noted.
pub fn read_sources(text: &str, env: Env<'_>, problems: &mut Problems) -> Option<Sources> {
    let wrong = |wrong: Vec<String>| wrong.iter().for_each(|problem| problems.add("SOURCES_FILE", problem));
    Sources::parse(text, env).map_err(wrong).ok()
}

impl WebhookArgs {
    pub fn listen(&self, problems: &mut Problems) -> Option<SocketAddr> {
        problems.take("INGEST_LISTEN", listen(&self.ingest_listen))
    }

    /// Reads everything, whatever is missing, so that every problem is noted.
    pub fn read(
        &self,
        sources: Option<Sources>,
        shutdown_deadline: Option<Duration>,
        problems: &mut Problems,
    ) -> Option<WebhookSettings> {
        let listen = self.listen(problems);
        let body_limit_bytes = problems
            .take("BODY_LIMIT_BYTES", count(&self.body_limit_bytes, MAX_BODY_LIMIT))
            .and_then(|limit| usize::try_from(limit).ok());
        let body_timeout = problems.take("BODY_TIMEOUT", duration(&self.body_timeout));
        let trusted_proxies = problems.take("TRUSTED_PROXIES", address::networks(&self.trusted_proxies));
        Some(WebhookSettings {
            sources: sources?,
            listen: listen?,
            body_limit_bytes: body_limit_bytes?,
            body_timeout: body_timeout?,
            trusted_proxies: trusted_proxies?,
            shutdown_deadline: shutdown_deadline?,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_manual_names_every_variable() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for argument in Cli::command().get_arguments() {
            if let Some(variable) = argument.get_env() {
                assert!(help.contains(&format!("[env: {}", variable.to_string_lossy())), "{variable:?}");
            }
        }
    }

    #[test]
    fn every_wrong_setting_is_told_at_once() {
        let cli = Cli::parse_from([
            "ingest",
            "--amqp-url",
            "http://u:hunter2@h",
            "--ingest-listen",
            "here",
            "--spool-max-bytes",
            "0",
            "--body-limit-bytes",
            "99999999999",
            "--body-timeout",
            "10",
            "--confirm-timeout",
            "soon",
            "--trusted-proxies",
            "10.0.0.0/99",
            "--queue-max-length=-1",
            "--shutdown-deadline",
            "0s",
            "--log-format",
            "xml",
            "--rust-log",
            "ingest=loud",
            "--sources-file",
            "/does/not/exist",
            "--spool-dir",
            "",
        ]);
        let told = cli.read().unwrap_err().to_string();
        for name in [
            "AMQP_URL", "SOURCES_FILE", "INGEST_LISTEN", "SPOOL_DIR", "SPOOL_MAX_BYTES", "BODY_LIMIT_BYTES",
            "BODY_TIMEOUT", "CONFIRM_TIMEOUT", "TRUSTED_PROXIES", "QUEUE_MAX_LENGTH", "SHUTDOWN_DEADLINE",
            "LOG_FORMAT", "RUST_LOG",
        ] {
            assert!(told.contains(&format!("{name}: ")), "{name} is missing in: {told}");
        }
        assert!(!told.contains("hunter2"));
    }
}
