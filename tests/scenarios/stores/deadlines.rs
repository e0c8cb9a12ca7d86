//! What the clock looks at: eSIMs whose plan ends, page by page, and orders that nobody has spoken of.

use std::collections::BTreeSet;

use harness::databases::{PAST, TestDatabase};
use serde_json::{Value, json};
use shared::envelope::Mode;
use shared::event::Event;
use shared::fact::State;
use shared::fold::EntityId;
use shared::origin::Provider;
use store::Store;
use store::outbox::ActionRow;
use uuid::Uuid;

use super::given::{SOURCE, admit, esim, event, make, order, payment, promise, save, standing, state, time};

on_both! {
    a_plan_that_ends_is_found_until_it_is_over
    plans_that_end_are_paged_in_the_order_of_their_keys
    an_order_that_nobody_speaks_of_is_found
}

fn ending(expires_at: &str, plan: Option<&str>) -> Value {
    let mut blocks = json!({ "expires_at": { "value": expires_at }, "mode": { "value": "test" } });
    if let Some(plan) = plan {
        blocks["plan"] = json!({ "value": plan });
    }
    blocks
}

const UNTIL: &str = "2026-05-31T10:00:00Z";

async fn a_plan_that_ends_is_found_until_it_is_over<D: TestDatabase>(database: &D) {
    let store = database.store();
    let before = "2026-05-31T09:59:59.999999Z";
    let going_on = [None, Some("pending"), Some("allocated"), Some("active"), Some("suspended"), Some("depleted")];
    let mut entities: Vec<_> =
        going_on.iter().zip(1..).map(|(plan, number)| (esim(&format!("in {number}")), ending(before, *plan))).collect();
    for plan in ["expired", "cancelled", "revoked"] {
        entities.push((esim(plan), ending(before, Some(plan))));
    }
    entities.push((esim("later"), ending(UNTIL, None)));
    entities.push((esim("without an end"), json!({ "plan": { "value": "active" } })));
    save(store, &entities).await;
    let mut db = store.connect().await.unwrap();
    let found = db.find_ending(time(UNTIL), ("", ""), 100).await.unwrap();
    let names: BTreeSet<_> = found.iter().map(|ending| &*ending.esim_ref).collect();
    assert_eq!(names, BTreeSet::from(["in 1", "in 2", "in 3", "in 4", "in 5", "in 6"]));
    let first = found.iter().find(|ending| ending.esim_ref == "in 2").unwrap();
    assert_eq!((&*first.source, first.provider, first.mode), (SOURCE, Provider::EsimAccess, Mode::Test));
    let expected = state(&esim("in 2"), ending(before, Some("pending")));
    assert_eq!(State::Esim(first.esim.clone()), expected);
}

async fn plans_that_end_are_paged_in_the_order_of_their_keys<D: TestDatabase>(database: &D) {
    let store = database.store();
    // Whatever a database's own order is, its pages must fit together.
    let references = ["a", "B", "c", "Ä", "1", "a/1", "a 1", "_", "\u{1f4f6}", "'", "ab", "aB"];
    let ids = references
        .iter()
        .flat_map(|reference| ["one", "Two"].map(|source| EntityId { source: source.to_owned(), ..esim(reference) }));
    let entities: Vec<_> = ids.map(|id| (id, ending("2026-05-31T09:00:00Z", None))).collect();
    save(store, &entities).await;
    let mut db = store.connect().await.unwrap();
    let mut after = (String::new(), String::new());
    let mut seen = Vec::new();
    loop {
        let page = db.find_ending(time(UNTIL), (&after.0, &after.1), 5).await.unwrap();
        assert!(page.len() <= 5);
        let Some(last) = page.last() else { break };
        after = (last.source.clone(), last.esim_ref.clone());
        seen.extend(page.into_iter().map(|ending| (ending.source, ending.esim_ref)));
        assert!(seen.len() <= entities.len(), "some twice: {seen:?}");
    }
    assert_eq!(seen.len(), entities.len(), "each once: {seen:?}");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), entities.len());
}

/// An event that tells of the source's provider.
fn spoken(source: &str, provider: Provider) -> (shared::envelope::Envelope, Event) {
    let (mut envelope, event) = event("spoken");
    envelope.source = source.to_owned();
    envelope.provider = provider;
    (envelope, event)
}

async fn silent(store: &dyn Store, limit: i64) -> Vec<(String, String, Option<Provider>)> {
    let mut db = store.connect().await.unwrap();
    let found = db.find_silent(time("2002-01-01T00:00:00Z"), limit).await.unwrap();
    assert!(found.iter().all(|registered| registered.since < time("2002-01-01T00:00:00Z")));
    found.into_iter().map(|registered| (registered.source, registered.order_ref, registered.provider)).collect()
}

async fn an_order_that_nobody_speaks_of_is_found<D: TestDatabase>(database: &D) {
    let store = database.store();
    admit(store, &[spoken(SOURCE, Provider::EsimAccess)]).await;
    let mut db = store.connect().await.unwrap();
    for order in ["unheard of", "only a row", "spoken of", "told", "young"] {
        db.register_order(SOURCE, order, None).await.unwrap();
    }
    db.register_order("new", "of a new source", None).await.unwrap();
    db.register_order("pays", "payment", None).await.unwrap();
    drop(db);
    // A row that only an eSIM's event has made says nothing of what the provider said of the order.
    save(store, &[(order("only a row"), json!({})), (order("spoken of"), standing("pending"))]).await;
    save(store, &[(EntityId { source: "pays".to_owned(), ..payment("P1") }, json!({}))]).await;
    let told = ActionRow { id: Uuid::from_u128(1), ..promise("provider_silent:told") };
    make(store, &[told], &[]).await;
    let old = format!("UPDATE registrations SET created_at = {PAST} WHERE order_ref <> 'young'");
    assert_eq!(database.execute(&old).await, 6);
    let older = "UPDATE registrations SET created_at = '2000-01-01T00:00:00.000000Z' WHERE order_ref = 'only a row'";
    database.execute(older).await;
    let found = silent(store, 10).await;
    let name = |order: &str| (SOURCE.to_owned(), order.to_owned(), Some(Provider::EsimAccess));
    assert_eq!(found[0], name("only a row"), "the oldest first");
    let rest: BTreeSet<_> =
        found[1..].iter().map(|(source, order, provider)| (&**source, &**order, *provider)).collect();
    let expected = [(SOURCE, "unheard of", Some(Provider::EsimAccess)), ("new", "of a new source", None)];
    assert_eq!(rest, BTreeSet::from(expected));
    assert_eq!(silent(store, 1).await, [name("only a row")]);
}
