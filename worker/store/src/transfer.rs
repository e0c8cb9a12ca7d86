//! The tables as they move from one database to another: each row as JSON in one form, whatever the database's types.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};

use crate::error::StoreError;

/// A row: each column's value in the one form that [`Form`] describes, or null.
pub type Row = Map<String, Value>;

/// How a column's values look in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    /// Text, `2026-05-31T10:00:00.000000Z`.
    Time,
    /// Text, with the digits as they are stored.
    Decimal,
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Any JSON, by its meaning: the order of keys and the spacing do not count.
    Json,
    /// Text, hexadecimal.
    Bytes,
}

/// A table that moves.
#[derive(Debug, Clone, Copy)]
pub struct Portable {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Form)],
    /// What its rows are ordered by: no two have all of it in common, or they are the same.
    pub order: &'static str,
}

impl Portable {
    /// Of its columns, as a statement lists them.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(column, _)| *column).collect();
        names.join(", ")
    }
}

/// Every table but the pace of the APIs, which is out of date as soon as it moves. What is referred to comes first. The
/// questions to the APIs move, too: nobody asks again what only a webhook's arrival made worth asking.
pub const TABLES: [Portable; 13] = {
    use Form::{Boolean, Bytes, Decimal, Integer, Json, Text, Time};
    [
        Portable {
            name: "events",
            columns: &[
                ("id", Text),
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
            order: "id",
        },
        Portable {
            name: "orders",
            columns: &[
                ("source", Text),
                ("order_ref", Text),
                ("provider", Text),
                ("status", Text),
                ("provider_status", Text),
                ("status_at", Time),
                ("needs_review", Boolean),
                ("failure_reason", Text),
                ("product", Text),
                ("package_code", Text),
                ("package_name", Text),
                ("amount", Decimal),
                ("currency", Text),
                ("quantity", Integer),
                ("track_ref", Text),
                ("mode", Text),
                ("created_at", Time),
                ("updated_at", Time),
                ("confirmation", Text),
                ("blocks", Json),
            ],
            order: "source, order_ref",
        },
        Portable {
            name: "esims",
            columns: &[
                ("source", Text),
                ("esim_ref", Text),
                ("provider", Text),
                ("order_ref", Text),
                ("iccid", Text),
                ("eid", Text),
                ("provider_esim_ref", Text),
                ("plan_status", Text),
                ("provider_plan_status", Text),
                ("plan_status_at", Time),
                ("profile_status", Text),
                ("provider_profile_status", Text),
                ("profile_status_at", Time),
                ("activation_code", Text),
                ("total_bytes", Integer),
                ("used_bytes", Integer),
                ("usage_at", Time),
                ("expires_at", Time),
                ("package_name", Text),
                ("mode", Text),
                ("created_at", Time),
                ("updated_at", Time),
                ("confirmation", Text),
                ("blocks", Json),
            ],
            order: "source, esim_ref",
        },
        Portable {
            name: "payments",
            columns: &[
                ("source", Text),
                ("payment_ref", Text),
                ("provider", Text),
                ("direction", Text),
                ("status", Text),
                ("provider_status", Text),
                ("status_at", Time),
                ("amount", Decimal),
                ("code", Text),
                ("payer_email", Text),
                ("failure_reason", Text),
                ("operation_ref", Text),
                ("description", Text),
                ("mode", Text),
                ("created_at", Time),
                ("updated_at", Time),
                ("confirmation", Text),
                ("blocks", Json),
            ],
            order: "source, payment_ref",
        },
        Portable {
            name: "returns",
            columns: &[
                ("source", Text),
                ("return_ref", Text),
                ("provider", Text),
                ("order_ref", Text),
                ("status", Text),
                ("provider_status", Text),
                ("status_at", Time),
                ("return_type", Text),
                ("refund_amount", Decimal),
                ("reason", Text),
                ("track_ref", Text),
                ("mode", Text),
                ("created_at", Time),
                ("updated_at", Time),
                ("blocks", Json),
            ],
            order: "source, return_ref",
        },
        Portable {
            name: "actions",
            columns: &[
                ("id", Text),
                ("source", Text),
                ("action_key", Text),
                ("kind", Text),
                ("audience", Text),
                ("mode", Text),
                ("order_ref", Text),
                ("esim_ref", Text),
                ("payload", Json),
                ("premise", Json),
                ("caused_by", Text),
                ("traceparent", Text),
                ("created_at", Time),
            ],
            order: "id",
        },
        Portable {
            name: "deliveries",
            columns: &[
                ("action_id", Text),
                ("channel", Text),
                ("status", Text),
                ("attempts", Integer),
                ("next_attempt_at", Time),
                ("lease_until", Time),
                ("last_error", Text),
                ("sent_at", Time),
            ],
            order: "action_id, channel",
        },
        Portable {
            name: "attempts",
            columns: &[("action_id", Text), ("channel", Text), ("at", Time), ("result", Text), ("error", Text)],
            order: "action_id, channel, at, result, error",
        },
        Portable {
            name: "disabled_endpoints",
            columns: &[("channel", Text), ("address", Text), ("disabled_at", Time), ("reason", Text)],
            order: "channel, address",
        },
        Portable {
            name: "dead_letters",
            columns: &[
                ("id", Text),
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
            order: "id",
        },
        Portable {
            name: "contacts",
            columns: &[
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
            order: "source, order_ref",
        },
        Portable {
            name: "registrations",
            columns: &[
                ("source", Text),
                ("order_ref", Text),
                ("description", Text),
                ("created_at", Time),
                ("repaired_at", Time),
            ],
            order: "source, order_ref",
        },
        Portable {
            name: "fetch_tasks",
            columns: &[
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
            order: "source, question, reference",
        },
    ]
};

#[async_trait]
pub trait Transfer {
    /// All rows of the table, in an order that is the same in every database.
    fn read_table(&mut self, table: Portable) -> BoxStream<'_, Result<Row, StoreError>>;

    /// Writes rows into a table that holds none of them.
    async fn write_rows(&mut self, table: Portable, rows: &[Row]) -> Result<(), StoreError>;

    /// Whether the table holds anything.
    async fn is_empty(&mut self, table: Portable) -> Result<bool, StoreError>;
}
