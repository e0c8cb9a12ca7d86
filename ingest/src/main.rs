//! The program `ingest`: its commands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ingest::settings::{EndpointSettings, IngestSettings};
use runtime::settings::{Flags, Given, SettingsGroup as _, check};
use runtime::telemetry::Logging;
use runtime::{http, program, shutdown};

/// Takes the webhooks of eSIM and payment providers. Answers 200 once they are durable: confirmed by RabbitMQ, or on disk
/// in the spool while RabbitMQ is away. Every setting is an environment variable, or the flag of the same name
#[derive(Debug, Parser)]
#[command(name = "ingest", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Flags<(IngestSettings, Logging)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take webhooks until SIGTERM (the default)
    Run,
    /// Exit with 0 if the ingest that listens on INGEST_LISTEN can make a webhook durable right now
    Health,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::exit("ingest", start(Cli::parse()).await)
}

async fn start(cli: Cli) -> anyhow::Result<()> {
    let given = cli.settings.given();
    match cli.command {
        None | Some(Command::Run) => run(given).await,
        Some(Command::Health) => {
            let listen = check(|problems| EndpointSettings::listen(given, problems))?;
            http::probe(listen).await.map_err(anyhow::Error::msg)
        }
    }
}

async fn run(given: &Given) -> anyhow::Result<()> {
    let (settings, logging) = <(IngestSettings, Logging)>::load(given)?;
    logging.start();
    let listener = program::listen(settings.webhooks.endpoint.listen, "INGEST_LISTEN").await?;
    ingest::run(settings, listener, shutdown::on_signal()?).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_manual_names_every_variable() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for setting in <(IngestSettings, Logging)>::list() {
            assert!(help.contains(&format!("[env: {}]", setting.name)), "{}", setting.name);
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
        let told = <(IngestSettings, Logging)>::load(cli.settings.given()).unwrap_err().to_string();
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
