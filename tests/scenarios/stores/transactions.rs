//! Transactions: all or nothing, one after the other where they meet, and a look at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use harness::databases::{PostgresDatabase, SqliteDatabase, TestDatabase};
use serde_json::json;
use shared::origin::Provider;
use store::StoreError;
use store::catalogue::TABLES;
use tokio::time::timeout;

use super::given::{CHANNEL, admit, borrowed, event, make, order, promise, rows, save, standing, state};

on_both! {
    a_transaction_that_is_dropped_leaves_nothing
    what_is_committed_is_there_after_reopening
    what_is_broken_off_leaves_nothing_and_harms_nobody
    a_snapshot_sees_one_moment_while_others_write
    a_snapshot_can_write_nothing
    a_database_that_answers_does_so_until_it_is_closed
    to_migrate_again_changes_nothing
}

async fn a_transaction_that_is_dropped_leaves_nothing<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.admit_events(&borrowed(&[event("lost")])).await.unwrap();
    let id = order("B1");
    tx.lock_entities(&BTreeMap::from([(id.clone(), Provider::EsimAccess)])).await.unwrap();
    tx.save_entities(&BTreeMap::from([(id.clone(), state(&id, standing("completed")))])).await.unwrap();
    let made = promise("lost");
    tx.make_promises(std::slice::from_ref(&made)).await.unwrap();
    tx.add_deliveries(&[(made.id, CHANNEL)]).await.unwrap();
    drop(tx);
    for table in TABLES.iter() {
        assert_eq!(rows(store, table.name).await, [], "{}", table.name);
    }
    // And nothing of it is in anybody's way.
    assert_eq!(admit(store, &[event("lost")]).await.len(), 1);
    make(store, &[made], &[CHANNEL]).await;
}

async fn what_is_committed_is_there_after_reopening<D: TestDatabase>(database: &D) {
    let store = database.open();
    admit(&*store, &[event("kept")]).await;
    save(&*store, &[(order("B1"), standing("completed"))]).await;
    make(&*store, &[promise("kept")], &[CHANNEL]).await;
    let mut expected = Vec::new();
    for table in TABLES.iter() {
        expected.push(rows(&*store, table.name).await);
    }
    store.close().await;
    let reopened = database.open();
    reopened.migrate().await.unwrap();
    let mut found = Vec::new();
    for table in TABLES.iter() {
        found.push(rows(&*reopened, table.name).await);
    }
    assert_eq!(found, expected);
    assert_eq!(found.iter().map(Vec::len).sum::<usize>(), 4);
    reopened.close().await;
}

async fn what_is_broken_off_leaves_nothing_and_harms_nobody<D: TestDatabase>(database: &D) {
    let store = database.store();
    for round in 0..60 {
        let patience = Duration::from_micros(50 * round);
        let work = async {
            let mut tx = store.begin().await.unwrap();
            tx.admit_events(&borrowed(&[event("broken off")])).await.unwrap();
            let id = order("B1");
            tx.lock_entities(&BTreeMap::from([(id.clone(), Provider::EsimAccess)])).await.unwrap();
            std::future::pending::<()>().await;
        };
        assert!(timeout(patience, work).await.is_err());
    }
    for table in ["events", "orders"] {
        assert_eq!(rows(store, table).await, [], "{table}");
    }
    assert_eq!(admit(store, &[event("broken off")]).await.len(), 1);
}

async fn a_snapshot_sees_one_moment_while_others_write<D: TestDatabase>(database: &D) {
    let store = database.store();
    admit(store, &[event("before")]).await;
    save(store, &[(order("B1"), standing("pending"))]).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let counts = snapshot.count_rows().await.unwrap();
    assert_eq!((counts.events, counts.entities), (1, 1));
    // Nobody waits for who only looks.
    admit(store, &[event("meanwhile")]).await;
    save(store, &[(order("B1"), standing("completed")), (order("B2"), standing("pending"))]).await;
    assert_eq!(snapshot.count_rows().await.unwrap(), counts);
    let orders: Vec<_> = snapshot.read_table(&TABLES[1]).try_collect().await.unwrap();
    assert_eq!((orders.len(), &orders[0]["status"]), (1, &json!("pending")));
    drop(snapshot);
    let mut later = store.snapshot().await.unwrap();
    assert_eq!(later.count_rows().await.unwrap().events, 2);
}

async fn a_snapshot_can_write_nothing<D: TestDatabase>(database: &D) {
    let store = database.store();
    let mut snapshot = store.snapshot().await.unwrap();
    snapshot.count_rows().await.unwrap();
    let refused = snapshot.admit_events(&borrowed(&[event("sneaked in")])).await;
    assert!(refused.is_err(), "{refused:?}");
    drop(snapshot);
    // Nor is it by the connection that the next one gets.
    let mut again = store.snapshot().await.unwrap();
    assert!(again.mark_replayed(promise("x").id).await.is_err());
    drop(again);
    assert_eq!(rows(store, "events").await, []);
    assert_eq!(admit(store, &[event("by the door")]).await.len(), 1);
}

async fn a_database_that_answers_does_so_until_it_is_closed<D: TestDatabase>(database: &D) {
    let store = database.open();
    store.ping().await.unwrap();
    let mut db = store.connect().await.unwrap();
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    tokio::task::yield_now().await;
    // What is under way is let finish.
    assert_eq!(db.find_breaker("any").await.unwrap(), None);
    drop(db);
    closing.await.unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Transient(_))));
    assert!(matches!(store.connect().await.map(drop), Err(StoreError::Transient(_))));
    assert!(matches!(store.begin().await.map(drop), Err(StoreError::Transient(_))));
    assert!(matches!(store.snapshot().await.map(drop), Err(StoreError::Transient(_))));
    database.store().ping().await.unwrap();
}

async fn to_migrate_again_changes_nothing<D: TestDatabase>(database: &D) {
    admit(database.store(), &[event("kept")]).await;
    let columns = database.columns().await;
    database.store().migrate().await.unwrap();
    assert_eq!(database.columns().await, columns);
    assert_eq!(rows(database.store(), "events").await.len(), 1);
}

/// Several processes that start at once on an empty database.
async fn migrated_by_all<D: TestDatabase>() {
    for _ in 0..3 {
        let database = D::create_empty().await;
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let store = database.open();
                tokio::spawn(async move {
                    let migrated = store.migrate().await;
                    store.close().await;
                    migrated
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(admit(database.store(), &[event("first")]).await.len(), 1);
        database.remove().await;
    }
}

mod several_may_migrate_at_once {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        migrated_by_all::<PostgresDatabase>().await;
    }

    #[tokio::test]
    async fn sqlite() {
        migrated_by_all::<SqliteDatabase>().await;
    }
}
