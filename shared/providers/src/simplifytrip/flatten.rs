//! Nested JSON as one sorted line of `key=value`, in each form that SimplifyTrip's text allows; it knows no secret.
//!
//! The text: "flatten nested object/array data into a single-level object with underscore key path", sort the keys,
//! join `key=value` with `&`. It leaves open how an array and a null come out. The usual code for a "checksum key"
//! (payOS) writes an array as JSON, the keys of its objects sorted, and a null as nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Each line repeats the path to its value, so that a small body of deep nesting could become very long. A body of the
/// default limit (256 KiB) with a thousand eSIMs stays below this.
const MAX_BYTES: usize = 1024 * 1024;

#[derive(Clone, Copy)]
enum Arrays {
    /// `items_0_sku`
    Indexed,
    /// `items=[{"sku":…}]`, keys as received.
    Json,
    /// `items=[{"sku":…}]`, the keys of each item sorted, but not those below.
    SortedJson,
}

#[derive(Clone, Copy)]
enum Nulls {
    Word,
    Empty,
    Omitted,
}

/// Every distinct form of `body`; none if it would be too long. Numbers keep the digits they came with.
pub(super) fn forms(body: &Value) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for arrays in [Arrays::Indexed, Arrays::Json, Arrays::SortedJson] {
        for nulls in [Nulls::Word, Nulls::Empty, Nulls::Omitted] {
            let mut flat = Flat { arrays, nulls, path: String::new(), pairs: Vec::new(), bytes: 0 };
            if flat.walk(body).is_some() {
                forms.insert(flat.line());
            }
        }
    }
    forms
}

struct Flat {
    arrays: Arrays,
    nulls: Nulls,
    path: String,
    pairs: Vec<(String, String)>,
    bytes: usize,
}

impl Flat {
    /// `None` once the line is too long. An empty object or array has no leaves, and so no key.
    fn walk(&mut self, value: &Value) -> Option<()> {
        match (value, self.arrays, self.nulls) {
            (Value::Object(fields), _, _) => fields.iter().try_for_each(|(name, field)| self.step(name, field)),
            (Value::Array(items), Arrays::Indexed, _) => {
                items.iter().enumerate().try_for_each(|(index, item)| self.step(&index.to_string(), item))
            }
            (Value::Array(items), _, _) if items.is_empty() => Some(()),
            (Value::Array(_), Arrays::Json, _) => self.put(value.to_string()),
            (Value::Array(items), Arrays::SortedJson, _) => {
                self.put(Value::from_iter(items.iter().map(sorted)).to_string())
            }
            (Value::Null, _, Nulls::Word) => self.put("null".to_owned()),
            (Value::Null, _, Nulls::Empty) => self.put(String::new()),
            (Value::Null, _, Nulls::Omitted) => Some(()),
            (Value::String(text), _, _) => self.put(text.clone()),
            (Value::Number(_) | Value::Bool(_), _, _) => self.put(value.to_string()),
        }
    }

    fn step(&mut self, name: &str, value: &Value) -> Option<()> {
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('_');
        }
        self.path.push_str(name);
        let walked = self.walk(value);
        self.path.truncate(parent);
        walked
    }

    fn put(&mut self, text: String) -> Option<()> {
        self.bytes += self.path.len() + text.len() + 2;
        if self.bytes > MAX_BYTES {
            return None;
        }
        self.pairs.push((self.path.clone(), text));
        Some(())
    }

    /// By key alone: `a_b` comes after `a` although `_` is greater than `=`.
    fn line(mut self) -> String {
        self.pairs.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut line = String::with_capacity(self.bytes);
        for (position, (key, text)) in self.pairs.iter().enumerate() {
            if position > 0 {
                line.push('&');
            }
            line.push_str(key);
            line.push('=');
            line.push_str(text);
        }
        line
    }
}

fn sorted(item: &Value) -> Value {
    let Value::Object(fields) = item else { return item.clone() };
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    Value::Object(fields.into_iter().map(|(name, field)| (name.clone(), field.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let body: Value = serde_json::from_str(body).unwrap();
        let forms = forms(&body);
        assert_eq!(forms.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_body_without_arrays_and_nulls_has_one_form() {
        check(r#"{"b": true, "a": {"d": 1.50, "c": "x"}, "a0": ""}"#, &["a0=&a_c=x&a_d=1.50&b=true"]);
    }

    #[test]
    fn keys_are_sorted_by_themselves() {
        check(r#"{"a0": 1, "a": 2, "a_": 3, "B": 4}"#, &["B=4&a=2&a0=1&a_=3"]);
    }

    #[test]
    fn a_null_is_a_word_or_empty_or_left_out() {
        check(r#"{"a": null, "b": 1}"#, &["a=&b=1", "a=null&b=1", "b=1"]);
    }

    #[test]
    fn an_array_is_indexed_or_json_in_either_order_of_keys() {
        check(
            r#"{"a": [{"z": 1, "y": {"d": 2, "c": 3}}, "x"]}"#,
            &[
                r#"a=[{"y":{"d":2,"c":3},"z":1},"x"]"#,
                r#"a=[{"z":1,"y":{"d":2,"c":3}},"x"]"#,
                "a_0_y_c=3&a_0_y_d=2&a_0_z=1&a_1=x",
            ],
        );
    }

    #[test]
    fn what_is_empty_is_left_out() {
        check(r#"{"a": [], "b": {}, "c": 1}"#, &["c=1"]);
    }

    #[test]
    fn a_small_body_can_not_grow_without_bound() {
        let deep = format!(r#"{{"{}":[{}0]}}"#, "k".repeat(4096), "0,".repeat(100_000));
        let forms = forms(&serde_json::from_str(&deep).unwrap());
        assert!(forms.iter().all(|form| form.len() <= MAX_BYTES), "indexed, it would be 400 MB");
    }
}
