//! Both databases as the tests of the store's seam need them: made for one test, opened as another process would, read
//! and written by hand, and asked what tables they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool, Postgres, SqliteConnection};
use store::catalogue::TABLES;
use store::sqlite::{self, SqliteStore};
use store::{Store, postgres};
use tempfile::TempDir;
use uuid::Uuid;

use crate::containers::{Shared, held, shared};
use crate::system::{create_database, drop_database};

/// Connections of one process.
const CONNECTIONS: u32 = 8;

/// A moment that is past and one that is far, as both databases read them.
pub const PAST: &str = "'2001-01-01T00:00:00.000000Z'";
pub const FUTURE: &str = "'2101-01-01T00:00:00.000000Z'";

/// For each table and view its columns, and whether they may be null.
pub type Columns = BTreeMap<String, BTreeMap<String, bool>>;

/// A database of one test.
#[expect(async_fn_in_trait, reason = "a test stays on its thread")]
pub trait TestDatabase: Sized {
    /// Without tables.
    async fn create_empty() -> Self;

    /// As another process opens it.
    fn open(&self) -> Arc<dyn Store>;

    /// The test's own.
    fn store(&self) -> &dyn Store;

    /// By hand, in words that both databases understand. How many rows it changed.
    async fn execute(&self, sql: &str) -> u64;

    /// By hand: the first column of all rows, which must be text.
    async fn texts(&self, sql: &str) -> Vec<Option<String>>;

    /// A moment as it is written in the tables that nobody reads but the worker.
    fn moment(at: DateTime<Utc>) -> String;

    async fn columns(&self) -> Columns;

    /// The CHECK constraints by name, each with the words that it names.
    async fn checks(&self) -> BTreeMap<String, BTreeSet<String>>;

    /// The names of the indexes, but for those behind keys.
    async fn indexes(&self) -> BTreeSet<String>;

    async fn remove(self);

    /// With all tables.
    async fn create() -> Self {
        let database = Self::create_empty().await;
        database.store().migrate().await.unwrap();
        database
    }
}

/// A database on the shared PostgreSQL.
#[derive(Debug)]
pub struct PostgresDatabase {
    pool: PgPool,
    name: String,
    shared: Arc<Shared>,
}

impl PostgresDatabase {
    fn of(shared: Arc<Shared>, name: String) -> Self {
        let pool = postgres::open(&shared.postgres.url(&name).into(), CONNECTIONS).unwrap();
        Self { pool, name, shared }
    }

    /// A connection for any statement, ours among them.
    pub async fn by_hand(&self) -> PoolConnection<Postgres> {
        self.pool.acquire().await.unwrap()
    }

    /// Fails if it has not the tables that a migrated one has.
    async fn emptied(&self) -> Result<(), sqlx::Error> {
        let tables = format!("{}, api_limits, api_breakers", TABLES.each_ref().map(|table| table.name).join(", "));
        sqlx::query(AssertSqlSafe(format!("TRUNCATE {tables}"))).execute(&self.pool).await.map(drop)
    }
}

impl TestDatabase for PostgresDatabase {
    async fn create_empty() -> Self {
        let shared = shared().await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        create_database(&shared.postgres, &name).await;
        Self::of(shared, name)
    }

    async fn create() -> Self {
        let shared = shared().await;
        let left = shared.left.lock().unwrap().pop();
        if let Some(name) = left {
            return Self::of(shared, name);
        }
        let database = Self::create_empty().await;
        Store::migrate(&database.pool).await.unwrap();
        database
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(postgres::open(&self.shared.postgres.url(&self.name).into(), CONNECTIONS).unwrap())
    }

    fn store(&self) -> &dyn Store {
        &self.pool
    }

    async fn execute(&self, sql: &str) -> u64 {
        let done = sqlx::query(AssertSqlSafe(sql)).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let found = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn moment(at: DateTime<Utc>) -> String {
        format!("'{}'", at.to_rfc3339())
    }

    async fn columns(&self) -> Columns {
        let rows: Vec<(String, String, bool)> = sqlx::query_as(
            "SELECT table_name, column_name, is_nullable = 'YES' FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        by_table(rows)
    }

    async fn checks(&self) -> BTreeMap<String, BTreeSet<String>> {
        let checks: Vec<(String, String)> = sqlx::query_as(
            "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE contype = 'c' AND connamespace = 'public'::regnamespace",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        checks.into_iter().map(|(name, check)| (name, quoted(&check))).collect()
    }

    async fn indexes(&self) -> BTreeSet<String> {
        let names = self.texts(
            "SELECT indexrelid::regclass::text FROM pg_index
             WHERE indrelid::regclass::text <> '_sqlx_migrations'
               AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
        );
        names.await.into_iter().flatten().collect()
    }

    async fn remove(self) {
        let is_empty = self.emptied().await.is_ok();
        self.pool.close().await;
        if is_empty {
            self.shared.left.lock().unwrap().push(self.name);
        } else {
            drop_database(&self.shared.postgres, &self.name).await;
        }
    }
}

/// A file of SQLite.
#[derive(Debug)]
pub struct SqliteDatabase {
    store: SqliteStore,
    directory: TempDir,
    _shared: Option<Arc<Shared>>,
}

impl SqliteDatabase {
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("worker.db")
    }

    /// As an operator with the command line tool.
    async fn by_hand(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.file()).connect().await.unwrap()
    }
}

impl TestDatabase for SqliteDatabase {
    async fn create_empty() -> Self {
        let directory = TempDir::new().unwrap();
        let store = sqlite::open(&directory.path().join("worker.db"));
        Self { store, directory, _shared: held().await }
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(sqlite::open(&self.file()))
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn execute(&self, sql: &str) -> u64 {
        let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut self.by_hand().await).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let found = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.by_hand().await).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// µs since 1970.
    fn moment(at: DateTime<Utc>) -> String {
        at.timestamp_micros().to_string()
    }

    async fn columns(&self) -> Columns {
        let rows: Vec<(String, String, bool)> = sqlx::query_as(
            "SELECT tables.name, columns.name, NOT columns.\"notnull\"
             FROM sqlite_schema AS tables INNER JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.type IN ('table', 'view') AND tables.name NOT LIKE 'sqlite_%'
               AND tables.name <> '_sqlx_migrations'",
        )
        .fetch_all(&mut self.by_hand().await)
        .await
        .unwrap();
        by_table(rows)
    }

    /// Read off the statements that made the tables: SQLite lists its constraints nowhere.
    async fn checks(&self) -> BTreeMap<String, BTreeSet<String>> {
        let statements = self.texts("SELECT sql FROM sqlite_schema WHERE type = 'table'").await;
        let mut checks = BTreeMap::new();
        for statement in statements.into_iter().flatten() {
            for constraint in statement.split("CONSTRAINT ").skip(1) {
                let (name, rest) = constraint.split_once(char::is_whitespace).unwrap();
                if rest.trim_start().starts_with("CHECK") {
                    checks.insert(name.to_owned(), quoted(rest));
                }
            }
        }
        checks
    }

    async fn indexes(&self) -> BTreeSet<String> {
        let names = self.texts("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").await;
        names.into_iter().flatten().collect()
    }

    async fn remove(self) {
        self.store.close().await;
    }
}

fn by_table(rows: Vec<(String, String, bool)>) -> Columns {
    let mut columns = Columns::new();
    for (table, column, is_nullable) in rows {
        columns.entry(table).or_default().insert(column, is_nullable);
    }
    columns
}

/// The words of a constraint; the pattern of a text that begins with one counts as that.
fn quoted(check: &str) -> BTreeSet<String> {
    check.split('\'').skip(1).step_by(2).map(|word| word.trim_end_matches('%').to_owned()).collect()
}
