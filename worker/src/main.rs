//! The program `worker`: its commands, and where their output goes.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use runtime::broker::{Broker, BrokerSettings, Publisher};
use runtime::settings::{Flags, Given, SettingsGroup as _, check};
use runtime::telemetry::Logging;
use runtime::{http, program, shutdown};
use store::{Store, postgres};
use tokio_util::sync::CancellationToken;
use worker::commands::{self, CommandContext, Which};
use worker::preview::{self, PreviewArgs};
use worker::settings::{DatabaseSettings, HttpSettings, Roles, WorkerSettings, require_sources};

/// Applies webhooks from the queue to the database, and delivers the actions that follow from them. Every setting is an
/// environment variable, or the flag of the same name
#[derive(Debug, Parser)]
#[command(name = "worker", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Flags<(WorkerSettings, Logging)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work until SIGTERM (the default)
    Run {
        /// What to do, apart or together: consume (queue to database), relay (deliver actions), clock (notice deadlines),
        /// fetch (ask the providers' APIs)
        #[arg(long, default_value = "consume,relay,clock,fetch")]
        roles: Roles,
    },
    /// Bring the tables up to date, and exit
    Migrate,
    /// Exit with 0 if the worker that listens on WORKER_LISTEN is ready
    Health,
    /// Show a sample of a mail to customers as a page on its own
    Preview(PreviewArgs),
    #[command(flatten)]
    Ask(commands::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    program::exit("worker", start(Cli::parse()).await)
}

async fn start(cli: Cli) -> anyhow::Result<()> {
    let given = cli.settings.given();
    let out = &mut std::io::stdout();
    match cli.command {
        None => run(given, Roles::ALL).await,
        Some(Command::Run { roles }) => run(given, roles).await,
        Some(Command::Migrate) => {
            let store = postgres::open(&database(given)?.url, 1)?;
            store.migrate().await.context("bringing the tables up to date")?;
            writeln!(out, "the tables are up to date")?;
            Ok(())
        }
        Some(Command::Health) => {
            let listen = check(|problems| HttpSettings::listen(given, problems))?;
            http::probe(listen).await.map_err(anyhow::Error::msg)
        }
        Some(Command::Preview(args)) => preview::run(&args, out),
        Some(Command::Ask(command)) => ask(given, &command).await,
    }
}

fn database(given: &Given) -> anyhow::Result<DatabaseSettings> {
    Ok(DatabaseSettings::load(given)?)
}

async fn ask(given: &Given, command: &commands::Command) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = Arc::new(postgres::open(&database(given)?.url, 2)?);
    match command.replay() {
        Some(which) => replay(given, &*store, which).await,
        None => {
            let sources = |problems: &mut _| require_sources(given, problems);
            command.run(&store, &CommandContext { given, sources: &sources }, &mut std::io::stdout()).await
        }
    }
}

async fn replay(given: &Given, store: &dyn Store, which: Which<'_>) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let broker = Broker::new(BrokerSettings::load(given)?, "worker");
    let (publisher, publishing) = Publisher::start(broker, stop.clone());
    commands::replay_dead_letters(store, &publisher, which, &mut std::io::stdout()).await?;
    stop.cancel();
    Ok(publishing.await.context("closing the connection to the broker")??)
}

async fn run(given: &Given, roles: Roles) -> anyhow::Result<()> {
    let (mut settings, logging) = <(WorkerSettings, Logging)>::load(given)?;
    settings.work.roles = roles;
    logging.start();
    let address = settings.work.http.listen;
    let listener = program::listen(address, "WORKER_LISTEN").await?;
    tracing::info!(%address, %roles, "worker starts");
    worker::run(settings, listener, shutdown::on_signal()?).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_manual_names_every_variable() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for setting in <(WorkerSettings, Logging)>::list() {
            assert!(help.contains(&format!("[env: {}]", setting.name)), "{}", setting.name);
        }
    }
}
