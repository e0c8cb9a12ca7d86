//! The program: its commands, and where their output goes.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use runtime::spool::Spool;
use runtime::{http, shutdown, telemetry};
use standalone::data_dir::DataDir;
use standalone::export::{self, ExportArgs};
use standalone::settings::{Settings, SettingsArgs};
use standalone::{Listeners, run};
use store::{Store, sqlite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::commands::{self, Desk, Which};
use worker::preview::{self, PreviewArgs};

/// esim-events in one process, with nothing to install: takes the webhooks of eSIM and payment providers, applies them, and
/// delivers what they promise. Every setting is an environment variable, or the flag of the same name.
#[derive(Debug, Parser)]
#[command(name = "standalone", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until SIGTERM (the default)
    Run,
    /// End with 0 if the instance that listens here is ready
    Health,
    /// Move everything to PostgreSQL, for the distributed edition; the instance must be stopped
    Export(ExportArgs),
    /// Show what customers get: a sample of a mail as a page on its own
    Preview(PreviewArgs),
    #[command(flatten)]
    Ask(commands::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    match start(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = telemetry::chain(error.as_ref());
            // Where stderr is gone too, the exit code still tells.
            writeln!(io::stderr(), "standalone: {text}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn start(Cli { command, settings }: Cli) -> anyhow::Result<()> {
    match command {
        None | Some(Command::Run) => serve(&settings).await,
        Some(Command::Health) => {
            let (ingest, worker) = settings.listen()?;
            http::probe(ingest).await.map_err(anyhow::Error::msg).context("ingest")?;
            http::probe(worker).await.map_err(anyhow::Error::msg).context("worker")
        }
        Some(Command::Export(args)) => {
            settings.logging()?.start();
            let (ready, _) = settings.read()?;
            export::run(&DataDir::lock(&settings.data_dir)?, ready, &args, &mut io::stdout()).await
        }
        Some(Command::Preview(args)) => preview::run(&args, &mut io::stdout()),
        Some(Command::Ask(command)) => ask(&settings, &command).await,
    }
}

async fn serve(args: &SettingsArgs) -> anyhow::Result<()> {
    let (settings, logging) = args.read()?;
    let data = DataDir::lock(&args.data_dir)?;
    let listeners = Listeners {
        ingest: listen(settings.webhooks.listen, "INGEST_LISTEN").await?,
        worker: listen(settings.worker_listen, "WORKER_LISTEN").await?,
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

async fn listen(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let failed = || format!("listening on {address}: choose another with {setting}");
    TcpListener::bind(address).await.with_context(failed)
}

/// For whoever started it by hand; a log collector skips it.
fn introduce(settings: &Settings, data: &Path) -> io::Result<()> {
    let (ingest, worker) = (settings.webhooks.listen, settings.worker_listen);
    let mut out = io::stdout();
    writeln!(
        out,
        "
esim-events runs in this one process. Everything it keeps is in {}
  webhooks        http://{ingest}/webhooks/{{source}}
  readiness       http://{ingest}/readyz  http://{worker}/readyz   metrics: /metrics",
        data.display()
    )?;
    if settings.work.api_token.is_some() {
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

async fn ask(settings: &SettingsArgs, command: &commands::Command) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = Arc::new(sqlite::open(&DataDir::find_database(&settings.data_dir)?));
    match command.replay() {
        Some(which) => replay(settings, &*store, which).await,
        None => {
            let sources = |problems: &mut _| settings.sources(problems);
            command.run(&store, &Desk { settings: &settings.work, sources: &sources }, &mut io::stdout()).await
        }
    }
}

/// The queue is the running instance's own, so it must be stopped for this.
async fn replay(settings: &SettingsArgs, store: &dyn Store, which: Which<'_>) -> anyhow::Result<()> {
    let (ready, _) = settings.read()?;
    let data = DataDir::lock(&settings.data_dir)?;
    let (queue, writer) = Spool::open(&data.queue(), ready.spool_max_bytes).await.context("opening the queue")?;
    let stop = CancellationToken::new();
    let writing = tokio::spawn(writer.run(stop.clone()));
    commands::replay_dead_letters(store, &queue, which, &mut io::stdout()).await?;
    stop.cancel();
    Ok(writing.await??)
}
