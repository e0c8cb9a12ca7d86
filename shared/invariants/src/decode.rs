//! What must hold of a body, whoever sent it: it is read, or refused; it reads the same every time and in every spelling;
//! and what it claims fits the join, the tables and the questions that follow from it.

use chrono::TimeDelta;
use providers::{decode, dialect};
use serde_json::Value;
use shared::envelope::Envelope;
use shared::event::{Event, Malformed, RECURS_AFTER};
use shared::fact::State;
use shared::lookup::LookupReason;
use shared::origin::Provider;

use crate::input::Input;
use crate::tables;
use crate::worker::{Arrival, Inbox, Worker};

/// A refusal is for an operator's list, and never quotes what it refuses.
const REFUSAL_MAX: usize = 200;

pub(crate) fn check(provider: Provider, input: &[u8]) {
    check_envelope(&Input::new(input).envelope(provider));
}

pub(crate) fn check_envelope(envelope: &Envelope) {
    let read = decode(envelope);
    assert_eq!(decode(envelope), read, "it reads the same every time");
    match read {
        Ok(event) => check_event(envelope, event),
        Err(refusal) => assert!(refusal.to_string().len() <= REFUSAL_MAX, "a refusal of a body's length: {refusal}"),
    }
}

fn check_event(envelope: &Envelope, event: Event) {
    let body = String::from_utf8_lossy(&envelope.body);
    let body: Value = serde_json::from_str(body.trim_start_matches('\u{feff}')).expect("what was read is JSON");
    let respelled = Envelope { body: respelled(&body).into_bytes(), ..envelope.clone() };
    assert_eq!(decode(&respelled).as_ref(), Ok(&event), "it reads the same in every spelling");
    tables::check(&event);
    check_copy(envelope, &event);
    event.facts.iter().for_each(|fact| ask(envelope.provider, &event, fact));
    let mut worker = Worker::default();
    let arrival = Arrival { envelope: envelope.clone(), event };
    worker.apply(Inbox::EveryTime, [&arrival]).iter().for_each(tables::check_action);
    worker.check_end();
}

/// The same body, received again.
fn check_copy(envelope: &Envelope, event: &Event) {
    for later in [TimeDelta::minutes(10), RECURS_AFTER] {
        let again = decode(&Envelope { received_at: envelope.received_at + later, ..envelope.clone() });
        // What is too old is refused, and what was not believed may be by then.
        let copy = match again {
            Ok(copy) => copy,
            Err(refusal) => {
                assert!(matches!(refusal, Malformed::StaleReplay { .. }), "later it is refused: {refusal}");
                continue;
            }
        };
        assert_eq!(copy.body_hash(), event.body_hash(), "a copy is known by its body");
        assert_eq!(copy.key == event.key, !event.recurs, "only what has no identity of its own may recur");
        for (fact, again) in event.facts.iter().zip(&copy.facts) {
            assert_eq!(fact.key, again.key, "a copy is about the same entities");
            let one_way = joined(fact.claims.clone(), again.claims.clone());
            assert_eq!(joined(again.claims.clone(), fact.claims.clone()), one_way, "a copy may come first");
            assert_eq!(joined(one_way.clone(), fact.claims.clone()), one_way, "and once more");
        }
    }
}

fn joined(mut state: State, claims: State) -> State {
    state.join(claims);
    state
}

/// Whatever it says, what is to be asked about it can be told.
fn ask(provider: Provider, event: &Event, fact: &shared::fact::Fact) {
    let now = fact_heard(&fact.claims).unwrap_or_default();
    for request in dialect(provider).lookups_after(event, &fact.key, &fact.claims) {
        for reason in LookupReason::ALL.iter().copied() {
            dialect(provider).next_lookup(&request.lookup, reason, Some(&fact.claims), 1, now);
        }
    }
}

fn fact_heard(claims: &State) -> Option<shared::Timestamp> {
    match claims {
        State::Order(order) => order.heard.last,
        State::Esim(esim) => esim.heard.last,
        State::Payment(payment) => payment.heard.last,
        State::Return(return_request) => return_request.heard.last,
    }
}

/// The same JSON in another spelling: the fields the other way round, with white space, and every character escaped that
/// may be.
fn respelled(value: &Value) -> String {
    let separated = |items: Vec<String>| items.join(" ,\n");
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| format!("\t{} : {}", escaped(name), respelled(field)));
            let mut fields: Vec<String> = fields.collect();
            fields.reverse();
            format!("{{\r\n{} }}", separated(fields))
        }
        Value::Array(items) => format!("[ {} ]", separated(items.iter().map(respelled).collect())),
        Value::String(text) => escaped(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn escaped(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
    format!("\"{}\"", units.collect::<String>())
}
