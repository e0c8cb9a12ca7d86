//! The program: its commands, and where their output goes.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use ingest::settings::EndpointSettings;
use runtime::settings::{Flags, Given, SettingsGroup as _, check};
use runtime::spool::Spool;
use runtime::telemetry::Logging;
use runtime::{http, program, shutdown};
use standalone::data_dir::DataDir;
use standalone::export::{self, ExportArgs};
use standalone::settings::{General, StandaloneSettings, read_sources};
use standalone::{Listeners, run};
use store::{Store, sqlite};
use tokio_util::sync::CancellationToken;
use worker::commands::{self, CommandContext, Which};
use worker::preview::{self, PreviewArgs};
use worker::settings::HttpSettings;

/// esim-events in one process, with nothing to install: takes the webhooks of eSIM and payment providers, applies them, and
/// delivers the actions that follow from them. Every setting is an environment variable, or the flag of the same name
#[derive(Debug, Parser)]
#[command(name = "standalone", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Flags<(StandaloneSettings, Logging)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until SIGTERM (the default)
    Run,
    /// Exit with 0 if the instance that listens on INGEST_LISTEN and WORKER_LISTEN is ready
    Health,
    /// Move all data to PostgreSQL, for the distributed edition; the instance must be stopped
    Export(ExportArgs),
    /// Show a sample of a mail to customers as a page on its own
    Preview(PreviewArgs),
    #[command(flatten)]
    Ask(commands::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    program::exit("standalone", start(Cli::parse()).await)
}

async fn start(cli: Cli) -> anyhow::Result<()> {
    let given = cli.settings.given();
    match cli.command {
        None | Some(Command::Run) => serve(given).await,
        Some(Command::Health) => health(given).await,
        Some(Command::Export(args)) => {
            Logging::load(given)?.start();
            let settings = StandaloneSettings::load(given)?;
            export::run(&DataDir::lock(&settings.data_dir)?, settings, &args, &mut io::stdout()).await
        }
        Some(Command::Preview(args)) => preview::run(&args, &mut io::stdout()),
        Some(Command::Ask(command)) => ask(given, &command).await,
    }
}

async fn health(given: &Given) -> anyhow::Result<()> {
    let (ingest, worker) = check(|problems| {
        let (ingest, worker) = (EndpointSettings::listen(given, problems), HttpSettings::listen(given, problems));
        Ok((ingest?, worker?))
    })?;
    http::probe(ingest).await.map_err(anyhow::Error::msg).context("ingest")?;
    http::probe(worker).await.map_err(anyhow::Error::msg).context("worker")
}

async fn serve(given: &Given) -> anyhow::Result<()> {
    let (settings, logging) = <(StandaloneSettings, Logging)>::load(given)?;
    let data = DataDir::lock(&settings.data_dir)?;
    let listeners = Listeners {
        ingest: program::listen(settings.webhooks.endpoint.listen, "INGEST_LISTEN").await?,
        worker: program::listen(settings.work.http.listen, "WORKER_LISTEN").await?,
    };
    introduce(&settings, data.path())?;
    logging.start();
    for unused in ["AMQP_URL", "DATABASE_URL"].into_iter().filter(|name| std::env::var_os(name).is_some()) {
        tracing::warn!(
            setting = unused,
            "it is set and not used: this is the standalone edition, with a queue and a database of its own"
        );
    }
    run(settings, &data, listeners, shutdown::on_signal()?).await
}

/// For whoever started it by hand; a log collector skips it.
fn introduce(settings: &StandaloneSettings, data: &Path) -> io::Result<()> {
    let (ingest, worker) = (settings.webhooks.endpoint.listen, settings.work.http.listen);
    let mut out = io::stdout();
    writeln!(
        out,
        "
esim-events runs in this one process. Everything it keeps is in {}
  webhooks        http://{ingest}/webhooks/{{source}}
  readiness       http://{ingest}/readyz  http://{worker}/readyz   metrics: /metrics",
        data.display()
    )?;
    if settings.work.http.api_token.is_some() {
        writeln!(out, "  the shop's API  http://{worker}/v1")?;
    }
    if settings.is_try_out {
        writeln!(
            out,
            "
All five providers are there for trying out; SOURCES_FILE names your own. In another terminal, an order of Yoni's:
  curl http://{ingest}/webhooks/yoni/demo-yoni-token-0123456789 \\
    -d '{{\"orderNo\":\"A-17\",\"iccid\":\"8910300000000000017\",\"lpa\":\"LPA:1$rsp.example$CODE\",\"result\":\"COMPLETED\"}}'
and what became of it:
  cargo run --release -- why A-17
Or five hundred lives of all providers, with all that goes wrong on the way:
  ./dev simulate"
        )?;
    }
    writeln!(out)
}

async fn ask(given: &Given, command: &commands::Command) -> anyhow::Result<()> {
    let data_dir = check(|problems| General::data_dir(given, problems))?;
    let store: Arc<dyn Store> = Arc::new(sqlite::open(&DataDir::find_database(&data_dir)?));
    match command.replay() {
        Some(which) => replay(given, &*store, which).await,
        None => {
            let sources = |problems: &mut _| read_sources(given, problems);
            command.run(&store, &CommandContext { given, sources: &sources }, &mut io::stdout()).await
        }
    }
}

/// The queue belongs to the running instance, so that this needs it stopped.
async fn replay(given: &Given, store: &dyn Store, which: Which<'_>) -> anyhow::Result<()> {
    let settings = StandaloneSettings::load(given)?;
    let data = DataDir::lock(&settings.data_dir)?;
    let queue = Spool::open(&data.queue(), settings.spool.max_bytes).await;
    let (queue, writer) = queue.context("opening the queue")?;
    let stop = CancellationToken::new();
    let writing = tokio::spawn(writer.run(stop.clone()));
    commands::replay_dead_letters(store, &queue, which, &mut io::stdout()).await?;
    stop.cancel();
    Ok(writing.await??)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_manual_names_every_variable() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for setting in <(StandaloneSettings, Logging)>::list() {
            assert!(help.contains(&format!("[env: {}]", setting.name)), "{}", setting.name);
        }
    }
}
