//! The way out of the spool: publishes its oldest webhooks with confirms whenever the broker takes them, and deletes what
//! was confirmed.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use runtime::queue::Publish;
use runtime::retry::Retry;
use runtime::spool::{NotSpooled, Spool, Spooled};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Webhooks read, published and deleted together.
const BATCH: u32 = 256;
/// Unconfirmed at a time: enough to be fast, and a fraction of what live traffic may have in flight.
const IN_FLIGHT: usize = 32;
/// How often an empty spool, or an absent broker, is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
const RETRY_INITIAL: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Drains until `stop`. What is left is drained after the next start.
pub(crate) async fn run(spool: Spool, publisher: impl Publish, metrics: Metrics, stop: CancellationToken) {
    let mut retry = Retry::forever(RETRY_INITIAL, RETRY_MAX);
    let mut after = 0;
    loop {
        let pause = if spool.stats().events() == 0 || !publisher.is_ready() {
            LOOK_INTERVAL
        } else {
            match drain_batch(&spool, &publisher, &metrics, after).await {
                Ok(Batch::Published { through }) => {
                    retry.reset();
                    after = through;
                    Duration::ZERO
                }
                Ok(Batch::Refused) => retry.next_delay(),
                // Begin again at the oldest.
                Ok(Batch::Empty) => {
                    after = 0;
                    LOOK_INTERVAL
                }
                Err(error) => {
                    tracing::error!(error = %error, "can't drain the spool; trying again");
                    retry.next_delay()
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

enum Batch {
    Empty,
    /// All up to here that could be read.
    Published {
        through: i64,
    },
    /// The broker did not take all of it.
    Refused,
}

async fn drain_batch(
    spool: &Spool,
    publisher: &impl Publish,
    metrics: &Metrics,
    after: i64,
) -> Result<Batch, NotSpooled> {
    let batch = spool.oldest(after, BATCH).await?;
    let Some(through) = batch.iter().map(|spooled| spooled.number).max() else { return Ok(Batch::Empty) };
    let (published, refused) = publish(publisher, batch).await;
    if !published.is_empty() {
        let count = published.len();
        spool.delete(published).await?;
        metrics.drained.inc_by(u64::try_from(count).unwrap_or_default());
        let left = spool.stats().events();
        tracing::debug!(events = count, left, "webhooks went from the spool to the broker");
        if left == 0 {
            tracing::info!("the spool is empty again: the broker has all of it");
        }
    }
    Ok(if refused { Batch::Refused } else { Batch::Published { through } })
}

/// Those that the broker has, and whether it refused any.
async fn publish(publisher: &impl Publish, batch: Vec<Spooled>) -> (Vec<i64>, bool) {
    let attempts = batch.into_iter().map(|spooled| async move {
        let envelope = match spooled.envelope {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(spool.number = spooled.number, error, "an entry of the spool can't be read; it stays");
                return (spooled.number, None);
            }
        };
        let published = publisher.publish(&envelope).await;
        if let Err(refusal) = &published {
            tracing::debug!(event.id = %envelope.id, source = envelope.source, reason = %refusal, "still in the spool");
        }
        (spooled.number, Some(published.is_ok()))
    });
    let results: Vec<_> = stream::iter(attempts).buffer_unordered(IN_FLIGHT).collect().await;
    let published = results.iter().filter(|(_, result)| *result == Some(true)).map(|(number, _)| *number).collect();
    (published, results.iter().any(|(_, result)| *result == Some(false)))
}
