//! What tells two tables apart: how many rows there are, and a sum over all of them that does not depend on their order.

use std::fmt;

use rust_decimal::Decimal;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::transfer::Row;

/// Of some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    rows: u64,
    /// The sum of the rows' SHA-256, each as two numbers, without what overflows: unlike with an exclusive or, two equal
    /// rows don't cancel each other out.
    high: u128,
    low: u128,
}

impl Checksum {
    pub(super) fn add(&mut self, row: &Row) {
        let mut text = String::new();
        write_object(row.iter().collect(), &mut text);
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let half = |bytes: &[u8]| bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        self.rows += 1;
        self.high = self.high.wrapping_add(half(&digest[..16]));
        self.low = self.low.wrapping_add(half(&digest[16..]));
    }

    pub(super) fn rows(self) -> u64 {
        self.rows
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}{:032x}", self.high, self.low)
    }
}

/// JSON that is the same text if it means the same: keys in order, and numbers without what does not count. A database
/// may keep both in another way.
fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => write_object(fields.iter().collect(), text),
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_value(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Number(number) => {
            let number = number.to_string();
            let decimal = number.parse().or_else(|_| Decimal::from_scientific(&number));
            text.push_str(&decimal.map_or(number, |decimal: Decimal| decimal.normalize().to_string()));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

fn write_object(mut fields: Vec<(&String, &Value)>, text: &mut String) {
    fields.sort_unstable_by_key(|(name, _)| *name);
    text.push('{');
    for (name, value) in fields {
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        write_value(value, text);
        text.push(',');
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(rows: &[Value]) -> Checksum {
        let mut checksum = Checksum::default();
        rows.iter().for_each(|row| checksum.add(row.as_object().unwrap()));
        checksum
    }

    #[test]
    fn the_order_of_rows_and_keys_and_the_form_of_numbers_do_not_count() {
        let here: Value = serde_json::from_str(r#"{"a": {"x": 1.50, "y": [1e2, null]}, "b": "é"}"#).unwrap();
        let there: Value = serde_json::from_str(r#"{"b": "\u00e9", "a": {"y": [100, null], "x": 1.5}}"#).unwrap();
        let other = json!({ "b": 2 });
        assert_eq!(of(&[here, other.clone()]), of(&[other, there]));
    }

    #[test]
    fn everything_else_does() {
        let row = || json!({ "a": "1" });
        assert_ne!(of(&[row()]), of(&[row(), row()]));
        assert_ne!(of(&[row(), row()]), of(&[]), "equal rows don't cancel each other out");
        for other in [json!({ "a": 1 }), json!({ "a": "1 " }), json!({ "b": "1" }), json!({ "a": null }), json!({})] {
            assert_ne!(of(&[row()]), of(&[other]));
        }
    }
}
