//! What `verify` reads, all of it from one snapshot: the events page by page, and how the tables differ from them.

use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use shared::action::ActionKind;
use shared::envelope::Envelope;
use shared::fact::EntityKey;
use shared::fold::EntityId;
use shared::premise::Premise;
use uuid::Uuid;

use crate::catalogue::EntityTable;
use crate::error::StoreError;
use crate::events::EventRow;

/// An event as it is kept.
#[derive(Debug)]
pub struct Kept {
    pub envelope: Envelope,
    pub event_key: String,
}

/// How many rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub events: i64,
    /// Orders, eSIMs, payments and returns together.
    pub entities: i64,
}

/// Rows as they should be. Like a [`Mismatch`] it does not print its values: there are activation codes among them.
#[derive(Default)]
pub struct Expected(BTreeMap<EntityTable, Vec<Map<String, Value>>>);

/// What is not as it should be of an entity.
pub struct Mismatch {
    pub id: EntityId,
    /// The column with what it holds and what it should; `None` if there is no row.
    pub field: Option<(String, Value, Value)>,
}

/// A promise that should be there.
#[derive(Debug, Clone, Serialize)]
pub struct Wanted {
    pub id: Uuid,
    pub source: String,
    pub action_key: String,
    pub kind: ActionKind,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub premise: Premise,
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: usize = self.0.values().map(Vec::len).sum();
        f.debug_struct("Expected").field("rows", &rows).finish_non_exhaustive()
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.field.as_ref().map(|(column, ..)| column);
        f.debug_struct("Mismatch").field("id", &self.id).field("column", &column).finish_non_exhaustive()
    }
}

impl Expected {
    pub fn push(&mut self, key: &EntityKey, row: Map<String, Value>) {
        self.0.entry(EntityTable::of(key)).or_default().push(row);
    }

    pub(super) fn by_table(&self) -> impl Iterator<Item = (EntityTable, &Vec<Map<String, Value>>)> {
        self.0.iter().map(|(table, rows)| (*table, rows))
    }
}

impl Kept {
    pub(super) fn read(row: EventRow) -> Result<Self, StoreError> {
        let event_key = row.event_key.clone();
        let strange = || sqlx::Error::Decode("an event of an unknown provider or origin".into());
        Ok(Self { envelope: row.into_envelope().ok_or_else(strange)?, event_key })
    }
}

#[async_trait]
pub trait Verification {
    async fn count_rows(&mut self) -> Result<Counts, StoreError>;

    /// The last event of each full page of so many, in the order of their ids.
    async fn find_page_ends(&mut self, events: i64) -> Result<Vec<Uuid>, StoreError>;

    /// The events with ids after the one, through the other.
    async fn read_page(&mut self, after: Uuid, through: Uuid) -> Result<Vec<Kept>, StoreError>;

    /// What differs between the tables and the rows as they should be.
    async fn compare_rows(&mut self, expected: &Expected) -> Result<Vec<Mismatch>, StoreError>;

    /// The entities of a table in the order of their keys, up to `limit` of those after (source, reference).
    async fn list_entities(
        &mut self,
        table: EntityTable,
        after: (&str, &str),
        limit: i64,
    ) -> Result<Vec<EntityId>, StoreError>;

    /// Of the promises those whose key is not there.
    async fn find_missing_promises(&mut self, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError>;

    /// Of the promises those that say the same, by kind and premise, as one that is there.
    async fn find_same_promises(&mut self, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError>;
}
