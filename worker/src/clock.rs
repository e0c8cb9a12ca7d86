//! The clock: looks which deadlines have passed, and says so as events, through the queue like everybody else.
//!
//! Any number of workers may run it: a deadline's event is the same everywhere, so the inbox takes it once.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use runtime::queue::Publish;
use shared::clock::{Deadline, due};
use shared::envelope::{Envelope, Origin};
use store::StoreError;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::own_event;

/// How many rows are looked at in one statement.
const PAGE: i64 = 500;

/// Ticks until told to stop. What can't be said now is said at a later tick.
pub async fn run(
    context: Arc<Context>,
    publisher: impl Publish,
    every: Duration,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        match tick(&context, &publisher).await {
            Ok(0) => {}
            Ok(noticed) => tracing::info!(deadlines = noticed, "deadlines have passed"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the clock can't look"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(every) => {}
        }
    }
    Ok(())
}

async fn tick(context: &Context, publisher: &impl Publish) -> Result<usize, StoreError> {
    let now = own_event::now();
    let mut noticed = 0;
    let longest = context.routing.rules.expiry_notice_days.iter().max().copied().unwrap_or_default();
    let until = now + TimeDelta::days(i64::from(longest)) + TimeDelta::seconds(1);
    let mut after = (String::new(), String::new());
    loop {
        let mut db = context.store.connect().await?;
        let page = db.find_ending(until, (&after.0, &after.1), PAGE).await?;
        drop(db);
        let Some(last) = page.last() else { break };
        after = (last.source.clone(), last.esim_ref.clone());
        for ending in page {
            for deadline in due(&ending.esim_ref, &ending.esim, &context.routing.rules, now) {
                let envelope = own_event::envelope(
                    ending.source.clone(),
                    (ending.provider, ending.mode),
                    Origin::Clock,
                    now,
                    deadline.body(),
                );
                noticed += usize::from(say(publisher, &envelope).await);
            }
        }
    }
    noticed += notice_silence(context, publisher, now).await?;
    // An eSIM may have found its order since its mail began to wait.
    let mut db = context.store.connect().await?;
    let mut released = db.release_waiting().await?;
    // Or the confirmation came while the message was being put aside.
    released += db.release_confirmed(&context.waiting).await?;
    if released > 0 {
        context.actions_added.notify_waiters();
    }
    Ok(noticed)
}

async fn notice_silence(context: &Context, publisher: &impl Publish, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let patience = TimeDelta::from_std(context.routing.silent_after).unwrap_or(TimeDelta::MAX);
    let Some(before) = now.checked_sub_signed(patience) else { return Ok(0) };
    let mut db = context.store.connect().await?;
    let silent = db.find_silent(before, PAGE).await?;
    drop(db);
    let mut noticed = 0;
    for order in silent {
        let known = context.sources.find(&order.source);
        let Some(provider) = known.map(|source| source.provider).or(order.provider) else { continue };
        let mode = known.map(|source| source.mode).unwrap_or_default();
        let deadline = Deadline::Silent { order_ref: order.order_ref, since: order.since.trunc_subsecs(6) };
        noticed += usize::from(
            say(publisher, &own_event::envelope(order.source, (provider, mode), Origin::Clock, now, deadline.body()))
                .await,
        );
    }
    Ok(noticed)
}

async fn say(publisher: &impl Publish, envelope: &Envelope) -> bool {
    match publisher.publish(envelope).await {
        Ok(()) => true,
        Err(reason) => {
            tracing::debug!(%reason, "a deadline waits for the broker");
            false
        }
    }
}
