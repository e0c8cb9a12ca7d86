//! The tables are the same in both databases, by name, column and constraint, and all of them can move.

use std::collections::{BTreeMap, BTreeSet};

use harness::databases::{Columns, PostgresDatabase, SqliteDatabase, TestDatabase};
use store::catalogue::TABLES;

/// What does not move: the pace of the APIs is out of date by then, and a view has nothing of its own.
const STAYS: [&str; 3] = ["api_breakers", "api_limits", "recipients"];

/// What PostgreSQL has a type for.
const BOOLEANS: [&str; 2] = ["fetch_tasks_is_wanted_again_check", "orders_needs_review_check"];

async fn both() -> (PostgresDatabase, SqliteDatabase) {
    (PostgresDatabase::create().await, SqliteDatabase::create().await)
}

async fn done((postgres, sqlite): (PostgresDatabase, SqliteDatabase)) {
    postgres.remove().await;
    sqlite.remove().await;
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (postgres, sqlite) = both().await;
    let columns = postgres.columns().await;
    assert_eq!(columns.len(), 16);
    assert_eq!(sqlite.columns().await, columns);
    done((postgres, sqlite)).await;
}

#[tokio::test]
async fn both_databases_check_the_same() {
    let (postgres, sqlite) = both().await;
    let expected = postgres.checks().await;
    let mut found = sqlite.checks().await;
    for boolean in BOOLEANS {
        assert!(found.remove(boolean).is_some(), "{boolean}");
    }
    assert_eq!(found, expected);
    assert!(expected.len() > 30 && expected["deliveries_status_check"].contains("waiting_confirmation"));
    done((postgres, sqlite)).await;
}

#[tokio::test]
async fn both_databases_find_rows_by_the_same_indexes() {
    let (postgres, sqlite) = both().await;
    let expected = postgres.indexes().await;
    assert!(expected.contains("deliveries_due_idx"), "{expected:?}");
    assert_eq!(sqlite.indexes().await, expected);
    done((postgres, sqlite)).await;
}

#[tokio::test]
async fn every_column_of_every_table_can_move() {
    let (postgres, sqlite) = both().await;
    let mut columns: Columns = postgres.columns().await;
    columns.retain(|table, _| !STAYS.contains(&table.as_str()));
    let there: BTreeMap<_, BTreeSet<_>> =
        columns.iter().map(|(table, columns)| (&**table, columns.keys().map(String::as_str).collect())).collect();
    let moves: BTreeMap<_, BTreeSet<_>> =
        TABLES.iter().map(|table| (table.name, table.columns.iter().map(|column| column.name).collect())).collect();
    assert_eq!(moves, there);
    for table in TABLES.iter() {
        assert_eq!(table.columns.len(), moves[table.name].len(), "{}: each column once", table.name);
    }
    done((postgres, sqlite)).await;
}
