//! Canonical JSON: keys sorted, no white space, numbers as received.

use serde_json::Value;

/// The canonical bytes of `body` without the top-level fields in `omitted`.
pub(crate) fn bytes(body: &Value, omitted: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write(body, omitted, &mut out);
    out
}

fn write(value: &Value, omitted: &[&str], out: &mut Vec<u8>) {
    match value {
        Value::Object(fields) => {
            // serde_json's map is not sorted, because this crate needs `preserve_order`.
            let mut fields: Vec<_> = fields.iter().filter(|(name, _)| !omitted.contains(&name.as_str())).collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            write_list(out, b'{', b'}', fields, |(name, field), out| {
                write_string(name, out);
                out.push(b':');
                write(field, &[], out);
            });
        }
        Value::Array(items) => write_list(out, b'[', b']', items, |item, out| write(item, &[], out)),
        Value::String(text) => write_string(text, out),
        Value::Number(number) => out.extend_from_slice(number.as_str().as_bytes()),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
    }
}

fn write_list<T>(
    out: &mut Vec<u8>,
    open: u8,
    close: u8,
    items: impl IntoIterator<Item = T>,
    write_item: impl Fn(T, &mut Vec<u8>),
) {
    out.push(open);
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_item(item, out);
    }
    out.push(close);
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(Value::from(text).to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, omitted: &[&str], expected: &str) {
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(String::from_utf8(bytes(&value, omitted)).unwrap(), expected);
    }

    #[test]
    fn spelling_does_not_matter() {
        check(
            r#"{ "b": [1.50, null, true], "a": {"d": "\u00e9\/", "c": {}} }"#,
            &[],
            r#"{"a":{"c":{},"d":"é/"},"b":[1.50,null,true]}"#,
        );
    }

    #[test]
    fn only_top_level_fields_are_left_out() {
        check(r#"{"sentDate":1,"data":{"sentDate":2}}"#, &["sentDate"], r#"{"data":{"sentDate":2}}"#);
    }
}
