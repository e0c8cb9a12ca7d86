//! The promises: each that must be there, as often as it must, and no other; and that each is at the end of its way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::ledger::Ledger;
use super::stands::{place, shown};
use super::{Difference, is_undecided};
use crate::event::{Entity, Table, Time, Value};
use crate::tables::{Sheet, Texts, read_time};
use crate::truth::{Promise, Truth};

/// What is the operator's business; all else is the customer's.
const OPERATORS: [&str; 4] = ["order_needs_review", "credit_low", "provider_silent", "webhook_refuted"];
const ENDS: [&str; 5] = ["sent", "superseded", "failed", "waiting_contact", "waiting_confirmation"];
/// Where a test may be told: never to a customer.
const TEST_CHANNELS: [&str; 2] = ["log", "merchant_webhook"];

/// An action that is about something of the simulation.
struct Told<'a> {
    row: &'a Texts,
    payload: Json,
    about: Option<Entity>,
    life: Option<u64>,
}

/// How many promises there are, and what is wrong with them.
pub(super) fn compare(
    truth: &Truth,
    ours: &BTreeMap<&Entity, u64>,
    ledger: &Ledger<'_>,
    sheet: &Sheet,
) -> (usize, Vec<Difference>) {
    let events = ledger.event_ids();
    let told: Vec<_> = sheet.actions.iter().filter_map(|row| told(row, ours, &events)).collect();
    let mut by_entity: BTreeMap<Option<&Entity>, (Vec<&Promise>, Vec<&Told<'_>>)> = BTreeMap::new();
    for promise in &truth.promises {
        by_entity.entry(promise.about.as_ref()).or_default().0.push(promise);
    }
    for told in &told {
        if !told.about.as_ref().is_some_and(|about| is_undecided(truth, about)) {
            by_entity.entry(told.about.as_ref()).or_default().1.push(told);
        }
    }
    let mut differences = Vec::new();
    for (about, (promises, told)) in by_entity {
        for promise in &promises {
            let count = told.iter().filter(|told| is_kept(promise, told)).count();
            if !(promise.least..=promise.most).contains(&count) {
                differences.push(of_count(promise, count, ours));
            }
        }
        let mode = about.and_then(|about| truth.rows.get(about)?.first()?.get("mode").cloned().flatten());
        for told in told {
            if !promises.iter().any(|promise| is_kept(promise, told)) {
                differences.push(told.difference(format!("{} must not be promised: {}", told.kind(), told.payload)));
            }
            differences.extend(told.of_itself(mode.as_ref()));
        }
    }
    differences.extend(of_deliveries(&told, sheet));
    (told.len(), differences)
}

/// `None`: it is not ours.
fn told<'a>(row: &'a Texts, ours: &BTreeMap<&Entity, u64>, events: &BTreeSet<&str>) -> Option<Told<'a>> {
    let payload: Json = serde_json::from_str(row.get("payload")?).ok()?;
    let source =
        samples::Source::ALL.into_iter().find(|source| Some(source.name()) == row.get("source").map(String::as_str))?;
    let field = |name: &str| payload.get(name).and_then(Json::as_str).map(str::to_owned);
    let of_row = |name: &str| row.get(name).cloned();
    let about = [
        (Table::Esims, of_row("esim_ref")),
        (Table::Payments, field("payment_ref")),
        (Table::Returns, field("return_ref")),
        (Table::Orders, of_row("order_ref")),
    ];
    let about = about.into_iter().find_map(|(table, reference)| Some(Entity::new(source, table, &reference?)));
    let is_caused_by_us = row.get("caused_by").is_some_and(|id| events.contains(id.as_str()));
    let life = about.as_ref().and_then(|about| ours.get(about)).copied();
    (life.is_some() || is_caused_by_us).then_some(Told { row, payload, about, life })
}

fn is_kept(promise: &Promise, told: &Told<'_>) -> bool {
    promise.kind == told.kind()
        && promise.about == told.about
        && promise.payload.iter().all(|(field, expected)| is_said(&told.payload, field, expected))
}

/// `field` is a path of names with points between.
fn is_said(payload: &Json, field: &str, expected: &Value) -> bool {
    let found = field.split('.').try_fold(payload, |json, name| json.get(name));
    match (found, expected) {
        (Some(Json::String(text)), Value::Text(expected)) => text == expected,
        (Some(Json::String(text)), Value::Time(expected)) => read_time(text) == Some(*expected),
        (Some(Json::String(text)), Value::Number(expected)) => text.parse().ok() == Some(*expected),
        (Some(Json::Number(number)), Value::Number(expected)) => number.to_string().parse().ok() == Some(*expected),
        (Some(Json::Bool(flag)), Value::Flag(expected)) => flag == expected,
        _ => false,
    }
}

fn of_count(promise: &Promise, count: usize, ours: &BTreeMap<&Entity, u64>) -> Difference {
    let Promise { kind, about, payload, least, most } = promise;
    let saying: Vec<_> = payload.iter().map(|(field, value)| format!("{field} {}", shown(Some(value)))).collect();
    let saying = if saying.is_empty() { String::new() } else { format!(" ({})", saying.join(", ")) };
    let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
    Difference {
        life: about.as_ref().and_then(|about| ours.get(about)).copied(),
        place: format!("actions about {}", about.as_ref().map_or_else(|| "no entity".to_owned(), place)),
        what: format!("{kind}{saying}: expected {expected}, found {count}"),
    }
}

impl Told<'_> {
    fn kind(&self) -> &str {
        self.row.get("kind").map_or("", String::as_str)
    }

    fn difference(&self, what: String) -> Difference {
        let about = self.about.as_ref().map_or_else(|| "no entity".to_owned(), place);
        Difference { life: self.life, place: format!("actions about {about}"), what }
    }

    /// Whom it is for, and whether it is a test, as the row that it is about says.
    fn of_itself(&self, mode: Option<&Value>) -> Vec<Difference> {
        let audience = if OPERATORS.contains(&self.kind()) { "operator" } else { "customer" };
        let expected = [("audience", Some(Value::from(audience))), ("mode", mode.cloned())];
        let is_wrong = |(column, expected): &(&str, Option<Value>)| {
            let found = self.row.get(*column).map(Value::from);
            expected.is_some() && found != *expected
        };
        let what = |(column, expected): (&str, Option<Value>)| {
            let found = self.row.get(column).map_or("null", String::as_str);
            self.difference(format!(
                "{}: {column}: expected {}, found {found:?}",
                self.kind(),
                shown(expected.as_ref())
            ))
        };
        expected.into_iter().filter(is_wrong).map(what).collect()
    }

    /// It says that a plan will end, and that was in the past when it was promised.
    fn is_outdated(&self) -> bool {
        let ends: Option<Time> = self.payload.get("expires_at").and_then(Json::as_str).and_then(read_time);
        let promised = self.row.get("created_at").and_then(|text| read_time(text));
        self.kind() == "expiring_soon" && ends.zip(promised).is_some_and(|(ends, promised)| ends < promised)
    }
}

/// Each promise is on its way over a channel at least, and no way is open any more.
fn of_deliveries(told: &[Told<'_>], sheet: &Sheet) -> Vec<Difference> {
    let mut by_action: BTreeMap<&str, Vec<&Texts>> = BTreeMap::new();
    for delivery in &sheet.deliveries {
        if let Some(id) = delivery.get("action_id") {
            by_action.entry(id).or_default().push(delivery);
        }
    }
    let mut differences = Vec::new();
    for told in told {
        let deliveries = told.row.get("id").and_then(|id| by_action.get(id.as_str()));
        let Some(deliveries) = deliveries else {
            differences.push(told.difference(format!("{} is delivered nowhere", told.kind())));
            continue;
        };
        let is_test = told.row.get("mode").is_some_and(|mode| mode == "test");
        for delivery in deliveries {
            let text = |column: &str| delivery.get(column).map_or("", String::as_str);
            let (channel, status) = (text("channel"), text("status"));
            let mut wrong = |what: String| {
                differences.push(told.difference(format!("{} over {channel}: {what}", told.kind())));
            };
            if !ENDS.contains(&status) {
                wrong(format!("it is still {status}; {}", text("last_error")));
            }
            if is_test && !TEST_CHANNELS.contains(&channel) {
                wrong("a test must not reach a customer".to_owned());
            }
            if status == "sent" && told.is_outdated() {
                wrong("that the plan will end was sent after its end".to_owned());
            }
        }
    }
    differences
}
