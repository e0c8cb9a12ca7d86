//! The program: reads the settings, starts logging, listens, and runs until it is told to stop.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use ingest::Settings;
use ingest::settings::{Cli, Command};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.asked_for() {
        Command::Health => health(&cli).await,
        Command::Run => start(&cli).await,
    }
}

async fn health(cli: &Cli) -> ExitCode {
    let asked = match cli.listen_address() {
        Ok(listen) => runtime::http::probe(listen).await,
        Err(wrong) => Err(wrong.to_string()),
    };
    asked.map_or_else(|problem| refuse(&problem), |()| ExitCode::SUCCESS)
}

async fn start(cli: &Cli) -> ExitCode {
    match cli.read() {
        Ok((settings, logging)) => {
            logging.start();
            match run(settings).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "ingest ended");
                    ExitCode::FAILURE
                }
            }
        }
        Err(wrong) => refuse(&wrong),
    }
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let stop = runtime::shutdown::on_signal().context("listening for signals")?;
    let listen = settings.webhooks.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen} (INGEST_LISTEN)"))?;
    ingest::run(settings, listener, stop).await
}

/// Logging has not started: the reason goes to stderr as it is.
fn refuse(reason: &dyn Display) -> ExitCode {
    match writeln!(std::io::stderr(), "ingest: {reason}") {
        Ok(()) => ExitCode::FAILURE,
        Err(_) => ExitCode::from(2),
    }
}
