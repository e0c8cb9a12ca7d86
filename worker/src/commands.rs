//! What an operator asks for by hand: dead letters looked at and replayed, endpoints taken into use again.

use std::io::Write;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use runtime::broker::{Broker, BrokerSettings, Publisher};
use sqlx::{Connection as _, PgPool};
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::dead_letter;
use crate::store::{dead_letters, outbox, registrations};

/// How long a replay waits for the broker.
const BROKER_WAIT: Duration = Duration::from_secs(10);
const BROKER_LOOK: Duration = Duration::from_millis(50);

/// Lists dead letters, newest first, a line each.
pub async fn list_dead_letters(
    pool: &PgPool,
    reason: Option<&str>,
    with_replayed: bool,
    limit: i64,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let letters = dead_letters::list(&mut *pool.acquire().await?, reason, with_replayed, limit).await?;
    for letter in &letters {
        let replayed = if letter.replayed_at.is_some() { " (replayed)" } else { "" };
        writeln!(
            out,
            "{}  {}  {:<12}  {:<14}  {}{replayed}",
            letter.id,
            letter.received_at.map_or_else(|| "-".to_owned(), seconds),
            letter.source.as_deref().unwrap_or("-"),
            letter.reason,
            letter.detail,
        )?;
    }
    let more = if letters.len() == usize::try_from(limit)? { "; there may be more: --limit" } else { "" };
    writeln!(out, "{} dead letters{more}", letters.len())?;
    Ok(())
}

fn seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Shows one dead letter whole: its body as text where it is text, else as hex.
pub async fn show_dead_letter(pool: &PgPool, id: Uuid, out: &mut impl Write) -> anyhow::Result<()> {
    let letter = dead_letters::find(&mut *pool.acquire().await?, id).await?;
    let Some(letter) = letter else { bail!("there is no dead letter {id}; `worker dead-letters list` lists them") };
    writeln!(out, "id        {}", letter.id)?;
    writeln!(out, "source    {}", letter.source.as_deref().unwrap_or("-"))?;
    writeln!(out, "received  {}", letter.received_at.map_or_else(|| "-".to_owned(), seconds))?;
    writeln!(out, "reason    {}", letter.reason)?;
    writeln!(out, "detail    {}", letter.detail)?;
    writeln!(out, "envelope  {:#}", letter.headers)?;
    match std::str::from_utf8(&letter.body) {
        Ok(text) => writeln!(out, "body      {} bytes\n{text}", letter.body.len())?,
        Err(_) => {
            writeln!(out, "body      {} bytes, not text", letter.body.len())?;
            for line in letter.body.chunks(32) {
                let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(out, "{}", hex.join(" "))?;
            }
        }
    }
    Ok(())
}

/// Sends dead letters through the door again: one, or all of a reason that wait. Each is marked once the broker has
/// confirmed it; a letter that dies again waits again.
pub async fn replay_dead_letters(
    pool: &PgPool,
    broker: BrokerSettings,
    which: Which<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut db = pool.acquire().await?;
    let ids = match which {
        Which::One(id) => vec![id],
        Which::Reason(reason) => {
            let letters = dead_letters::list(&mut db, Some(reason), false, i64::MAX).await?;
            letters.into_iter().map(|letter| letter.id).collect()
        }
    };
    let stop = CancellationToken::new();
    let (publisher, publishing) = Publisher::start(Broker::new(broker), stop.clone());
    let mut replayed = 0_u64;
    for id in &ids {
        let letter =
            dead_letters::find(&mut db, *id).await?.with_context(|| format!("there is no dead letter {id}"))?;
        let envelope = dead_letter::replay(letter)?;
        wait_for_broker(&publisher).await?;
        // Marked first, in a transaction that ends with the confirm: where the letter dies again at once, the worker
        // waits for the mark, and takes it away.
        let mut tx = db.begin().await?;
        dead_letters::mark_replayed(&mut tx, *id).await?;
        publisher.publish(&envelope).await.with_context(|| format!("publishing {id}; it still waits"))?;
        tx.commit().await?;
        replayed += 1;
    }
    stop.cancel();
    publishing.await.context("closing the connection to the broker")??;
    writeln!(out, "{replayed} dead letters replayed; what dies again is listed again")?;
    Ok(())
}

/// Which dead letters to replay.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    One(Uuid),
    Reason(&'a str),
}

async fn wait_for_broker(publisher: &Publisher) -> anyhow::Result<()> {
    let until = Instant::now() + BROKER_WAIT;
    while !publisher.is_ready() {
        if Instant::now() > until {
            bail!("the broker can't be reached within {BROKER_WAIT:?}; is AMQP_URL right?");
        }
        sleep(BROKER_LOOK).await;
    }
    Ok(())
}

/// Takes the channel's disabled endpoints into use again, and makes its failed deliveries due.
pub async fn enable_endpoints(pool: &PgPool, channel: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    let enabled = outbox::enable_endpoints(&mut tx, channel).await?;
    let retried = outbox::retry_failed(&mut tx, channel).await?;
    tx.commit().await?;
    writeln!(out, "{enabled} endpoints enabled, {retried} failed deliveries due again")?;
    Ok(())
}

/// Shows for each source how the registered orders became complete, a line each.
pub async fn show_gaps(pool: &PgPool, out: &mut impl Write) -> anyhow::Result<()> {
    let gaps = registrations::gaps(&mut *pool.acquire().await?).await?;
    writeln!(
        out,
        "{:<24}  {:>10}  {:>10}  {:>10}  {:>10}  last repaired",
        "source", "registered", "webhook", "repaired", "open"
    )?;
    for gap in gaps {
        writeln!(
            out,
            "{:<24}  {:>10}  {:>10}  {:>10}  {:>10}  {}",
            gap.source,
            gap.registered,
            gap.completed - gap.repaired,
            gap.repaired,
            gap.registered - gap.completed,
            gap.last_repaired_at.map_or_else(|| "-".to_owned(), seconds),
        )?;
    }
    Ok(())
}
