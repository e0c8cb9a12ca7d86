//! What becomes of an answer: an event for the queue, and when to ask again.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use providers::{decode, dialect};
use runtime::queue::Publish;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shared::envelope::{Envelope, Origin};
use shared::event::Event;
use shared::fact::{EntityKey, State};
use shared::fold::{EntityId, Fold, touched};
use shared::lookup::{Answer, LookupReason};
use store::StoreError;
use store::lookups::{Claimed, Mark};

use super::{in_future, reason_of};
use crate::context::Context;
use crate::own_event;

/// Sends an answer through the queue, and answers how its question goes on; an error is why that was not possible.
pub(super) async fn take_in(
    context: &Context,
    publisher: &impl Publish,
    claimed: &Claimed,
    asked_at: DateTime<Utc>,
    found: Option<Value>,
) -> Result<Mark, String> {
    let answer = Answer { asked: claimed.lookup.0.clone(), asked_at, found };
    let envelope = envelope(context, claimed, &answer)?;
    let event = decode(&envelope).map_err(|malformed| malformed.to_string())?;
    let expected = expect(context, &envelope, &event, &answer.asked.about);
    let (before, after) = expected.await.map_err(|error| runtime::telemetry::chain(&error))?;
    let hash = hash(&answer);
    let reason = reason_of(claimed);
    // What says the same as the last time changes nothing, unless it is the saying that counts.
    let is_news = reason == LookupReason::Unconfirmed || claimed.answer_hash.as_ref() != Some(&hash);
    if is_news {
        publisher.publish(&envelope).await.map_err(|refusal| refusal.to_string())?;
    }
    if reason == LookupReason::Overdue {
        note_repair(context, &envelope.source, &answer.asked.about, before.as_ref(), after.as_ref()).await;
    }
    context.metrics.fetch(&claimed.source, if is_news { "news" } else { "unchanged" });
    let now = own_event::now();
    let asked = claimed.asked.saturating_add(1);
    let answers = u32::try_from(asked).unwrap_or(u32::MAX);
    let going_on = dialect(envelope.provider).next_lookup(&answer.asked, reason, after.as_ref(), answers, now);
    Ok(Mark {
        reason: going_on.map_or(reason, |(reason, _)| reason).as_str(),
        status: "done",
        next_attempt_at: going_on.map(|(_, after)| in_future(now, jittered(after))),
        asked: if going_on.is_some_and(|(new, _)| new != reason) { 0 } else { asked },
        failures: 0,
        last_error: None,
        answer_hash: Some(hash),
    })
}

fn envelope(context: &Context, claimed: &Claimed, answer: &Answer) -> Result<Envelope, String> {
    let source = context.sources.find(&claimed.source).ok_or("the source is not in SOURCES_FILE any more")?;
    let (provider, mode) = (source.provider, source.mode);
    Ok(own_event::envelope(claimed.source.clone(), (provider, mode), Origin::Fetch, own_event::now(), answer.body()))
}

/// The state of the entity before the answer, and as it will be when the answer is applied.
async fn expect(
    context: &Context,
    envelope: &Envelope,
    event: &Event,
    about: &EntityKey,
) -> Result<(Option<State>, Option<State>), StoreError> {
    let id = EntityId { source: envelope.source.clone(), key: about.clone() };
    let ids: BTreeSet<EntityId> = touched(&envelope.source, event).chain([id.clone()]).collect();
    let mut db = context.store.connect().await?;
    let states = db.read_entities(&ids).await?;
    drop(db);
    let before = states.get(&id).cloned();
    let mut fold = Fold::new(states, context.routing.rules.clone());
    fold.apply(&envelope.source, event);
    let after = fold.into_states().remove(&id);
    Ok((before, after))
}

/// An order that the API has completed because no webhook did: so that a shop sees which provider loses webhooks.
async fn note_repair(
    context: &Context,
    source: &str,
    about: &EntityKey,
    before: Option<&State>,
    after: Option<&State>,
) {
    let is_final = |state: Option<&State>| matches!(state, Some(State::Order(order)) if order.status().is_final());
    let EntityKey::Order(order_ref) = about else { return };
    if is_final(before) || !is_final(after) {
        return;
    }
    let noted = async {
        let mut db = context.store.connect().await?;
        db.note_repaired(source, order_ref).await
    };
    match noted.await {
        Ok(true) => {
            tracing::warn!(source, "an order is complete that no webhook had completed");
            context.metrics.repair(source);
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a repair can't be noted"),
    }
}

/// Up to a tenth longer: eSIMs that were sold together are not all asked about together for ever.
fn jittered(after: TimeDelta) -> TimeDelta {
    after.checked_add(&(after / 10_000 * rand::random_range(0..1_000))).unwrap_or(after)
}

fn hash(answer: &Answer) -> String {
    hex::encode(Sha256::digest(serde_json::to_vec(&answer.found).unwrap_or_default()))
}
