//! The operator's question: why did the customer get, or not get, this message? Each event, what it changed, what it
//! promised, each attempt to keep it, and for what was not sent the reason.
//!
//! What an event changed is computed, not stored: the events are folded again.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use providers::decode;
use serde::Serialize;
use serde_json::Value;
use shared::envelope::Envelope;
use shared::fact::State;
use shared::fold::{EntityId, touched};
use store::catalogue;
use store::story::{Attempt, Delivery, Promised, Question};
use store::{Store, StoreError};
use uuid::Uuid;

/// What happened, oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    pub reference: String,
    pub events: Vec<Told>,
    /// What the provider's API was asked about it, or is to be.
    pub questions: Vec<Question>,
}

impl Story {
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.questions.is_empty()
    }
}

/// One event and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    pub event_id: Uuid,
    pub source: String,
    pub kind: String,
    pub origin: &'static str,
    pub received_at: DateTime<Utc>,
    pub occurred_at: Option<DateTime<Utc>>,
    /// `order 17: status: pending → completed`; empty for what was known, or older than what was known.
    pub changes: Vec<String>,
    pub actions: Vec<Kept>,
}

/// A promise and how it was kept.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    pub action_id: Uuid,
    pub kind: String,
    pub audience: String,
    pub promised_at: DateTime<Utc>,
    pub deliveries: Vec<Way>,
}

/// One channel's part in it.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    #[serde(flatten)]
    pub delivery: Delivery,
    pub attempts: Vec<Attempt>,
}

/// Finds the story of what is called `reference`: an ICCID, an order, an eSIM, a payment or a return.
pub async fn find(store: &dyn Store, reference: &str) -> Result<Story, StoreError> {
    let mut db = store.connect().await?;
    let envelopes = db.find_events_about(reference).await?;
    let ids: Vec<_> = envelopes.iter().map(|envelope| envelope.id).collect();
    let promised = db.find_promised(&ids).await?;
    let actions: Vec<_> = promised.iter().map(|action| action.id).collect();
    let deliveries = db.find_deliveries(&actions).await?;
    let attempts = db.find_attempts(&actions).await?;
    let mut kept = keep(promised, &deliveries, &attempts);
    let mut states = BTreeMap::new();
    let told = |envelope| {
        let mut told = tell(&mut states, envelope);
        told.actions = kept.remove(&told.event_id).unwrap_or_default();
        told
    };
    let events = envelopes.iter().map(told).collect();
    // An order may be registered and asked about before anything is known of it.
    let known = states.keys().map(|id| id.key.parts().1);
    let references: Vec<_> = known.chain([reference]).map(str::to_owned).collect();
    let questions = db.find_questions(&references).await?;
    Ok(Story { reference: reference.to_owned(), events, questions })
}

/// The promises by the event that caused them.
fn keep(promised: Vec<Promised>, deliveries: &[Delivery], attempts: &[Attempt]) -> BTreeMap<Uuid, Vec<Kept>> {
    let mut kept: BTreeMap<Uuid, Vec<Kept>> = BTreeMap::new();
    for action in promised {
        let of_channel = |delivery: &Delivery| {
            let same = |attempt: &&Attempt| attempt.action_id == action.id && attempt.channel == delivery.channel;
            Way { delivery: delivery.clone(), attempts: attempts.iter().filter(same).cloned().collect() }
        };
        let ways = deliveries.iter().filter(|delivery| delivery.action_id == action.id).map(of_channel);
        kept.entry(action.caused_by).or_default().push(Kept {
            action_id: action.id,
            deliveries: ways.collect(),
            kind: action.kind,
            audience: action.audience,
            promised_at: action.created_at,
        });
    }
    kept
}

fn tell(states: &mut BTreeMap<EntityId, State>, envelope: &Envelope) -> Told {
    let mut told = Told {
        event_id: envelope.id,
        source: envelope.source.clone(),
        kind: "unreadable".to_owned(),
        origin: envelope.origin.as_str(),
        received_at: envelope.received_at,
        occurred_at: None,
        changes: Vec::new(),
        actions: Vec::new(),
    };
    // It was readable once; a newer version of ours may be stricter.
    let Ok(event) = decode(envelope) else { return told };
    told.kind.clone_from(&event.kind);
    told.occurred_at = event.occurred_at;
    let ids: Vec<_> = touched(&envelope.source, &event).collect();
    for (id, fact) in ids.into_iter().zip(event.facts) {
        let state = states.entry(id.clone()).or_insert_with(|| State::unknown(&id.key));
        let before = state.clone();
        state.join(fact.claims);
        told.changes.extend(changes(&id, &before, state));
    }
    told
}

fn changes(id: &EntityId, before: &State, after: &State) -> Vec<String> {
    let (kind, reference) = id.key.parts();
    let (before, after) = (shown(before), shown(after));
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let line = |(name, value): (&&str, &Value)| {
        format!("{kind} {reference}: {name}: {} → {}", plain(before.get(name)), plain(Some(value)))
    };
    changed.map(line).collect()
}

/// The columns of the entity's row that a story shows.
fn shown(state: &State) -> BTreeMap<&'static str, Value> {
    catalogue::fields(state).into_iter().filter_map(|field| Some((field.name, field.shown()?))).collect()
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Prints the story for a person.
pub fn print(story: &Story, out: &mut impl Write) -> io::Result<()> {
    if story.is_empty() {
        return writeln!(
            out,
            "nothing is known of {}; it may be an ICCID, an order, an eSIM, a payment or a return, or wait among \
             `worker dead-letters list`",
            story.reference
        );
    }
    for event in &story.events {
        writeln!(
            out,
            "{}  {}  {}  ({}, {})",
            seconds(event.received_at),
            event.source,
            event.kind,
            event.origin,
            event.event_id
        )?;
        for change in &event.changes {
            writeln!(out, "    {change}")?;
        }
        if event.changes.is_empty() {
            writeln!(out, "    changed nothing")?;
        }
        for action in &event.actions {
            writeln!(out, "    promised {} to the {} ({})", action.kind, action.audience, action.action_id)?;
            print_ways(action, out)?;
        }
    }
    print_questions(&story.questions, out)
}

fn print_questions(questions: &[Question], out: &mut impl Write) -> io::Result<()> {
    for question in questions {
        let (about, reference) = (&question.question, &question.reference);
        let when = if question.status == "pending" {
            format!("to be asked {}", seconds(question.next_attempt_at))
        } else {
            question.status.clone()
        };
        let answered = question.answered_at.map(|at| format!(", last answer {}", seconds(at))).unwrap_or_default();
        let error = question.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        writeln!(
            out,
            "question to {}: {about} {reference} ({}), {when}{answered}{error}",
            question.source, question.reason
        )?;
    }
    Ok(())
}

fn print_ways(action: &Kept, out: &mut impl Write) -> io::Result<()> {
    if action.deliveries.is_empty() {
        writeln!(out, "        goes nowhere: the routing has it off")?;
    }
    for Way { delivery, attempts } in &action.deliveries {
        let reason = delivery.last_error.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let due = if delivery.status == "pending" {
            format!(", due {}", seconds(delivery.next_attempt_at))
        } else {
            String::new()
        };
        writeln!(out, "        {}  {}{due}{reason}", delivery.channel, delivery.status)?;
        for attempt in attempts {
            let error = attempt.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            writeln!(out, "            {}  {}{error}", seconds(attempt.at), attempt.result)?;
        }
    }
    Ok(())
}
