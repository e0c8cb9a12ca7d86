//! What an operator asks for by hand: dead letters looked at and replayed, endpoints taken into use again.

mod arguments;

use std::io::Write;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use runtime::queue::Publish;
use store::Store;
use tokio::time::{Duration, Instant, sleep};
use uuid::Uuid;

use crate::dead_letter;
pub use arguments::{Command, CommandContext};

/// How long a replay waits for the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(10);
const QUEUE_LOOK: Duration = Duration::from_millis(50);

/// Lists dead letters, newest first, a line each.
pub async fn list_dead_letters(
    store: &dyn Store,
    reason: Option<&str>,
    with_replayed: bool,
    limit: i64,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let letters = store.connect().await?.list_dead_letters(reason, with_replayed, limit).await?;
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
pub async fn show_dead_letter(store: &dyn Store, id: Uuid, out: &mut impl Write) -> anyhow::Result<()> {
    let letter = store.connect().await?.find_dead_letter(id).await?;
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

/// Sends dead letters through the door again: one, or all of a reason that wait. Each is marked once the queue has
/// it; a letter that dies again waits again.
pub async fn replay_dead_letters(
    store: &dyn Store,
    queue: &impl Publish,
    which: Which<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let ids = match which {
        Which::One(id) => vec![id],
        Which::Reason(reason) => {
            let letters = store.connect().await?.list_dead_letters(Some(reason), false, i64::MAX).await?;
            letters.into_iter().map(|letter| letter.id).collect()
        }
    };
    let mut replayed = 0_u64;
    for id in &ids {
        let letter = store.connect().await?.find_dead_letter(*id).await?;
        let envelope = dead_letter::replay(letter.with_context(|| format!("there is no dead letter {id}"))?)?;
        wait_for_queue(queue).await?;
        // Marked first, in a transaction that ends with the confirm: where the letter dies again at once, the worker
        // waits for the mark, and takes it away.
        let mut tx = store.begin().await?;
        tx.mark_replayed(*id).await?;
        queue.publish(&envelope).await.with_context(|| format!("publishing {id}; it still waits"))?;
        tx.commit().await?;
        replayed += 1;
    }
    writeln!(out, "{replayed} dead letters replayed; what dies again is listed again")?;
    Ok(())
}

/// Which dead letters to replay.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    One(Uuid),
    Reason(&'a str),
}

async fn wait_for_queue(queue: &impl Publish) -> anyhow::Result<()> {
    let until = Instant::now() + QUEUE_WAIT;
    while !queue.is_ready() {
        if Instant::now() > until {
            bail!("the queue takes nothing within {QUEUE_WAIT:?}; is AMQP_URL right?");
        }
        sleep(QUEUE_LOOK).await;
    }
    Ok(())
}

/// Takes the channel's disabled endpoints into use again, and makes its failed deliveries due.
pub async fn enable_endpoints(store: &dyn Store, channel: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let enabled = tx.enable_endpoints(channel).await?;
    let retried = tx.retry_failed_deliveries(channel).await?;
    tx.commit().await?;
    writeln!(out, "{enabled} endpoints enabled, {retried} failed deliveries due again")?;
    Ok(())
}

/// Shows for each source how the registered orders became complete, a line each.
pub async fn show_gaps(store: &dyn Store, out: &mut impl Write) -> anyhow::Result<()> {
    let gaps = store.connect().await?.count_gaps().await?;
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
