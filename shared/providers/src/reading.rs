//! Lenient reading of JSON: a value may be a number or a string, in any of the forms seen.

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use shared::Timestamp;
use shared::event::Malformed;

use crate::limits::is_writable;

/// A body as JSON. It must be an object; a byte order mark before it is forgiven.
pub(crate) fn parse_body(body: &[u8]) -> Result<Value, Malformed> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(Malformed::Unparseable("it is empty".to_owned()));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| Malformed::Unparseable(without_content(&error)))?;
    if value.is_object() { Ok(value) } else { Err(Malformed::Unidentified("it is not an object".to_owned())) }
}

/// Where the body stops being JSON, without quoting from it.
fn without_content(error: &serde_json::Error) -> String {
    format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()).to_lowercase()
}

/// A field's text: a non-empty string without the white space around it, or a number as it was written. NULs, which
/// PostgreSQL's text can't hold, are removed.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) if text.contains('\0') => non_empty(&text.replace('\0', "")),
        Value::String(text) => non_empty(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn non_empty(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The text of the first of several fields that has one.
pub(crate) fn text_of(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(value, name))
}

/// A field without which the body names no entity.
pub(crate) fn required(value: &Value, name: &str) -> Result<String, Malformed> {
    text(value, name).ok_or_else(|| missing(name))
}

/// The refusal of a body without the field `name`. It gives only the name, never a value of the body.
pub(crate) fn missing(name: &str) -> Malformed {
    Malformed::Unidentified(format!("{name} is missing"))
}

/// A field's text in upper case, for words that mean the same in either case.
pub(crate) fn word(value: &Value, name: &str) -> Option<String> {
    text(value, name).map(|word| word.to_uppercase())
}

/// A field that is an object.
pub(crate) fn object<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|field| field.is_object())
}

/// The items of a field that is an array; none if it is not.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A whole number ≥ 0, written as a number or a string; `5.0` and `5e3` count. `None` if PostgreSQL's bigint can't hold
/// it.
pub(crate) fn integer(value: &Value, name: &str) -> Option<u64> {
    let text = text(value, name)?;
    text.parse().ok().or_else(|| whole(parse_decimal(&text)?)).filter(|number| i64::try_from(*number).is_ok())
}

/// The whole part of a number ≥ 0 that PostgreSQL's bigint can hold.
pub(crate) fn whole(number: Decimal) -> Option<u64> {
    u64::try_from(i64::try_from(number.trunc()).ok()?).ok()
}

/// A whole number from 0 to `u32::MAX`.
pub(crate) fn count(value: &Value, name: &str) -> Option<u32> {
    u32::try_from(integer(value, name)?).ok()
}

/// An exact number, written as a number or a string. Trailing zeroes are removed, so that equal amounts are written alike.
pub(crate) fn decimal(value: &Value, name: &str) -> Option<Decimal> {
    parse_decimal(&text(value, name)?)
}

fn parse_decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok()).map(|number: Decimal| number.normalize())
}

/// A time in any of the forms seen: RFC 3339, `+0000` without a colon, without seconds, and a bare
/// `YYYY-MM-DD HH:MM:SS`, which is read as UTC.
pub(crate) fn time(value: &Value, name: &str) -> Option<Timestamp> {
    parse_time(&text(value, name)?)
}

pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    const ZONED: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    const BARE: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let zoned = || ZONED.iter().find_map(|form| DateTime::parse_from_str(text, form).ok());
    let bare = || BARE.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let time = match DateTime::parse_from_rfc3339(text).ok().or_else(zoned) {
        Some(time) => time.with_timezone(&Utc),
        None => bare()?.and_utc(),
    };
    Some(time.trunc_subsecs(6)).filter(|time| is_writable(*time))
}

/// `ESIM_STATUS`, `payin.confirmed` → `esim_status`, `payin_confirmed`: the provider's name as a kind of event.
pub(crate) fn kind(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_time(text: &str, expected: Option<&str>) {
        let expected = expected.map(|time| DateTime::parse_from_rfc3339(time).unwrap().with_timezone(&Utc));
        assert_eq!(parse_time(text), expected, "{text}");
    }

    #[test]
    fn every_form_of_time_that_was_seen_is_read() {
        check_time("2025-09-11T13:28:09+0000", Some("2025-09-11T13:28:09Z"));
        check_time("2025-07-21T10:57:28Z", Some("2025-07-21T10:57:28Z"));
        check_time("2010-06-30T01:20+00:00", Some("2010-06-30T01:20:00Z"));
        check_time("2024-11-23T10:29:17.887Z", Some("2024-11-23T10:29:17.887Z"));
        check_time("2024-11-23T10:29:17.887654321+02:00", Some("2024-11-23T08:29:17.887654Z"));
        check_time("2023-02-27 08:30:14", Some("2023-02-27T08:30:14Z"));
        check_time("yesterday", None);
    }

    #[test]
    fn a_time_that_postgresql_would_not_read_is_none() {
        check_time("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"));
        check_time("0001-01-01T00:00:00+01:00", None);
        check_time("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z"));
        check_time("9999-12-31T23:59:59-01:00", None);
        check_time("+10000-01-01 00:00:00", None);
        check_time("-0001-01-01T00:00:00", None);
    }

    #[test]
    fn numbers_and_strings_say_the_same() {
        let body = json!({"a": "53687091200", "b": 53_687_091_200_u64, "c": "1e3", "d": -4, "e": "9.50", "f": 9.5});
        assert_eq!(integer(&body, "a"), integer(&body, "b"));
        assert_eq!(integer(&body, "c"), Some(1000));
        assert_eq!(integer(&body, "d"), None);
        assert_eq!(decimal(&body, "e").unwrap().to_string(), "9.5");
        assert_eq!(decimal(&body, "e"), decimal(&body, "f"));
    }

    #[test]
    fn a_number_that_no_bigint_holds_is_none() {
        let body = json!({"a": i64::MAX, "b": i64::MAX.unsigned_abs() + 1, "c": "9.3e18"});
        assert_eq!(integer(&body, "a"), Some(i64::MAX.unsigned_abs()));
        assert_eq!((integer(&body, "b"), integer(&body, "c")), (None, None));
    }

    #[test]
    fn a_nul_says_nothing() {
        assert_eq!(text(&json!({"iccid": " \0 89\u{0}01 \0"}), "iccid").as_deref(), Some("8901"));
        assert_eq!(text(&json!({"iccid": "\0"}), "iccid"), None);
    }

    #[test]
    fn an_empty_text_is_no_text() {
        assert_eq!(text(&json!({"iccid": " "}), "iccid"), None);
        assert_eq!(text(&json!({"iccid": null}), "iccid"), None);
        assert_eq!(text_of(&json!({"b": 7}), &["a", "b"]).as_deref(), Some("7"));
    }
}
