use std::sync::LazyLock;

use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::chaos::Chaos;
use crate::event::{Nature, Table, Value};
use crate::journal::{Attempt, Cast, End};
use crate::tables::Texts;
use crate::truth::Promise;

/// All lives delivered, each message once and answered.
static STAGE: LazyLock<(Journal, Vec<Life>, Sheet)> = LazyLock::new(|| {
    let base = Utc::now();
    let chaos = Chaos { malformed: 0.3, forged: 0.3, ..Chaos::SOME };
    let cast = Cast { seed: 3, run: "a".to_owned(), base, esims: 60, life: None, chaos };
    let lives = cast.lives();
    let places =
        lives.iter().flat_map(|life| life.events.iter().zip(0..).map(move |(event, number)| (life, event, number)));
    let attempts: Vec<_> = places
        .zip(0..)
        .map(|((life, event, number), second)| {
            let sent_at = base + TimeDelta::milliseconds(second);
            let status = if matches!(event.nature, Nature::Forged(_)) { 401 } else { 200 };
            Attempt {
                life: life.number,
                event: number,
                copy: 0,
                attempt: 1,
                sent_at,
                ended_at: sent_at,
                body: hex::encode(Sha256::digest(event.body.bytes(sent_at))),
                end: End::Answered { status, id: Some(format!("id {} {number}", life.number)) },
            }
        })
        .collect();
    let journal = Journal { cast, started_at: base, since: None, attempts, ended_at: base };
    let sheet = sheet(&journal, &lives);
    (journal, lives, sheet)
});

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Time(time) => time.to_rfc3339(),
    }
}

fn texts<'a>(columns: impl IntoIterator<Item = (&'static str, Option<&'a Value>)>) -> Texts {
    columns.into_iter().filter_map(|(column, value)| Some((column, text(value?)))).collect()
}

/// What the tables say if all is as it must be.
fn sheet(journal: &Journal, lives: &[Life]) -> Sheet {
    let mut sheet = Sheet::default();
    for attempt in &journal.attempts {
        let life = &lives[usize::try_from(attempt.life - 1).unwrap()];
        let event = &life.events[attempt.event];
        let End::Answered { id: Some(id), .. } = &attempt.end else { continue };
        let (source, body) = (Value::from(life.source.name()), hex::encode(event.body.bytes(attempt.sent_at)));
        let (id, body, received) = (Value::from(id), Value::from(&body), Value::from(attempt.sent_at));
        let mut row = texts([
            ("id", Some(&id)),
            ("source", Some(&source)),
            ("body", Some(&body)),
            ("received_at", Some(&received)),
        ]);
        match &event.nature {
            Nature::Forged(_) => {}
            Nature::Malformed { reasons } => {
                row.insert("reason", reasons[0].to_owned());
                sheet.dead_letters.push(row);
            }
            Nature::Genuine => {
                let inbox = &event.inbox;
                let is_believed = inbox.occurred_at.is_some_and(|at| at <= attempt.sent_at + TimeDelta::hours(1));
                let column = if is_believed { "occurred_at" } else { "disbelieved_at" };
                row.insert("origin", "webhook".to_owned());
                row.insert("provider", life.source.provider().to_owned());
                row.insert("mode", if inbox.is_test { "test" } else { "live" }.to_owned());
                row.extend(inbox.occurred_at.map(|at| (column, at.to_rfc3339())));
                let refs = [
                    ("order_ref", &inbox.order_ref),
                    ("esim_ref", &inbox.esim_ref),
                    ("payment_ref", &inbox.payment_ref),
                ];
                row.extend(refs.into_iter().filter_map(|(column, name)| Some((column, name.clone()?))));
                row.extend(inbox.provider_event_id.clone().map(|id| ("provider_event_id", id)));
                // What comes again byte for byte is the same event.
                if !sheet.events.iter().any(|known| known["body"] == row["body"]) {
                    sheet.events.push(row);
                }
            }
        }
    }
    let ledger = Ledger::new(journal, lives, &sheet);
    let truth = truth(&ledger.heard, Span { from: journal.started_at, until: journal.started_at });
    for (entity, rows) in &truth.rows {
        let mut row = texts(rows[0].iter().map(|(column, value)| (*column, value.as_ref())));
        row.insert("source", entity.source.to_owned());
        row.insert(entity.table.key(), entity.reference.clone());
        row.insert("created_at", journal.started_at.to_rfc3339());
        row.insert("updated_at", journal.started_at.to_rfc3339());
        sheet.entities.entry(entity.table).or_default().push(row);
    }
    for (number, promise) in truth.promises.iter().filter(|promise| promise.least > 0).enumerate() {
        let action = action(promise, &truth, number);
        let id = action["id"].clone();
        let delivery = [("action_id", id), ("channel", "log".to_owned()), ("status", "sent".to_owned())];
        sheet.deliveries.push(delivery.into_iter().collect());
        sheet.actions.push(action);
    }
    let caused = sheet.events[1]["id"].clone();
    sheet.actions.iter_mut().for_each(|action| {
        action.insert("caused_by", caused.clone());
    });
    sheet
}

fn action(promise: &Promise, truth: &Truth, number: usize) -> Texts {
    let mut payload = json!({});
    for (field, value) in &promise.payload {
        match field.split_once('.') {
            Some((outer, inner)) => payload[outer] = json!({ inner: text(value) }),
            None => payload[*field] = text(value).into(),
        }
    }
    let operators = ["order_needs_review", "credit_low"];
    let audience = if operators.contains(&promise.kind) { "operator" } else { "customer" };
    let (id, kind) = (format!("action {number}"), promise.kind.to_owned());
    let mut action = Texts::from([("id", id), ("kind", kind), ("audience", audience.to_owned())]);
    let source = promise.about.as_ref().map_or("airalo", |about| about.source);
    action.insert("source", source.to_owned());
    let mut mode = "live".to_owned();
    if let Some(about) = &promise.about {
        match about.table {
            Table::Orders => drop(action.insert("order_ref", about.reference.clone())),
            Table::Esims => drop(action.insert("esim_ref", about.reference.clone())),
            Table::Payments => payload["payment_ref"] = about.reference.clone().into(),
            Table::Returns => payload["return_ref"] = about.reference.clone().into(),
        }
        mode = text(truth.rows[about][0]["mode"].as_ref().unwrap());
    }
    action.insert("mode", mode);
    action.insert("payload", payload.to_string());
    action
}

/// What is said of a sheet that was changed by `change`.
fn told(change: impl FnOnce(&mut Sheet)) -> Vec<String> {
    let (journal, lives, sheet) = &*STAGE;
    let mut sheet = sheet.clone();
    change(&mut sheet);
    let verdict = compare(journal, lives, &sheet, false, journal.started_at);
    verdict.differences.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(change: impl FnOnce(&mut Sheet), expected: &str) {
    let told = told(change);
    assert!(told.len() == 1 && told[0].contains(expected), "expected one with {expected:?}, found {told:#?}");
}

fn of_kind<'a>(sheet: &'a mut Sheet, kind: &str) -> &'a mut Texts {
    sheet.actions.iter_mut().find(|action| action["kind"] == kind).unwrap()
}

#[test]
fn tables_that_say_the_truth_have_no_differences() {
    assert_eq!(told(|_| {}), [""; 0]);
    let (journal, lives, sheet) = &*STAGE;
    let verdict = compare(journal, lives, sheet, false, journal.started_at);
    assert!(
        verdict.events > 200 && verdict.rows > 80 && verdict.promises > 50 && verdict.dead_letters > 5,
        "{verdict:?}"
    );
}

#[test]
fn a_row_that_says_something_else_is_found() {
    for table in Table::ALL {
        let columns: Vec<_> = STAGE.2.entities[&table][0].keys().copied().collect();
        let ours = ["source", table.key(), "created_at", "updated_at"];
        for column in columns.into_iter().filter(|column| !ours.contains(column)) {
            let change = |sheet: &mut Sheet| {
                sheet.entities.get_mut(&table).unwrap()[0].insert(column, "something else".to_owned());
            };
            check(change, &format!("{column}: expected "));
        }
        let change = |sheet: &mut Sheet| drop(sheet.entities.get_mut(&table).unwrap().remove(0));
        check(change, "there is no row");
    }
}

#[test]
fn a_row_of_nobody_is_found() {
    let change = |sheet: &mut Sheet| {
        let mut row = sheet.entities[&Table::Orders][0].clone();
        row.insert("order_ref", "a stranger's".to_owned());
        sheet.entities.get_mut(&Table::Orders).unwrap().push(row);
    };
    check(change, "no provider of the simulation knows it");
}

#[test]
fn a_promise_too_few_too_many_or_wrong_is_found() {
    check(|sheet| drop(sheet.actions.remove(0)), "expected 1, found 0");
    check(|sheet| sheet.actions.push(sheet.actions[0].clone()), "expected 1, found 2");
    check(
        |sheet| drop(of_kind(sheet, "esim_activated").insert("audience", "operator".to_owned())),
        "audience: expected",
    );
    check(|sheet| drop(of_kind(sheet, "esim_activated").insert("mode", "test".to_owned())), "mode: expected");
    let another = |sheet: &mut Sheet| {
        let mut action = of_kind(sheet, "esim_activated").clone();
        action.insert("kind", "esim_revoked".to_owned());
        sheet.actions.push(action);
    };
    check(another, "esim_revoked must not be promised");
    let code = |sheet: &mut Sheet| {
        let payload = json!({ "install": { "activation_code": "LPA:1$stolen$X" } }).to_string();
        of_kind(sheet, "esim_ready").insert("payload", payload);
    };
    assert_eq!(told(code).len(), 2, "another code must not be, and the right one must");
}

#[test]
fn a_delivery_that_is_not_at_its_end_is_found() {
    check(|sheet| drop(sheet.deliveries[0].insert("status", "pending".to_owned())), "it is still pending");
    check(|sheet| drop(sheet.deliveries.remove(0)), "is delivered nowhere");
    let test = |sheet: &mut Sheet| {
        let id = sheet.actions.iter().find(|action| action["mode"] == "test").unwrap()["id"].clone();
        let delivery = sheet.deliveries.iter_mut().find(|delivery| delivery["action_id"] == id).unwrap();
        delivery.insert("channel", "email".to_owned());
    };
    check(test, "a test must not reach a customer");
}

#[test]
fn an_event_that_is_lost_doubled_or_changed_is_found() {
    check(|sheet| drop(sheet.events.pop()), "it was answered 200 and is not here");
    check(|sheet| sheet.events.push(sheet.events[0].clone()), "it is here 2 times");
    check(|sheet| drop(sheet.events[0].insert("id", "another".to_owned())), "id: another was never answered");
    check(|sheet| drop(sheet.events[0].insert("mode", "test".to_owned())), "mode: expected");
    check(
        |sheet| drop(sheet.events[0].insert("received_at", "2020-01-01T00:00:00Z".to_owned())),
        "received_at: expected",
    );
    let stranger = |sheet: &mut Sheet| {
        let mut row = sheet.events[0].clone();
        row.insert("body", "00".to_owned());
        sheet.events.push(row);
    };
    check(stranger, "nobody of the simulation sent it");
}

#[test]
fn dead_letters_are_exactly_what_is_no_event() {
    check(|sheet| drop(sheet.dead_letters.remove(0)), "dead letters of what is no event, found ");
    check(|sheet| drop(sheet.dead_letters[0].insert("reason", "delivery_limit".to_owned())), "reason: expected one of");
    let good = |sheet: &mut Sheet| {
        let mut row = sheet.events[0].clone();
        row.insert("reason", "store_rejected".to_owned());
        sheet.dead_letters.push(row);
    };
    check(good, "a good event must not be here: store_rejected");
}

#[test]
fn an_answer_that_is_wrong_is_found() {
    let (mut journal, lives, sheet) = STAGE.clone();
    let is_forged = |attempt: &&mut Attempt| matches!(attempt.end, End::Answered { status: 401, .. });
    let forged = journal.attempts.iter_mut().find(is_forged).unwrap();
    forged.end = End::Answered { status: 202, id: None };
    let told = compare(&journal, &lives, &sheet, false, journal.started_at).differences;
    assert!(told.len() == 1 && told[0].what.contains("must be answered 401 or 404, and was answered 202"), "{told:?}");
}

#[test]
fn what_may_have_come_is_settled_by_the_inbox() {
    let (mut journal, lives, mut sheet) = STAGE.clone();
    for end in [End::Silent, End::Answered { status: 503, id: None }] {
        journal
            .attempts
            .iter_mut()
            .filter(|attempt| attempt.is_accepted())
            .for_each(|attempt| attempt.end = end.clone());
        let verdict = compare(&journal, &lives, &sheet, false, journal.started_at);
        assert!(verdict.differences.is_empty() && verdict.settled_by_inbox == verdict.events, "{verdict:?}");
        journal.attempts.iter_mut().filter(|a| a.end == end).for_each(|a| {
            let id = Some(format!("id {} {}", a.life, a.event));
            a.end = End::Answered { status: 200, id };
        });
    }
    journal.attempts.iter_mut().filter(|attempt| attempt.is_accepted()).for_each(|a| a.end = End::Silent);
    sheet = Sheet::default();
    let verdict = compare(&journal, &lives, &sheet, false, journal.started_at);
    assert!(verdict.differences.is_empty() && verdict.events == 0, "nothing came, and nothing must: {verdict:?}");
}
