//! The promises kept: claim what is due, check that it still holds, send it, mark it.
//!
//! It runs apart from consumption, on any number of workers: a delivery is claimed under a lease that ends by itself,
//! so what a crash left behind is taken over, and its receiver recognises a repetition by its id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use runtime::retry::Retry;
use shared::action::{ActionKind, awaits_confirmation};
use shared::contact::Contact;
use shared::fact::State;
use shared::fold::EntityId;
use shared::premise::premise_holds;
use shared::schedule::Schedule;
use store::StoreError;
use store::outbox::{Claimed, Mark};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::channel::{Channel, Outcome, email, log};
use crate::context::Context;
use crate::routing::Routing;

/// How often to look for what became due without anybody saying so (another worker's promise, a retry).
const POLL: Duration = Duration::from_millis(250);
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Relays one channel until told to stop; then what is under way is finished and marked.
pub async fn run(context: Arc<Context>, channel: Channel, stop: CancellationToken) -> anyhow::Result<()> {
    let mut relay = Relay { context, channel: Arc::new(channel), under_way: JoinSet::new(), marks: Vec::new() };
    let mut retry = Retry::forever(RETRY_FIRST, RETRY_MAX);
    loop {
        let pause = match relay.step(stop.is_cancelled()).await {
            Ok(Step::More) => Duration::ZERO,
            Ok(Step::Idle) if stop.is_cancelled() => return Ok(()),
            Ok(Step::Idle | Step::Busy) => POLL,
            Err(error) => {
                let delay = retry.next_delay();
                let channel = relay.channel.name();
                tracing::warn!(error = &error as &dyn std::error::Error, channel, ?delay, "the relay waits");
                if stop.is_cancelled() {
                    // What is not marked is sent again by whoever takes over the lease.
                    return Ok(());
                }
                sleep(delay).await;
                continue;
            }
        };
        retry.reset();
        relay.wait(pause, &stop).await?;
    }
}

struct Relay {
    context: Arc<Context>,
    channel: Arc<Channel>,
    under_way: JoinSet<(Claimed, Outcome)>,
    /// Known and not yet written.
    marks: Vec<Mark>,
}

enum Step {
    /// There may be more that is due.
    More,
    /// Nothing is due, or nothing more fits; deliveries are under way.
    Busy,
    /// Nothing is due and nothing is under way.
    Idle,
}

impl Relay {
    async fn step(&mut self, stopping: bool) -> Result<Step, StoreError> {
        self.write_marks().await?;
        let free = self.channel.concurrency().saturating_sub(self.under_way.len());
        if free == 0 || stopping {
            return Ok(if self.under_way.is_empty() { Step::Idle } else { Step::Busy });
        }
        let claimed = self.claim(free).await?;
        if claimed.is_empty() {
            return Ok(if self.under_way.is_empty() { Step::Idle } else { Step::Busy });
        }
        if let Some(reason) = self.disabled().await? {
            let marks = claimed.iter().map(|delivery| self.fail(delivery, &reason)).collect::<Vec<_>>();
            self.marks.extend(marks);
            return Ok(Step::More);
        }
        let holding = self.without_superseded(claimed).await?;
        for (delivery, contact) in self.with_contacts(holding).await? {
            let channel = Arc::clone(&self.channel);
            self.under_way.spawn(async move {
                let outcome = channel.send(&delivery, contact.as_ref()).await;
                (delivery, outcome)
            });
        }
        Ok(Step::More)
    }

    /// Waits for `pause`, for a promise, or for a delivery that ends, whichever comes first.
    async fn wait(&mut self, pause: Duration, stop: &CancellationToken) -> anyhow::Result<()> {
        let context = Arc::clone(&self.context);
        tokio::select! {
            Some(ended) = self.under_way.join_next() => {
                let (delivery, outcome) = ended?;
                self.settle(&delivery, outcome).await;
                while let Some(ended) = self.under_way.try_join_next() {
                    let (delivery, outcome) = ended?;
                    self.settle(&delivery, outcome).await;
                }
            }
            () = context.actions_added.notified() => {}
            () = stop.cancelled(), if self.under_way.is_empty() => {}
            () = sleep(pause) => {}
        }
        Ok(())
    }

    async fn claim(&self, free: usize) -> Result<Vec<Claimed>, StoreError> {
        let mut db = self.context.store.connect().await?;
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        db.claim_deliveries(self.channel.name(), limit, self.context.limits.lease).await
    }

    async fn disabled(&self) -> Result<Option<String>, StoreError> {
        let Some(address) = self.channel.address() else { return Ok(None) };
        let mut db = self.context.store.connect().await?;
        db.find_disabled_endpoint(self.channel.name(), address).await
    }

    /// What still holds; what does not is marked with the reason.
    async fn without_superseded(&mut self, claimed: Vec<Claimed>) -> Result<Vec<Claimed>, StoreError> {
        let subject = |delivery: &Claimed| {
            delivery.premise.subject().map(|key| EntityId { source: delivery.source.clone(), key: key.clone() })
        };
        let subjects: BTreeSet<EntityId> = claimed.iter().filter_map(subject).collect();
        let mut db = self.context.store.connect().await?;
        let states = db.read_entities(&subjects).await?;
        let now = Utc::now();
        let mut holding = Vec::with_capacity(claimed.len());
        for delivery in claimed {
            let state = subject(&delivery).and_then(|id| states.get(&id));
            match premise_holds(&delivery.premise, state, &self.context.routing.rules, now) {
                Ok(()) if self.awaits_confirmation(&delivery, state) => {
                    self.count(&delivery, "waiting_confirmation");
                    let reason =
                        Some("the webhook was not signed, and the provider's API has not confirmed it".to_owned());
                    self.marks.push(mark(&delivery, "waiting_confirmation", "waiting_confirmation", None, reason));
                }
                Ok(()) => holding.push(delivery),
                Err(reason) => {
                    self.count(&delivery, "superseded");
                    self.marks.push(mark(&delivery, "superseded", "superseded", None, Some(reason)));
                }
            }
        }
        Ok(holding)
    }

    /// Whether to wait for the provider's API before something is set off that can't be taken back.
    fn awaits_confirmation(&self, delivery: &Claimed, state: Option<&State>) -> bool {
        let Some(kind) = ActionKind::parse(&delivery.kind) else { return false };
        self.context.waiting.contains(&delivery.source)
            && is_binding(kind, self.channel.name())
            && awaits_confirmation(kind, state)
    }

    /// For a channel that speaks to the customer: who that is. What has nobody to go to yet waits for the contact, and
    /// what can wait, for the customer's morning.
    async fn with_contacts(&mut self, holding: Vec<Claimed>) -> Result<Vec<(Claimed, Option<Contact>)>, StoreError> {
        if !self.channel.needs_contact() {
            return Ok(holding.into_iter().map(|delivery| (delivery, None)).collect());
        }
        let ids: Vec<_> = holding.iter().map(|delivery| delivery.action_id).collect();
        let mut db = self.context.store.connect().await?;
        let mut contacts: BTreeMap<_, _> = db.find_recipients(&ids).await?.into_iter().collect();
        drop(db);
        let now = Utc::now();
        let mut ready = Vec::with_capacity(holding.len());
        for delivery in holding {
            let Some(contact) = contacts.remove(&delivery.action_id) else {
                self.count(&delivery, "waiting_contact");
                self.marks.push(mark(&delivery, "waiting_contact", "waiting_contact", None, None));
                continue;
            };
            match quiet_until(&self.context.routing, &delivery, &contact, now) {
                None => ready.push((delivery, Some(contact))),
                Some(morning) => {
                    let reason = Some("it is night where the customer is".to_owned());
                    self.count(&delivery, "postponed");
                    self.marks.push(mark(&delivery, "pending", "postponed", Some(morning), reason));
                }
            }
        }
        Ok(ready)
    }

    async fn settle(&mut self, delivery: &Claimed, outcome: Outcome) {
        if let Outcome::Gone { error } = &outcome {
            self.disable(error).await;
        }
        let mark = match outcome {
            Outcome::Sent => {
                self.count(delivery, "sent");
                mark(delivery, "sent", "sent", None, None)
            }
            Outcome::Gone { error } | Outcome::Refused { error } => self.fail(delivery, &error),
            Outcome::Failed { error, retry_after } => {
                let next = next_attempt(&self.context.limits.schedule, delivery, retry_after, Utc::now());
                match next {
                    Some(_) => {
                        self.count(delivery, "retry");
                        tracing::info!(
                            action.id = %delivery.action_id, channel = delivery.channel,
                            attempts = delivery.attempts, error, "the delivery failed; it is tried again"
                        );
                        mark(delivery, "pending", "failed", next, Some(error))
                    }
                    None => self.fail(delivery, &error),
                }
            }
        };
        self.marks.push(mark);
    }

    async fn disable(&self, reason: &str) {
        let Some(address) = self.channel.address() else { return };
        let reason = format!("disabled: {reason}; `worker endpoints enable` takes it into use again");
        let disabled = async {
            let mut db = self.context.store.connect().await?;
            db.disable_endpoint(self.channel.name(), address, &reason).await
        };
        match disabled.await {
            Ok(()) => tracing::error!(channel = self.channel.name(), reason, "the endpoint wants no more"),
            // The next delivery gets the same answer.
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "can't disable the endpoint"),
        }
    }

    fn fail(&self, delivery: &Claimed, error: &str) -> Mark {
        self.count(delivery, "failed");
        tracing::error!(
            action.id = %delivery.action_id, channel = delivery.channel, attempts = delivery.attempts, error,
            "the delivery failed for good"
        );
        mark(delivery, "failed", "failed", None, Some(error.to_owned()))
    }

    async fn write_marks(&mut self) -> Result<(), StoreError> {
        if self.marks.is_empty() {
            return Ok(());
        }
        let mut db = self.context.store.connect().await?;
        db.mark_deliveries(self.channel.name(), &self.marks).await?;
        let unconfirmed = self.marks.iter().any(|mark| mark.status == "waiting_confirmation");
        self.marks.clear();
        // Who released what waits, while this was still being put aside, did not see it.
        if unconfirmed {
            db.release_confirmed(&self.context.waiting).await?;
        }
        Ok(())
    }

    fn count(&self, delivery: &Claimed, result: &'static str) {
        self.context.metrics.delivery(&delivery.kind, self.channel.name(), result);
    }
}

fn mark(
    delivery: &Claimed,
    status: &'static str,
    result: &'static str,
    next_attempt_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
) -> Mark {
    Mark {
        action_id: delivery.action_id,
        lease_until: delivery.lease_until,
        status,
        result,
        next_attempt_at,
        last_error,
    }
}

/// Whether what the channel is told sets off what can't be taken back: a code that the customer installs, a payment
/// that a shop delivers on. The log is told at once.
fn is_binding(kind: ActionKind, channel: &str) -> bool {
    match kind {
        ActionKind::EsimReady => channel == email::NAME,
        _ => channel != log::NAME,
    }
}

fn quiet_until(routing: &Routing, delivery: &Claimed, contact: &Contact, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let kind = ActionKind::parse(&delivery.kind)?;
    // Without a time zone nobody knows when the customer sleeps.
    let time_zone = contact.time_zone.as_deref()?.parse().ok()?;
    routing.quiet_until(kind, time_zone, now)
}

/// When the failed delivery is due again; `None` if that was the last attempt.
fn next_attempt(
    schedule: &Schedule,
    delivery: &Claimed,
    asked: Option<Duration>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let attempts = u32::try_from(delivery.attempts).unwrap_or(1);
    schedule.delay_after(attempts, asked, rand::random()).map(|delay| now + delay)
}
