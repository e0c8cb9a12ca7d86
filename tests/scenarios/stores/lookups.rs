//! The questions to the providers' APIs: wanted, wanted again, claimed under a lease, marked.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use harness::databases::{FUTURE, PAST, TestDatabase};
use serde_json::{Value, json};
use shared::fact::EntityKey;
use shared::lookup::{Hints, Lookup, LookupKind, LookupReason, LookupRequest};
use store::Store;
use store::lookups::{Claimed, Mark};
use store::transfer::Row;

use super::given::{SOURCE, check, now, row, rows, stored, time};

on_both! {
    what_is_wanted_is_due_after_its_pause
    of_several_wants_in_one_batch_the_soonest_counts
    what_the_shop_said_once_is_not_forgotten
    who_wants_it_sooner_moves_it_forward
    what_is_urgent_stays_and_a_poll_gives_way
    what_has_ended_begins_anew_when_it_is_wanted
    what_is_wanted_again_while_it_is_asked_is_asked_again_soon
    who_claims_anew_serves_all_who_wanted_it_before
    a_claim_is_of_what_is_due_of_the_sources
    no_two_workers_claim_the_same_question
    a_claim_ends_with_its_lease_and_only_its_holder_marks_it
    a_mark_says_how_the_question_goes_on
    a_description_is_forgotten_and_nothing_else
}

const LEASE: Duration = Duration::from_secs(90);

fn lookup(reference: &str) -> Lookup {
    let about = EntityKey::Order(reference.to_owned());
    Lookup { about, kind: LookupKind::Order, hints: Hints::default() }
}

fn want(lookup: Lookup, reason: LookupReason, after_s: i64) -> (&'static str, LookupRequest) {
    (SOURCE, LookupRequest { lookup, reason, after: TimeDelta::seconds(after_s) })
}

async fn note(store: &dyn Store, wants: &[(&str, LookupRequest)]) {
    let mut db = store.connect().await.unwrap();
    db.want_lookups(wants).await.unwrap();
}

async fn claim(store: &dyn Store, sources: &[&str], limit: i64) -> Vec<Claimed> {
    let sources: Vec<_> = sources.iter().map(|source| (*source).to_owned()).collect();
    let mut db = store.connect().await.unwrap();
    db.claim_lookups(&sources, limit, LEASE).await.unwrap()
}

async fn mark(store: &dyn Store, claimed: &Claimed, mark: &Mark) {
    let mut db = store.connect().await.unwrap();
    db.mark_lookup(claimed, mark).await.unwrap();
}

async fn task(store: &dyn Store, reference: &str) -> Row {
    row(store, "fetch_tasks", "reference", reference).await
}

/// Asserts that it is due in so many seconds.
#[track_caller]
fn due_in(task: &Row, seconds: i64) {
    let due = time(task["next_attempt_at"].as_str().unwrap());
    let expected = now() + TimeDelta::seconds(seconds);
    assert!((due - expected).abs() < TimeDelta::seconds(30), "due at {due}, not about {expected}");
}

fn answered(hash: &str) -> Mark {
    Mark {
        reason: "thin",
        status: "done",
        next_attempt_at: None,
        asked: 1,
        failures: 0,
        last_error: None,
        answer_hash: Some(hash.to_owned()),
    }
}

async fn what_is_wanted_is_due_after_its_pause<D: TestDatabase>(database: &D) {
    let store = database.store();
    note(store, &[]).await;
    let hints = Hints { order_ref: Some("it's \"B1\"".to_owned()), iccid: Some("8901".to_owned()), ..Hints::default() };
    let esim = Lookup { about: EntityKey::Esim("B1/8901".to_owned()), kind: LookupKind::Usage, hints };
    note(store, &[want(esim.clone(), LookupReason::Poll, 0), want(lookup("later"), LookupReason::Overdue, 3_600)])
        .await;
    let expected = json!({
        "source": SOURCE, "question": "usage", "lookup": esim, "reason": "poll", "status": "pending",
        "lease_until": null, "is_wanted_again": false, "asked": 0, "failures": 0, "last_error": null,
        "answer_hash": null, "answered_at": null,
    });
    check(&task(store, "B1/8901").await, &expected);
    due_in(&task(store, "later").await, 3_600);
    let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    let named = (&*claimed.source, &*claimed.question, &*claimed.reference, &*claimed.reason);
    assert_eq!(named, (SOURCE, "usage", "B1/8901", "poll"));
    assert_eq!((claimed.lookup.0, claimed.asked, claimed.failures, claimed.answer_hash), (esim, 0, 0, None));
}

async fn of_several_wants_in_one_batch_the_soonest_counts<D: TestDatabase>(database: &D) {
    let store = database.store();
    let wants = [
        want(lookup("B1"), LookupReason::Poll, 600),
        want(lookup("B1"), LookupReason::Thin, 60),
        want(lookup("B2"), LookupReason::Poll, 10),
        want(lookup("B1"), LookupReason::Overdue, 3_600),
    ];
    note(store, &wants).await;
    check(&task(store, "B1").await, &json!({ "reason": "thin" }));
    due_in(&task(store, "B1").await, 60);
    assert_eq!(rows(store, "fetch_tasks").await.len(), 2);
}

async fn what_the_shop_said_once_is_not_forgotten<D: TestDatabase>(database: &D) {
    let store = database.store();
    let with = |hints: Hints| want(Lookup { hints, ..lookup("B1") }, LookupReason::Thin, 60);
    let text = |text: &str| Some(text.to_owned());
    note(store, &[with(Hints { description: text("it's \"17\""), iccid: text("1"), ..Hints::default() })]).await;
    note(store, &[with(Hints::default())]).await;
    let expected = json!({ "lookup": {
        "about": { "entity": "order", "ref": "B1" }, "question": "order",
        "hints": { "description": "it's \"17\"", "iccid": "1" },
    } });
    check(&task(store, "B1").await, &expected);
    // What comes later is better known.
    note(store, &[with(Hints { iccid: text("2"), order_ref: text("ü"), ..Hints::default() })]).await;
    let hints = task(store, "B1").await["lookup"]["hints"].clone();
    assert_eq!(hints, json!({ "description": "it's \"17\"", "iccid": "2", "order_ref": "ü" }));
}

async fn who_wants_it_sooner_moves_it_forward<D: TestDatabase>(database: &D) {
    let store = database.store();
    for (after_s, due_s) in [(600, 600), (3_600, 600), (60, 60), (600, 60)] {
        note(store, &[want(lookup("B1"), LookupReason::Thin, after_s)]).await;
        due_in(&task(store, "B1").await, due_s);
    }
}

async fn what_is_urgent_stays_and_a_poll_gives_way<D: TestDatabase>(database: &D) {
    let store = database.store();
    // (what it is, what it is wanted for) → (what it is then, answers counted so far).
    let cases = [
        (LookupReason::Thin, LookupReason::Poll, ("thin", 5)),
        (LookupReason::Thin, LookupReason::Overdue, ("thin", 5)),
        (LookupReason::Unconfirmed, LookupReason::Thin, ("unconfirmed", 5)),
        (LookupReason::Poll, LookupReason::Thin, ("thin", 0)),
        (LookupReason::Poll, LookupReason::Poll, ("poll", 0)),
    ];
    for (number, (first, second, (reason, asked))) in cases.into_iter().enumerate() {
        let name = format!("B{number}");
        note(store, &[want(lookup(&name), first, 600)]).await;
        let counted =
            format!("UPDATE fetch_tasks SET asked = 5, failures = 2, last_error = 'e' WHERE reference = '{name}'");
        assert_eq!(database.execute(&counted).await, 1);
        note(store, &[want(lookup(&name), second, 600)]).await;
        let expected = json!({
            "reason": reason, "asked": asked, "failures": 2, "last_error": "e", "status": "pending",
            "is_wanted_again": false,
        });
        check(&task(store, &name).await, &expected);
    }
}

async fn what_has_ended_begins_anew_when_it_is_wanted<D: TestDatabase>(database: &D) {
    let store = database.store();
    for (status, last_error) in [("done", json!("e")), ("failed", Value::Null)] {
        note(store, &[want(lookup(status), LookupReason::Thin, 0)]).await;
        let set = "asked = 5, failures = 2, last_error = 'e', answer_hash = 'h'";
        let ended = format!("UPDATE fetch_tasks SET status = '{status}', {set}, next_attempt_at = {PAST}");
        assert_eq!(database.execute(&format!("{ended} WHERE reference = '{status}'")).await, 1);
        assert!(claim(store, &[SOURCE], 10).await.is_empty());
        note(store, &[want(lookup(status), LookupReason::Poll, 600)]).await;
        let expected = json!({
            "status": "pending", "reason": "poll", "asked": 0, "failures": 2, "last_error": last_error,
            "answer_hash": "h", "is_wanted_again": false,
        });
        check(&task(store, status).await, &expected);
        // Not when it was due last.
        due_in(&task(store, status).await, 600);
    }
}

async fn what_is_wanted_again_while_it_is_asked_is_asked_again_soon<D: TestDatabase>(database: &D) {
    let store = database.store();
    for (name, reason) in [("poll", LookupReason::Poll), ("overdue", LookupReason::Overdue)] {
        note(store, &[want(lookup(name), reason, 0)]).await;
        let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
        note(store, &[want(lookup(name), LookupReason::Unconfirmed, 0)]).await;
        let reason = if name == "poll" { "unconfirmed" } else { "overdue" };
        let expected = json!({
            "status": "asking", "is_wanted_again": true, "reason": reason, "next_attempt_at": stored(claimed.lease_until),
            "lease_until": stored(claimed.lease_until),
        });
        check(&task(store, name).await, &expected);
        assert!(claim(store, &[SOURCE], 10).await.is_empty(), "it is not asked twice at a time");
        let next_attempt_at = (name == "poll").then(|| now() + TimeDelta::hours(6));
        let done =
            Mark { reason: "poll", asked: 7, next_attempt_at, last_error: Some("e".to_owned()), ..answered("h") };
        mark(store, &claimed, &done).await;
        let expected = json!({
            "status": "pending", "is_wanted_again": false, "reason": reason, "asked": 0, "lease_until": null,
            "answer_hash": "h", "last_error": "e",
        });
        check(&task(store, name).await, &expected);
        due_in(&task(store, name).await, 1);
        // Once claimed again, nobody wants it again.
        database.execute(&format!("UPDATE fetch_tasks SET next_attempt_at = {PAST} WHERE status = 'pending'")).await;
        let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
        mark(store, &claimed, &answered("h")).await;
        check(&task(store, name).await, &json!({ "status": "done", "reason": "thin", "asked": 1 }));
    }
}

async fn who_claims_anew_serves_all_who_wanted_it_before<D: TestDatabase>(database: &D) {
    let store = database.store();
    note(store, &[want(lookup("B1"), LookupReason::Thin, 0)]).await;
    assert_eq!(claim(store, &[SOURCE], 10).await.len(), 1);
    note(store, &[want(lookup("B1"), LookupReason::Thin, 0)]).await;
    // Its worker has died.
    database.execute(&format!("UPDATE fetch_tasks SET next_attempt_at = {PAST}")).await;
    let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    check(&task(store, "B1").await, &json!({ "status": "asking", "is_wanted_again": false }));
    mark(store, &claimed, &answered("h")).await;
    check(&task(store, "B1").await, &json!({ "status": "done" }));
}

async fn a_claim_is_of_what_is_due_of_the_sources<D: TestDatabase>(database: &D) {
    let store = database.store();
    for name in ["a", "b", "c", "done", "failed", "later"] {
        note(store, &[want(lookup(name), LookupReason::Thin, 0)]).await;
    }
    note(store, &[("another", want(lookup("a"), LookupReason::Thin, 0).1)]).await;
    for (second, name) in [(3, "a"), (1, "b"), (2, "c")] {
        let due = format!("UPDATE fetch_tasks SET next_attempt_at = '2001-01-01T00:00:0{second}.000000Z'");
        database.execute(&format!("{due} WHERE reference = '{name}'")).await;
    }
    database.execute("UPDATE fetch_tasks SET status = reference WHERE reference IN ('done', 'failed')").await;
    database.execute(&format!("UPDATE fetch_tasks SET next_attempt_at = {FUTURE} WHERE reference = 'later'")).await;
    let names = |claimed: Vec<Claimed>| claimed.into_iter().map(|claimed| claimed.reference).collect::<BTreeSet<_>>();
    let expected = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names(claim(store, &[], 10).await), expected(&[]));
    assert_eq!(names(claim(store, &[SOURCE], 2).await), expected(&["b", "c"]), "the soonest first");
    assert_eq!(names(claim(store, &[SOURCE, "third"], 10).await), expected(&["a"]));
    let [claimed] = claim(store, &["another", SOURCE], 10).await.try_into().unwrap();
    assert_eq!(claimed.source, "another");
    assert!(claim(store, &["another", SOURCE], 10).await.is_empty());
}

async fn no_two_workers_claim_the_same_question<D: TestDatabase>(database: &D) {
    let names: Vec<_> = (0..80).map(|number| format!("B{number}")).collect();
    let wants: Vec<_> = names.iter().map(|name| want(lookup(name), LookupReason::Thin, 0)).collect();
    note(database.store(), &wants).await;
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let store = database.open();
            tokio::spawn(async move {
                let mut all = Vec::new();
                loop {
                    let claimed = claim(&*store, &[SOURCE], 7).await;
                    if claimed.is_empty() {
                        store.close().await;
                        return all;
                    }
                    all.extend(claimed.into_iter().map(|claimed| claimed.reference));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all.extend(claim(database.store(), &[SOURCE], 100).await.into_iter().map(|claimed| claimed.reference));
    assert_eq!(all.len(), names.len());
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), names.into_iter().collect());
}

async fn a_claim_ends_with_its_lease_and_only_its_holder_marks_it<D: TestDatabase>(database: &D) {
    let store = database.store();
    note(store, &[want(lookup("B1"), LookupReason::Thin, 0), want(lookup("B2"), LookupReason::Thin, 3_600)]).await;
    let [first] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    let lease = now() + TimeDelta::from_std(LEASE).unwrap();
    assert!((first.lease_until - lease).abs() < TimeDelta::seconds(30), "{}", first.lease_until);
    assert!(claim(store, &[SOURCE], 10).await.is_empty());
    database.execute(&format!("UPDATE fetch_tasks SET next_attempt_at = {PAST} WHERE status = 'asking'")).await;
    let [second] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    assert_eq!(second.reference, "B1");
    let before = task(store, "B1").await;
    mark(store, &first, &answered("first")).await;
    assert_eq!(task(store, "B1").await, before);
    let neighbour = task(store, "B2").await;
    mark(store, &second, &answered("second")).await;
    check(&task(store, "B1").await, &json!({ "status": "done", "answer_hash": "second" }));
    mark(store, &second, &answered("twice")).await;
    check(&task(store, "B1").await, &json!({ "answer_hash": "second" }));
    assert_eq!(task(store, "B2").await, neighbour);
}

async fn a_mark_says_how_the_question_goes_on<D: TestDatabase>(database: &D) {
    let store = database.store();
    let next = time("2001-01-01T00:00:00.000001Z");
    note(store, &[want(lookup("B1"), LookupReason::Thin, 0)]).await;
    let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    // Not answered, and asked again at that time.
    let failed = Mark {
        reason: "thin",
        status: "failed",
        next_attempt_at: Some(next),
        asked: 0,
        failures: 1,
        last_error: Some("503: it's \"away\"".to_owned()),
        answer_hash: None,
    };
    mark(store, &claimed, &failed).await;
    let expected = json!({
        "status": "pending", "next_attempt_at": stored(next), "lease_until": null, "failures": 1,
        "last_error": "503: it's \"away\"", "answer_hash": null, "answered_at": null,
    });
    check(&task(store, "B1").await, &expected);
    // Answered, and to be polled from now on.
    let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    assert_eq!((claimed.failures, claimed.answer_hash.clone()), (1, None));
    mark(store, &claimed, &Mark { reason: "poll", next_attempt_at: Some(next), asked: 3, ..answered("h") }).await;
    let answered_row = task(store, "B1").await;
    let expected = json!({
        "status": "pending", "reason": "poll", "asked": 3, "failures": 0, "last_error": null, "answer_hash": "h",
    });
    check(&answered_row, &expected);
    let answered_at = time(answered_row["answered_at"].as_str().unwrap());
    assert!((now() - answered_at).abs() < TimeDelta::seconds(60), "{answered_at}");
    // Not answered, and never asked again: what it was answered last stays known.
    database.execute("UPDATE fetch_tasks SET answered_at = '2001-01-01T00:00:00.000000Z'").await;
    let [claimed] = claim(store, &[SOURCE], 10).await.try_into().unwrap();
    assert_eq!((&*claimed.reason, claimed.asked, claimed.answer_hash.as_deref()), ("poll", 3, Some("h")));
    mark(store, &claimed, &Mark { next_attempt_at: None, ..failed }).await;
    let expected = json!({
        "status": "failed", "next_attempt_at": stored(claimed.lease_until), "answer_hash": "h",
        "answered_at": "2001-01-01T00:00:00.000000Z", "lease_until": null,
    });
    check(&task(store, "B1").await, &expected);
    assert!(claim(store, &[SOURCE], 10).await.is_empty());
}

async fn a_description_is_forgotten_and_nothing_else<D: TestDatabase>(database: &D) {
    let store = database.store();
    let hints = || Hints { description: Some("d".to_owned()), iccid: Some("1".to_owned()), ..Hints::default() };
    let described = |reference: &str| Lookup { hints: hints(), ..lookup(reference) };
    let about_esim = Lookup { about: EntityKey::Esim("B1".to_owned()), kind: LookupKind::Esim, hints: hints() };
    let wants = [described("B1"), described("B2"), about_esim, lookup("B3")];
    note(store, &wants.map(|lookup| want(lookup, LookupReason::Thin, 0))).await;
    note(store, &[("another", want(described("B1"), LookupReason::Thin, 0).1)]).await;
    let mut db = store.connect().await.unwrap();
    for order in ["B1", "B3", "B4"] {
        db.forget_description(SOURCE, order).await.unwrap();
    }
    drop(db);
    let mut left: Vec<_> = rows(store, "fetch_tasks")
        .await
        .into_iter()
        .map(|task| {
            let named = ["source", "question", "reference"].map(|name| task[name].as_str().unwrap().to_owned());
            (named.join(" "), task["lookup"]["hints"].clone())
        })
        .collect();
    left.sort_by(|left, right| left.0.cmp(&right.0));
    let full = || json!({ "description": "d", "iccid": "1" });
    let expected = [
        ("another order B1", full()),
        ("esim-access esim B1", full()),
        ("esim-access order B1", json!({ "iccid": "1" })),
        ("esim-access order B2", full()),
        ("esim-access order B3", json!({})),
    ];
    assert_eq!(left, expected.map(|(name, hints)| (name.to_owned(), hints)));
}
