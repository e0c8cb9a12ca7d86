//! The tables as they move from one database to another: each row as JSON in one form, whatever the database's types.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};

use crate::catalogue::Table;
use crate::error::StoreError;

/// A row: each column's value in its [`Form`](crate::catalogue::Form), or null.
pub type Row = Map<String, Value>;

#[async_trait]
pub trait Transfer {
    /// All rows of the table, in an order that is the same in every database.
    fn read_table(&mut self, table: &'static Table) -> BoxStream<'_, Result<Row, StoreError>>;

    /// Writes rows into a table that holds none of them.
    async fn write_rows(&mut self, table: &'static Table, rows: &[Row]) -> Result<(), StoreError>;

    /// Whether the table holds anything.
    async fn is_empty(&mut self, table: &'static Table) -> Result<bool, StoreError>;
}
