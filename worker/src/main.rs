//! The program `worker`: its commands, and where their output goes.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use runtime::{http, shutdown, telemetry};
use tokio::net::TcpListener;
use uuid::Uuid;
use worker::commands::{self, Which};
use worker::preview::{self, PreviewArgs};
use worker::settings::SettingsArgs;
use worker::subscriptions::{self, AiraloCommand, EsimAccessCommand};
use worker::verify::{self, VerifyArgs};
use worker::{store, why};

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
        #[arg(long, default_value = "consume,relay,clock,fetch")]
        roles: String,
    },
    /// Bring the tables up to date, and end
    Migrate,
    /// End with 0 if the worker that listens on `WORKER_LISTEN` is ready
    Health,
    /// What could not become an event
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Tell what happened to something: each event, what it changed, each message and why it went or did not go
    Why {
        /// An ICCID, an order, an eSIM, a payment or a return
        reference: String,
    },
    /// Show which providers lose webhooks: the orders that were registered, and by whose word they became complete
    Gaps,
    /// Check that the tables are what the stored events say, and that no promise is missing; it changes nothing, and
    /// may run beside workers. Ends with 1 if something differs
    Verify(VerifyArgs),
    /// Show what customers get: a sample of a mail as a page on its own
    Preview(PreviewArgs),
    /// Endpoints that answered 410 Gone
    #[command(subcommand)]
    Endpoints(Endpoints),
    /// Where Airalo sends its webhooks
    #[command(subcommand)]
    Airalo(AiraloCommand),
    /// Where eSIM Access sends its webhooks
    #[command(subcommand)]
    EsimAccess(EsimAccessCommand),
}

#[derive(Debug, Subcommand)]
enum DeadLetters {
    /// List those that wait, newest first
    List {
        /// Only those with this reason
        #[arg(long)]
        reason: Option<String>,
        /// Those already replayed, too
        #[arg(long)]
        all: bool,
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
    /// Show one whole, with its body
    Show { id: Uuid },
    /// Send through the door again
    Replay(Replay),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Replay {
    id: Option<Uuid>,
    /// All that wait with this reason
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Endpoints {
    /// Take the channel's endpoints into use again, and make its failed deliveries due
    Enable {
        #[arg(default_value = "merchant_webhook")]
        channel: String,
    },
}

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
        None => run(&settings, "consume,relay,clock,fetch").await,
        Some(Command::Run { roles }) => run(&settings, &roles).await,
        Some(Command::Migrate) => {
            store::migrate(&store::open(&settings.database()?, 1)?).await.context("bringing the tables up to date")?;
            writeln!(out, "the tables are up to date")?;
            Ok(())
        }
        Some(Command::Health) => http::probe(settings.listen()?).await.map_err(anyhow::Error::msg),
        Some(Command::DeadLetters(DeadLetters::List { reason, all, limit })) => {
            let pool = store::open(&settings.database()?, 1)?;
            commands::list_dead_letters(&pool, reason.as_deref(), all, limit, out).await
        }
        Some(Command::DeadLetters(DeadLetters::Show { id })) => {
            commands::show_dead_letter(&store::open(&settings.database()?, 1)?, id, out).await
        }
        Some(Command::DeadLetters(DeadLetters::Replay(Replay { id, reason }))) => {
            let (database_url, broker) = settings.database_and_broker()?;
            let which = match (id, &reason) {
                (Some(id), _) => Which::One(id),
                (None, reason) => Which::Reason(reason.as_deref().unwrap_or_default()),
            };
            commands::replay_dead_letters(&store::open(&database_url, 1)?, broker, which, out).await
        }
        Some(Command::Why { reference }) => {
            let story = why::find(&store::open(&settings.database()?, 1)?, &reference).await?;
            Ok(why::print(&story, out)?)
        }
        Some(Command::Gaps) => commands::show_gaps(&store::open(&settings.database()?, 1)?, out).await,
        Some(Command::Verify(args)) => {
            let (database_url, routing) = settings.database_and_routing()?;
            let pool = store::open(&database_url, 1)?;
            verify::run(&pool, &routing.rules, &args, out, &mut std::io::stderr()).await
        }
        Some(Command::Preview(args)) => preview::run(&args, out),
        Some(Command::Endpoints(Endpoints::Enable { channel })) => {
            commands::enable_endpoints(&store::open(&settings.database()?, 1)?, &channel, out).await
        }
        Some(Command::Airalo(command)) => subscriptions::run_airalo(&command, &settings, out).await,
        Some(Command::EsimAccess(command)) => subscriptions::run_esim_access(&command, &settings, out).await,
    }
}

async fn run(settings: &SettingsArgs, roles: &str) -> anyhow::Result<()> {
    let (ready, address) = settings.read(roles)?;
    settings.start_logging()?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("listening on {address} (WORKER_LISTEN)"))?;
    tracing::info!(%address, roles, "worker starts");
    worker::run(ready, listener, shutdown::on_signal()?).await
}
