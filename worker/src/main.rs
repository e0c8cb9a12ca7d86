//! The program `worker`: its commands, and where their output goes.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use runtime::broker::{Broker, Publisher};
use runtime::{http, shutdown, telemetry};
use store::{Store, postgres};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::commands::{self, Desk, Which};
use worker::preview::{self, PreviewArgs};
use worker::settings::SettingsArgs;

/// Applies webhooks from the queue to the database, and delivers what they promise.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work until SIGTERM (the default)
    Run {
        /// What to do: consume (queue to database), relay (deliver promises), clock (notice deadlines),
        /// fetch (ask the providers' APIs); apart or together
        #[arg(long, default_value = ALL_ROLES)]
        roles: String,
    },
    /// Bring the tables up to date, and end
    Migrate,
    /// End with 0 if the worker that listens on `WORKER_LISTEN` is ready
    Health,
    /// Show what customers get: a sample of a mail as a page on its own
    Preview(PreviewArgs),
    #[command(flatten)]
    Ask(commands::Command),
}

const ALL_ROLES: &str = "consume,relay,clock,fetch";

#[tokio::main]
async fn main() -> ExitCode {
    match start(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = telemetry::chain(error.as_ref());
            // Where stderr is gone too, the exit code still tells.
            writeln!(std::io::stderr(), "worker: {text}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn start(cli: Cli) -> anyhow::Result<()> {
    let settings = cli.settings;
    let out = &mut std::io::stdout();
    match cli.command {
        None => run(&settings, ALL_ROLES).await,
        Some(Command::Run { roles }) => run(&settings, &roles).await,
        Some(Command::Migrate) => {
            let store = postgres::open(&settings.database()?, 1)?;
            store.migrate().await.context("bringing the tables up to date")?;
            writeln!(out, "the tables are up to date")?;
            Ok(())
        }
        Some(Command::Health) => http::probe(settings.listen()?).await.map_err(anyhow::Error::msg),
        Some(Command::Preview(args)) => preview::run(&args, out),
        Some(Command::Ask(command)) => ask(&settings, &command).await,
    }
}

async fn ask(settings: &SettingsArgs, command: &commands::Command) -> anyhow::Result<()> {
    let out = &mut std::io::stdout();
    let store: Arc<dyn Store> = Arc::new(postgres::open(&settings.database()?, 2)?);
    match command.replay() {
        Some(which) => replay(settings, &*store, which).await,
        None => {
            let sources = |problems: &mut _| settings.sources(problems);
            command.run(&store, &Desk { settings: &settings.work, sources: &sources }, out).await
        }
    }
}

async fn replay(settings: &SettingsArgs, store: &dyn Store, which: Which<'_>) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let (publisher, publishing) = Publisher::start(Broker::new(settings.broker()?), stop.clone());
    commands::replay_dead_letters(store, &publisher, which, &mut std::io::stdout()).await?;
    stop.cancel();
    Ok(publishing.await.context("closing the connection to the broker")??)
}

async fn run(settings: &SettingsArgs, roles: &str) -> anyhow::Result<()> {
    let (ready, address, logging) = settings.read(roles)?;
    logging.start();
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("listening on {address} (WORKER_LISTEN)"))?;
    tracing::info!(%address, roles, "worker starts");
    worker::run(ready, listener, shutdown::on_signal()?).await
}
