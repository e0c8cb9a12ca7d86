//! A sample's body with new ids and times, and everything else as it was.
//!
//! An id is replaced by one of the same form (digits stay digits), made from the run, the story and the old id. So the
//! same run gives the same body, another run gives another, and ids that were equal in a story are equal again.

use std::collections::VecDeque;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Sample;

/// The fields whose value names something. `remaining` is Airalo's credit: an alert about it has no id, and with the
/// same amount it would be taken for a copy.
const IDS: [&str; 20] = [
    "activationCode",
    "airtm_operation_id",
    "code",
    "eid",
    "esimTranNo",
    "hash",
    "iccid",
    "id",
    "matching_id",
    "notifyId",
    "orderId",
    "orderNo",
    "remaining",
    "request_id",
    "subOrderId",
    "subTrackId",
    "trackId",
    "transactionId",
    "airalo_code",
    "airtm_operation_hash",
];

/// The fields with an activation code, of which what follows the last `$` is renewed.
const ACTIVATION_CODES: [&str; 4] = ["direct_apple_installation_url", "lpa", "qrCodeContent", "qrcode"];

/// What an ICCID or EID keeps: the industry, country and issuer.
const ISSUER_DIGITS: usize = 6;

/// The body of `sample` as something new: with ids that only this `run` has, and times that end near `now`.
pub fn renewed(sample: &Sample, run: &str, now: DateTime<Utc>) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(sample.body).expect("every sample is JSON");
    let newest = times(&body).into_iter().max();
    let shift = newest.map_or(TimeDelta::zero(), |newest| now + sample.newest - newest);
    Renewal { sample, run, shift }.renew(&mut body, "", 0);
    body.to_string().into_bytes()
}

struct Renewal<'a> {
    sample: &'a Sample,
    run: &'a str,
    shift: TimeDelta,
}

impl Renewal<'_> {
    fn renew(&self, value: &mut Value, field: &str, depth: usize) {
        match value {
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, field)| self.renew(field, name, depth + 1));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.renew(item, field, depth)),
            Value::String(text) => *text = self.renew_text(text, field, depth),
            Value::Number(number) if IDS.contains(&field) => {
                let text = self.renew_id(&number.to_string(), field, depth);
                *value = serde_json::from_str(&text).expect("digits for digits is a number again");
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    fn renew_text(&self, text: &str, field: &str, depth: usize) -> String {
        if let Some((time, form)) = read_time(text) {
            return form.write(time + self.shift);
        }
        if IDS.contains(&field) {
            return self.renew_id(text, field, depth);
        }
        match text.rsplit_once('$') {
            Some((server, code)) if ACTIVATION_CODES.contains(&field) => {
                format!("{server}${}", self.renew_id(code, field, depth))
            }
            _ => text.to_owned(),
        }
    }

    fn renew_id(&self, old: &str, field: &str, depth: usize) -> String {
        // What names the event itself is never shared, even where the documents use one id for all their samples.
        let names_the_event = field == "notifyId" || (field == "id" && depth == 1);
        let scope = if names_the_event { self.sample.name } else { self.sample.story };
        let old = self.sample.aliases.iter().find(|(here, _)| *here == old).map_or(old, |(_, story)| story);
        let kept = if matches!(field, "iccid" | "eid") { ISSUER_DIGITS } else { 0 };
        reshape(old, kept, &format!("{}\n{scope}\n{old}", self.run))
    }
}

/// `old` with every letter and digit after the first `kept` replaced by one of its kind; `seed` decides by which.
fn reshape(old: &str, kept: usize, seed: &str) -> String {
    let mut random = Random::new(seed);
    let mut replace = |position: usize, letter: char| match letter {
        _ if position < kept => letter,
        // A number must not begin with 0.
        '1'..='9' if position == 0 => random.letter(b"123456789"),
        // The documents write x for a digit that they hide.
        '0'..='9' | 'x' => random.letter(b"0123456789"),
        'a'..='f' => random.letter(b"abcdef"),
        'A'..='F' => random.letter(b"ABCDEF"),
        'g'..='z' => random.letter(b"ghjkmnpqrstuvwyz"),
        'G'..='Z' => random.letter(b"GHJKMNPQRSTUVWYZ"),
        _ => letter,
    };
    old.chars().enumerate().map(|(position, letter)| replace(position, letter)).collect()
}

/// Bytes that look random and are the same for the same seed.
struct Random {
    block: [u8; 32],
    bytes: VecDeque<u8>,
}

impl Random {
    fn new(seed: &str) -> Self {
        Self { block: Sha256::digest(seed).into(), bytes: VecDeque::new() }
    }

    fn letter(&mut self, letters: &[u8]) -> char {
        loop {
            if let Some(byte) = self.bytes.pop_front() {
                return letters[usize::from(byte) % letters.len()].into();
            }
            self.block = Sha256::digest(self.block).into();
            self.bytes.extend(self.block);
        }
    }
}

/// How a time was written, so that it can be written so again.
#[derive(Clone, Copy)]
enum Form {
    /// `2025-07-21T10:57:28Z`
    Seconds,
    /// `2024-11-23T10:29:17.887Z`
    Millis,
    /// `2025-09-11T13:28:09+0000`
    Offset,
    /// `2023-02-27 08:30:14`
    Bare,
}

impl Form {
    fn write(self, time: DateTime<Utc>) -> String {
        let format = match self {
            Self::Seconds => "%Y-%m-%dT%H:%M:%SZ",
            Self::Millis => "%Y-%m-%dT%H:%M:%S%.3fZ",
            Self::Offset => "%Y-%m-%dT%H:%M:%S+0000",
            Self::Bare => "%Y-%m-%d %H:%M:%S",
        };
        time.format(format).to_string()
    }
}

fn read_time(text: &str) -> Option<(DateTime<Utc>, Form)> {
    let utc = |time: DateTime<FixedOffset>| time.with_timezone(&Utc);
    let z_form = || if text.contains('.') { Form::Millis } else { Form::Seconds };
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some((utc(time), z_form()));
    }
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z") {
        return Some((utc(time), Form::Offset));
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok().map(|time| (time.and_utc(), Form::Bare))
}

fn times(value: &Value) -> Vec<DateTime<Utc>> {
    match value {
        Value::Object(fields) => fields.values().flat_map(times).collect(),
        Value::Array(items) => items.iter().flat_map(times).collect(),
        Value::String(text) => read_time(text).map(|(time, _)| time).into_iter().collect(),
        Value::Number(_) | Value::Bool(_) | Value::Null => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ALL, named};

    fn body(name: &str, run: &str) -> Value {
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        serde_json::from_slice(&renewed(named(name).unwrap(), run, now)).unwrap()
    }

    #[test]
    fn a_run_is_repeatable_and_another_run_is_another_event() {
        for sample in ALL {
            assert_eq!(body(sample.name, "1"), body(sample.name, "1"), "{}", sample.name);
            assert_ne!(body(sample.name, "1"), body(sample.name, "2"), "{}", sample.name);
        }
    }

    #[test]
    fn no_two_samples_of_a_run_are_the_same_event() {
        let ids = |pointer: &str| -> Vec<String> {
            ALL.iter().filter_map(|sample| Some(body(sample.name, "1").pointer(pointer)?.to_string())).collect()
        };
        for pointer in ["/id", "/notifyId"] {
            let mut ids = ids(pointer);
            let count = ids.len();
            ids.sort();
            ids.dedup();
            assert!(count > 1 && ids.len() == count, "{pointer}: {ids:?}");
        }
    }

    #[test]
    fn a_story_stays_together() {
        let order = body("airalo/async_order_root_request_id", "1");
        let warning = body("airalo/low_data_3days", "1");
        assert_eq!(order["data"]["sims"][0]["iccid"], warning["iccid"]);
        let (usage, status) = (body("esim_access/data_usage", "1"), body("esim_access/esim_status_in_use", "1"));
        for id in ["orderNo", "iccid", "esimTranNo", "transactionId"] {
            assert_eq!(usage["content"][id], status["content"][id]);
        }
        let (order, back) = (body("simplifytrip/sim_order_update", "1"), body("simplifytrip/return_update", "1"));
        assert_eq!(order["data"]["orderId"], back["data"]["orderId"]);
        assert_ne!(order["data"]["orderId"], body("simplifytrip/esim_order_success", "1")["data"]["orderId"]);
    }

    #[test]
    fn times_move_together_and_keep_their_form() {
        let usage = body("esim_access/data_usage", "1");
        assert_eq!(usage["eventGenerateTime"], "2026-06-01T11:55:00Z");
        assert_eq!(usage["content"]["lastUpdateTime"], "2026-06-01T10:35:57Z");
        assert_eq!(body("esim_access/smdp_event_download", "1")["eventGenerateTime"], "2026-06-01T07:00:00+0000");
        assert_eq!(body("esim_access/validity_usage", "1")["content"]["expiredTime"], "2026-06-02T12:00:00Z");
        assert_eq!(body("simplifytrip/esim_order_fail", "1")["sentDate"], "2026-06-01T11:55:00.000Z");
        assert_eq!(body("airalo/async_order_failed", "1")["data"]["created_at"], "2026-06-01 11:55:00");
    }

    #[test]
    fn what_is_no_id_stays_as_it_was() {
        let order = body("airalo/async_order_nested_request_id", "1");
        let sim = &order["data"]["sims"][0];
        let code = sim["matching_id"].as_str().unwrap();
        assert_eq!(sim["lpa"], "lpa.airalo.com");
        assert_eq!(sim["qrcode"], format!("LPA:1$lpa.airalo.com${code}"));
        assert_eq!(order["data"]["package_id"], "kallur-digital-7days-1gb");
        assert_eq!(order["data"]["price"].to_string(), "9.5");
        assert!(order["data"]["id"].is_u64());
        assert_eq!(body("esim_access/data_usage", "1")["content"]["totalVolume"].to_string(), "53687091200");
    }
}
