//! The inbox: each event once, whoever brings its copies and how many.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use harness::databases::TestDatabase;
use serde_json::json;
use shared::envelope::{Envelope, Mode, Origin};
use shared::event::Event;
use shared::fact::Fact;
use shared::origin::Provider;
use shared::payment::Payment;
use tokio::time::timeout;
use uuid::Uuid;

use super::given::{SOURCE, admit, borrowed, check, event, now, row, rows, stored, time};

on_both! {
    copies_are_admitted_once
    of_two_copies_in_one_batch_one_is_fresh
    of_two_workers_with_the_same_copies_one_admits_each
    an_event_is_kept_as_it_came
    an_event_that_says_nothing_is_kept_with_nulls
    a_recurring_body_is_found_within_the_range_only
    who_admits_a_recurring_body_does_so_alone
}

fn copy((envelope, event): &(Envelope, Event)) -> (Envelope, Event) {
    (Envelope { id: Uuid::now_v7(), ..envelope.clone() }, event.clone())
}

async fn copies_are_admitted_once<D: TestDatabase>(database: &D) {
    let store = database.store();
    let (first, second, third) = (event("first"), event("second"), event("third"));
    let fresh: BTreeSet<_> = admit(store, &[second.clone(), first.clone()]).await.into_iter().collect();
    assert_eq!(fresh, BTreeSet::from([first.0.id, second.0.id]));
    let fresh = admit(store, &[copy(&first), third.clone(), copy(&second)]).await;
    assert_eq!(fresh, [third.0.id]);
    assert!(admit(store, std::slice::from_ref(&third)).await.is_empty(), "the very same");
    let mut elsewhere = copy(&first);
    elsewhere.0.source = "another".to_owned();
    assert_eq!(admit(store, std::slice::from_ref(&elsewhere)).await, [elsewhere.0.id], "of another source");
    assert_eq!(rows(store, "events").await.len(), 4);
}

async fn of_two_copies_in_one_batch_one_is_fresh<D: TestDatabase>(database: &D) {
    let first = event("first");
    let second = copy(&first);
    let fresh = admit(database.store(), &[first.clone(), second.clone()]).await;
    assert!(fresh.len() == 1 && (fresh == [first.0.id] || fresh == [second.0.id]), "{fresh:?}");
    row(database.store(), "events", "id", &fresh[0].to_string()).await;
}

async fn of_two_workers_with_the_same_copies_one_admits_each<D: TestDatabase>(database: &D) {
    let stores = [database.open(), database.open()];
    for round in 0..15 {
        let batch: Vec<_> = (0..8).map(|number| event(&format!("{round}:{number}"))).collect();
        let mut backwards: Vec<_> = batch.iter().map(copy).collect();
        backwards.reverse();
        let tasks = stores.clone().into_iter().zip([batch, backwards]);
        let tasks: Vec<_> =
            tasks.map(|(store, batch)| tokio::spawn(async move { admit(&*store, &batch).await })).collect();
        let mut fresh = Vec::new();
        for task in tasks {
            fresh.extend(task.await.unwrap());
        }
        assert_eq!(fresh.len(), 8, "round {round}");
    }
    assert_eq!(rows(database.store(), "events").await.len(), 8 * 15);
    for store in stores {
        store.close().await;
    }
}

async fn an_event_is_kept_as_it_came<D: TestDatabase>(database: &D) {
    let (mut envelope, mut event) = event("full");
    envelope.origin = Origin::Replay;
    envelope.mode = Mode::Test;
    envelope.received_at = time("2026-05-31T10:00:00.000001Z");
    envelope.content_type = Some("application/json; charset=\"utf-8\"".to_owned());
    envelope.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    envelope.headers.insert("x-ünï".to_owned(), "a \"b\" \\ c \u{1f4f6} 'd'".to_owned());
    envelope.body = (0..=255).collect();
    event.provider_event_id = Some("it's 北京".to_owned());
    event.occurred_at = Some(time("2026-05-31T09:59:59Z"));
    event.disbelieved_at = Some(time("2031-05-31T09:59:59.5Z"));
    event.mode = Mode::Test;
    event.origin = Origin::Replay;
    event.order_ref = Some("B1".to_owned());
    event.esim_ref = Some("B1/8901".to_owned());
    event.facts = vec![Fact::payment("P1", Payment::default())];
    let before = now() - TimeDelta::seconds(60);
    admit(database.store(), &[(envelope.clone(), event)]).await;

    let row = row(database.store(), "events", "event_key", "full").await;
    let expected = json!({
        "id": envelope.id, "source": SOURCE, "provider": "esim_access", "kind": "order_status",
        "provider_event_id": "it's 北京", "occurred_at": "2026-05-31T09:59:59.000000Z",
        "disbelieved_at": "2031-05-31T09:59:59.500000Z", "received_at": "2026-05-31T10:00:00.000001Z",
        "order_ref": "B1", "esim_ref": "B1/8901", "payment_ref": "P1", "origin": "replay", "mode": "test",
        "traceparent": envelope.traceparent, "content_type": envelope.content_type,
        "headers": envelope.headers, "body": hex::encode(&envelope.body),
    });
    check(&row, &expected);
    let applied_at = time(row["applied_at"].as_str().unwrap());
    assert!(before < applied_at && applied_at < now() + TimeDelta::seconds(60), "{applied_at}");
    assert_eq!(row.len(), 19, "{row:?}");
    let mut db = database.store().connect().await.unwrap();
    let kept = db.read_page(Uuid::nil(), Uuid::max()).await.unwrap();
    assert_eq!((kept.len(), &kept[0].envelope, kept[0].event_key.as_str()), (1, &envelope, "full"));
}

async fn an_event_that_says_nothing_is_kept_with_nulls<D: TestDatabase>(database: &D) {
    let (mut envelope, event) = event("bare");
    envelope.provider = Provider::Airtm;
    envelope.body = Vec::new();
    admit(database.store(), &[(envelope.clone(), event)]).await;
    let row = row(database.store(), "events", "event_key", "bare").await;
    let expected = json!({
        "provider": "airtm", "provider_event_id": null, "occurred_at": null, "disbelieved_at": null,
        "received_at": stored(envelope.received_at), "order_ref": null, "esim_ref": null, "payment_ref": null,
        "origin": "webhook", "mode": "live", "traceparent": null, "content_type": null, "headers": {}, "body": "",
    });
    check(&row, &expected);
    let mut db = database.store().connect().await.unwrap();
    assert_eq!(db.read_page(Uuid::nil(), envelope.id).await.unwrap()[0].envelope, envelope);
}

/// A body that was received then, as its recurrences are keyed.
fn recurring(hash: &str, received_at: &str) -> (Envelope, Event) {
    let (mut envelope, mut event) = event(&format!("{hash}@{received_at}"));
    envelope.received_at = time(received_at);
    event.recurs = true;
    (envelope, event)
}

async fn a_recurring_body_is_found_within_the_range_only<D: TestDatabase>(database: &D) {
    let at = |hour: u32| format!("2026-05-31T{hour:02}:00:00.000000Z");
    let mut events: Vec<_> = (8..=13).map(|hour| recurring("aa", &at(hour))).collect();
    // Its neighbours: another body, one without recurrences, one whose hash begins the same, another source.
    events.extend([recurring("ab", &at(10)), event("aa"), recurring("aa0", &at(10))]);
    let (envelope, event) = recurring("aa", &at(11));
    events.push((Envelope { source: "another".to_owned(), ..envelope }, event));
    assert_eq!(admit(database.store(), &events).await.len(), events.len());
    let mut db = database.store().connect().await.unwrap();
    let mut found = db.find_recurring(SOURCE, "aa", (time(&at(9)), time(&at(12)))).await.unwrap();
    found.sort();
    assert_eq!(found, [time(&at(10)), time(&at(11))], "neither end is in the range");
    let around = (time("2026-05-31T09:59:59.999999Z"), time("2026-05-31T10:00:00.000001Z"));
    assert_eq!(db.find_recurring(SOURCE, "aa", around).await.unwrap(), [time(&at(10))]);
    assert!(db.find_recurring(SOURCE, "a", (time(&at(0)), time(&at(23)))).await.unwrap().is_empty());
}

async fn who_admits_a_recurring_body_does_so_alone<D: TestDatabase>(database: &D) {
    let event = recurring("aa", "2026-05-31T10:00:00.000000Z");
    let range = (time("2026-05-31T00:00:00Z"), time("2026-06-01T00:00:00Z"));
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    // The same body twice, and two bodies in different orders, are no deadlock.
    tx.lock_recurring(&[(SOURCE, "aa"), (SOURCE, "bb"), (SOURCE, "aa")]).await.unwrap();
    let other = database.open();
    other.ping().await.unwrap();
    let mut second = tokio::spawn(async move {
        let mut tx = other.begin().await.unwrap();
        tx.lock_recurring(&[(SOURCE, "bb"), (SOURCE, "aa")]).await.unwrap();
        let found = tx.find_recurring(SOURCE, "aa", range).await.unwrap();
        drop(tx);
        other.close().await;
        found
    });
    // It can't go on; to give it time to do so wrongly makes this test sharp, and never fails a right store.
    assert!(timeout(Duration::from_millis(300), &mut second).await.is_err(), "two admit one body at a time");
    tx.admit_events(&borrowed(&[event])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), [time("2026-05-31T10:00:00Z")]);
}
