//! An entity's row as it is written.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use shared::fact::State;
use shared::fold::EntityId;
use shared::origin::Provider;

use super::entities::EntityTable;
use super::fields::fields;

/// An entity's row as it is stored: a JSON object with each value as [`Form`](super::Form) describes it.
#[derive(Debug, Clone, Copy)]
pub struct EntityRow<'a> {
    pub id: &'a EntityId,
    pub state: &'a State,
}

impl EntityRow<'_> {
    /// The whole row, with the provider that it was made for.
    pub fn to_map(self, provider: Provider) -> Result<Map<String, Value>, serde_json::Error> {
        let mut row = Map::new();
        row.insert("source".to_owned(), json!(self.id.source));
        row.insert(EntityTable::of(&self.id.key).reference().to_owned(), json!(self.id.key.parts().1));
        row.insert("provider".to_owned(), json!(provider));
        for field in fields(self.state) {
            row.insert(field.name.to_owned(), serde_json::to_value(field.value)?);
        }
        Ok(row)
    }
}

impl Serialize for EntityRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = EntityTable::of(&self.id.key);
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("source", &self.id.source)?;
        row.serialize_entry(table.reference(), self.id.key.parts().1)?;
        for field in fields(self.state) {
            row.serialize_entry(field.name, &field.value)?;
        }
        row.end()
    }
}
