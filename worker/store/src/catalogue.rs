//! The columns of every table, each written down once. From it come the rows that are written, the statements over whole
//! rows, and the transfer from one database to the other.
//!
//! A new column of an entity is one line in `fields`, and one in the migrations of each database.

mod entities;
mod fields;
mod row;
mod value;

use std::sync::LazyLock;

pub use entities::EntityTable;
pub use fields::{Field, Visibility, fields};
pub use row::EntityRow;
pub use value::Form;
pub(crate) use value::time_text;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub form: Form,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<Column>,
    /// What its rows are ordered by: no two rows have all of it in common, or they are equal.
    pub order: Vec<&'static str>,
}

/// Every table but those that hold the pace of the APIs, which is out of date as soon as it moves. A table comes after
/// those that it refers to. Lookups move, too: no later event asks for them again.
pub static TABLES: LazyLock<[Table; 13]> = LazyLock::new(|| {
    use Form::{Boolean, Bytes, Id, Integer, Json, Text, Time};
    [
        table(
            "events",
            "id",
            &[
                ("id", Id),
                ("source", Text),
                ("provider", Text),
                ("kind", Text),
                ("event_key", Text),
                ("provider_event_id", Text),
                ("occurred_at", Time),
                ("disbelieved_at", Time),
                ("received_at", Time),
                ("applied_at", Time),
                ("order_ref", Text),
                ("esim_ref", Text),
                ("payment_ref", Text),
                ("origin", Text),
                ("mode", Text),
                ("traceparent", Text),
                ("content_type", Text),
                ("headers", Json),
                ("body", Bytes),
            ],
        ),
        Table::of(EntityTable::Orders),
        Table::of(EntityTable::Esims),
        Table::of(EntityTable::Payments),
        Table::of(EntityTable::Returns),
        table(
            "actions",
            "id",
            &[
                ("id", Id),
                ("source", Text),
                ("action_key", Text),
                ("kind", Text),
                ("audience", Text),
                ("mode", Text),
                ("order_ref", Text),
                ("esim_ref", Text),
                ("payload", Json),
                ("premise", Json),
                ("caused_by", Id),
                ("traceparent", Text),
                ("created_at", Time),
            ],
        ),
        table(
            "deliveries",
            "action_id, channel",
            &[
                ("action_id", Id),
                ("channel", Text),
                ("status", Text),
                ("attempts", Integer),
                ("next_attempt_at", Time),
                ("lease_until", Time),
                ("last_error", Text),
                ("sent_at", Time),
            ],
        ),
        table(
            "attempts",
            "action_id, channel, at, result, error",
            &[("action_id", Id), ("channel", Text), ("at", Time), ("result", Text), ("error", Text)],
        ),
        table(
            "disabled_endpoints",
            "channel, address",
            &[("channel", Text), ("address", Text), ("disabled_at", Time), ("reason", Text)],
        ),
        table(
            "dead_letters",
            "id",
            &[
                ("id", Id),
                ("source", Text),
                ("provider", Text),
                ("received_at", Time),
                ("reason", Text),
                ("detail", Text),
                ("headers", Json),
                ("body", Bytes),
                ("died_at", Time),
                ("replayed_at", Time),
            ],
        ),
        table(
            "contacts",
            "source, order_ref",
            &[
                ("source", Text),
                ("order_ref", Text),
                ("email", Text),
                ("name", Text),
                ("locale", Text),
                ("time_zone", Text),
                ("reference", Text),
                ("created_at", Time),
                ("updated_at", Time),
            ],
        ),
        table(
            "registrations",
            "source, order_ref",
            &[
                ("source", Text),
                ("order_ref", Text),
                ("description", Text),
                ("created_at", Time),
                ("repaired_at", Time),
            ],
        ),
        table(
            "fetch_tasks",
            "source, question, reference",
            &[
                ("source", Text),
                ("question", Text),
                ("reference", Text),
                ("lookup", Json),
                ("reason", Text),
                ("status", Text),
                ("next_attempt_at", Time),
                ("lease_until", Time),
                ("is_wanted_again", Boolean),
                ("asked", Integer),
                ("failures", Integer),
                ("last_error", Text),
                ("answer_hash", Text),
                ("answered_at", Time),
                ("created_at", Time),
            ],
        ),
    ]
});

fn table(name: &'static str, order: &'static str, columns: &[(&'static str, Form)]) -> Table {
    let columns = columns.iter().map(|(name, form)| Column { name, form: *form }).collect();
    Table { name, columns, order: order.split(", ").collect() }
}

impl Table {
    /// The names of its columns, as a statement lists them.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column.name).collect();
        names.join(", ")
    }

    /// The table of these entities: its key, the provider, and what comes from the state.
    pub(crate) fn of(entities: EntityTable) -> Self {
        let key = [("source", Form::Text), (entities.reference(), Form::Text), ("provider", Form::Text)];
        let columns = key.into_iter().chain(entities.state_columns());
        Self {
            name: entities.name(),
            columns: columns.map(|(name, form)| Column { name, form }).collect(),
            order: vec!["source", entities.reference()],
        }
    }
}
