//! `simulator run` plays the five providers against a running system and compares; `simulator verify` compares again;
//! `simulator show` tells one life.

use std::convert::Infallible;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::Utc;
use clap::{Args, Parser, Subcommand};
use simulator::credentials::Credentials;
use simulator::event::Body;
use simulator::journal::{Journal, Writer};
use simulator::knobs::CastArgs;
use simulator::progress::Progress;
use simulator::report;
use simulator::sender::{Pace, Target, send};
use simulator::tables::Database;
use simulator::verify::{Patience, Verdict, verify};
use tokio::time::{MissedTickBehavior, interval};

/// Plays the five providers: lives from a seed, sent over real HTTP as each provider would, and compared with the tables.
///
/// Ends with 0 if everything became what it must, with 1 if not, and with 2 if that could not be found out.
#[derive(Debug, Parser)]
#[command(name = "simulator", version, max_term_width = 100, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play lives against a running system, and compare what became of them
    #[command(args_override_self = true)]
    Run(Box<Run>),
    /// Compare again what a former run has left
    #[command(args_override_self = true)]
    Verify(Box<Verify>),
    /// Tell the lives: each message, when, and in which bytes
    #[command(args_override_self = true)]
    Show(Box<Show>),
}

#[derive(Debug, Args)]
struct Run {
    /// Where ingest listens
    #[arg(long, env = "INGEST_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    ingest_url: String,
    /// Only send, and compare nothing
    #[arg(long)]
    only_send: bool,
    #[command(flatten)]
    cast: CastArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    tables: Tables,
    #[command(flatten)]
    credentials: Credentials,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Pace")]
struct PaceArgs {
    /// New messages a second
    #[arg(long, value_name = "N", default_value = "200")]
    rate: f64,
    /// Attempts at a time
    #[arg(long, value_name = "N", default_value = "32")]
    concurrency: usize,
    /// How many times faster than in reality the providers try again, and outages end; 1: as they do
    #[arg(long, value_name = "FACTOR", default_value = "900")]
    time_scale: f64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Tables")]
struct Tables {
    /// The worker's database: postgres://…, or a SQLite file
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "postgres://esim_events:demo-postgres-password@127.0.0.1:5432/esim_events"
    )]
    database: String,
    /// Where it is written what was sent, for `verify`
    #[arg(long, value_name = "FILE", default_value = "simulation.jsonl")]
    journal: PathBuf,
    /// Others write to these tables, too: leave alone what is not of the simulation
    #[arg(long)]
    shared: bool,
    /// The worker's CLOCK_INTERVAL, in seconds: its clock gets the time to look
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    clock_interval: f64,
    /// How long the tables must have been quiet, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    quiet: f64,
    /// How long to wait at most for what is missing, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "180")]
    patience: f64,
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    tables: Tables,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    cast: CastArgs,
}

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    let ended = runtime().and_then(|runtime| match command {
        Command::Run(run) => runtime.block_on(play(&run)),
        Command::Verify(verify) => runtime.block_on(compare_again(&verify)),
        Command::Show(show) => tell(&show).map(|()| true),
    });
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            note(&format!("simulator: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("can't start the runtime")
}

/// Whether all is as it must be.
async fn play(run: &Run) -> anyhow::Result<bool> {
    let (cast, pace) = (run.cast.cast(), run.pace.read()?);
    let target = Target::new(&run.ingest_url, |source| run.credentials.of(source));
    let database = if run.only_send { None } else { Some(Database::open(&run.tables.database).await?) };
    let since = match &database {
        Some(database) => database.last_receipt().await?,
        None => None,
    };
    target.check().await?;
    note(&format!("seed {} · {} lives · {}", cast.seed, cast.esims, run.ingest_url));
    let writer = Writer::begin(&run.tables.journal, &cast, Utc::now(), since)?;
    let progress = Progress::default();
    let journal = tokio::select! {
        journal = send(&cast, &target, pace, writer, &progress) => journal?,
        never = tell_progress(&progress) => match never {},
    };
    note(&progress.to_string());
    print(&report::sent(&journal, &journal.cast.lives()))?;
    match database {
        Some(database) => compare(&journal, &database, &run.tables).await,
        None => Ok(true),
    }
}

async fn compare_again(settings: &Verify) -> anyhow::Result<bool> {
    let journal = Journal::read(&settings.tables.journal)?;
    let database = Database::open(&settings.tables.database).await?;
    compare(&journal, &database, &settings.tables).await
}

async fn compare(journal: &Journal, database: &Database, tables: &Tables) -> anyhow::Result<bool> {
    let found: Verdict = verify(journal, database, tables.patience()?, tables.shared, note).await?;
    print(&format!("{}\n", report::verdict(journal, &found)))?;
    let is_something = found.events + found.dead_letters + found.differences.len() > 0;
    ensure!(
        is_something,
        "nothing was delivered, so nothing could be compared; more --esims or less --chaos would help"
    );
    Ok(found.differences.is_empty())
}

impl PaceArgs {
    fn read(&self) -> anyhow::Result<Pace> {
        ensure!(self.rate > 0.0, "--rate must be more than 0, and is {}", self.rate);
        ensure!(self.concurrency > 0, "--concurrency must be more than 0");
        ensure!(self.time_scale > 0.0, "--time-scale must be more than 0, and is {}", self.time_scale);
        Ok(Pace { rate: self.rate, concurrency: self.concurrency, time_scale: self.time_scale })
    }
}

impl Tables {
    fn patience(&self) -> anyhow::Result<Patience> {
        let seconds = |name: &str, seconds: f64| {
            Duration::try_from_secs_f64(seconds).with_context(|| format!("{name} must be a number of seconds"))
        };
        Ok(Patience {
            quiet: seconds("--quiet", self.quiet)?,
            clock_interval: seconds("--clock-interval", self.clock_interval)?,
            at_most: seconds("--patience", self.patience)?,
        })
    }
}

fn tell(show: &Show) -> anyhow::Result<()> {
    let cast = show.cast.cast();
    for life in cast.lives() {
        let name = life.source.name();
        print(&format!("life {} · {name} · clock ahead by {} s\n", life.number, life.skew.num_seconds()))?;
        for (number, event) in life.events.iter().enumerate() {
            let body = match &event.body {
                Body::Dated { body, .. } => body.to_string(),
                Body::Fixed(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            };
            print(&format!("{number:3}  {}  {:?}\n     {body}\n", event.at.format("%Y-%m-%d %H:%M:%S"), event.nature))?;
        }
    }
    Ok(())
}

/// Tells every second how it is going, for ever.
async fn tell_progress(progress: &Progress) -> Infallible {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let in_place = std::io::stderr().is_terminal();
    loop {
        ticks.tick().await;
        // On a terminal the line is written over.
        let line = if in_place { format!("{progress}\x1b[K\r") } else { format!("{progress}\n") };
        std::io::stderr().write_all(line.as_bytes()).ok();
    }
}

fn note(text: &str) {
    // Where nobody listens there is nobody to tell it to.
    writeln!(std::io::stderr(), "{text}").ok();
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("can't print")
}
