//! The outbox, on its way out: a delivery is one relay's at a time, until its lease ends or the relay marks it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use harness::databases::{FUTURE, PAST, TestDatabase};
use serde_json::json;
use store::Store;
use store::outbox::{Claimed, Mark};

use super::given::{CHANNEL, check, make, now, promise, row, rows, stored, time};

on_both! {
    who_claims_gets_what_is_due_soonest_and_no_more_than_asked
    what_is_not_due_is_not_claimed
    no_two_relays_claim_the_same
    a_claim_is_one_relays_until_its_lease_ends
    only_its_holder_can_mark_a_claim
    what_was_sent_is_sent_once_and_for_all
    what_failed_is_due_when_its_mark_says
    what_was_not_handed_over_was_no_attempt
    marks_of_many_claims_find_each_its_own
    every_attempt_is_listed_with_its_result
    what_failed_for_good_is_due_again_from_the_start_when_retried
}

const LEASE: Duration = Duration::from_secs(60);

async fn claim(store: &dyn Store, limit: i64) -> Vec<Claimed> {
    let mut db = store.connect().await.unwrap();
    db.claim_deliveries(CHANNEL, limit, LEASE).await.unwrap()
}

/// Makes one promise and claims its delivery.
async fn claimed(store: &dyn Store, key: &str) -> Claimed {
    make(store, &[promise(key)], &[CHANNEL]).await;
    let mut claimed = claim(store, 10).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

fn mark(claimed: &Claimed, status: &'static str, result: &'static str) -> Mark {
    let (action_id, lease_until) = (claimed.action_id, claimed.lease_until);
    Mark { action_id, lease_until, status, result, next_attempt_at: None, last_error: None }
}

async fn marked(store: &dyn Store, marks: &[Mark]) -> u64 {
    let mut db = store.connect().await.unwrap();
    db.mark_deliveries(CHANNEL, marks).await.unwrap()
}

async fn delivery(store: &dyn Store, claimed: &Claimed) -> store::transfer::Row {
    row(store, "deliveries", "action_id", &claimed.action_id.to_string()).await
}

async fn who_claims_gets_what_is_due_soonest_and_no_more_than_asked<D: TestDatabase>(database: &D) {
    let store = database.store();
    let keys = ["a", "b", "c", "d", "e"];
    make(store, &keys.map(promise), &[CHANNEL]).await;
    for (second, key) in [(3, "a"), (1, "b"), (5, "c"), (2, "d"), (4, "e")] {
        let due = format!("UPDATE deliveries SET next_attempt_at = '2001-01-01T00:00:0{second}.000000Z'");
        let at = database.execute(&format!("{due} WHERE action_id = '{}'", promise(key).id)).await;
        assert_eq!(at, 1);
    }
    let ids = |claimed: Vec<Claimed>| claimed.into_iter().map(|claimed| claimed.action_id).collect::<BTreeSet<_>>();
    let expected = |keys: &[&str]| keys.iter().map(|key| promise(key).id).collect::<BTreeSet<_>>();
    assert_eq!(ids(claim(store, 2).await), expected(&["b", "d"]));
    assert_eq!(ids(claim(store, 0).await), expected(&[]));
    assert_eq!(ids(claim(store, 2).await), expected(&["a", "e"]));
    assert_eq!(ids(claim(store, 2).await), expected(&["c"]));
    assert_eq!(ids(claim(store, 2).await), expected(&[]));
}

async fn what_is_not_due_is_not_claimed<D: TestDatabase>(database: &D) {
    let store = database.store();
    let statuses = ["pending", "failed", "superseded", "waiting_contact", "waiting_confirmation", "sent"];
    make(store, &statuses.map(promise), &[CHANNEL]).await;
    make(store, &[promise("another channel")], &["log"]).await;
    for status in statuses {
        let sent_at = if status == "sent" { PAST } else { "NULL" };
        let set = format!("UPDATE deliveries SET status = '{status}', sent_at = {sent_at}");
        assert_eq!(database.execute(&format!("{set} WHERE action_id = '{}'", promise(status).id)).await, 1);
    }
    let late =
        format!("UPDATE deliveries SET next_attempt_at = {FUTURE} WHERE status = 'pending' AND channel <> 'log'");
    assert_eq!(database.execute(&late).await, 1);
    assert_eq!(claim(store, 10).await.len(), 0);
    let due = format!("UPDATE deliveries SET next_attempt_at = {PAST}");
    assert_eq!(database.execute(&due).await, 7);
    let claimed: Vec<_> = claim(store, 10).await.into_iter().map(|claimed| claimed.action_id).collect();
    assert_eq!(claimed, [promise("pending").id]);
}

async fn no_two_relays_claim_the_same<D: TestDatabase>(database: &D) {
    const COUNT: usize = 120;
    let keys: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    make(database.store(), &keys.iter().map(|key| promise(key)).collect::<Vec<_>>(), &[CHANNEL]).await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let store = database.open();
            tokio::spawn(async move {
                let mut all = Vec::new();
                loop {
                    let claimed = claim(&*store, 7).await;
                    if claimed.is_empty() {
                        store.close().await;
                        return all;
                    }
                    all.extend(claimed.into_iter().map(|claimed| claimed.action_id));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    // One that found nothing may have looked while the rest was in another's hands, but nothing is left.
    all.extend(claim(database.store(), 200).await.into_iter().map(|claimed| claimed.action_id));
    assert_eq!(all.len(), COUNT, "each is claimed once");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), COUNT);
}

async fn a_claim_is_one_relays_until_its_lease_ends<D: TestDatabase>(database: &D) {
    let store = database.store();
    let first = claimed(store, "a").await;
    let expected = json!({
        "status": "sending", "attempts": 1, "next_attempt_at": stored(first.lease_until),
        "lease_until": stored(first.lease_until), "sent_at": null,
    });
    check(&delivery(store, &first).await, &expected);
    assert_eq!(claim(store, 10).await.len(), 0);
    assert_eq!(database.execute(&format!("UPDATE deliveries SET next_attempt_at = {PAST}")).await, 1);
    let [second] = claim(store, 10).await.try_into().unwrap();
    assert_eq!((second.action_id, second.attempts), (first.action_id, 2));
    assert_ne!(second.lease_until, first.lease_until);
    assert_eq!(claim(store, 10).await.len(), 0);
}

async fn only_its_holder_can_mark_a_claim<D: TestDatabase>(database: &D) {
    let store = database.store();
    let first = claimed(store, "a").await;
    database.execute(&format!("UPDATE deliveries SET next_attempt_at = {PAST}")).await;
    let [second] = claim(store, 10).await.try_into().unwrap();
    let before = delivery(store, &first).await;
    assert_eq!(marked(store, &[mark(&first, "sent", "sent")]).await, 0);
    assert_eq!(delivery(store, &first).await, before);
    assert_eq!(rows(store, "attempts").await, []);
    assert_eq!(marked(store, &[]).await, 0);
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.mark_deliveries("log", &[mark(&second, "sent", "sent")]).await.unwrap(), 0, "another channel");
    drop(db);
    assert_eq!(marked(store, &[mark(&second, "sent", "sent")]).await, 1);
    assert_eq!(marked(store, &[mark(&second, "failed", "failed")]).await, 0, "it is marked already");
    check(&delivery(store, &second).await, &json!({ "status": "sent", "attempts": 2 }));
}

async fn what_was_sent_is_sent_once_and_for_all<D: TestDatabase>(database: &D) {
    let store = database.store();
    let claimed = claimed(store, "a").await;
    let before = now();
    assert_eq!(marked(store, &[mark(&claimed, "sent", "sent")]).await, 1);
    let sent = delivery(store, &claimed).await;
    let expected = json!({ "status": "sent", "attempts": 1, "lease_until": null, "last_error": null });
    check(&sent, &expected);
    let sent_at = time(sent["sent_at"].as_str().unwrap());
    assert!((sent_at - before).abs() < chrono::TimeDelta::seconds(60), "{sent_at}");
    database.execute(&format!("UPDATE deliveries SET next_attempt_at = {PAST}")).await;
    assert_eq!(claim(store, 10).await.len(), 0);
}

async fn what_failed_is_due_when_its_mark_says<D: TestDatabase>(database: &D) {
    let store = database.store();
    let first = claimed(store, "a").await;
    let next: DateTime<Utc> = time("2001-01-01T00:00:00.123456Z");
    let error = Some("503: it's \"away\" \u{1f4f6}".to_owned());
    let again = Mark { next_attempt_at: Some(next), last_error: error.clone(), ..mark(&first, "pending", "failed") };
    assert_eq!(marked(store, &[again]).await, 1);
    let expected = json!({
        "status": "pending", "attempts": 1, "next_attempt_at": stored(next), "lease_until": null,
        "last_error": error, "sent_at": null,
    });
    check(&delivery(store, &first).await, &expected);
    let [second] = claim(store, 10).await.try_into().unwrap();
    assert_eq!(second.attempts, 2);
    // What is sent at last has no error any more.
    assert_eq!(marked(store, &[mark(&second, "sent", "sent")]).await, 1);
    check(&delivery(store, &first).await, &json!({ "status": "sent", "attempts": 2, "last_error": null }));
}

async fn what_was_not_handed_over_was_no_attempt<D: TestDatabase>(database: &D) {
    let store = database.store();
    let cases = [
        ("superseded", "superseded"),
        ("waiting_contact", "waiting_contact"),
        ("waiting_confirmation", "waiting_confirmation"),
        ("pending", "postponed"),
    ];
    for (status, result) in cases {
        let first = claimed(store, result).await;
        let next = time("2099-01-01T00:00:00Z");
        let next_attempt_at = (status == "pending").then_some(next);
        let why = Some(format!("because of {result}"));
        let aside = Mark { next_attempt_at, last_error: why.clone(), ..mark(&first, status, result) };
        assert_eq!(marked(store, &[aside]).await, 1);
        let due = next_attempt_at.unwrap_or(first.lease_until);
        let expected = json!({
            "status": status, "attempts": 0, "next_attempt_at": stored(due), "lease_until": null,
            "last_error": why, "sent_at": null,
        });
        check(&delivery(store, &first).await, &expected);
    }
    let failed = claimed(store, "failed").await;
    assert_eq!(marked(store, &[mark(&failed, "failed", "failed")]).await, 1);
    check(&delivery(store, &failed).await, &json!({ "status": "failed", "attempts": 1 }));
}

async fn marks_of_many_claims_find_each_its_own<D: TestDatabase>(database: &D) {
    let store = database.store();
    make(store, &["a", "b", "c"].map(promise), &[CHANNEL]).await;
    let claimed = claim(store, 10).await;
    let of = |key: &str| claimed.iter().find(|claimed| claimed.action_id == promise(key).id).unwrap();
    let next_attempt_at = Some(time("2099-01-01T00:00:00Z"));
    let marks = [
        mark(of("c"), "sent", "sent"),
        Mark { next_attempt_at, last_error: Some("no".to_owned()), ..mark(of("a"), "pending", "failed") },
        Mark { lease_until: time("2001-01-01T00:00:00Z"), ..mark(of("b"), "sent", "sent") },
    ];
    assert_eq!(marked(store, &marks).await, 2);
    for (key, status) in [("a", "pending"), ("b", "sending"), ("c", "sent")] {
        check(&delivery(store, of(key)).await, &json!({ "status": status, "attempts": 1 }));
    }
}

async fn every_attempt_is_listed_with_its_result<D: TestDatabase>(database: &D) {
    let store = database.store();
    make(store, &[promise("another")], &["log"]).await;
    let first = claimed(store, "a").await;
    let results = [("pending", "failed", Some("503")), ("pending", "postponed", Some("night")), ("sent", "sent", None)];
    let mut holder = first.clone();
    for (status, result, error) in results {
        let next_attempt_at = (status == "pending").then(|| time("2001-01-01T00:00:00Z"));
        let last_error = error.map(str::to_owned);
        assert_eq!(marked(store, &[Mark { next_attempt_at, last_error, ..mark(&holder, status, result) }]).await, 1);
        if let Some(next) = claim(store, 10).await.pop() {
            holder = next;
        }
    }
    let mut db = store.connect().await.unwrap();
    let attempts = db.find_attempts(&[first.action_id, promise("another").id]).await.unwrap();
    let told: Vec<_> = attempts.iter().map(|attempt| (&*attempt.result, attempt.error.as_deref())).collect();
    assert_eq!(told, [("failed", Some("503")), ("postponed", Some("night")), ("sent", None)]);
    assert!(attempts.iter().all(|attempt| attempt.action_id == first.action_id && attempt.channel == CHANNEL));
    assert!(attempts.is_sorted_by_key(|attempt| attempt.at));
}

async fn what_failed_for_good_is_due_again_from_the_start_when_retried<D: TestDatabase>(database: &D) {
    let store = database.store();
    let failed = claimed(store, "failed").await;
    let gone = Mark { last_error: Some("410".to_owned()), ..mark(&failed, "failed", "failed") };
    assert_eq!(marked(store, &[gone]).await, 1);
    make(store, &[promise("pending"), promise("elsewhere")], &["log"]).await;
    database.execute(&format!("UPDATE deliveries SET next_attempt_at = {FUTURE}")).await;
    database.execute("UPDATE deliveries SET status = 'failed' WHERE channel = 'log'").await;
    let mut db = store.connect().await.unwrap();
    assert_eq!(db.retry_failed_deliveries("email").await.unwrap(), 0);
    assert_eq!(db.retry_failed_deliveries(CHANNEL).await.unwrap(), 1);
    assert_eq!(db.retry_failed_deliveries(CHANNEL).await.unwrap(), 0);
    drop(db);
    let [again] = claim(store, 10).await.try_into().unwrap();
    assert_eq!((again.action_id, again.attempts), (failed.action_id, 1));
    let elsewhere = rows(store, "deliveries").await.into_iter().filter(|row| row["channel"] == "log");
    assert!(elsewhere.map(|row| row["status"].clone()).all(|status| status == "failed"));
}
