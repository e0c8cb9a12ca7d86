//! Asking back: claims the questions that are due, asks the providers' APIs, and sends the answers through the queue
//! like everything else that changes state.
//!
//! It runs on any number of workers: a question is claimed under a lease that ends by itself, and an answer that is
//! published twice is applied once by the join.

mod answer;
mod sweep;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use runtime::queue::Publish;
use runtime::retry::Retry;
use shared::lookup::LookupReason;
use shared::schedule::Schedule;
use store::StoreError;
use store::lookups::{Claimed, Mark};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::provider_api::ApiError;
use crate::{own_event, subscriptions};

/// How often to look for what became due without anybody here saying so.
const POLL: Duration = Duration::from_secs(1);
/// Longer than any answer takes, with the wait for the provider's rate limit.
const LEASE: Duration = Duration::from_secs(90);
/// After credentials were refused, somebody has to act first.
const AFTER_DENIAL: Duration = Duration::from_secs(300);
/// A provider that asks for patience ("still allocating") gets it on its terms so often: minutes, not hours.
const PATIENT_FAILURES: i32 = 60;
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Asks until told to stop; then what is under way is finished.
pub async fn run<P: Publish>(context: Arc<Context>, publisher: P, stop: CancellationToken) -> anyhow::Result<()> {
    let sources = context.apis.sources();
    if sources.is_empty() {
        tracing::info!("no source has the credentials of an API, so nothing is fetched");
        stop.cancelled().await;
        return Ok(());
    }
    let mut fetch = Fetch { context, publisher, sources, under_way: JoinSet::new(), swept_at: None };
    fetch.check_subscriptions();
    let mut retry = Retry::forever(RETRY_FIRST, RETRY_MAX);
    while !stop.is_cancelled() {
        let pause = match fetch.step().await {
            Ok(pause) => {
                retry.reset();
                pause
            }
            Err(error) => {
                let delay = retry.next_delay();
                tracing::warn!(error = &error as &dyn std::error::Error, ?delay, "fetching waits");
                delay
            }
        };
        fetch.wait(pause, &stop).await?;
    }
    while let Some(ended) = fetch.under_way.join_next().await {
        ended?;
    }
    Ok(())
}

struct Fetch<P> {
    context: Arc<Context>,
    publisher: P,
    /// Those that have an API.
    sources: Vec<String>,
    under_way: JoinSet<()>,
    swept_at: Option<Instant>,
}

impl<P: Publish> Fetch<P> {
    /// Warns, beside the questions, if a provider sends its webhooks elsewhere.
    fn check_subscriptions(&mut self) {
        let context = Arc::clone(&self.context);
        self.under_way.spawn(async move {
            if let Some(url) = &context.public_url {
                subscriptions::check(&context.apis, &context.sources, url).await;
            }
        });
    }

    /// Starts what is due, and answers how long to wait before the next look.
    async fn step(&mut self) -> Result<Duration, StoreError> {
        let interval = self.context.limits.sweep_interval;
        if self.swept_at.is_none_or(|at| at.elapsed() >= interval) {
            sweep::run(&self.context, &self.sources).await?;
            self.swept_at = Some(Instant::now());
        }
        let free = self.context.limits.fetch_concurrency.saturating_sub(self.under_way.len());
        if free == 0 {
            return Ok(POLL);
        }
        let mut db = self.context.store.connect().await?;
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let claimed = db.claim_lookups(&self.sources, limit, LEASE).await?;
        drop(db);
        let pause = if claimed.is_empty() { POLL } else { Duration::ZERO };
        for claimed in claimed {
            let (context, publisher) = (Arc::clone(&self.context), self.publisher.clone());
            self.under_way.spawn(async move { look_up(&context, &publisher, &claimed).await });
        }
        Ok(pause)
    }

    /// Waits for `pause`, for a new question, or for one that is answered, whichever comes first.
    async fn wait(&mut self, pause: Duration, stop: &CancellationToken) -> anyhow::Result<()> {
        let context = Arc::clone(&self.context);
        tokio::select! {
            Some(ended) = self.under_way.join_next() => ended?,
            () = context.lookups_added.notified() => {}
            () = stop.cancelled() => {}
            () = sleep(pause) => {}
        }
        Ok(())
    }
}

/// Asks one question, sends its answer on, and marks it. What can't be marked is asked again when its lease ends.
async fn look_up(context: &Context, publisher: &impl Publish, claimed: &Claimed) {
    let Some(api) = context.apis.find(&claimed.source) else { return };
    let asked_at = own_event::now();
    let mark = match api.ask(&claimed.lookup).await {
        Ok(found) => {
            let taken = answer::take_in(context, publisher, claimed, asked_at, found).await;
            taken.unwrap_or_else(|reason| {
                let reason = format!("the answer could not be taken in: {reason}");
                failure(context, claimed, &ApiError::Later { reason, retry_after: None })
            })
        }
        Err(error) => failure(context, claimed, &error),
    };
    let marked = async {
        let mut db = context.store.connect().await?;
        db.mark_lookup(claimed, &mark).await
    };
    if let Err(error) = marked.await {
        tracing::warn!(error = &error as &dyn std::error::Error, "an answered question can't be marked");
    }
}

/// The mark of a question that was not answered.
fn failure(context: &Context, claimed: &Claimed, error: &ApiError) -> Mark {
    let failures = claimed.failures.saturating_add(1);
    let now = Utc::now();
    let (result, next_attempt_at, reason) = match error {
        ApiError::Later { reason, retry_after } => {
            let patience = retry_after.filter(|_| failures < PATIENT_FAILURES);
            ("later", Some(now + pause(failures, patience)), reason)
        }
        ApiError::Denied { reason } => ("denied", Some(now + AFTER_DENIAL), reason),
        ApiError::Refused { reason } => ("refused", None, reason),
    };
    let (source, question) = (claimed.source.as_str(), claimed.question.as_str());
    match error {
        ApiError::Later { .. } => tracing::info!(source, question, failures, reason, "the API is asked again later"),
        ApiError::Denied { .. } => tracing::error!(source, reason, "the API does not let us in; check its credentials"),
        ApiError::Refused { .. } => tracing::warn!(source, question, reason, "the API can't be asked this"),
    }
    context.metrics.fetch(source, result);
    Mark {
        reason: reason_of(claimed).as_str(),
        status: "failed",
        next_attempt_at,
        asked: claimed.asked,
        failures,
        last_error: Some(reason.clone()),
        answer_hash: None,
    }
}

/// An API that is down costs nothing but time: the pauses grow to five minutes and go on for ever. One that says when
/// is taken at its word.
fn pause(failures: i32, asked: Option<Duration>) -> Duration {
    if let Some(asked) = asked {
        return asked.mul_f64(1.0 + 0.2 * rand::random::<f64>());
    }
    let seconds = [2, 5, 15, 30, 60, 120, 300];
    let schedule = Schedule::new(seconds.map(Duration::from_secs).to_vec());
    let attempts = u32::try_from(failures).unwrap_or(1).clamp(1, 7);
    schedule.delay_after(attempts, None, rand::random()).unwrap_or(AFTER_DENIAL)
}

fn reason_of(claimed: &Claimed) -> LookupReason {
    LookupReason::parse(&claimed.reason).unwrap_or(LookupReason::Poll)
}

fn in_future(now: DateTime<Utc>, after: chrono::TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(after).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
