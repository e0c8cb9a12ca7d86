//! Moving up: everything from SQLite into PostgreSQL, in one transaction, and nothing of it is kept unless what can be
//! read there is what was read here.

mod checksum;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use futures_util::TryStreamExt as _;
use runtime::shutdown::Tasks;
use runtime::spool::Spool;
use secrecy::{ExposeSecret as _, SecretString};
use store::catalogue::{TABLES, Table};
use store::postgres;
use store::sqlite::{self, SqliteStore};
use store::{Store, Tables};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use worker::settings::{HttpSettings, Roles, WorkSettings};

use crate::data_dir::DataDir;
use crate::settings::StandaloneSettings;
use checksum::Checksum;

/// Rows written in one statement.
const CHUNK: usize = 500;
/// How often to look whether all that waited is applied.
const LOOK: Duration = Duration::from_millis(50);
/// How long that may take without any progress.
const STUCK: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to: postgres://user:password@host:port/database, whose tables must be empty or not there yet
    #[arg(long, env, hide_env_values = true)]
    database_url: String,
}

/// Moves everything, and says what. What waits in the queue is applied first.
pub async fn run(
    data: &DataDir,
    settings: StandaloneSettings,
    args: &ExportArgs,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let url = SecretString::from(args.database_url.clone());
    let place = place(&url)?;
    let target = postgres::open(&url, 2).context("reading DATABASE_URL")?;
    target.ping().await.with_context(|| format!("reaching {place}"))?;
    target.migrate().await.context("making the tables")?;
    let store = apply_what_waits(data, settings).await.context("applying what waits in the queue")?;
    writeln!(out, "moving {} to {place}", data.path().display())?;
    let moved = copy(&store, &target, out).await?;
    data.note_moved(&place).context("noting that the data has moved")?;
    writeln!(
        out,
        "{moved} rows moved, and read back equal. This data is not run on again; start ingest and worker with the same \
         SOURCES_FILE, with DATABASE_URL and AMQP_URL, and let the providers' webhooks go there"
    )?;
    Ok(())
}

/// `host:port/database`: what may be told of a URL.
fn place(url: &SecretString) -> anyhow::Result<String> {
    let text = url.expose_secret();
    let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    let Some(rest) = rest else { bail!("DATABASE_URL: it must start with postgres://") };
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    Ok(place.split('?').next().unwrap_or_default().to_owned())
}

/// Runs the worker's part that consumes until the queue is empty.
async fn apply_what_waits(data: &DataDir, settings: StandaloneSettings) -> anyhow::Result<SqliteStore> {
    let store = sqlite::open(&data.database());
    store.migrate().await.context("bringing the tables up to date")?;
    let (queue, writer) = Spool::open(&data.queue(), settings.spool.max_bytes).await.context("opening the queue")?;
    let (stop, unused) = (CancellationToken::new(), CancellationToken::new());
    let roles = Roles { consume: true, relay: false, clock: false, fetch: false };
    let http = HttpSettings { api_token: None, ..settings.work.http };
    let work = WorkSettings { roles, http, ..settings.work };
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
    let mut tasks = Tasks::new(stop.clone());
    let deadline = work.shutdown_deadline;
    let nobody: Option<Spool> = None;
    let applying =
        worker::run_on(work, Arc::new(sqlite::open(&data.database())), queue.clone(), nobody, listener, stop.clone());
    tasks.spawn("worker", applying);
    tasks.spawn("wait", async move {
        let emptied = wait_until_empty(&queue).await;
        stop.cancel();
        emptied
    });
    let writing = tokio::spawn(writer.run(unused.clone()));
    let applied = tasks.finish(deadline).await;
    unused.cancel();
    writing.await.context("closing the queue")?.context("closing the queue")?;
    applied?;
    Ok(store)
}

async fn wait_until_empty(queue: &Spool) -> anyhow::Result<()> {
    let (mut left, mut since) = (u64::MAX, tokio::time::Instant::now());
    while queue.stats().events() > 0 {
        let now = queue.stats().events();
        if now < left {
            (left, since) = (now, tokio::time::Instant::now());
        }
        ensure!(since.elapsed() < STUCK, "{left} webhooks still wait after {STUCK:?}; the log says why");
        sleep(LOOK).await;
    }
    Ok(())
}

/// Answers how many rows.
async fn copy(store: &dyn Store, target: &dyn Store, out: &mut impl Write) -> anyhow::Result<u64> {
    let mut from = store.snapshot().await.context("reading the data")?;
    let mut to = target.begin().await.context("opening PostgreSQL for writing")?;
    for table in TABLES.iter() {
        ensure!(
            to.is_empty(table).await?,
            "the table {} of the other database is not empty; nothing was moved",
            table.name
        );
    }
    let mut moved = 0;
    for table in TABLES.iter() {
        let (mut read, mut chunk) = (Checksum::default(), Vec::with_capacity(CHUNK));
        let mut rows = from.read_table(table);
        while let Some(row) = rows.try_next().await.with_context(|| format!("reading {}", table.name))? {
            read.add(&row);
            chunk.push(row);
            if chunk.len() == CHUNK {
                to.write_rows(table, &chunk).await.with_context(|| format!("writing {}", table.name))?;
                chunk.clear();
            }
        }
        drop(rows);
        to.write_rows(table, &chunk).await.with_context(|| format!("writing {}", table.name))?;
        let written = checksum(&mut *to, table).await?;
        writeln!(out, "  {:<20} {:>9} rows  {read}", table.name, read.rows())?;
        ensure!(
            read == written,
            "{}: {} rows were read here and {} there, or they are not the same ({written}); nothing was moved",
            table.name,
            read.rows(),
            written.rows()
        );
        moved += read.rows();
    }
    to.commit().await.context("committing")?;
    Ok(moved)
}

async fn checksum(db: &mut dyn Tables, table: &'static Table) -> anyhow::Result<Checksum> {
    let mut written = Checksum::default();
    let mut rows = db.read_table(table);
    while let Some(row) = rows.try_next().await.with_context(|| format!("reading {} again", table.name))? {
        written.add(&row);
    }
    Ok(written)
}
